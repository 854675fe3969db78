"""What the operations on signing in are given."""

from __future__ import annotations

from callout.core.secret import Secret
from callout.engine.operations.requests import Request


class Invitation(Request):
    """The user who is invited, and how long the link is good: a life (`12h`, `7d`) or a time."""

    name: str
    expires: str = "7d"


class NewPassword(Request):
    """A password of a user; `current` is the one that they have, where it is one's own."""

    name: str
    password: Secret
    current: Secret | None = None


class SessionsOf(Request):
    """The user whose sessions are meant."""

    name: str


class SigningOut(Request):
    """The session of a user that is to end; none named: all."""

    name: str
    session: str | None = None


class IssuerValues(Request):
    """The client secret of a trusted issuer."""

    name: str
    values: dict[str, Secret]
