"""OAuth 2.0 refresh token grant (RFC 6749 section 6) of an authorization that was given elsewhere."""

from __future__ import annotations

from dataclasses import replace

from callout.core.errors import Refused
from callout.core.message import HttpRequest
from callout.core.oauth2 import (
    CLIENT_AUTHENTICATION,
    CLIENT_ID,
    CLIENT_SECRET,
    CLIENT_SECRET_BASIC,
    SCOPE,
    TOKEN_ENDPOINT,
    TokenRefused,
    bearer,
    token_from,
    token_request,
)
from callout.core.protocol import AuthenticationProtocol, Flow, Moment, Parameter, Token
from callout.core.secret import Secret

REFRESH_TOKEN = Parameter("refresh_token", "Refresh token to begin with (RFC 6749 section 1.5)", secret=True)


class OAuth2RefreshToken(AuthenticationProtocol):
    """Begins with a refresh token that somebody was given, and from then on keeps what the server rotates it to."""

    name = "oauth2_refresh_token"
    title = "OAuth 2.0 refresh token"
    parameters = (TOKEN_ENDPOINT, CLIENT_AUTHENTICATION, SCOPE, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN)
    writes = ("Authorization",)
    obtains = True
    spends = True

    def obtain(self, moment: Moment, token: Token | None) -> Flow:
        """Spend the newest refresh token. Where the answer brings none, the one that was sent stays good (section 6).

        `invalid_grant` is `reconnect_required`: no further request with this refresh token can help.
        """
        values = self.values
        scope = values.text("scope")
        client_id, client_secret = values.secret("client_id"), values.secret("client_secret")
        refresh_token = self.grant(token)
        fields: tuple[tuple[str, str | Secret], ...] = (
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        )
        response = yield token_request(
            values.text("token_endpoint"),
            (*fields, ("scope", scope)) if scope else fields,
            client_id=client_id,
            client_secret=client_secret,
            client_authentication=values.text("client_authentication", CLIENT_SECRET_BASIC),
        )
        try:
            fresh = token_from(response, moment.now, scrub=(client_secret, client_id, refresh_token))
        except TokenRefused as refused:
            if refused.error == "invalid_grant":
                raise Refused("reconnect_required", refused.detail) from None
            raise
        return fresh if fresh.refresh_token is not None else replace(fresh, refresh_token=refresh_token)

    def grant(self, token: Token | None) -> Secret:
        """Return the newest refresh token; the one that everything begins with where the server never gave another."""
        begun_with = self.values.secret("refresh_token")
        return begun_with if token is None or token.refresh_token is None else token.refresh_token

    def apply(self, request: HttpRequest, token: Token | None, moment: Moment) -> HttpRequest:
        """Add `Authorization: Bearer …` (RFC 6750 section 2.1)."""
        return bearer(request, token)
