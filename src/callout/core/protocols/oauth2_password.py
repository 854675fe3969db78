"""OAuth 2.0 resource owner password credentials grant (RFC 6749 section 4.3), for systems that have nothing newer."""

from __future__ import annotations

from callout.core.oauth2 import RepeatableGrant, TokenRefused, reconnecting
from callout.core.oauth2.client import Field
from callout.core.oauth2.parameters import CLIENT, DIALECT, REFRESH_DIALECT, TOKEN_CARE
from callout.core.protocol import Moment, Parameter, Values

USERNAME = Parameter("username", "Name of the resource owner (RFC 6749 section 4.3.2)", secret=True)
PASSWORD = Parameter("password", "Password of the resource owner (RFC 6749 section 4.3.2)", secret=True)


class OAuth2Password(RepeatableGrant):
    """Asks the token endpoint for a token of a name and a password.

    Where the server calls them invalid they are not sent again before they are set anew: a wrong password that is
    repeated locks accounts.
    """

    name = "oauth2_password"
    title = "OAuth 2.0 password (for old systems)"
    parameters = (PASSWORD, USERNAME, *CLIENT, *DIALECT, *REFRESH_DIALECT, *TOKEN_CARE)
    invalid_grant = "Correct username and password of the principal"

    def fields(self, values: Values, moment: Moment) -> tuple[Field, ...]:
        """Return the access token request (section 4.3.2)."""
        pair = (("username", values.secret("username")), ("password", values.secret("password")))
        return (("grant_type", "password"), *pair)

    def refused_grant(self, refused: TokenRefused) -> TokenRefused:
        """Word it so that nothing is sent again before the principal is changed."""
        return reconnecting(refused)
