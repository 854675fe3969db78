"""Token exchange (RFC 8693) as a grant of Authlib's server, which knows the clients and authenticates them.

The subject, and the actor where there is one, is shown by an access token that this server issued, or by a JWT of an
issuer that it trusts, signed, in time and made out to it.
"""

from __future__ import annotations

import json

from authlib.oauth2.rfc6749 import (
    BaseGrant,
    InvalidGrantError,
    InvalidRequestError,
    OAuth2Error,
    TokenEndpointMixin,
    UnauthorizedClientError,
)
from joserfc import jws, jwt
from joserfc.errors import JoseError

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
JWT_TYPES = ("urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token")
#: The audiences and resources for which it issues tokens.
TARGETS = ("urn:callout:tests:orders", "https://orders.example.com/")


class InvalidTargetError(OAuth2Error):
    """RFC 8693 2.2.2."""

    error = "invalid_target"


class TokenExchangeGrant(BaseGrant, TokenEndpointMixin):
    """RFC 8693 2.1 and 2.2; `place` is the AuthlibServer."""

    GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"

    def validate_token_request(self) -> None:
        client = self.authenticate_token_endpoint_client()
        if not client.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClientError
        self.request.client = client
        form = self.request.form
        if ("actor_token" in form) != ("actor_token_type" in form):
            raise InvalidRequestError("got one of actor_token, actor_token_type; expected both or none")
        if form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
            raise InvalidRequestError("got another requested_token_type; expected an access token")
        self.request.user = self._who("subject_token")
        self.actor = self._who("actor_token") if "actor_token" in form else None
        self.targets = [value for name in ("audience", "resource") for value in form.getlist(name)]
        if not set(self.targets) <= set(TARGETS):
            raise InvalidTargetError
        self.validate_requested_scope()

    def create_token_response(self) -> tuple[int, dict, list]:
        token = self.generate_token(
            scope=self.request.payload.scope, user=self.request.user, include_refresh_token=False
        )
        kept = {"aud": self.targets} if self.targets else {}
        if self.actor is not None:
            kept["act"] = {"sub": self.actor}
        self.save_token({**token, **kept})
        return 200, {**token, "issued_token_type": ACCESS_TOKEN}, self.TOKEN_RESPONSE_HEADER

    def _who(self, name: str) -> str:
        form = self.request.form
        token, kind = form.get(name), form.get(f"{name}_type")
        if not token or not kind:
            raise InvalidRequestError(f"got no {name} or no {name}_type; expected both")
        if kind == ACCESS_TOKEN:
            found = self.place.by_access_token(token)
            if found is None or found.is_expired() or found.is_revoked() or not found.subject:
                raise InvalidGrantError(f"got a {name} that is not a good one of a user")
            return found.subject
        if kind not in JWT_TYPES:
            raise InvalidRequestError(f"got {name}_type {kind}; expected an access token or a JWT")
        return self._subject_of(token, name)

    def _subject_of(self, token: str, name: str) -> str:
        registry = jwt.JWTClaimsRegistry(
            leeway=60,
            iss={"essential": True},
            sub={"essential": True},
            exp={"essential": True},
            aud={"essential": True, "values": self.place.audiences()},
        )
        try:
            issuer = json.loads(jws.extract_compact(token.encode()).payload).get("iss")
            keys = self.place.trusted.get(issuer)
            if keys is None:
                raise InvalidGrantError(f"got a {name} of {issuer}; expected one of a trusted issuer")
            claims = jwt.decode(token, keys).claims
            registry.validate(claims)
        except (JoseError, ValueError) as error:
            raise InvalidGrantError(f"got a {name} that is refused: {error}") from error
        return str(claims["sub"])
