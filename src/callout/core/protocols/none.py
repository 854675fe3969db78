"""No authentication: the null member. The request leaves as it is."""

from __future__ import annotations

from callout.core.message import HttpRequest
from callout.core.model.credentials import PrincipalType
from callout.core.protocol import AuthenticationProtocol, Moment, Token


class NoAuthentication(AuthenticationProtocol):
    """Adds nothing."""

    name = "none"
    title = "No authentication"
    principal_types = (PrincipalType.ANONYMOUS, PrincipalType.NAMED)

    def apply(self, request: HttpRequest, token: Token | None, moment: Moment) -> HttpRequest:
        """Return the request unchanged."""
        return request
