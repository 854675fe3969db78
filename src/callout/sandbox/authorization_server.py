"""The authorization server: a small but complete OAuth 2.0 server that follows the RFCs until told otherwise.

    POST /token        client_credentials and refresh_token (RFC 6749 sections 4.4 and 6)
    POST /introspect   RFC 7662        POST /revoke   RFC 7009
    GET  /.well-known/oauth-authorization-server   RFC 8414

It is strict where clients go wrong: form-decoding of Basic credentials (section 2.3.1), one way of client
authentication at a time, no parameter twice (section 3.2), the media type, and the error codes of section 5.2.
Refresh tokens rotate; an old one used again revokes its family.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from callout.sandbox.behaviour import Behaviour
from callout.sandbox.clients import Client, OAuthError, Scopes, credentials_of, form_of
from callout.sandbox.faults import Fault
from callout.sandbox.journal import Journal, Received
from callout.sandbox.settings import CLIENT_AUTHENTICATIONS
from callout.sandbox.token_answers import NOT_STORED, answer_granted, date_headers, end_of_life, failed
from callout.sandbox.tokens import RefreshToken, Tokens
from callout.sandbox.wire import Exchange, Headers, read_up_to

GRANT_TYPES = ("client_credentials", "refresh_token")
METADATA_PATH = "/.well-known/oauth-authorization-server"
#: Largest form accepted, in bytes; a token request is a few hundred.
LARGEST_FORM = 64 * 1024

_JSON = (("Content-Type", "application/json"),)


class AuthorizationServer:
    """Answers the requests of the authorization server's listener. `url` gives its base URL, `wall` epoch seconds."""

    def __init__(
        self,
        *,
        clients: Iterable[Client],
        scopes: Scopes,
        tokens: Tokens,
        behaviour: Behaviour,
        journal: Journal,
        url: Callable[[], str],
        wall: Callable[[], float],
    ) -> None:
        self._clients = {client.id: client for client in clients}
        self._scopes = scopes
        self._tokens = tokens
        self._behaviour = behaviour
        self._journal = journal
        self._url = url
        self._wall = wall
        self._forms: Mapping[str, tuple[str, Callable[[Client, dict[str, str], Received], dict[str, Any] | None]]] = {
            "/token": ("token", self._grant),
            "/introspect": ("introspection", self._introspect),
            "/revoke": ("revocation", self._revoke),
        }

    async def answer(self, exchange: Exchange) -> None:
        """Answer one request."""
        head = exchange.head
        kind = self._forms[head.path][0] if head.path in self._forms else "metadata"
        received = await self._journal.note(kind if head.path in (*self._forms, METADATA_PATH) else "other", exchange)
        try:
            if head.path in self._forms:
                await self._form(exchange, received)
            else:
                await self._journal.read_body(received, exchange.body())
                await self._document(exchange)
        finally:
            self._journal.note_answer(received, exchange.status)

    def consent(self, client_id: str, subject: str, scope: str) -> RefreshToken:
        """Return a refresh token as if this user had just given consent to this client."""
        return self._tokens.issue_refresh(client_id, subject, scope, family=self._tokens.new_family())

    async def _document(self, exchange: Exchange) -> None:
        if exchange.head.path != METADATA_PATH:
            await _answer_json(exchange, 404, {"error": "not_found", "path": exchange.head.path})
        elif exchange.head.method not in ("GET", "HEAD"):
            await _answer_json(exchange, 405, {"error": "method_not_allowed"}, (("Allow", "GET, HEAD"),))
        else:
            await _answer_json(exchange, 200, self._metadata())

    async def _form(self, exchange: Exchange, received: Received) -> None:
        body = await read_up_to(exchange, LARGEST_FORM)
        if body is None:
            await _answer_error(exchange, OAuthError(413, "invalid_request", "the form is larger than 64 KiB"))
            return
        self._journal.note_body(received, body)
        fault = None
        if received.kind == "token":
            fault = self._behaviour.faults.take()
            await self._wait(fault)
        if fault is not None and await failed(exchange, fault):
            return
        try:
            members = self._understand(exchange, received, body)
        except OAuthError as error:
            await _answer_error(exchange, error, date_headers(self._behaviour.settings, self._wall()))
            return
        if members is None:
            await exchange.answer(200, NOT_STORED)
        elif received.kind != "token":
            await _answer_json(exchange, 200, members, NOT_STORED)
        else:
            settings, wall = self._behaviour.settings, self._wall()
            await answer_granted(exchange, members, fault, settings, wall=wall, half_way=self._half_way)

    async def _half_way(self) -> None:
        await self._journal.count("half")
        await self._behaviour.half_gate.wait()

    async def _wait(self, fault: Fault | None) -> None:
        await self._behaviour.token_gate.wait()
        delay_ms = self._behaviour.settings.token_delay_ms + (fault.delay_ms if fault else 0)
        if delay_ms:
            await asyncio.sleep(delay_ms / 1000)

    def _understand(self, exchange: Exchange, received: Received, body: bytes) -> dict[str, Any] | None:
        """Authenticate the client and do what the form asks. Raises `OAuthError`."""
        if exchange.head.method != "POST":
            raise OAuthError(405, "invalid_request", f"got {exchange.head.method}; expected POST")
        json_too = self._behaviour.settings.request_format if received.kind == "token" else "form"
        form = form_of(exchange.head, body, json_too)
        client = self._authenticate(exchange, form)
        received.authenticated = {"by": "client", "as": client.id}
        return self._forms[exchange.head.path][1](client, form, received)

    def _authenticate(self, exchange: Exchange, form: dict[str, str]) -> Client:
        presented = credentials_of(exchange.head, form)
        accepted = self._behaviour.settings.client_authentication
        if accepted not in ("any", presented.method):
            raise presented.refused(f"got {presented.method}; this server takes {accepted} only")
        client = self._clients.get(presented.client_id)
        secret = client.secret if client else ""
        if not hmac.compare_digest(secret.encode(), presented.client_secret.encode()) or client is None:
            raise presented.refused("client authentication failed")
        return client

    def _grant(self, client: Client, form: dict[str, str], received: Received) -> dict[str, Any]:
        grant_type = form.get("grant_type")
        if grant_type is None:
            raise OAuthError(400, "invalid_request", "got no grant_type; expected one")
        if grant_type not in GRANT_TYPES:
            raise OAuthError(400, "unsupported_grant_type", f"expected one of {', '.join(GRANT_TYPES)}")
        if grant_type not in client.grant_types:
            raise OAuthError(400, "unauthorized_client", f"client {client.id} may not use {grant_type}")
        if grant_type == "refresh_token":
            return self._refresh(client, form, received)
        scope = self._scopes.granted(form.get("scope"))
        family = self._tokens.new_family()
        refresh = None
        if self._behaviour.settings.issue_refresh_tokens:
            refresh = self._tokens.issue_refresh(client.id, client.id, scope, family=family)
        return self._issued(client, client.id, scope, family, refresh)

    def _refresh(self, client: Client, form: dict[str, str], received: Received) -> dict[str, Any]:
        if "refresh_token" not in form:
            raise OAuthError(400, "invalid_request", "got no refresh_token; expected one")
        old = self._tokens.refresh(form["refresh_token"])
        if old is not None:
            received.refresh_token = {"number": old.number, "family": old.family, "reuse": old.used}
        if old is None or old.client_id != client.id or old.revoked:
            raise OAuthError(400, "invalid_grant", "the refresh token is unknown, revoked or another client's")
        settings = self._behaviour.settings
        if old.used and not self._tokens.seconds_since(old.rotated_at) < settings.reuse_grace:
            self._tokens.revoke_family(old.family)
            raise OAuthError(400, "invalid_grant", "the refresh token was used before; its family is revoked")
        idle = self._tokens.seconds_since(old.active_at)
        if settings.refresh_inactivity is not None and idle >= settings.refresh_inactivity:
            raise OAuthError(400, "invalid_grant", "the refresh token was not used for too long")
        scope = Scopes.narrowed(old.scope, form.get("scope"))
        refresh: RefreshToken | None = None
        self._tokens.spend(old, rotating=settings.rotate_refresh_tokens)
        if settings.rotate_refresh_tokens:
            refresh = self._tokens.issue_refresh(client.id, old.subject, old.scope, family=old.family)
        return self._issued(client, old.subject, scope, old.family, refresh)

    def _issued(
        self, client: Client, subject: str, scope: str, family: int, refresh: RefreshToken | None
    ) -> dict[str, Any]:
        """Return the answer of RFC 6749 section 5.1."""
        settings = self._behaviour.settings
        access = self._tokens.latest(client.id, subject, scope) if settings.reissue_same_token else None
        if access is None:
            access = self._tokens.issue(client.id, subject, scope, family=family, lifetime=settings.lifetime)
        members: dict[str, Any] = {"access_token": access.text, "token_type": "Bearer"}
        if settings.expires_in is not None:
            members["expires_in"] = settings.expires_in
        if settings.expires_at is not None:
            end = self._wall() + settings.clock_offset - self._tokens.seconds_since(access.expires_at)
            members["expires_at"] = end_of_life(settings.expires_at, end)
        if refresh is not None:
            members["refresh_token"] = refresh.text
        elif settings.empty_refresh_token:
            members["refresh_token"] = ""
        return {**members, "scope": scope}

    def _introspect(self, _client: Client, form: dict[str, str], _received: Received) -> dict[str, Any]:
        text = _token_of(form)
        access = self._tokens.access(text)
        if access is not None and self._tokens.is_valid(access):
            issued = self._wall() - self._tokens.seconds_since(access.issued_at)
            expires = self._wall() - self._tokens.seconds_since(access.expires_at)
            return {
                "active": True,
                "scope": access.scope,
                "client_id": access.client_id,
                "sub": access.subject,
                "token_type": "Bearer",
                "iat": int(issued),
                "exp": int(expires),
                "iss": self._url(),
            }
        refresh = self._tokens.refresh(text)
        if refresh is not None and not refresh.used and not refresh.revoked:
            return {"active": True, "scope": refresh.scope, "client_id": refresh.client_id, "sub": refresh.subject}
        return {"active": False}

    def _revoke(self, client: Client, form: dict[str, str], _received: Received) -> None:
        """Revoke a token; an unknown one is fine (RFC 7009 section 2.2). A refresh token takes its family along."""
        text = _token_of(form)
        token = self._tokens.refresh(text) or self._tokens.access(text)
        if token is None:
            return
        if token.client_id != client.id:
            raise OAuthError(400, "unauthorized_client", "the token was issued to another client")
        if isinstance(token, RefreshToken):
            self._tokens.revoke_family(token.family)
        token.revoked = True

    def _metadata(self) -> dict[str, Any]:
        url = self._url()
        accepted = self._behaviour.settings.client_authentication
        methods = list(CLIENT_AUTHENTICATIONS[1:]) if accepted == "any" else [accepted]
        return {
            "issuer": url,
            "token_endpoint": f"{url}/token",
            "introspection_endpoint": f"{url}/introspect",
            "revocation_endpoint": f"{url}/revoke",
            "scopes_supported": list(self._scopes.supported),
            "response_types_supported": [],
            "grant_types_supported": list(GRANT_TYPES),
            "token_endpoint_auth_methods_supported": methods,
            "introspection_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_methods_supported": methods,
        }


def _token_of(form: dict[str, str]) -> str:
    if "token" not in form:
        raise OAuthError(400, "invalid_request", "got no token; expected one")
    return form["token"]


async def _answer_json(exchange: Exchange, status: int, members: object, headers: Headers = ()) -> None:
    await exchange.answer(status, (*_JSON, *headers), json.dumps(members).encode())


async def _answer_error(exchange: Exchange, error: OAuthError, more: Headers = ()) -> None:
    headers: Headers = (*NOT_STORED, *more)
    if error.challenge:
        headers = (*headers, ("WWW-Authenticate", 'Basic realm="sandbox", charset="UTF-8"'))
    if error.status == 405:
        headers = (*headers, ("Allow", "POST"))
    await _answer_json(exchange, error.status, {"error": error.code, "error_description": str(error)}, headers)
