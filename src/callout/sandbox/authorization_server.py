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
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from callout.sandbox.behaviour import Behaviour
from callout.sandbox.clients import Client, OAuthError, Scopes, credentials_of, form_of
from callout.sandbox.faults import FAULTS, Fault
from callout.sandbox.journal import Journal, Received
from callout.sandbox.settings import CLIENT_AUTHENTICATIONS
from callout.sandbox.tokens import RefreshToken, Tokens
from callout.sandbox.wire import Exchange, Headers, read_up_to

GRANT_TYPES = ("client_credentials", "refresh_token")
METADATA_PATH = "/.well-known/oauth-authorization-server"
#: Largest form accepted, in bytes; a token request is a few hundred.
LARGEST_FORM = 64 * 1024

_NOT_STORED = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
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
        self._forms: Mapping[str, tuple[str, Callable[[Client, dict[str, str]], dict[str, Any] | None]]] = {
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
        if fault is not None and await _failed(exchange, fault):
            return
        try:
            members = self._understand(exchange, received, body)
        except OAuthError as error:
            await _answer_error(exchange, error)
            return
        await _answer_granted(exchange, members, fault)

    async def _wait(self, fault: Fault | None) -> None:
        await self._behaviour.token_gate.wait()
        delay_ms = self._behaviour.settings.token_delay_ms + (fault.delay_ms if fault else 0)
        if delay_ms:
            await asyncio.sleep(delay_ms / 1000)

    def _understand(self, exchange: Exchange, received: Received, body: bytes) -> dict[str, Any] | None:
        """Authenticate the client and do what the form asks. Raises `OAuthError`."""
        if exchange.head.method != "POST":
            raise OAuthError(405, "invalid_request", f"got {exchange.head.method}; expected POST")
        form = form_of(exchange.head, body)
        client = self._authenticate(exchange, form)
        received.authenticated = {"by": "client", "as": client.id}
        return self._forms[exchange.head.path][1](client, form)

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

    def _grant(self, client: Client, form: dict[str, str]) -> dict[str, Any]:
        grant_type = form.get("grant_type")
        if grant_type is None:
            raise OAuthError(400, "invalid_request", "got no grant_type; expected one")
        if grant_type not in GRANT_TYPES:
            raise OAuthError(400, "unsupported_grant_type", f"expected one of {', '.join(GRANT_TYPES)}")
        if grant_type not in client.grant_types:
            raise OAuthError(400, "unauthorized_client", f"client {client.id} may not use {grant_type}")
        if grant_type == "refresh_token":
            return self._refresh(client, form)
        scope = self._scopes.granted(form.get("scope"))
        family = self._tokens.new_family()
        refresh = None
        if self._behaviour.settings.issue_refresh_tokens:
            refresh = self._tokens.issue_refresh(client.id, client.id, scope, family=family)
        return self._issued(client, client.id, scope, family, refresh)

    def _refresh(self, client: Client, form: dict[str, str]) -> dict[str, Any]:
        if "refresh_token" not in form:
            raise OAuthError(400, "invalid_request", "got no refresh_token; expected one")
        old = self._tokens.refresh(form["refresh_token"])
        if old is None or old.client_id != client.id or old.revoked:
            raise OAuthError(400, "invalid_grant", "the refresh token is unknown, revoked or another client's")
        if old.used:
            self._tokens.revoke_family(old.family)
            raise OAuthError(400, "invalid_grant", "the refresh token was used before; its family is revoked")
        scope = Scopes.narrowed(old.scope, form.get("scope"))
        refresh: RefreshToken | None = None
        if self._behaviour.settings.rotate_refresh_tokens:
            old.used = True
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
        if refresh is not None:
            members["refresh_token"] = refresh.text
        return {**members, "scope": scope}

    def _introspect(self, client: Client, form: dict[str, str]) -> dict[str, Any]:  # noqa: ARG002 - any client may ask
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

    def _revoke(self, client: Client, form: dict[str, str]) -> None:
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


async def _answer_error(exchange: Exchange, error: OAuthError) -> None:
    headers: Headers = _NOT_STORED
    if error.challenge:
        headers = (*headers, ("WWW-Authenticate", 'Basic realm="sandbox", charset="UTF-8"'))
    if error.status == 405:
        headers = (*headers, ("Allow", "POST"))
    await _answer_json(exchange, error.status, {"error": error.code, "error_description": str(error)}, headers)


async def _answer_granted(exchange: Exchange, members: dict[str, Any] | None, fault: Fault | None) -> None:
    kind = fault.kind if fault else ""
    if kind == "lost_answer":
        exchange.reset()
    elif members is None:
        await exchange.answer(200, _NOT_STORED)
    elif kind == "short_body":
        body = json.dumps(members).encode()
        await exchange.start(200, (*_JSON, *_NOT_STORED, ("Content-Length", str(len(body)))))
        await exchange.send(body[: len(body) // 2])
        exchange.close()
    elif kind == "form_encoded":
        form = (("Content-Type", "application/x-www-form-urlencoded"), *_NOT_STORED)
        await exchange.answer(200, form, urlencode(members).encode())
    else:
        await _answer_json(exchange, 200, members, _NOT_STORED)


async def _failed(exchange: Exchange, fault: Fault) -> bool:
    """Fail as told; False where the fault is one of a right answer."""
    kind = FAULTS[fault.kind]
    if kind.status is not None:
        headers = [("Content-Type", kind.content_type)] if kind.content_type else []
        if fault.retry_after is not None:
            headers.append(("Retry-After", fault.retry_after))
        await exchange.answer(fault.status or kind.status, headers, kind.body)
        return True
    if fault.kind in _CUTS:
        await _CUTS[fault.kind](exchange)
        return True
    return False


async def _reset(exchange: Exchange) -> None:
    exchange.reset()


_CUTS: Mapping[str, Callable[[Exchange], Awaitable[None]]] = {"reset": _reset, "hang": Exchange.gone}
