"""Authlib's OAuth 2.0 server on Flask: the grants that the certified provider does not have.

JWT bearer (RFC 7523 2.1), password (RFC 6749 4.3), refresh (6, rotating), token exchange (RFC 8693, of our own in
`token_exchange.py`: Authlib has none); clients by secret, by JWT (`private_key_jwt`, RFC 7523 2.2) or public;
introspection (RFC 7662), revocation (RFC 7009), and a resource that asks for a bearer token. What is judged is judged by
Authlib; what is stored is here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector, current_token
from authlib.oauth2.rfc6749 import ClientMixin, InvalidGrantError, TokenMixin, list_to_scope, scope_to_list
from authlib.oauth2.rfc6749.grants import (
    ClientCredentialsGrant,
    RefreshTokenGrant,
    ResourceOwnerPasswordCredentialsGrant,
)
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion, JWTBearerGrant
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from flask import Flask, jsonify, request
from joserfc.jwk import KeySet

from tests.counterparties.token_exchange import TokenExchangeGrant
from tests.counterparties.wsgi import ServedApplication

JWT_BEARER = JWTBearerGrant.GRANT_TYPE
TOKEN_EXCHANGE = TokenExchangeGrant.GRANT_TYPE
METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # Authlib asks for it where there is no TLS: here is only loopback


@dataclass
class RegisteredClient(ClientMixin):
    """A client. `jwks` holds the public keys of its assertions (RFC 7517), `client_secret` its secret, or neither."""

    client_id: str
    client_secret: str = ""
    token_endpoint_auth_method: str = "client_secret_basic"
    jwks: Mapping[str, Sequence[Mapping[str, object]]] = field(default_factory=lambda: {"keys": []})
    grant_types: Sequence[str] = ("client_credentials", "password", "refresh_token", JWT_BEARER, TOKEN_EXCHANGE)
    scope: str = "orders.read orders.write"

    def get_client_id(self) -> str:
        return self.client_id

    def get_allowed_scope(self, scope: str | None) -> str:
        allowed = scope_to_list(self.scope)
        return list_to_scope([each for each in scope_to_list(scope or "") if each in allowed])

    def check_client_secret(self, client_secret: str) -> bool:
        return bool(self.client_secret) and client_secret == self.client_secret

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == self.token_endpoint_auth_method

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.grant_types


@dataclass
class IssuedToken(TokenMixin):
    """A token answer as it was given, whose it is and until when it is good."""

    client_id: str
    subject: str
    access_token: str
    scope: str
    expires_at: float
    refresh_token: str = ""
    revoked: bool = False
    refresh_revoked: bool = False
    more: Mapping[str, object] = field(default_factory=dict)

    def check_client(self, client: RegisteredClient) -> bool:
        return client.client_id == self.client_id

    def get_scope(self) -> str:
        return self.scope

    def is_expired(self) -> bool:
        return time.time() >= self.expires_at

    def is_revoked(self) -> bool:
        return self.revoked

    def claims(self) -> dict[str, object]:
        """What introspection tells of it (RFC 7662 2.2)."""
        told = {"client_id": self.client_id, "scope": self.scope, "exp": int(self.expires_at), **self.more}
        return {**told, "sub": self.subject} if self.subject else told


class AuthlibServer(ServedApplication):
    """The server. `clients`, `users` (name → password), `trusted` (issuer → keys) may be changed at any time.

    `seen` holds the token requests that came: their form, the status and the error that they were answered with.
    Endpoints: `token_endpoint`, `introspection_endpoint`, `revocation_endpoint`, all told by RFC 8414 metadata at
    `issuer`, which is also the audience of assertions, as the token endpoint is. `resource` answers to a good bearer
    token with what introspection tells of it.
    """

    def __init__(self, clients: Sequence[RegisteredClient], users: Mapping[str, str] | None = None) -> None:
        application = Flask("authlib-server")
        super().__init__(application)
        self.clients = {client.client_id: client for client in clients}
        self.users = dict(users or {})
        #: Whose JWTs may be exchanged (RFC 8693): the keys of each issuer.
        self.trusted: dict[str, KeySet] = {}
        self.tokens: list[IssuedToken] = []
        self.seen: list[dict[str, object]] = []
        self.assertions: set[tuple[str, str]] = set()
        self.issuer = self.url
        self.token_endpoint = f"{self.url}/token"
        self.introspection_endpoint = f"{self.url}/introspect"
        self.revocation_endpoint = f"{self.url}/revoke"
        self.resource = f"{self.url}/orders"
        self._serve_tokens(application)
        self._serve_resource(application)

    def audiences(self) -> list[str]:
        return [self.issuer, self.token_endpoint]

    def by_access_token(self, value: str) -> IssuedToken | None:
        return next((each for each in self.tokens if each.access_token == value), None)

    def by_refresh_token(self, value: str) -> IssuedToken | None:
        return next((each for each in self.tokens if value and each.refresh_token == value), None)

    def _serve_tokens(self, application: Flask) -> None:
        application.config.update(
            OAUTH2_REFRESH_TOKEN_GENERATOR=True, OAUTH2_SCOPES_SUPPORTED=["orders.read", "orders.write"]
        )
        server = AuthorizationServer(application, query_client=self.clients.get, save_token=self._keep)
        server.register_client_auth_method("private_key_jwt", ClientByAssertion(self))
        for grant in (ByAssertion, ByPassword, ByRefreshToken, ClientCredentials, TokenExchangeGrant):
            server.register_grant(
                type(grant.__name__, (grant,), {"place": self, "TOKEN_ENDPOINT_AUTH_METHODS": METHODS})
            )
        for endpoint in (Introspection, Revocation):
            server.register_endpoint(type(endpoint.__name__, (endpoint,), {"place": self}))

        @application.post("/token")
        def token():
            answer = server.create_token_response()
            self.seen.append({**request.form, "status": answer.status_code, "error": answer.get_json().get("error")})
            return answer

        @application.post("/introspect")
        def introspect():
            return server.create_endpoint_response("introspection")

        @application.post("/revoke")
        def revoke():
            return server.create_endpoint_response("revocation")

    def _serve_resource(self, application: Flask) -> None:
        protector = ResourceProtector()
        protector.register_token_validator(TokenIsKnown(self))

        @application.route("/orders", methods=["GET", "POST"])
        @protector(None)
        def orders():
            return jsonify(current_token.claims())

        @application.get("/.well-known/oauth-authorization-server")
        def metadata():
            names = ("issuer", "token_endpoint", "introspection_endpoint", "revocation_endpoint")
            grants = sorted({grant for client in self.clients.values() for grant in client.grant_types})
            told = {"grant_types_supported": grants, "token_endpoint_auth_methods_supported": METHODS}
            return jsonify({**{name: getattr(self, name) for name in names}, **told})

    def _keep(self, token: Mapping, asked) -> None:
        kept = IssuedToken(
            client_id=asked.client.client_id,
            subject=asked.user or "",
            access_token=token["access_token"],
            scope=token.get("scope", ""),
            expires_at=time.time() + token["expires_in"],
            refresh_token=token.get("refresh_token", ""),
            more={name: token[name] for name in ("act", "aud") if name in token},
        )
        self.tokens.append(kept)


class ByAssertion(JWTBearerGrant):
    """A JWT that the client signed, for a user who is known (RFC 7523 2.1)."""

    place: AuthlibServer

    def resolve_issuer_client(self, issuer: str) -> RegisteredClient | None:
        return self.place.clients.get(issuer)

    def resolve_client_public_key(self, client: RegisteredClient) -> KeySet:
        return KeySet.import_key_set(client.jwks)

    def authenticate_user(self, subject: str) -> str | None:
        return subject if subject in self.place.users else None

    def has_granted_permission(self, client: RegisteredClient, user: str) -> bool:
        return True

    def get_audiences(self) -> list[str]:
        return self.place.audiences()


class ByPassword(ResourceOwnerPasswordCredentialsGrant):
    """A name and a password (RFC 6749 4.3)."""

    place: AuthlibServer

    def authenticate_user(self, username: str, password: str) -> str:
        if self.place.users.get(username) != password:
            raise InvalidGrantError("got a wrong name or password")  # Authlib's own word for it is not that of the RFC
        return username


class ByRefreshToken(RefreshTokenGrant):
    """A refresh token, which is good once (RFC 6749 6)."""

    place: AuthlibServer
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> IssuedToken | None:
        found = self.place.by_refresh_token(refresh_token)
        return None if found is None or found.refresh_revoked else found

    def authenticate_user(self, refresh_token: IssuedToken) -> str:
        return refresh_token.subject

    def revoke_old_credential(self, refresh_token: IssuedToken) -> None:
        refresh_token.revoked = refresh_token.refresh_revoked = True


class ClientCredentials(ClientCredentialsGrant):
    """Authlib's, as it is (RFC 6749 4.4)."""

    place: AuthlibServer


