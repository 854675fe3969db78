"""Tokens that a principal signs by itself: declared claims over those that Callout writes (RFC 7519 section 4.1).

A claim is declared as text. Text that is JSON (an array, an object, a quoted text, true or false) is that JSON, and
formulas are replaced in the texts inside of it, so that no value can change its shape. The dates are numbers (section
2, NumericDate). Any other text is text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from callout.core.errors import Refused
from callout.core.jose.keys import certificate_thumbprint
from callout.core.jose.parameters import CLAIMS, HEADER_CLAIMS, JWT_LIFETIME, SIGNING_ALGORITHM, SIGNING_CERTIFICATE
from callout.core.jose.signing import base64url, sign
from callout.core.key_pair import KeyPair
from callout.core.protocol import Moment, Values
from callout.core.secret import Secret, reveal

_DATES = frozenset({"exp", "nbf", "iat", "auth_time", "updated_at"})
_JSON_STARTS = ('"', "[", "{", "true", "false")
#: How many random bytes name a token: 128 bits (RFC 7519 section 4.1.7).
_NAME_BYTES = 16


def self_signed(values: Values, moment: Moment, usual: Mapping[str, object], *, purpose: str) -> Secret:
    """Return a token that a principal signs with its `signing_certificate`.

    It holds for `jwt_lifetime`. Declared claims win over `usual` ones. Raises `Refused`.
    """
    key_pair = values.key_pair(SIGNING_CERTIFICATE.name)
    seconds = int(values.text(JWT_LIFETIME.name) or JWT_LIFETIME.default or 0)
    now = int(moment.now.timestamp())
    timed = {"iat": now, "exp": now + seconds, "jti": unique(moment, purpose, *map(str, usual.values()))}
    claims = {**usual, **timed, **declared(values, moment, CLAIMS.name)}
    header = identifying(key_pair) | declared(values, moment, HEADER_CLAIMS.name)
    kept = {name: value for name, value in claims.items() if value not in ("", None)}
    named = {name: None if value == "" else value for name, value in header.items()}
    return sign(kept, key_pair, values.text(SIGNING_ALGORITHM.name), named)


def identifying(key_pair: KeyPair) -> dict[str, Any]:
    """Return what a header says of the key beside its `kid`: the thumbprint of its certificate, where it has one."""
    return {"x5t#S256": certificate_thumbprint(key_pair.certificates[0])} if key_pair.certificates else {}


def unique(moment: Moment, *texts: str) -> str:
    """Return a `jti` that no other token has: another for every moment, and for every purpose in it."""
    digest = hashlib.sha256(b"\0".join((moment.entropy, *(text.encode() for text in texts)))).digest()
    return base64url(digest[:_NAME_BYTES])


def declared(values: Values, moment: Moment, name: str) -> dict[str, Any]:
    """Return the claims that are declared under a parameter with keys. Raises `Refused(formula_failed)`."""
    found: dict[str, Any] = {}
    for claim, text in values.keyed(name).items():
        plain = reveal(text)
        shape = _json(plain)
        found[claim] = _evaluated(plain if shape is None else shape, moment)
        if claim in _DATES and isinstance(found[claim], str) and found[claim]:
            found[claim] = _date(claim, found[claim])
    return found


def _json(text: str) -> Any:
    """Read a text as JSON; None where it is no array, object, quoted text or truth value."""
    if not text.lstrip().startswith(_JSON_STARTS):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _evaluated(value: Any, moment: Moment) -> Any:
    if isinstance(value, str):
        return reveal(moment.evaluate(value))
    if isinstance(value, list):
        return [_evaluated(each, moment) for each in value]
    if isinstance(value, dict):
        return {name: _evaluated(each, moment) for name, each in value.items()}
    return value


def _date(claim: str, text: str) -> int:
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        raise Refused(
            "formula_failed", f"claim {claim}: got another text than a number; expected seconds since 1970"
        ) from None
