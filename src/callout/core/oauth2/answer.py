"""From a token answer (RFC 6749 section 5.1) to a token, by the declared dialect; and what introspection says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.json_pointer import resolve
from callout.core.key_pair import KeyPair
from callout.core.message import HttpRequest, HttpResponse
from callout.core.oauth2.dpop import DPOP, proof
from callout.core.oauth2.lifetime import expiry, moment_of
from callout.core.oauth2.parameters import (
    ACCESS_TOKEN_FIELD,
    BEARER_TOKEN_TYPES,
    DPOP_CERTIFICATE,
    REFRESH_TOKEN_FIELD,
)
from callout.core.oauth2.refusal import GRANTED, members_of, refusal_from, shown
from callout.core.protocol import Moment, Token, Values
from callout.core.secret import Redactable, Secret

BEARER = "Bearer"
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
        token_type=_token_type(members, values),
        expires_at=expiry(members, response, now, values),
        refresh_token=Secret(refresh_token) if isinstance(refresh_token, str) and refresh_token else None,
        scope=scope if isinstance(scope, str) else None,
    )


def _token_type(members: Mapping[str, Any], values: Values) -> str:
    """Return how the token is sent: `Bearer`, or `DPoP` where it is bound to a key. A type that is not known is refused.

    The client must not send a token whose type it does not understand (RFC 6749 section 7.1), nor take one that is not
    bound where that was asked for (RFC 9449 section 5).
    """
    said = members.get("token_type")
    got, bound = str(said or BEARER), bool(values.text(DPOP_CERTIFICATE.name))
    meant = BEARER if got in values.text(BEARER_TOKEN_TYPES.name).split() else got
    known = {each.lower(): each for each in (BEARER, DPOP)}.get(meant.lower())
    if known == (DPOP if bound else BEARER):
        return known
    issued = members.get("issued_token_type")
    also = f" and issued_token_type {shown(issued, ())}" if isinstance(issued, str) else ""
    detail = f"token endpoint answered with token_type {shown(got, ())}{also}"
    if bound:
        remedy = "Let the authorization server bind tokens of this client (DPoP), or remove dpop_certificate"
        raise Refused(
            "token_endpoint_refused", f"{detail}; expected DPoP, as dpop_certificate asks for", Remedy(remedy)
        )
    remedy = (
        "Give dpop_certificate" if known == DPOP else f"Say in bearer_token_types that {got[:40]} means Bearer here"
    )
    raise Refused("token_endpoint_refused", f"{detail}; expected Bearer (RFC 6749 section 7.1)", Remedy(remedy))


def with_token(
    request: HttpRequest, token: Token | None, moment: Moment, key_pair: KeyPair | None = None
) -> HttpRequest:
    """Add `Authorization: Bearer …` (RFC 6750 section 2.1), or `DPoP …` with the proof of the key (RFC 9449 section 7.1).

    Only a dry run has no token: it shows where one would stand.
    """
    access_token = token.access_token if token is not None else Secret("")
    if key_pair is None:
        return request.with_headers(("Authorization", Redactable.of(f"{BEARER} ", access_token)))
    proven = proof(
        key_pair, moment, method=request.method, url=request.url, nonce=moment.nonce, access_token=access_token
    )
    return request.with_headers(("Authorization", Redactable.of(f"{DPOP} ", access_token)), (DPOP, proven))


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
