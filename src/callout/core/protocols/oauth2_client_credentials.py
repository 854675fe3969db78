"""OAuth 2.0 client credentials grant (RFC 6749 section 4.4), secret in a Basic header or in the body."""

from __future__ import annotations

from callout.core.message import HttpRequest
from callout.core.model.credentials import PrincipalType
from callout.core.oauth2 import (
    CLIENT_AUTHENTICATION,
    CLIENT_ID,
    CLIENT_SECRET,
    CLIENT_SECRET_BASIC,
    SCOPE,
    TOKEN_ENDPOINT,
    bearer,
    token_from,
    token_request,
)
from callout.core.protocol import AuthenticationProtocol, Flow, Moment, Token
from callout.core.secret import Secret


class OAuth2ClientCredentials(AuthenticationProtocol):
    """Asks the token endpoint for an access token and sends it as a bearer token (RFC 6750 section 2.1)."""

    name = "oauth2_client_credentials"
    title = "OAuth 2.0 client credentials"
    parameters = (TOKEN_ENDPOINT, CLIENT_AUTHENTICATION, SCOPE, CLIENT_ID, CLIENT_SECRET)
    principal_types = (PrincipalType.NAMED, PrincipalType.PER_USER)
    writes = ("Authorization",)
    obtains = True

    def obtain(self, moment: Moment, token: Token | None) -> Flow:
        """Ask for a token. There is no refresh token in this grant (section 4.4.3): asking again replaces it."""
        values = self.values
        scope = values.text("scope")
        fields: tuple[tuple[str, str | Secret], ...] = (("grant_type", "client_credentials"),)
        client_id, client_secret = values.secret("client_id"), values.secret("client_secret")
        response = yield token_request(
            values.text("token_endpoint"),
            (*fields, ("scope", scope)) if scope else fields,
            client_id=client_id,
            client_secret=client_secret,
            client_authentication=values.text("client_authentication", CLIENT_SECRET_BASIC),
        )
        return token_from(response, moment.now, scrub=(client_secret, client_id))

    def apply(self, request: HttpRequest, token: Token | None, moment: Moment) -> HttpRequest:
        """Add `Authorization: Bearer …` (RFC 6750 section 2.1)."""
        return bearer(request, token)
