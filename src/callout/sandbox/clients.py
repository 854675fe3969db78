"""Who may ask for tokens, and how a token request proves it (RFC 6749 sections 2.3.1 and 3.2)."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_plus

from callout.sandbox.wire import Head

#: What stands between the quotes of a scope (RFC 6749 section 3.3).
_SCOPE_TOKEN = re.compile(r"[!#-\[\]-~]+")


class OAuthError(Exception):
    """An error answer of RFC 6749 section 5.2. `challenge`: the client used Basic, so it is told to use it right."""

    def __init__(self, status: int, code: str, description: str, *, challenge: bool = False) -> None:
        super().__init__(description)
        self.status = status
        self.code = code
        self.challenge = challenge


@dataclass(frozen=True, slots=True)
class Client:
    """A client and the grants that it may use; one without a secret is public."""

    id: str
    secret: str
    grant_types: tuple[str, ...] = ("client_credentials", "refresh_token")


@dataclass(frozen=True, slots=True)
class Presented:
    """The client credentials of one request, and the method by which they came."""

    method: str
    client_id: str
    client_secret: str

    def refused(self, description: str) -> OAuthError:
        """Return invalid_client; with a challenge where the client came with an Authorization header."""
        return OAuthError(401, "invalid_client", description, challenge=self.method == "client_secret_basic")


@dataclass(frozen=True, slots=True)
class Scopes:
    """The scopes that can be had."""

    supported: tuple[str, ...]

    def granted(self, asked: str | None) -> str:
        """Return the scope for a new grant: what is asked for, or all. Raises invalid_scope."""
        if asked is None:
            return " ".join(self.supported)
        return _subset(asked, self.supported)

    @staticmethod
    def narrowed(original: str, asked: str | None) -> str:
        """Return the scope for a refresh: at most what was granted (RFC 6749 section 6). Raises invalid_scope."""
        return original if asked is None else _subset(asked, original.split(" "))


def form_of(head: Head, body: bytes, request_format: str = "form") -> dict[str, str]:
    """Read a form; empty values count as left out (RFC 6749 section 3.2). Raises invalid_request.

    With another `request_format` a JSON object of texts is read instead (`json`), or too (`any`).
    """
    kind = (head.header("content-type") or "").partition(";")[0].strip().lower()
    if request_format == "json" or (request_format == "any" and kind == "application/json"):
        return _json_of(kind, body)
    if kind != "application/x-www-form-urlencoded":
        raise OAuthError(400, "invalid_request", f"got {kind or 'no media type'}; expected a urlencoded form")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise OAuthError(400, "invalid_request", "the form is not UTF-8") from None
    form: dict[str, str] = {}
    for name, value in pairs:
        if name in form:
            raise OAuthError(400, "invalid_request", f"got {name} twice; expected it once")
        form[name] = value
    return {name: value for name, value in form.items() if value}


def _json_of(kind: str, body: bytes) -> dict[str, str]:
    try:
        members = json.loads(body) if kind == "application/json" else None
    except ValueError:
        members = None
    if not isinstance(members, dict) or not all(isinstance(value, str | list) for value in members.values()):
        raise OAuthError(400, "invalid_request", f"got {kind or 'no media type'}; expected a JSON object of texts")
    return {name: " ".join(value) if isinstance(value, list) else value for name, value in members.items() if value}


def credentials_of(head: Head, form: dict[str, str]) -> Presented:
    """Find the client credentials, in the header or in the body. Raises invalid_client or invalid_request."""
    if "client_secret=" in head.query:
        raise OAuthError(400, "invalid_request", "client credentials must not stand in the URL")
    header = head.header("authorization")
    if header is None:
        if "client_id" in form and "client_secret" not in form:
            return Presented("none", form["client_id"], "")
        if "client_id" not in form:
            raise OAuthError(401, "invalid_client", "got no client authentication; expected Basic or client_secret")
        return Presented("client_secret_post", form["client_id"], form["client_secret"])
    if "client_secret" in form:
        raise OAuthError(400, "invalid_request", "got two ways of client authentication; expected one")
    presented = _basic(header)
    if form.get("client_id", presented.client_id) != presented.client_id:
        raise OAuthError(400, "invalid_request", "client_id differs from the one in the Authorization header")
    return presented


def split_basic(header: str) -> tuple[str, str] | None:
    """Return user-id and password of a Basic header (RFC 7617 section 2), or None where it is none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user, password) if colon else None


def _basic(header: str) -> Presented:
    pair = split_basic(header)
    if pair is None:
        raise OAuthError(401, "invalid_client", "got an Authorization header that is not Basic", challenge=True)
    return Presented("client_secret_basic", unquote_plus(pair[0]), unquote_plus(pair[1]))


def _subset(asked: str, available: Iterable[str]) -> str:
    names = asked.split(" ")
    for name in names:
        if _SCOPE_TOKEN.fullmatch(name) is None:
            raise OAuthError(400, "invalid_scope", "a scope is not well formed")
        if name not in available:
            raise OAuthError(400, "invalid_scope", f"scope {name!r} is not available")
    return " ".join(dict.fromkeys(names))
