"""Basic authentication (RFC 7617): user-id and password in one header."""

from __future__ import annotations

import base64
import re

from callout.core.errors import Refused
from callout.core.message import HttpRequest
from callout.core.protocol import AuthenticationProtocol, Moment, Parameter, Token
from callout.core.secret import Redactable, Secret, reveal

#: What neither user-id nor password may hold (RFC 7617 section 2), and what UTF-8 cannot encode.
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


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
        """Add the Authorization header; raises `Refused(principal_not_configured)` for values it cannot hold."""
        username, password = (self._plain(name) for name in ("username", "password"))
        if ":" in username:
            raise Refused(
                "principal_not_configured",
                "got a username with a colon; expected one without (RFC 7617 section 2): the password follows it",
            )
        pair = f"{username}:{password}"
        encoded = Secret(base64.b64encode(pair.encode()).decode())
        return request.with_headers(("Authorization", Redactable.of("Basic ", encoded)))

    def _plain(self, name: str) -> str:
        text = reveal(self.values.secret(name))
        if _CONTROL.search(text) is not None:
            detail = f"got a control character in {name}; expected text without (RFC 7617 section 2)"
            raise Refused("principal_not_configured", detail)
        return text
