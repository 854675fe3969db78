"""A token's life: obtained when first needed, replaced before it expires or when it was refused, once at a time.

A refresh is asked for as "replace generation g": where the current generation is newer, it is adopted. One flight
a slot in this process, then a lease in the store (`engine.refreshing`); the flight belongs to the engine, so that a
caller who hangs up does not cancel it.
"""

from __future__ import annotations

import asyncio

from callout.core.errors import CalloutError
from callout.core.ports import Nodes, Transport, UserExternalCredentials, Vault
from callout.core.protocol import Token
from callout.core.refresh.rules import ALWAYS
from callout.core.refresh.state import buffer_of, refusal_of, secret_names
from callout.engine.doubting import Doubts
from callout.engine.leases import TOKEN_TIMEOUT, Leases
from callout.engine.refreshing import Refresher
from callout.engine.scopes import Scopes
from callout.engine.slots import Held, Slot

#: How long a refused or failed token request is remembered, doubled with each further one, in seconds.
FIRST_BACK_OFF, LONGEST_BACK_OFF, MOST_DOUBLINGS = 0.25, 5.0, 10
#: Why a token was replaced; for a refresh rule it is the status.
EXPIRY = "expiry"
#: Why the sweeper asked: nobody had used it for long, or a refresh was cut off.
IDLE, INTENT = "idle", "intent"


