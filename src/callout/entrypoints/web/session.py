"""Who sits at a browser: a session, known by one cookie that no script can read."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from callout.core.model.people import Caller
from callout.core.ports import Entropy
from callout.engine.connect_links import Links

COOKIE = "callout_setup"
LIFE = 8 * 3600.0


@dataclass(frozen=True, slots=True)
class Session:
    """One browser. `user` is who signed in; empty: nobody did. Who signs in gets another `id`."""

    id: str
    user: str = ""
    proof: str = ""

    @property
    def form_text(self) -> str:
        """What every form of ours holds: another site cannot know it."""
        return hashlib.sha256(f"form\0{self.id}".encode()).hexdigest()

    @property
    def caller(self) -> Caller:
        """Who runs the operations that the pages ask for."""
        return Caller(self.user, None, proof=self.proof)

    def sent(self, text: object) -> bool:
        """Say whether a form was one of ours."""
        return isinstance(text, str) and hmac.compare_digest(text.encode(), self.form_text.encode())


class Sessions:
    """Reads and writes the cookie."""

    def __init__(self, links: Links, entropy: Entropy) -> None:
        self._links = links
        self._entropy = entropy

    async def of(self, request: Request) -> Session:
        """Return the session of a browser; a new one where it has none that holds."""
        members = self._links.open("setup", request.cookies.get(COOKIE, ""))
        return Session(members["id"], members["user"], members["proof"]) if members is not None else self.new()

    def new(self, user: str = "", proof: str = "") -> Session:
        """Begin a session, with an id of its own."""
        return Session(self._entropy.bytes(32).hex(), user, proof)

    def keep(self, response: Response, session: Session) -> None:
        """Give the browser its cookie."""
        members = {"id": session.id, "user": session.user, "proof": session.proof}
        response.set_cookie(
            COOKIE,
            self._links.seal("setup", members, LIFE),
            path="/",
            secure=self._links.public_url.startswith("https://"),
            httponly=True,
            samesite="lax",
        )

    def end(self, response: Response) -> None:
        """Take the cookie back."""
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
