"""Digests of passwords: Argon2id (RFC 9106), with the parameters that section 4 recommends second, made in threads.

One digest takes 64 MiB and a good part of a second of a core, so only a few are made at a time: the rest wait in line.
"""

from __future__ import annotations

import asyncio
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from callout.core.secret import Secret, reveal

#: RFC 9106 section 4: passes, KiB of memory, lanes.
PASSES, KIBIBYTES, LANES = 3, 64 * 1024, 4
#: How many digests are made at a time.
AT_ONCE = 2


class Argon2Passwords:
    """Implements `Passwords`. One for each process."""

    def __init__(self, passes: int = PASSES, kibibytes: int = KIBIBYTES, lanes: int = LANES) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=kibibytes, parallelism=lanes)
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def digest(self, password: Secret) -> str:
        """Return the digest of a password, with a salt of its own."""
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, reveal(password))

    async def matches(self, password: Secret, digest: str | None) -> bool:
        """Say whether a digest is of this password; one that is not there takes as long to refuse."""
        async with self._turns:
            same = await asyncio.to_thread(self._verify, password, digest)
        return same and digest is not None

    def is_outdated(self, digest: str) -> bool:
        """Say whether a digest has other parameters than those of now."""
        return self._hasher.check_needs_rehash(digest)

    def _verify(self, password: Secret, digest: str | None) -> bool:
        try:
            return self._hasher.verify(digest if digest is not None else self._of_nobody, reveal(password))
        except (VerificationError, InvalidHashError):
            return False

    @cached_property
    def _of_nobody(self) -> str:
        return self._hasher.hash("of nobody")
