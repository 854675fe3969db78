"""Signing in to Setup: what is kept of a password, of a browser that is signed in, of an invitation, of attempts.

No text that signs anybody in is kept: a password as its Argon2 digest, a cookie and a link as their SHA-256.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

#: How many hexadecimal digits of its digest a session is named by.
VISIBLE = 12


class Proven(StrEnum):
    """How somebody who signed in proved who they are."""

    PASSWORD = "password"
    KEY = "key"
    INVITATION = "invitation"
    SINGLE_SIGN_ON = "single_sign_on"


@dataclass(frozen=True, slots=True)
class Password:
    """The password of a user: its Argon2 digest with all its parameters (PHC string format), and when it was chosen."""

    user: str
    digest: str = field(repr=False)
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in. `digest` is the SHA-256 of the text in its cookie.

    `proven_by` names what proved it: the visible start of a key, or a trusted issuer. `browser` is what it calls itself.
    It ends at `ends_at` whatever happens; before that where it lies unused, which `seen_at` tells.
    """

    digest: bytes = field(repr=False)
    user: str
    proof: Proven
    proven_by: str
    browser: str
    began_at: datetime
    seen_at: datetime
    ends_at: datetime

    @property
    def id(self) -> str:
        """What it is named by; nobody signs in with that."""
        return self.digest.hex()[:VISIBLE]

    @property
    def how(self) -> str:
        """How it was proven, in words."""
        if self.proof is Proven.KEY:
            return f"key {self.proven_by}…"
        if self.proof is Proven.SINGLE_SIGN_ON:
            return f"single sign-on of {self.proven_by}"
        return self.proof.value

    def is_over(self, now: datetime, idle: timedelta) -> bool:
        """Say whether it has ended, or lay unused for too long."""
        return now >= self.ends_at or now - self.seen_at >= idle


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link at which a user chooses a password, once, until it ends. `digest` is the SHA-256 of its text."""

    digest: bytes = field(repr=False)
    user: str
    by: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Allowance:
    """How often something may fail before the next attempt has to wait, and the longest that it ever waits, in seconds.

    `subject` digests what the attempts have in common: a user, an address, a browser. An attempt that succeeds
    `clears` the failures before it; where it does not, it takes back its own count alone.
    """

    subject: bytes = field(repr=False)
    free: int
    longest: float
    clears: bool = True

    def wait(self, failures: int) -> timedelta:
        """Return how long the next attempt has to wait after so many failures in a row: twice as long each time."""
        over = failures - self.free
        return timedelta(seconds=min(2.0 ** min(over, 30), self.longest) if over >= 0 else 0.0)
