"""One refresh, step by step: look, take the lease and write the intent, send, store. docs/refresh.md says what is seen.

Whatever step it is cut off at, the store says what the next one may do. A grant that can be spent once is not sent
before the intent is on the disk, and what came of it is either stored, kept in memory until it can be, or stated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, replace

from callout.core.errors import CalloutError, Refused, StoreError, VaultError
from callout.core.explanation import Remedy
from callout.core.message import HttpRequest, HttpResponse
from callout.core.model.refreshes import Begun, Intent, Lease, Outcome, Phase, State, Stated
from callout.core.oauth2 import from_sealable, sealable
from callout.core.ports import FIRST, Look, StoredToken, Transport, UserExternalCredentials, Vault
from callout.core.protocol import Token
from callout.core.refresh.state import (
    Aftermath,
    Reconciliation,
    after_failure,
    reconcile,
    refusal_of,
    remedy_of,
    secret_names,
)
from callout.core.secret import digest_of
from callout.engine.leases import SKEW, Leases
from callout.engine.scopes import Scopes
from callout.engine.slots import Held, Slot, token_row

#: How long a pair that the store did not take waits before it is offered again, in seconds; doubled up to the longest.
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0
#: The method of a request that spends nothing: it asks where the token endpoint is.
_READING = "GET"
_FOUND = 200


@dataclass(slots=True)
class Attempt:
    """A refresh under its lease. `open`: the store has not been told how it ended."""

    slot: Slot
    lease: Lease
    intent: Intent
    open: bool = True


@dataclass(frozen=True, slots=True)
class Unsaved:
    """A token that the store did not take. Without an attempt it was obtained without a lease."""

    slot: Slot
    held: Held
    because: str
    attempt: Attempt | None


_ENDS = {
    Aftermath.RECONNECT_REQUIRED: State.RECONNECT_REQUIRED,
    Aftermath.OUTCOME_UNKNOWN: State.OUTCOME_UNKNOWN,
}


class Superseded(Refused):
    """The secrets or definitions changed while something came that was asked for by the old ones: it is refused."""

    def __init__(self, slot: Slot, meanwhile: str = "its token was asked for") -> None:
        detail = f"the secrets or definitions of {slot.key} changed while {meanwhile}; expected them to stay"
        super().__init__("overloaded", detail, Remedy("Repeat the callout"), retry_after=1)


class _Overtaken(Exception):
    """The lease is another's, or another generation is stored: look again."""


