"""The claims of Salesforce's JWTs: `exp` as a lifetime, `aud` as JSON, `alg` as the algorithm, the rest as they are.

Source: Salesforce Help, "JWT Claims": iat and nbf are written and cannot be changed, exp is a number of seconds from
now, aud is a JSON text or an array of them, RS256 is the usual algorithm and RS512 can be chosen.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

#: The formula that Salesforce writes for `exp`: so many seconds from now, since 1970.
_FROM_NOW = re.compile(
    r"\{!\s*TEXT\(\s*FLOOR\(\s*\(\s*NOW\(\s*\)\s*-\s*DATETIMEVALUE\(\s*[\"']1970-01-01 00:00:00[\"']\s*\)\s*\)"
    r"\s*\*\s*86400\s*\+\s*([0-9]{1,9})\s*\)\s*\)\s*\}",
    re.IGNORECASE,
)
#: More seconds than this are not a lifetime but a date.
_LONGEST_LIFETIME = 86_400
_WRITTEN = frozenset({"iat", "nbf"})


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim as it is here: the parameter and its value, or why it is left out, or what was expected instead."""

    parameter: str = ""
    value: str = ""
    left_out: str = ""
    expected: str = ""


def body_claim(name: str, value: str) -> Claim:
    """Translate a claim of the body."""
    if name in _WRITTEN:
        return Claim(left_out="Callout writes it by itself, as Salesforce does")
    if name == "exp":
        seconds = lifetime_in(value)
        if seconds is not None:
            return Claim("jwt_lifetime", seconds)
    if name == "aud":
        return audience(value)
    return Claim(f"claims.{name}", value)


def header_claim(name: str, value: str) -> Claim:
    """Translate a claim of the header. Where the algorithm is no known one, the rules say which there are."""
    return Claim("signing_algorithm", value) if name == "alg" else Claim(f"header_claims.{name}", value)


def lifetime_in(value: str) -> str | None:
    """Return the seconds that an expiry states: by Salesforce's formula, or as a number; None for any other."""
    found = _FROM_NOW.fullmatch(value)
    if found is not None:
        return found[1]
    return value if re.fullmatch(r"[0-9]{1,5}", value) and int(value) <= _LONGEST_LIFETIME else None


def audience(value: str) -> Claim:
    """Read `aud`: a JSON text or an array of them; text that begins like neither is the audience itself."""
    if value.lstrip()[:1] not in ('"', "[", "{"):
        return Claim("claims.aud", value)
    several = audiences(value)
    if several is None:
        return Claim(expected='JSON: "one audience" or ["several", "audiences"]')
    return Claim("claims.aud", json.dumps(several[0] if value.lstrip()[0] == '"' else several, ensure_ascii=False))


def audiences(value: str) -> list[str] | None:
    """Return the audiences that a text states; None where it begins like JSON and is none of the two shapes."""
    text = value.strip()
    if text[:1] not in ('"', "[", "{"):
        return [text]
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return None
    found = [read] if isinstance(read, str) else read
    right = isinstance(found, list) and bool(found) and all(isinstance(each, str) for each in found)
    return found if right else None
