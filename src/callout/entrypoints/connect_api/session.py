"""What a browser is known by while it connects: one cookie, sealed, that no script can read.

An attempt is bound to its `id`, so an authorization that one browser began cannot be completed in another, and a form
that another site sends has not the right `form_text`. Who signs in gets another `id`.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from callout.core.ports import Entropy
from callout.engine.connect_links import Links

COOKIE = "callout_connect"
#: How long a browser is known, in seconds; signing in begins anew.
LIFE = 1800.0


@dataclass(frozen=True, slots=True)
class Session:
    """One browser. `user` is who signed in, with the key of this prefix; empty: nobody did."""

    id: str
    user: str = ""
    key_prefix: str = ""

    @property
    def form_text(self) -> str:
        """What every form of ours holds: another site cannot know it."""
        return hashlib.sha256(f"form\0{self.id}".encode()).hexdigest()

    def sent(self, text: object) -> bool:
        """Say whether a form was one of ours."""
        return isinstance(text, str) and hmac.compare_digest(text.encode(), self.form_text.encode())


class Sessions:
    """Reads and writes the cookie."""

    def __init__(self, links: Links, entropy: Entropy) -> None:
        self._links = links
        self._entropy = entropy

    def of(self, request: Request) -> Session | None:
        """Return the session of a browser, or None."""
        members = self._links.open("session", request.cookies.get(COOKIE, ""))
        return Session(members["id"], members["user"], members["key_prefix"]) if members is not None else None

    def new(self, user: str = "", key_prefix: str = "") -> Session:
        """Begin a session, with an id of its own."""
        return Session(self._entropy.bytes(32).hex(), user, key_prefix)

    def keep(self, response: Response, session: Session) -> None:
        """Give the browser its cookie. `Lax`: it comes along when the authorization server sends the browser back."""
        members = {"id": session.id, "user": session.user, "key_prefix": session.key_prefix}
        response.set_cookie(
            COOKIE,
            self._links.seal("session", members, LIFE),
            max_age=int(LIFE),
            path="/connect",
            secure=self._links.public_url.startswith("https://"),
            httponly=True,
            samesite="lax",
        )