class ClientByAssertion(JWTBearerClientAssertion):
    """A client that signs a JWT, each of them good once (RFC 7523 2.2)."""

    CLIENT_AUTH_METHOD = "private_key_jwt"

    def __init__(self, place: AuthlibServer) -> None:
        super().__init__()
        self.place = place

    def get_audiences(self) -> list[str]:
        return self.place.audiences()

    def validate_jti(self, claims: Mapping, jti: str) -> bool:
        known = (claims["sub"], jti) in self.place.assertions
        self.place.assertions.add((claims["sub"], jti))
        return not known

    def resolve_client_public_key(self, client: RegisteredClient) -> KeySet:
        return KeySet.import_key_set(client.jwks)


class Introspection(IntrospectionEndpoint):
    """What a token is worth, told to every client that is known."""

    place: AuthlibServer
    CLIENT_AUTH_METHODS = METHODS

    def query_token(self, token_string: str, token_type_hint: str | None) -> IssuedToken | None:
        return self.place.by_access_token(token_string) or self.place.by_refresh_token(token_string)

    def check_permission(self, token: IssuedToken, client: RegisteredClient, request: object) -> bool:
        return True

    def introspect_token(self, token: IssuedToken) -> dict[str, object]:
        return token.claims()


class Revocation(RevocationEndpoint):
    """The end of a token; that of a refresh token is that of its access token too (RFC 7009 2.1)."""

    place: AuthlibServer
    CLIENT_AUTH_METHODS = METHODS

    def query_token(self, token_string: str, token_type_hint: str | None) -> IssuedToken | None:
        return self.place.by_access_token(token_string) or self.place.by_refresh_token(token_string)

    def revoke_token(self, token: IssuedToken, request) -> None:
        token.revoked = True
        token.refresh_revoked = token.refresh_revoked or request.form["token"] == token.refresh_token


class TokenIsKnown(BearerTokenValidator):
    """Asks for a token that was issued here, has not expired and is not revoked."""

    def __init__(self, place: AuthlibServer) -> None:
        super().__init__()
        self.place = place

    def authenticate_token(self, token_string: str) -> IssuedToken | None:
        return self.place.by_access_token(token_string)
