"""OAuth 2.0 JWT bearer grant (RFC 7523 section 2.1): a token for an assertion that the principal signs."""

from __future__ import annotations

from dataclasses import replace

from callout.core.errors import Refused
from callout.core.jose import self_signed
from callout.core.jose.parameters import CLAIMS, HEADER_CLAIMS, JWT_LIFETIME, SIGNING_CERTIFICATE
from callout.core.oauth2 import RepeatableGrant
from callout.core.oauth2.client import Field, audience_of
from callout.core.oauth2.parameters import (
    CLIENT,
    CLIENT_AUTHENTICATION,
    CLIENT_ID,
    DIALECT,
    NO_CLIENT_SECRET,
    REFRESH_DIALECT,
    TOKEN_CARE,
    TOKEN_ENDPOINT,
)
from callout.core.protocol import Moment, Parameter, Values
from callout.core.secret import reveal

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"

#: The assertion says who asks: the client need not prove itself beside it (RFC 7521 section 4.1).
_OWN = {
    CLIENT_AUTHENTICATION.name: replace(CLIENT_AUTHENTICATION, default=NO_CLIENT_SECRET),
    CLIENT_ID.name: replace(
        CLIENT_ID,
        help="Client identifier; it is the issuer of the assertion where claims.iss is not given",
        unless=(f"{CLAIMS.name}.iss",),
    ),
    SIGNING_CERTIFICATE.name: replace(SIGNING_CERTIFICATE, help="Certificate whose key signs the assertion"),
}


def _own(parameters: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
    return tuple(_OWN.get(parameter.name, parameter) for parameter in parameters)


class OAuth2JwtBearer(RepeatableGrant):
    """Signs an assertion of who the token is for, and exchanges it at the token endpoint."""

    name = "oauth2_jwt_bearer"
    title = "OAuth 2.0 JWT bearer"
    parameters = (*_own(CLIENT), CLAIMS, HEADER_CLAIMS, JWT_LIFETIME, *DIALECT, *REFRESH_DIALECT, *TOKEN_CARE)
    invalid_grant = (
        "Compare claims.iss, claims.sub and claims.aud with what the server expects, let it know the public key of"
        " signing_certificate, and compare its clock with ours"
    )

    def fields(self, values: Values, moment: Moment) -> tuple[Field, ...]:
        """Return the access token request with the assertion (section 4).

        Where they are not declared, `iss` is the client, `sub` is `iss`, and `aud` is the issuer or the token endpoint.
        """
        client_id = reveal(values.secrets.get("client_id") or "")
        declared = values.keyed(CLAIMS.name).get("iss")
        issuer = reveal(moment.evaluate(reveal(declared))) if declared is not None else client_id
        if not issuer:
            detail = f"got neither client_id nor {CLAIMS.name}.iss; expected one: who signs the assertion"
            raise Refused("principal_not_configured", detail)
        usual = {
            "iss": issuer,
            "sub": issuer,
            "aud": audience_of(values, values.text(TOKEN_ENDPOINT.name)),
        }
        return (("grant_type", GRANT_TYPE), ("assertion", self_signed(values, moment, usual, purpose="assertion")))
