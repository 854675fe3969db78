"""Token requests, answers and errors, shared by the OAuth 2.0 grants (RFC 6749 sections 2.3.1, 4, 5).

Left to others: which grant is asked for (the protocols), who sends it (the engine), where it is kept (the vault).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote_plus

from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.message import HttpRequest, HttpResponse, form_body
from callout.core.protocol import Parameter, Token
from callout.core.secret import REDACTED, Redactable, Secret, reveal

CLIENT_SECRET_BASIC = "client_secret_basic"  # the names of RFC 7591 section 2
CLIENT_SECRET_POST = "client_secret_post"

TOKEN_ENDPOINT = Parameter("token_endpoint", "URL of the token endpoint (RFC 6749 section 3.2)", url=True)
CLIENT_AUTHENTICATION = Parameter(
    "client_authentication",
    "How the client proves itself to the token endpoint: secret in a Basic header, or in the request body",
    required=False,
    default=CLIENT_SECRET_BASIC,
    choices=(CLIENT_SECRET_BASIC, CLIENT_SECRET_POST),
)
SCOPE = Parameter("scope", "Space-separated scope to ask for (RFC 6749 section 3.3)", required=False)
CLIENT_ID = Parameter("client_id", "Client identifier (RFC 6749 section 2.2)", secret=True)
CLIENT_SECRET = Parameter("client_secret", "Client secret (RFC 6749 section 2.3.1)", secret=True)

#: Ten years: a longer `expires_in` is an error of the server and would overflow dates.
LONGEST_LIFETIME = timedelta(days=3650)
#: How much of a refusal is kept for the explanation, in characters.
SNIPPET = 300
#: How much of a body that is no JSON is looked at for it, in bytes.
READ = 64 * 1024

#: What an access or refresh token may consist of (RFC 6749 appendices A.12 and A.17).
_TOKEN = re.compile(r"[ -~]+")
#: What may be a token or a key: long, with letters and digits. Trace ids (UUIDs) are kept, support asks for them.
_RUN = re.compile(r"[\w.~+/=-]{20,}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}[.]?")


class TokenRefused(Refused):
    """A token answer that gave no token. `error` is the code of RFC 6749 section 5.2, where there was one."""

    def __init__(self, code: str, detail: str, *remedies: Remedy, error: str | None = None) -> None:
        super().__init__(code, detail, *remedies)
        self.error = error


def token_request(
    token_endpoint: str,
    fields: tuple[tuple[str, str | Secret], ...],
    *,
    client_id: Secret,
    client_secret: Secret,
    client_authentication: str,
) -> HttpRequest:
    """Build a token request with the client authenticated as RFC 6749 section 2.3.1 says."""
    headers: tuple[tuple[str, str | Secret], ...] = (
        ("Accept", "application/json"),
        ("Content-Type", "application/x-www-form-urlencoded"),
    )
    if client_authentication == CLIENT_SECRET_POST:
        fields = (*fields, ("client_id", client_id), ("client_secret", client_secret))
    else:
        pair = f"{quote_plus(reveal(client_id))}:{quote_plus(reveal(client_secret))}"
        headers = (*headers, ("Authorization", Secret("Basic " + base64.b64encode(pair.encode()).decode())))
    request = HttpRequest("POST", token_endpoint, body=form_body(fields))
    return request.with_headers(*headers)


def token_from(response: HttpResponse, now: datetime, *, scrub: tuple[Secret, ...]) -> Token:
    """Read a token answer (RFC 6749 section 5.1). Raises `Refused` where it is none; `scrub` never shows in it."""
    members = _members(response)
    access_token = members.get("access_token")
    if response.status != 200 or not isinstance(access_token, str) or not access_token:
        raise refusal_from(response, scrub=scrub)
    refresh_token = members.get("refresh_token")
    for name, text in (("access_token", access_token), ("refresh_token", refresh_token)):
        if isinstance(text, str) and text and _TOKEN.fullmatch(text) is None:
            detail = f"token endpoint answered 200: {name} holds a control or non-ASCII character"
            raise Refused("token_endpoint_refused", f"{detail}; expected visible ASCII (RFC 6749 appendix A)")
    scope = members.get("scope")
    return Token(
        access_token=Secret(access_token),
        issued_at=now,
        token_type=str(members.get("token_type") or "Bearer"),
        expires_at=_expiry(members.get("expires_in"), now),
        refresh_token=Secret(refresh_token) if isinstance(refresh_token, str) and refresh_token else None,
        scope=scope if isinstance(scope, str) else None,
    )


def bearer(request: HttpRequest, token: Token | None) -> HttpRequest:
    """Add `Authorization: Bearer …` (RFC 6750 section 2.1). Only a dry run has no token: it shows where one would stand."""
    access_token = token.access_token if token is not None else Secret("")
    return request.with_headers(("Authorization", Redactable.of("Bearer ", access_token)))


def sealable(token: Token) -> Secret:
    """Return the secret parts of a token as one text, for the vault."""
    members = {
        "access_token": reveal(token.access_token),
        "refresh_token": reveal(token.refresh_token) if token.refresh_token else None,
        "token_type": token.token_type,
        "scope": token.scope,
    }
    return Secret(json.dumps(members))


def from_sealable(text: Secret, *, issued_at: datetime, expires_at: datetime | None) -> Token:
    """Return the token that `sealable` wrote."""
    members = json.loads(reveal(text))
    return Token(
        access_token=Secret(members["access_token"]),
        issued_at=issued_at,
        token_type=members["token_type"],
        expires_at=expires_at,
        refresh_token=Secret(members["refresh_token"]) if members["refresh_token"] else None,
        scope=members["scope"],
    )


def refusal_from(response: HttpResponse, *, scrub: tuple[Secret, ...]) -> TokenRefused:
    """Explain a token answer that gave no token: status, and RFC 6749 section 5.2 error, or what came instead.

    What may be a token is shown as `…`: an endpoint that says `accessToken` has sent one all the same.
    """
    members = _members(response)
    error = members.get("error")
    content_type = (response.header("content-type") or "no content type")[:80]
    said = _said(members, response.body, scrub)
    detail = f"token endpoint answered {response.status} ({content_type}): {said}; expected 200 with an access_token"
    retry = response.status >= 500 or response.status == 429
    code = "token_endpoint_unreachable" if retry else "token_endpoint_refused"
    return TokenRefused(code, detail, *_remedies(error), error=error if isinstance(error, str) else None)


def _said(members: Mapping[str, Any], body: bytes, scrub: tuple[Secret, ...]) -> str:
    error, description = members.get("error"), members.get("error_description")
    if isinstance(error, str):
        said = f"error {_shown(error, scrub)}"
        return f"{said} ({_shown(description, scrub)})" if isinstance(description, str) else said
    if members:
        return f"no RFC 6749 error; members {_shown(', '.join(members), scrub)}"
    text = body[:READ].decode("utf-8", "replace")
    return f"no RFC 6749 error; body starts {_shown(text, scrub)}" if text else "an empty body"


def _shown(text: str, scrub: tuple[Secret, ...]) -> str:
    """Quote a text for an explanation: without these secrets, without what may be a token, and cut after that."""

    def hidden(found: re.Match[str]) -> str:
        mixed = re.search(r"\d", found[0]) and re.search(r"[A-Za-z]", found[0])
        return REDACTED if mixed and _UUID.fullmatch(found[0]) is None else found[0]

    for secret in scrub:
        plain = reveal(secret)
        forms = {plain, quote_plus(plain), json.dumps(plain)[1:-1]} if len(plain) > 2 else set()
        for form in sorted(forms, key=len, reverse=True):
            text = text.replace(form, REDACTED)
    return repr(_RUN.sub(hidden, text)[:SNIPPET])


def _remedies(error: object) -> tuple[Remedy, ...]:
    texts = {
        "invalid_client": "Correct client_id and client_secret of the principal, or client_authentication",
        "invalid_scope": "Correct the scope of the external credential",
        "unauthorized_client": "Allow this grant type for the client at the authorization server",
    }
    return (Remedy(texts[error]),) if isinstance(error, str) and error in texts else ()


def _members(response: HttpResponse) -> Mapping[str, Any]:
    """Return the members of a JSON or form answer, or nothing where it is neither."""
    kind = (response.header("content-type") or "").partition(";")[0].strip().lower()
    try:
        if kind == "application/x-www-form-urlencoded":
            return dict(parse_qsl(response.body.decode()))
        members = json.loads(response.body)
    except (ValueError, RecursionError):  # not UTF-8, not JSON, nested without end
        return {}
    return members if isinstance(members, dict) else {}


def _expiry(expires_in: object, now: datetime) -> datetime | None:
    """Seconds as a number, or as text of one; zero, negative and unreadable mean: not stated."""
    if isinstance(expires_in, bool) or not isinstance(expires_in, (int, float, str)):
        return None
    try:
        seconds = float(expires_in)
    except (ValueError, OverflowError):
        return None
    if not 0 < seconds < float("inf"):
        return None
    return now + timedelta(seconds=min(seconds, LONGEST_LIFETIME.total_seconds()))
