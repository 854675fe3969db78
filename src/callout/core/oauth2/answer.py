"""From a token answer (RFC 6749 section 5.1) to a token, by the declared dialect; and what introspection says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from callout.core.errors import Refused
from callout.core.json_pointer import resolve
from callout.core.message import HttpRequest, HttpResponse
from callout.core.oauth2.lifetime import expiry, moment_of
from callout.core.oauth2.parameters import ACCESS_TOKEN_FIELD, REFRESH_TOKEN_FIELD
from callout.core.oauth2.refusal import GRANTED, members_of, refusal_from
from callout.core.protocol import Token, Values
from callout.core.secret import Redactable, Secret

#: What an access or refresh token may consist of (RFC 6749 appendices A.12 and A.17).
_TOKEN = re.compile(r"[ -~]+")


def token_from(response: HttpResponse, now: datetime, values: Values, *, scrub: tuple[Secret, ...]) -> Token:
    """Read a token answer. Raises `TokenRefused` where it is none; `scrub` never shows in it."""
    members = members_of(response)
    access_token = resolve(members, values.text(ACCESS_TOKEN_FIELD.name) or "/access_token")
    if response.status not in GRANTED or not isinstance(access_token, str) or not access_token:
        raise refusal_from(response, values, scrub=scrub, now=now)
    refresh_token = resolve(members, values.text(REFRESH_TOKEN_FIELD.name) or "/refresh_token")
    for name, text in (("access_token", access_token), ("refresh_token", refresh_token)):
        if isinstance(text, str) and text and _TOKEN.fullmatch(text) is None:
            detail = f"token endpoint answered {response.status}: {name} holds a control or non-ASCII character"
            raise Refused("token_endpoint_refused", f"{detail}; expected visible ASCII (RFC 6749 appendix A)")
    scope = members.get("scope")
    return Token(
        access_token=Secret(access_token),
        issued_at=now,
        token_type=str(members.get("token_type") or "Bearer"),
        expires_at=expiry(members, response, now, values),
        refresh_token=Secret(refresh_token) if isinstance(refresh_token, str) and refresh_token else None,
        scope=scope if isinstance(scope, str) else None,
    )


def bearer(request: HttpRequest, token: Token | None) -> HttpRequest:
    """Add `Authorization: Bearer …` (RFC 6750 section 2.1). Only a dry run has no token: it shows where one would stand."""
    access_token = token.access_token if token is not None else Secret("")
    return request.with_headers(("Authorization", Redactable.of("Bearer ", access_token)))


@dataclass(frozen=True, slots=True)
class Introspected:
    """What an authorization server says of a token (RFC 7662 section 2.2)."""

    active: bool
    scope: str | None = None
    client_id: str | None = None
    subject: str | None = None
    expires_at: datetime | None = None


def introspected_from(response: HttpResponse, values: Values, *, scrub: tuple[Secret, ...]) -> Introspected:
    """Read an introspection answer. Raises `TokenRefused` where it says nothing about the token."""
    members = members_of(response)
    active = members.get("active")
    if response.status != 200 or not isinstance(active, bool):
        expected = "200 with a boolean member active (RFC 7662)"
        raise refusal_from(response, values, scrub=scrub, asked="introspection endpoint", expected=expected)
    texts = {name: value for name, value in members.items() if isinstance(value, str)}
    end = moment_of(members.get("exp"))
    return Introspected(active, texts.get("scope"), texts.get("client_id"), texts.get("sub"), end)
