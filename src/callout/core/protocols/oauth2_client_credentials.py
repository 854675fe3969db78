"""OAuth 2.0 client credentials grant (RFC 6749 section 4.4), secret in a Basic header or in the body."""

from __future__ import annotations

from callout.core.message import HttpRequest
from callout.core.model.credentials import PrincipalType
from callout.core.oauth2 import bearer, introspection_request, revocation_request, token_from, token_request
from callout.core.oauth2.parameters import CLIENT, DIALECT, TOKEN_CARE
from callout.core.protocol import AuthenticationProtocol, Flow, Moment, Token


class OAuth2ClientCredentials(AuthenticationProtocol):
    """Asks the token endpoint for an access token and sends it as a bearer token (RFC 6750 section 2.1)."""

    name = "oauth2_client_credentials"
    title = "OAuth 2.0 client credentials"
    parameters = (*CLIENT, *DIALECT, *TOKEN_CARE)
    principal_types = (PrincipalType.NAMED, PrincipalType.PER_USER)
    writes = ("Authorization",)
    obtains = True

    def obtain(self, moment: Moment, token: Token | None) -> Flow:
        """Ask for a token. There is no refresh token in this grant (section 4.4.3): asking again replaces it."""
        response = yield token_request(self.values, ("grant_type", "client_credentials"))
        return token_from(response, moment.now, self.values, scrub=tuple(self.values.secrets.values()))

    def revocation(self, token: Token | None, moment: Moment) -> tuple[str, HttpRequest] | None:
        """Revoke the token (RFC 7009)."""
        return revocation_request(self.values, "access_token", token.access_token) if token is not None else None

    def introspection(self, token: Token, moment: Moment) -> HttpRequest | None:
        """Ask about the access token (RFC 7662)."""
        return introspection_request(self.values, token)

    def apply(self, request: HttpRequest, token: Token | None, moment: Moment) -> HttpRequest:
        """Add `Authorization: Bearer …` (RFC 6750 section 2.1)."""
        return bearer(request, token)
