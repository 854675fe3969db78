"""Basic authentication (RFC 7617): user-id and password in one header."""

from __future__ import annotations

import base64

from callout.core.message import HttpRequest
from callout.core.protocol import AuthenticationProtocol, Moment, Parameter, Token
from callout.core.secret import Redactable, Secret, reveal


class Basic(AuthenticationProtocol):
    """Writes `Authorization: Basic base64(username ":" password)`, in UTF-8 (RFC 7617 section 2.1)."""

    name = "basic"
    title = "Basic authentication"
    parameters = (
        Parameter("username", "User-id (RFC 7617 section 2); must not contain a colon", secret=True),
        Parameter("password", "Password (RFC 7617 section 2)", secret=True),
    )
    writes = ("Authorization",)

    def apply(self, request: HttpRequest, token: Token | None, moment: Moment) -> HttpRequest:
        """Add the Authorization header."""
        pair = f"{reveal(self.values.secret('username'))}:{reveal(self.values.secret('password'))}"
        encoded = Secret(base64.b64encode(pair.encode()).decode())
        return request.with_headers(("Authorization", Redactable.of("Basic ", encoded)))
