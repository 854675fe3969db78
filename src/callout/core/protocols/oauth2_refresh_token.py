"""OAuth 2.0 refresh token grant (RFC 6749 section 6) of an authorization that was given elsewhere."""

from __future__ import annotations

from callout.core.oauth2 import OAuth2Protocol
from callout.core.oauth2.parameters import CLIENT, DIALECT, REFRESH_DIALECT, TOKEN_CARE
from callout.core.protocol import Asking, Flow, Moment, Parameter, Token
from callout.core.secret import Secret

REFRESH_TOKEN = Parameter("refresh_token", "Refresh token to begin with (RFC 6749 section 1.5)", secret=True)


class OAuth2RefreshToken(OAuth2Protocol):
    """Begins with a refresh token that somebody was given, and from then on keeps what the server rotates it to."""

    name = "oauth2_refresh_token"
    title = "OAuth 2.0 refresh token"
    parameters = (*CLIENT, REFRESH_TOKEN, *DIALECT, *REFRESH_DIALECT, *TOKEN_CARE)
    spends = True

    def obtain(self, moment: Moment, token: Token | None) -> Flow:
        """Spend the newest refresh token. Where the answer brings none, the one that was sent stays good (section 6).

        `invalid_grant` is `reconnect_required`: no further request with this refresh token can help.
        """
        return (yield from self.connected(moment, self.grant(token)))

    def revocation(self, token: Token | None, moment: Moment) -> tuple[str, Asking] | None:
        """Revoke the refresh token (RFC 7009); before the first refresh it is the one that was begun with."""
        kept = token.refresh_token if token is not None else None
        return self.revoking("refresh_token", kept or self.values.secret("refresh_token"), moment)

    def grant(self, token: Token | None) -> Secret:
        """Return the newest refresh token; the one that everything begins with where the server never gave another."""
        begun_with = self.values.secret("refresh_token")
        return begun_with if token is None or token.refresh_token is None else token.refresh_token