class Refresher:
    """Refreshes tokens, and keeps what the store does not take. One for each process."""

    def __init__(
        self,
        store: UserExternalCredentials,
        vault: Vault,
        transport: Transport,
        scopes: Scopes,
        leases: Leases,
    ) -> None:
        self._store = store
        self._vault = vault
        self._transport = transport
        self._clock = scopes.clock
        self._entropy = scopes.entropy
        self._scopes = scopes
        self._leases = leases
        self._unsaved: dict[Slot, Unsaved] = {}
        self._saving: asyncio.Task[None] | None = None
        self._answers: dict[tuple[str, bool], tuple[HttpResponse, float]] = {}
        self.requests = 0

    @property
    def unsaved(self) -> Collection[Slot]:
        """The slots whose token the store has not taken yet."""
        return self._unsaved.keys()

    async def refresh(self, slot: Slot, because: str, *, needed: bool, refused: bool = False) -> Held:
        """Return a token newer than the slot's, adopted or obtained; the slot's own where nothing is to be spent yet.

        `needed`: the token in hand is refused or has expired. `refused`: the external system has just refused it.
        Raises `Refused`, `VaultError`.
        """
        if slot in self._unsaved:
            await self._save(slot)
        while True:
            look: Look | None = None
            try:
                look = await self._store.look(slot.key)
                adopted = self._adopted(slot, look) if not (refused and self._may_be_refused_too(look)) else None
                if adopted is not None:
                    return adopted
                self._refuse_what_is_stated(slot, look)
                if slot.held is not None and not needed and self._rests(look):
                    slot.rest_until = float("inf")  # until it is needed
                    return slot.held
                previous = self._previous(slot, look)
                begun = await self._begin(slot, look, previous, because)
            except StoreError as error:
                return await self._without_store(slot, look, because, error)
            if begun.lease is not None and begun.intent is not None:
                try:
                    return await self._leased(Attempt(slot, begun.lease, begun.intent), previous)
                except _Overtaken:
                    continue
            if begun.outcome is Outcome.SUPERSEDED:
                raise Superseded(slot)
            if begun.outcome is Outcome.HELD:
                await self._leases.wait()

    # --- before anything leaves --------------------------------------------------------------------------------

    def _adopted(self, slot: Slot, look: Look) -> Held | None:
        """Take over the stored token, where it is newer, of the same inputs, and has not expired."""
        row = look.token
        if row is None or row.generation <= slot.generation or row.fingerprint not in ("", slot.fingerprint):
            return None
        try:
            token = self._opened(row, slot.fingerprint)
        except VaultError:
            return None
        if token.expires_at is not None and token.expires_at <= self._clock.now():
            return None
        slot.held = Held(token, row.generation)
        slot.stated = None
        return slot.held

    def _may_be_refused_too(self, look: Look) -> bool:
        """Say whether a newer token is so old that what ended ours may have ended it: only one replay may follow.

        Not where to spend its refresh token is in doubt, or of no use: then it is the best there is.
        """
        row = look.token
        if row is None or look.stated is not None or (look.intent is not None and look.intent.is_unsettled):
            return False
        return (self._clock.now() - row.issued_at).total_seconds() >= SKEW

    def _refuse_what_is_stated(self, slot: Slot, look: Look) -> None:
        stated = look.stated or slot.stated
        if stated is not None and stated.fingerprint == slot.fingerprint:
            raise refusal_of(stated, secret_names(slot.protocol))

    def _rests(self, look: Look) -> bool:
        if look.intent is None or look.token is None:
            return False
        judged = reconcile(
            look.intent,
            generation=look.generation,
            expires_at=look.token.expires_at,
            now=self._clock.now(),
        )
        return judged is Reconciliation.WAIT

    def _previous(self, slot: Slot, look: Look) -> Token | None:
        """Return the token to be replaced: it has the newest refresh token. Raises `VaultError` rather than lose one."""
        row = look.token
        if slot.held is not None and slot.generation >= look.generation:
            return slot.held.token
        if row is None:
            return None
        if look.lineage_holds:
            return self._opened(row, row.fingerprint)
        if row.fingerprint not in ("", slot.fingerprint):
            return None
        try:
            return self._opened(row, slot.fingerprint)
        except VaultError:
            return None

    def _opened(self, row: StoredToken, fingerprint: str) -> Token:
        text = self._vault.open(row.envelope, row=token_row(row.key, fingerprint))
        return from_sealable(text, issued_at=row.issued_at, expires_at=row.expires_at)

    def _spent(self, slot: Slot, previous: Token | None) -> bytes | None:
        grant = slot.protocol.grant(previous)
        return digest_of(grant, purpose=f"spent/{slot.key}") if grant is not None else None

    async def _begin(self, slot: Slot, look: Look, previous: Token | None, because: str) -> Begun:
        intent = Intent(
            slot.key,
            slot.fingerprint,
            look.generation,
            because,
            self._clock.now(),
            spent=self._spent(slot, previous),
        )
        over = look.lease
        if over is not None and not self._leases.is_over(over):
            others = look.intent is not None and look.intent.spent is None
            if not others or look.intent is None or look.intent.fingerprint == slot.fingerprint:
                return Begun(Outcome.HELD)
        ends = intent.started_at + self._leases.end()
        return await self._store.begin_refresh(intent, self._leases.owner, ends, over=over)

    # --- under the lease ---------------------------------------------------------------------------------------

    async def _leased(self, attempt: Attempt, previous: Token | None) -> Held:
        self._leases.keep(attempt.lease)
        try:
            try:
                token = await self._ask(attempt, previous)
            except Refused as refused:
                return await self._failed(attempt, refused)
            return await self._keep(attempt, token)
        except Exception:
            if attempt.open:
                await self._let_go(attempt)
            raise
        finally:
            if attempt.slot not in self._unsaved:
                self._leases.give_up(attempt.lease)

    async def _ask(self, attempt: Attempt, previous: Token | None) -> Token:
        """Run the protocol. Before the first request of a grant that can be spent leaves, the store notes so."""
        slot = attempt.slot
        moment = self._scopes.moment(slot.key.external_credential, slot.protocol, slot.reader, previous)
        flow = slot.protocol.obtain(moment, previous)
        answer: HttpResponse | None = None
        try:
            while True:
                request = next(flow) if answer is None else flow.send(answer)
                if (
                    attempt.intent.spent is not None
                    and request.method != _READING
                    and attempt.intent.phase is Phase.INTENDED
                ):
                    await self._note_sent(attempt)
                answer = await self._sent(request, slot)
        except StopIteration as stop:
            token: Token = stop.value
            return token
        except Refused as refused:
            raise _at_the_token_endpoint(refused) from refused

    async def _sent(self, request: HttpRequest, slot: Slot) -> HttpResponse:
        """Send a request of a protocol; the answer to one that may be reused (server metadata) is, for its time."""
        now, asked = self._clock.monotonic(), (request.url, slot.allow_private_network)
        kept, until = self._answers.get(asked, (None, 0.0))
        if request.method == _READING and kept is not None and now < until:
            return kept
        self.requests += 1
        answer = await self._transport.send(
            request,
            allow_private_network=slot.allow_private_network,
            timeout_seconds=self._leases.token_timeout,
        )
        if request.reusable_for and answer.status == _FOUND:
            self._answers = {k: v for k, v in self._answers.items() if v[1] > now}
            self._answers[asked] = (answer, now + request.reusable_for)
        return answer

    async def _note_sent(self, attempt: Attempt) -> None:
        try:
            noted = await self._store.note_sent(attempt.lease)
        except StoreError as error:
            raise _not_spent(error) from error
        if not noted:
            raise _Overtaken
        attempt.intent = replace(attempt.intent, phase=Phase.SENT)

    async def _failed(self, attempt: Attempt, refused: Refused) -> Held:
        """Leave behind what the next try has to know; adopt where a peer was faster. Raises the refusal otherwise."""
        slot, intent = attempt.slot, attempt.intent
        aftermath = after_failure(intent, refused)
        stated = None
        if aftermath in _ENDS:
            detail = refused.detail
            if aftermath is Aftermath.OUTCOME_UNKNOWN:
                detail = f"the answer to an earlier request was lost, and now: {detail}"
            stated = Stated(slot.key, _ENDS[aftermath], slot.fingerprint, self._clock.now(), detail)
        unsettled = aftermath is Aftermath.UNSETTLED
        try:
            look = await self._store.end_refresh(attempt.lease, intent, unsettled=unsettled, stated=stated)
            attempt.open = False
            adopted = self._adopted(slot, look)
            if adopted is not None:
                return adopted
            await self._store.note_error(slot.key, self._clock.now(), f"{refused.reason.code}: {refused.detail}")
        except StoreError:
            slot.stated = stated  # nothing is spent again while this process lives; the intent tells the next one
        names = secret_names(slot.protocol)
        if stated is None and refused.reason.code == "reconnect_required":  # it may be good yet: nothing is stated
            raise Refused(refused.reason.code, refused.detail, remedy_of(slot.key, names)) from refused
        raise refusal_of(stated, names) if stated is not None else refused

    async def _let_go(self, attempt: Attempt) -> None:
        """Give up a lease after an error that `_failed` did not see, or whose end it could not write."""
        try:
            await self._store.end_refresh(attempt.lease, attempt.intent, unsettled=attempt.intent.is_unsettled)
        except StoreError:
            return  # the lease is known to be left behind: see `Leases.is_over`

    # --- with a token in hand ----------------------------------------------------------------------------------

    async def _keep(self, attempt: Attempt, token: Token) -> Held:
        slot, intent = attempt.slot, attempt.intent
        held = Held(token, max(intent.replaces, slot.generation) + 1)
        because = intent.because if held.generation > 1 else FIRST
        try:
            outcome = await self._store.keep_token(attempt.lease, intent, self._row(slot, held, because))
        except (StoreError, VaultError) as error:
            return self._hold_unsaved(Unsaved(slot, held, because, attempt), error)
        attempt.open = False
        if outcome is Outcome.DONE:
            slot.held, slot.stated, slot.rest_until = held, None, 0.0
            return held
        if outcome in (Outcome.HELD, Outcome.MOVED):
            raise _Overtaken
        raise Superseded(slot)

    def _row(self, slot: Slot, held: Held, because: str) -> StoredToken:
        token = held.token
        return StoredToken(
            key=slot.key,
            generation=held.generation,
            envelope=self._vault.seal(sealable(token), row=slot.row),
            issued_at=token.issued_at,
            expires_at=token.expires_at,
            obtained_because=because,
            fingerprint=slot.fingerprint,
        )

    # --- without the store -------------------------------------------------------------------------------------

    async def _without_store(self, slot: Slot, look: Look | None, because: str, error: StoreError) -> Held:
        """Obtain a token that nothing is spent for, and hold it in memory; refuse to spend what could get lost.

        That the store fails is not that another holds the lease: nobody is waited for.
        """
        if slot.protocol.spends:
            raise _not_spent(error) from error
        previous = slot.held.token if slot.held is not None else None
        base = max(look.generation if look is not None else 0, slot.generation)
        nobody = Attempt(
            slot,
            Lease(slot.key, 0, "", 0, self._clock.now()),
            Intent(slot.key, slot.fingerprint, base, because, self._clock.now()),
        )
        token = await self._ask(nobody, previous)
        unsaved = Unsaved(slot, Held(token, base + 1), because if base else FIRST, None)
        return self._hold_unsaved(unsaved, error)

    def _hold_unsaved(self, unsaved: Unsaved, error: CalloutError) -> Held:
        """Use a token all the same, and offer it to the store until that takes it."""
        slot = unsaved.slot
        slot.held, slot.stated, slot.rest_until = replace(unsaved.held, unsaved=str(error)), None, 0.0
        self._unsaved[slot] = unsaved
        if self._saving is None or self._saving.done():
            self._saving = asyncio.get_running_loop().create_task(self._save_all())
        return slot.held

    async def _save_all(self) -> None:
        pause = FIRST_PAUSE
        while self._unsaved:
            await self._clock.sleep(pause * (1 + self._entropy.bytes(1)[0] / 256))
            pause = min(2 * pause, LONGEST_PAUSE)
            for slot in tuple(self._unsaved):
                await self._save(slot)

    async def _save(self, slot: Slot) -> None:
        """Offer a token to the store once more."""
        unsaved = self._unsaved[slot]
        attempt, held = unsaved.attempt, unsaved.held
        try:
            row = self._row(slot, held, unsaved.because)
            if attempt is not None:
                await self._store.keep_token(attempt.lease, attempt.intent, row)
            else:
                await self._store.swap_token(row, replaces=row.generation - 1)
        except (StoreError, VaultError):
            return
        if self._unsaved.get(slot) is not unsaved:
            return
        del self._unsaved[slot]
        if attempt is not None:
            self._leases.give_up(attempt.lease)
        if slot.held is not None and slot.held.generation == held.generation:
            slot.held = held

    async def close(self) -> None:
        """Offer what is unsaved once more, and stop."""
        for slot in tuple(self._unsaved):
            await self._save(slot)
        if self._saving is not None:
            self._saving.cancel()


def _at_the_token_endpoint(refused: Refused) -> Refused:
    """Word a failure to reach the token endpoint as such: the transport knows only of URLs."""
    if refused.reason.code not in ("external_system_unreachable", "timed_out"):
        return refused
    detail = f"the token endpoint could not be reached: {refused.detail}"
    return Refused("token_endpoint_unreachable", detail, unsent=refused.unsent)


def _not_spent(error: StoreError) -> Refused:
    detail = f"the refresh could not be noted, so the refresh token was not spent: {error}"
    remedy = Remedy("Let the store be written to; the next callout refreshes", "callout status")
    return Refused("overloaded", detail, remedy, unsent=True)
