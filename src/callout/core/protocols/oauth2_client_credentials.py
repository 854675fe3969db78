"""OAuth 2.0 client credentials grant (RFC 6749 section 4.4)."""

from __future__ import annotations

from callout.core.model.credentials import PrincipalType
from callout.core.oauth2 import RepeatableGrant
from callout.core.oauth2.client import Field
from callout.core.oauth2.parameters import CLIENT, DIALECT, TOKEN_CARE
from callout.core.protocol import Moment, Values


class OAuth2ClientCredentials(RepeatableGrant):
    """Asks the token endpoint for an access token of the client itself.

    There is no refresh token in this grant (section 4.4.3): asking again replaces the token.
    """

    name = "oauth2_client_credentials"
    title = "OAuth 2.0 client credentials"
    parameters = (*CLIENT, *DIALECT, *TOKEN_CARE)
    principal_types = (PrincipalType.NAMED, PrincipalType.PER_USER)
    refreshes = False

    def fields(self, values: Values, moment: Moment) -> tuple[Field, ...]:
        """Return the access token request (section 4.4.2)."""
        return (("grant_type", "client_credentials"),)
