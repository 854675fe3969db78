"""OAuth 2.0 refresh token grant (RFC 6749 section 6) of an authorization that was given elsewhere."""

from __future__ import annotations

from dataclasses import replace

from callout.core.message import HttpRequest
from callout.core.oauth2 import (
    TokenRefused,
    bearer,
    introspection_request,
    revocation_request,
    token_from,
    token_request,
)
from callout.core.oauth2.parameters import CLIENT, DIALECT, REFRESH_DIALECT, TOKEN_CARE
from callout.core.protocol import AuthenticationProtocol, Flow, Moment, Parameter, Token
from callout.core.secret import Secret

REFRESH_TOKEN = Parameter("refresh_token", "Refresh token to begin with (RFC 6749 section 1.5)", secret=True)


class OAuth2RefreshToken(AuthenticationProtocol):
    """Begins with a refresh token that somebody was given, and from then on keeps what the server rotates it to."""

    name = "oauth2_refresh_token"
    title = "OAuth 2.0 refresh token"
    parameters = (*CLIENT, REFRESH_TOKEN, *DIALECT, *REFRESH_DIALECT, *TOKEN_CARE)
    writes = ("Authorization",)
    obtains = True
    spends = True

    def obtain(self, moment: Moment, token: Token | None) -> Flow:
        """Spend the newest refresh token. Where the answer brings none, the one that was sent stays good (section 6).

        `invalid_grant` is `reconnect_required`: no further request with this refresh token can help.
        """
        refresh_token = self.grant(token)
        grant: tuple[tuple[str, str | Secret], ...] = (
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        )
        response = yield token_request(self.values, *grant, refreshing=True)
        scrub = (*self.values.secrets.values(), refresh_token)
        try:
            fresh = token_from(response, moment.now, self.values, scrub=scrub)
        except TokenRefused as refused:
            if refused.error == "invalid_grant" and not refused.transient:
                again = TokenRefused("reconnect_required", refused.detail, error=refused.error, status=refused.status)
                raise again from None
            raise
        return fresh if fresh.refresh_token is not None else replace(fresh, refresh_token=refresh_token)

    def revocation(self, token: Token | None, moment: Moment) -> tuple[str, HttpRequest] | None:
        """Revoke the refresh token (RFC 7009); before the first refresh it is the one that was begun with."""
        kept = token.refresh_token if token is not None else None
        return revocation_request(self.values, "refresh_token", kept or self.values.secret("refresh_token"))

    def introspection(self, token: Token, moment: Moment) -> HttpRequest | None:
        """Ask about the access token (RFC 7662)."""
        return introspection_request(self.values, token)

    def grant(self, token: Token | None) -> Secret:
        """Return the newest refresh token; the one that everything begins with where the server never gave another."""
        begun_with = self.values.secret("refresh_token")
        return begun_with if token is None or token.refresh_token is None else token.refresh_token

    def apply(self, request: HttpRequest, token: Token | None, moment: Moment) -> HttpRequest:
        """Add `Authorization: Bearer …` (RFC 6750 section 2.1)."""
        return bearer(request, token)
