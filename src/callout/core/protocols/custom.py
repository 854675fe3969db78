"""Custom: API keys and anything else that headers with formulas can say.

The principal's secrets have names of the admin's choice; the custom headers of the external credential put them
in place (`{!$Credential.Weather.ApiKey}`). The headers are evaluated before `apply`, so `apply` adds nothing.
"""

from __future__ import annotations

from callout.core.message import HttpRequest
from callout.core.model.credentials import PrincipalType
from callout.core.protocol import AuthenticationProtocol, Moment, Parameter, Token


class Custom(AuthenticationProtocol):
    """Authenticates by the custom headers alone."""

    name = "custom"
    title = "Custom headers (API keys)"
    parameters = (
        Parameter(
            "signing_certificate",
            "Certificate of Callout's whose key SIGN_WITH_CERTIFICATE signs with",
            required=False,
            key_pair=True,
        ),
    )
    principal_types = (PrincipalType.NAMED, PrincipalType.PER_USER)

    def apply(self, request: HttpRequest, token: Token | None, moment: Moment) -> HttpRequest:
        """Return the request unchanged: its headers were written by formulas."""
        return request
