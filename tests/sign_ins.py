"""Signing in, in memory: the port `SignIns` beside a `MemoryStore`, and passwords whose digest costs nothing."""

import hashlib
from dataclasses import dataclass, field, replace

from callout.core.errors import Outdated
from callout.core.model.sign_in import Invitation, Password, Session
from callout.core.secret import Secret, reveal


class PlainPasswords:
    """Implements `Passwords`, quickly. `version` is what its digests were made with."""

    def __init__(self, version: int = 1) -> None:
        self.version = version
        self.judged = 0

    def _of(self, password: Secret, version: int) -> str:
        return f"{version}:{hashlib.sha256(reveal(password).encode()).hexdigest()}"

    async def digest(self, password: Secret) -> str:
        return self._of(password, self.version)

    async def matches(self, password: Secret, digest: str | None) -> bool:
        self.judged += 1
        return digest is not None and digest == self._of(password, int(digest.partition(":")[0]))

    def is_outdated(self, digest: str) -> bool:
        return int(digest.partition(":")[0]) != self.version


@dataclass
class MemorySignIns:
    """What is kept of users who sign in; `store` is where their definitions are, and the audit trail."""

    store: object
    passwords: dict[str, Password] = field(default_factory=dict)
    kept: dict[bytes, Session] = field(default_factory=dict)
    invitations: dict[str, Invitation] = field(default_factory=dict)

    def _write(self, *acts, expects=None) -> None:
        if expects is not None and expects != self.store.org.generation:
            raise Outdated(f"got generation {self.store.org.generation}; expected {expects}")
        self.store.acts += acts
        for act in acts:
            self.store.trail.act(act)

    async def password(self, user):
        return self.passwords.get(user)

    async def has_password(self):
        return bool(self.passwords)

    async def put_password(self, password, act, *, expects, keep=b"", invitation=b""):
        there = self.invitations.get(password.user)
        if invitation and (there is None or there.digest != invitation):
            return False
        self._write(act, expects=expects)
        self.passwords[password.user] = password
        self.invitations.pop(password.user, None)
        self.kept = {d: s for d, s in self.kept.items() if s.user != password.user or d == keep}
        return True

    async def put_invitation(self, invitation, act, *, expects):
        self._write(act, expects=expects)
        self.invitations[invitation.user] = invitation

    async def begin(self, session, act, *, expects, replaces=b"", password=""):
        self._write(act, expects=expects)
        self.kept.pop(replaces, None)
        self.kept[session.digest] = session

    async def session(self, digest):
        return self.kept.get(digest)

    async def see(self, digest, at):
        self.kept[digest] = replace(self.kept[digest], seen_at=at)

    async def sessions(self, user):
        return tuple(each for each in self.kept.values() if each.user == user)

    async def end(self, digests, act):
        ending = [digest for digest in digests if digest in self.kept]
        for digest in ending:
            del self.kept[digest]
        if ending and act is not None:
            self._write(act)
        return len(ending)

    async def attempt(self, allowances, now):
        return None

    async def succeeded(self, allowances):
        return None

    async def failed(self, act):
        self._write(act)