class Tokens:
    """Obtains and replaces tokens. One for each process."""

    def __init__(
        self,
        store: UserExternalCredentials,
        vault: Vault,
        transport: Transport,
        scopes: Scopes,
        *,
        nodes: Nodes,
        debounce: float = 30.0,
        token_timeout: float = TOKEN_TIMEOUT,
    ) -> None:
        self._store = store
        self.scopes = scopes
        self._clock = clock = scopes.clock
        self._debounce = debounce
        self._jitter = scopes.entropy.bytes(1)[0] / 256  # of this process, so that processes do not all ask at once
        self.leases = Leases(store, clock, scopes.entropy, nodes, token_timeout)
        self._refresher = Refresher(store, vault, transport, scopes, self.leases)
        self._flights: set[asyncio.Task[Held]] = set()
        self._doubts = Doubts(transport, scopes)

    @property
    def requests(self) -> int:
        """How many requests went to token endpoints."""
        return self._refresher.requests

    @property
    def unsaved(self) -> int:
        """How many tokens the store has not taken yet."""
        return len(self._refresher.unsaved)

    async def current(self, slot: Slot) -> Held:
        """Return a token that has not expired, obtaining one where there is none. Raises `Refused`."""
        held = slot.held
        if held is not None and not self._expired(held.token):
            if self._clock.monotonic() >= max(self.fresh_until(slot), slot.retry_at, slot.rest_until):
                _ = self._fly(slot, EXPIRY)  # proactive: the token in hand goes on being used
            return held
        return await self.replace(slot, slot.generation, because=EXPIRY)

    async def replace(self, slot: Slot, generation: int, *, because: str) -> Held:
        """Return a token newer than `generation`. Raises `Refused` where none can be had.

        `because` is kept with the token: `expiry`, the status that a refresh rule names, or why the sweeper asks.
        """
        if slot.held is not None and slot.held.generation > generation:
            return slot.held
        if slot.failed is not None and self._clock.monotonic() < slot.retry_at:
            raise slot.failed.with_traceback(None)  # it would keep the frames of everybody who is refused by it
        held = await asyncio.shield(self._fly(slot, because))
        if held.generation > generation:
            return held
        return await asyncio.shield(self._fly(slot, because))  # that flight was under way, and less was asked of it

    def fresh_until(self, slot: Slot) -> float:
        """Until when the held token is used without asking (monotonic seconds)."""
        if slot.held is None:
            return 0.0
        token = slot.held.token
        if token.expires_at is None:
            return float("inf")
        jitter = (self._jitter + int(slot.fingerprint[:2], 16) / 256) % 1.0
        early = buffer_of(token.issued_at, token.expires_at, jitter)
        left = token.expires_at - self._clock.now() - early
        return self._clock.monotonic() + left.total_seconds()

    def good_until(self, slot: Slot) -> float:
        """Until when the held token may be sent at all (monotonic seconds)."""
        if slot.held is None or slot.held.token.expires_at is None:
            return float("inf")
        left = slot.held.token.expires_at - self._clock.now()
        return self._clock.monotonic() + left.total_seconds()

    def expects_help(self, slot: Slot, generation: int, status: int) -> bool:
        """Say whether a refresh may help an answer of this status to a request of this generation."""
        if slot.generation > generation:
            return True
        now = self._clock.monotonic()
        if status != ALWAYS and now < slot.retry_at and self.is_still_good(slot):
            return False  # the token endpoint fails, and this status may be genuine: the answer passes
        return not slot.debounce.is_quiet(status, now)

    async def is_active(self, slot: Slot, generation: int, status: int) -> bool:
        """Say whether a token that was refused with this status is active all the same, as its server says.

        Asking begins a window like a refresh, in which none but 401 asks or refreshes. A 401 is not doubted.
        """
        if status == ALWAYS or slot.generation != generation or not await self._doubts.is_active(slot):
            return False
        if slot.generation != generation:
            return False
        self.note_refresh(slot)
        return True

    def note_refresh(self, slot: Slot) -> None:
        """Remember that a refresh rule had the token replaced: a window begins in which none but 401 does so again."""
        slot.debounce.refreshed(self._clock.monotonic(), self._debounce)

    def note_replay(self, slot: Slot, *, helped: bool) -> None:
        """Remember whether a refresh helped the request that was sent again."""
        slot.debounce.was_helped(helped, self._clock.monotonic(), self._debounce)

    def is_still_good(self, slot: Slot) -> bool:
        """Say whether the token in hand has not expired, as far as its endpoint said."""
        return slot.held is not None and not self._expired(slot.held.token)

    def _expired(self, token: Token) -> bool:
        return token.expires_at is not None and token.expires_at <= self._clock.now()

    def _fly(self, slot: Slot, because: str) -> asyncio.Task[Held]:
        if slot.flight is None:
            needed = because not in (EXPIRY, IDLE) or slot.held is None or self._expired(slot.held.token)
            refused = because not in (EXPIRY, IDLE, INTENT)
            flight = self._refresher.refresh(slot, because, needed=needed, refused=refused)
            slot.flight = asyncio.get_running_loop().create_task(flight)
            self._flights.add(slot.flight)
            slot.flight.add_done_callback(lambda done: self._landed(slot, done))
        return slot.flight

    def _landed(self, slot: Slot, done: asyncio.Task[Held]) -> None:
        slot.flight = None
        self._flights.discard(done)
        if done.cancelled():
            return
        error = done.exception()
        if error is None:
            slot.failures, slot.failed = 0, None
        elif isinstance(error, CalloutError):
            slot.failures += 1
            slot.failed = error
            doubled = FIRST_BACK_OFF * 2 ** min(slot.failures - 1, MOST_DOUBLINGS)
            slot.retry_at = self._clock.monotonic() + min(LONGEST_BACK_OFF, doubled)

    async def foresee(self, slot: Slot) -> str:
        """Say what the next callout would do for a token, without doing it. Raises `Refused` where it would be refused."""
        look = await self._store.look(slot.key)
        valid = look.token is not None and (look.token.expires_at is None or look.token.expires_at > self._clock.now())
        same = look.token is not None and look.token.fingerprint in ("", slot.fingerprint)
        if valid and same:
            return f"generation {look.generation} is stored: the next callout adopts it"
        if look.stated is not None and look.stated.fingerprint == slot.fingerprint:
            raise refusal_of(look.stated, secret_names(slot.protocol))
        return "no valid token is stored: the next callout obtains one"

    async def landed(self, within: float) -> None:
        """Let the refreshes that are under way come to their end, for so many seconds."""
        if not self._flights:
            return
        patience = asyncio.ensure_future(self._clock.sleep(within))
        flights = asyncio.ensure_future(asyncio.wait(self._flights))
        await asyncio.wait({patience, flights}, return_when=asyncio.FIRST_COMPLETED)
        patience.cancel()
        flights.cancel()

    async def close(self) -> None:
        """Cut off what is still under way, whose intent tells whoever comes next; save what the store did not take."""
        self._doubts.close()
        for flight in tuple(self._flights):
            flight.cancel()
        await self._refresher.close()
        self.leases.close()
