"""What signing in needs of the world, beside what `core.ports` names: slow digests, and what is kept of users."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from callout.core.model.sign_in import Allowance, Invitation, Password, Session
from callout.core.ports import AdminAct
from callout.core.secret import Secret


class Passwords(Protocol):
    """Digests of passwords, made slow on purpose, in a thread."""

    async def digest(self, password: Secret) -> str:
        """Return the digest of a password, with its salt and its parameters."""

    async def matches(self, password: Secret, digest: str | None) -> bool:
        """Say whether a digest is of this password. With None it is not, and saying so takes as long."""

    def is_outdated(self, digest: str) -> bool:
        """Say whether a digest has other parameters than one that is made now."""


class SignIns(Protocol):
    """Passwords, sessions and invitations, which go with their user, and counts of failed attempts.

    Where `expects` is given, `Outdated` is raised, and nothing written, if the definitions' generation is another: the
    user may have gone. No write here raises it.
    """

    async def password(self, user: str) -> Password | None:
        """Return the password of a user; None where they have none."""

    async def has_password(self) -> bool:
        """Say whether any user has one."""

    async def put_password(
        self, password: Password, act: AdminAct, *, expects: int, keep: bytes = b"", invitation: bytes = b""
    ) -> bool:
        """Set a password; the invitations of its user are over, and their sessions but the one in `keep`.

        With an `invitation` it is set only where that is there: False, and nothing is written, where it was used meanwhile.
        """

    async def replace_digest(self, password: Password, digest: str) -> None:
        """Put another digest of the same password in the place of this one, where it is still there."""

    async def put_invitation(self, invitation: Invitation, act: AdminAct, *, expects: int) -> None:
        """Keep an invitation, in the place of an earlier one of its user."""

    async def invitation(self, digest: bytes) -> Invitation | None:
        """Return the invitation with this digest, whether it has ended or not."""

    async def begin(
        self, session: Session, act: AdminAct, *, expects: int, replaces: bytes = b"", password: str = ""
    ) -> None:
        """Keep a session, and end the one that it takes the place of; those that have ended go.

        Where a `password` digest is given, that is still the user's: `Outdated` is raised where it is another.
        """

    async def session(self, digest: bytes) -> Session | None:
        """Return the session with this digest, whether it has ended or not."""

    async def sessions(self, user: str) -> tuple[Session, ...]:
        """Return the sessions of a user, oldest first."""

    async def see(self, digest: bytes, at: datetime) -> None:
        """Note that a session was used."""

    async def end(self, digests: Collection[bytes], act: AdminAct | None) -> int:
        """End these sessions; returns how many there were. Where there was none, nothing is written."""

    async def attempt(self, allowances: Collection[Allowance], now: datetime) -> datetime | None:
        """Count an attempt as failed, before it is judged; or return when the next may be made, and count nothing."""

    async def succeeded(self, allowances: Collection[Allowance]) -> None:
        """Take back what the last attempt counted: it has succeeded. Where that `clears`, all failures are forgotten."""

    async def failed(self, act: AdminAct) -> None:
        """Record an attempt that failed."""
