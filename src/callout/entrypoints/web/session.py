"""Who sits at a browser: a session of the store, known by the text of one cookie that no script can read.

A browser in which nobody is signed in has a text of its own as well, which no session belongs to: its forms are bound to
that. Who signs in gets another (`engine.sign_in`), so a text that was planted is worth nothing afterwards.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from callout.core.model.people import GUEST, Caller
from callout.core.oauth2.authorization import random_text
from callout.core.secret import reveal  # noqa: TID251 - the text of a cookie that is made here
from callout.engine.sign_in import Browser, SignedIn, SigningIn
from callout.engine.sign_in.signing_in import KNOWN_FOR, caller_of

#: The cookies: of the session, of a browser that a user has signed in with, and of one that went to an issuer.
SESSION, KNOWN, AWAY = "callout_setup", "callout_known", "callout_away"
_TEXT = re.compile(r"[A-Za-z0-9_-]{43}")
_RANDOM_BYTES = 32
_NAMES = ("Edg", "OPR", "Firefox", "Chrome", "Safari", "curl", "python-httpx2")
_CALLED = {"Edg": "Edge", "OPR": "Opera"}
_SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux")


@dataclass(frozen=True, slots=True)
class Session:
    """One browser. `user` is who signed in; empty: nobody did. `id` is the secret text of its cookie."""

    id: str = field(repr=False)
    user: str = ""
    caller: Caller = field(default_factory=lambda: Caller(GUEST))

    @property
    def form_text(self) -> str:
        """What every form of ours holds: another site cannot know it."""
        return hashlib.sha256(f"form\0{self.id}".encode()).hexdigest()

    def sent(self, text: object) -> bool:
        """Say whether a form was one of ours."""
        return isinstance(text, str) and hmac.compare_digest(text.encode(), self.form_text.encode())


class Sessions:
    """Reads and writes the cookies."""

    def __init__(self, signing_in: SigningIn) -> None:
        self._signing_in = signing_in
        self._secure = signing_in.links.public_url.startswith("https://")

    async def of(self, request: Request) -> Session:
        """Return the session of a browser; one of nobody where it has none that holds."""
        text = self.cookie(request, SESSION)
        found = await self._signing_in.session(text)
        if found is not None:
            return Session(text, found.user, caller_of(found))
        return Session(text) if _TEXT.fullmatch(text) else self.new()

    async def user_of(self, request: Request) -> str:
        """Return who is signed in; empty: nobody."""
        found = await self._signing_in.session(self.cookie(request, SESSION))
        return found.user if found is not None else ""

    def new(self) -> Session:
        """Begin one of nobody."""
        return Session(reveal(random_text(self._signing_in.setup.entropy.bytes(_RANDOM_BYTES))))

    def keep(self, response: Response, session: Session) -> None:
        """Give the browser its cookie, until it is closed."""
        self.set(response, SESSION, session.id)

    def begin(self, response: Response, signed_in: SignedIn) -> None:
        """Give the browser the cookies of a sign-in."""
        self.set(response, SESSION, signed_in.text)
        self.set(response, KNOWN, signed_in.known, age=int(KNOWN_FOR))

    def end(self, response: Response) -> None:
        """Take the cookie of the session back."""
        self.drop(response, SESSION)

    def browser(self, request: Request) -> Browser:
        """Return what a browser came with."""
        address = request.client.host if request.client is not None else ""
        name = browser_name(request.headers.get("user-agent", ""))
        return Browser(address, name, self.cookie(request, SESSION), self.cookie(request, KNOWN))

    def cookie(self, request: Request, name: str) -> str:
        """Return the text of a cookie of ours; empty where there is none."""
        return request.cookies.get(self._named(name), "")

    def set(self, response: Response, name: str, text: str, *, age: int | None = None) -> None:
        """Set a cookie of ours. `Lax`: it comes along when an issuer sends the browser back. `age` in seconds."""
        response.set_cookie(
            self._named(name), text, max_age=age, path="/", secure=self._secure, httponly=True, samesite="lax"
        )

    def drop(self, response: Response, name: str) -> None:
        """Take a cookie of ours back."""
        response.delete_cookie(self._named(name), path="/", secure=self._secure, httponly=True, samesite="lax")

    def _named(self, name: str) -> str:
        """Return the name of a cookie: over TLS one that no other host and no plain connection can set (RFC 6265bis 4.1.3)."""
        return f"__Host-{name}" if self._secure else name


def browser_name(agent: str) -> str:
    """Say which browser on which system it is, from what it sends as User-Agent: `Firefox on Linux`."""
    name = next((_CALLED.get(each, each) for each in _NAMES if f"{each}/" in agent), "")
    system = next((each for each in _SYSTEMS if each in agent), "")
    return f"{name} on {system}" if name and system else name or system or "another browser"
