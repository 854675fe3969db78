"""What is done about tokens that nobody asks for: cut-off refreshes are ended, idle refresh tokens are kept alive.

It works from what is stored, not from what this process has in memory, so that it also sees what nobody has called since
the start. Of all processes one does it, by a lease of its own.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

from callout.core.errors import CalloutError
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.model.refreshes import Lease
from callout.core.ports import Clock, Entropy, Look, UserExternalCredentials
from callout.core.refresh.idle import due_at
from callout.core.refresh.state import Reconciliation, reconcile
from callout.engine.definitions import CurrentOrg
from callout.engine.leases import Leases
from callout.engine.slots import Slot, Slots
from callout.engine.tokens import IDLE, INTENT, Tokens

#: How long it rests between two sweeps, in seconds; up to half as long again, so that processes do not meet.
INTERVAL = 10.0
#: How many tokens are refreshed at a time.
AT_A_TIME = 8
#: How long a token whose refresh failed is left alone, in seconds; doubled up to the longest.
FIRST_REST, LONGEST_REST = INTERVAL, 3600.0
#: The lease that the sweeping process holds: no external credential has an empty name.
LEADER = UserExternalCredentialKey("", "sweeper")


class Sweeper:
    """Sweeps where this process holds the lease. One for each process."""

    def __init__(
        self,
        org: CurrentOrg,
        slots: Slots,
        tokens: Tokens,
        store: UserExternalCredentials,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._org = org
        self._slots = slots
        self._tokens = tokens
        self._leases: Leases = tokens.leases
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._lease: Lease | None = None
        self._rests: dict[UserExternalCredentialKey, tuple[float, float]] = {}

    async def rest(self) -> None:
        """Wait until the next sweep."""
        await self._clock.sleep(INTERVAL * (1 + self._entropy.bytes(1)[0] / 512))

    async def sweep(self) -> None:
        """Sweep once, where this process holds the lease or can take it. Raises `StoreError`."""
        if not await self._leads():
            return
        now, gate = self._clock.now(), asyncio.Semaphore(AT_A_TIME)
        due = [(look, because) for look in await self._store.looks() if (because := self._because(look, now))]
        await asyncio.gather(*(self._refresh(look, because, gate) for look, because in due))

    async def close(self) -> None:
        """Give up the lease, so that another process need not wait for its end. Raises `StoreError`."""
        if self._lease is not None:
            self._leases.give_up(self._lease)
            await self._store.drop_lease(self._lease)

    async def _leads(self) -> bool:
        held = await self._store.lease(LEADER)
        if held is not None and self._lease is not None and held.fence == self._lease.fence:
            return True
        if self._lease is not None:
            self._leases.give_up(self._lease)
            self._lease = None
        if held is not None and not self._leases.is_over(held):
            return False
        ends = self._clock.now() + self._leases.end()
        self._lease = await self._store.take_lease(LEADER, self._leases.owner, ends, over=held)
        if self._lease is not None:
            self._leases.keep(self._lease)
        return self._lease is not None

    def _because(self, look: Look, now: datetime) -> str:
        """Say why a token is to be refreshed; empty where it is not."""
        if look.stated is not None or self._rests.get(look.key, (0.0, 0.0))[1] > self._clock.monotonic():
            return ""
        if look.lease is not None and not self._leases.is_over(look.lease):
            return ""
        if look.intent is not None:
            expires_at = look.token.expires_at if look.token is not None else None
            judged = reconcile(look.intent, generation=look.generation, expires_at=expires_at, now=now)
            return INTENT if judged is Reconciliation.RETRY else ""
        external = self._org.value.external_credentials.get(look.key.external_credential)
        used_at = look.token.issued_at if look.token is not None else look.set_at
        if external is None or used_at is None or not external.inactivity_limit:
            return ""
        return IDLE if now >= due_at(used_at, external.inactivity_limit, str(look.key)) else ""

    async def _refresh(self, look: Look, because: str, gate: asyncio.Semaphore) -> None:
        async with gate:
            key = look.key
            slot = await self._slot(key)
            if slot is None:
                return
            try:
                await self._tokens.replace(slot, max(look.generation, slot.generation), because=because)
            except CalloutError:
                rest = min(2 * self._rests.get(key, (FIRST_REST / 2, 0.0))[0], LONGEST_REST)
                self._rests[key] = (rest, self._clock.monotonic() + rest)
            else:
                self._rests.pop(key, None)

    async def _slot(self, key: UserExternalCredentialKey) -> Slot | None:
        """Return the slot of a token as it is defined now, ready to be asked for; None where it is not defined so."""
        org = self._org.value
        external = org.external_credentials.get(key.external_credential)
        principal = external.principal(key.principal) if external is not None else None
        if external is None or principal is None or (key.user and key.user not in org.users):
            return None
        slot = self._slots.of(org, key, external, principal)
        if not slot.protocol.obtains:
            return None
        try:
            await self._slots.equip(slot)
        except CalloutError:
            return None
        return slot
