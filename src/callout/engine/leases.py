"""When a lease may be taken from its holder, and how it is kept: every process judges alike, whatever its clock says.

A lease is longer than a token endpoint may take, and renewed while its holder works: often enough also for a process
that was told of a shorter time-out and so waits less. Another process takes it over

- at once, where the holder is known to have ended (`Nodes.is_gone`: on one machine, a killed process gives up a lock);
- after it has *seen* the lease unrenewed for as long as the lease is, on its own monotonic clock;
- where by its wall clock the lease ran out longer ago than clocks may differ, so that after a restart nobody waits for a
  holder of yesterday.

The times that holders write are thus never compared with another clock without a margin: ten minutes of difference
either way break nothing. And where all of this errs, what is written late is compared with what is stored.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from callout.core.errors import StoreError
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.model.refreshes import Lease
from callout.core.ports import Clock, Entropy, Nodes, UserExternalCredentials

#: How long a token endpoint may take where the settings do not say, in seconds.
TOKEN_TIMEOUT = 30.0
#: How much longer than that a lease lasts without being renewed, and how often it is renewed, in seconds.
MARGIN, RENEWAL = 15.0, 5.0
#: How far the clocks of two processes may be apart, in seconds, with a margin.
SKEW = 1200.0
#: How often at least a process that waits for another's refresh looks, in seconds, where nothing tells it to sooner.
LOOK = 0.5


class Leases:
    """Takes, keeps and judges leases for one process. `token_timeout` is how long a token request may take, in seconds."""

    def __init__(
        self, store: UserExternalCredentials, clock: Clock, entropy: Entropy, nodes: Nodes, token_timeout: float
    ) -> None:
        self.token_timeout = token_timeout
        self._life = token_timeout + MARGIN
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._nodes = nodes
        self._seen: dict[UserExternalCredentialKey, tuple[int, int, float]] = {}
        self._ours: dict[int, asyncio.Task[None]] = {}
        self._moved = asyncio.Event()

    @property
    def owner(self) -> str:
        """Who holds the leases of this process."""
        return self._nodes.name

    def end(self) -> timedelta:
        """How long a lease lasts that is taken or renewed now."""
        return timedelta(seconds=self._life)

    def is_over(self, lease: Lease) -> bool:
        """Say whether a lease may be taken over. Ask again now and then: it is judged by what is seen between."""
        if lease.owner == self._nodes.name:
            return lease.fence not in self._ours  # left behind when the store failed
        if self._nodes.is_gone(lease.owner):
            return True
        now = self._clock.monotonic()
        fence, beat, since = self._seen.get(lease.key, (0, 0, now))
        if (fence, beat) != (lease.fence, lease.beat):
            since = now
        self._seen[lease.key] = (lease.fence, lease.beat, since)
        return now - since >= self._life or (self._clock.now() - lease.expires_at).total_seconds() >= SKEW

    def keep(self, lease: Lease) -> None:
        """Renew a lease that was taken, until it is given up."""
        self._seen.pop(lease.key, None)
        self._ours[lease.fence] = asyncio.get_running_loop().create_task(self._renew(lease))

    def give_up(self, lease: Lease) -> None:
        """Renew a lease no more."""
        renewing = self._ours.pop(lease.fence, None)
        if renewing is not None:
            renewing.cancel()

    def close(self) -> None:
        """Renew none any more."""
        for renewing in self._ours.values():
            renewing.cancel()
        self._ours.clear()

    async def _renew(self, lease: Lease) -> None:
        current: Lease | None = lease
        while current is not None:
            await self._clock.sleep(RENEWAL)
            try:
                current = await self._store.renew_lease(current, self._clock.now() + self.end())
            except StoreError:
                continue  # nobody else reaches it either, or takes over what is seen unrenewed

    def note_change(self) -> None:
        """Note that something was written to the store: who waits looks now."""
        self._moved.set()
        self._moved = asyncio.Event()

    async def wait(self) -> None:
        """Wait until something was written, or for a moment that is never quite the same."""
        moment = LOOK * (1 + self._entropy.bytes(1)[0] / 256)
        waiting = (asyncio.ensure_future(self._moved.wait()), asyncio.ensure_future(self._clock.sleep(moment)))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
