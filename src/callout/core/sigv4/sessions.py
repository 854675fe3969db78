"""Temporary security credentials: how their issuer's answer is read, kept as one token, and signed with.

Issuers are AWS Security Token Service, whose answers are XML, and IAM Roles Anywhere, whose answers are JSON. A document
type declaration, which neither sends, ends the reading: no entity is declared or expanded, and nothing is fetched.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from xml.parsers import expat

from callout.core.explanation import Remedy
from callout.core.message import HttpResponse
from callout.core.model.credentials import BodySign, HeaderSign, RefreshRule
from callout.core.oauth2 import TokenRefused
from callout.core.oauth2.refusal import is_transient, retry_after_of, shown
from callout.core.protocol import Token
from callout.core.secret import Secret, reveal
from callout.core.sigv4.signing import AwsCredentials

#: What these tokens are called where a kind is asked for.
TOKEN_TYPE = "AWS4-HMAC-SHA256"
_PARTS = ("AccessKeyId", "SecretAccessKey", "SessionToken")
_LARGEST = 1024 * 1024
_THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "RequestThrottled"})

#: How AWS services say that temporary credentials have expired, or are none: in a body of XML or JSON, or in a header.
_STALE = ("ExpiredToken", "InvalidClientTokenId", "UnrecognizedClientException", "<Code>InvalidToken</Code>")
_STATUSES = (400, 403)
_TYPES = (
    "application/xml",
    "text/xml",
    "application/json",
    "application/x-amz-json-1.0",
    "application/x-amz-json-1.1",
)
STALE_SIGNS = (
    RefreshRule(_STATUSES, header=HeaderSign("x-amzn-ErrorType", contains=_STALE[:3])),
    RefreshRule(_STATUSES, body=BodySign(text=_STALE), content_types=_TYPES),
)


def endpoint_of(service: str, region: str) -> str:
    """Return the URL of an issuer in a region; the regions of China are under a domain of their own."""
    return f"https://{service}.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"


def token_of(parts: Mapping[str, str], now: datetime) -> Token | None:
    """Return the token that an issuer's members make, named as STS names them; None where one is missing.

    Its access token is the three parts of the credentials as one text. Raises `ValueError` for an `Expiration` that
    is no time (ISO 8601).
    """
    if not all(parts.get(name) for name in (*_PARTS, "Expiration")):
        return None
    expires_at = datetime.fromisoformat(parts["Expiration"])
    if expires_at.tzinfo is None:
        raise ValueError("a time without a zone")
    whole = Secret(json.dumps({name: parts[name] for name in _PARTS}))
    return Token(whole, now, token_type=TOKEN_TYPE, expires_at=expires_at)


def credentials_of(token: Token | None) -> AwsCredentials:
    """Return the credentials that a token is made of. Only a dry run has none: it shows where they would stand."""
    members = json.loads(reveal(token.access_token)) if token is not None else dict.fromkeys(_PARTS, "")
    return AwsCredentials(*(Secret(members[name]) for name in _PARTS))


def elements_of(body: bytes) -> dict[str, str]:
    """Return the texts of an XML answer by the local names of their elements, the first of each; nothing where it is none."""
    found: dict[str, str] = {}
    text: list[str] = []
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True

    def refuse(*_declared: object) -> None:
        raise ValueError("a document type declaration")

    def started(_name: str, _attributes: object) -> None:
        text.clear()

    def ended(name: str) -> None:
        if text:
            found.setdefault(name.rpartition("}")[2], "".join(text).strip())
            text.clear()

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = started
    parser.EndElementHandler = ended
    parser.CharacterDataHandler = text.append
    try:
        parser.Parse(body[:_LARGEST], True)
    except (expat.ExpatError, ValueError, LookupError):
        return {}
    return found


def refusal(
    response: HttpResponse,
    now: datetime,
    *,
    asked: str,
    expected: str,
    code: str,
    message: str,
    remedies: Mapping[str, str],
    scrub: tuple[Secret, ...],
) -> TokenRefused:
    """Explain an answer without credentials. `code` and `message` are what it says, empty where it says nothing.

    `remedies` are by code. Nothing of `scrub` shows.
    """
    content_type = (response.header("content-type") or "no content type")[:80]
    start = response.body[:_LARGEST].decode("utf-8", "replace")
    said = f"error {shown(code, scrub)} ({shown(message, scrub)})" if code else f"body starts {shown(start, scrub)}"
    said = said if response.body else "an empty body"
    transient = is_transient(response) or code in _THROTTLED
    unreachable = transient and response.status >= 400
    wait = retry_after_of(response, now) if transient else None
    return TokenRefused(
        "token_endpoint_unreachable" if unreachable else "token_endpoint_refused",
        f"{asked} answered {response.status} ({content_type}): {said}; expected {expected}",
        *([Remedy(remedies[code])] if code in remedies else []),
        error=code or None,
        status=response.status,
        transient=transient,
        retry_after=None if wait is None else max(1, math.ceil(wait)),
    )
