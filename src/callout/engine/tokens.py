"""A token's life: obtained when first needed, replaced before it expires or when it was refused, once at a time.

A refresh is asked for as "replace generation g": where the current generation is newer, it is adopted. One flight
a slot; the flight belongs to the engine, so that a caller who hangs up does not cancel it. Before a token is
asked for, the store is read again: another process may have been faster. The write is a compare-and-swap.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass, field, replace

from callout.core.errors import CalloutError, Refused, StoreError, VaultError
from callout.core.message import HttpResponse
from callout.core.model.credentials import ExternalCredential, Principal, UserExternalCredentialKey
from callout.core.model.org import Org
from callout.core.oauth2 import from_sealable, sealable
from callout.core.ports import FIRST, Clock, Entropy, StoredToken, Transport, UserExternalCredentials, Vault
from callout.core.protocol import AuthenticationProtocol, Moment, Token, Values
from callout.core.refresh.rules import ALWAYS
from callout.core.secret import Secret
from callout.engine.debounce import Debounce

#: A token is replaced this long before it expires, or after nine tenths of a shorter life, in seconds.
REFRESH_BUFFER = 60.0
#: How long a refused or failed token request is remembered, doubled with each further one, in seconds.
FIRST_BACK_OFF, LONGEST_BACK_OFF, MOST_DOUBLINGS = 0.25, 5.0, 10
#: Why a token was replaced; for a refresh rule it is the status.
EXPIRY = "expiry"
#: The token endpoint's timeout, in seconds.
TOKEN_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Held:
    """A token in memory. `generation` rises by one with each token of its row."""

    token: Token
    generation: int


@dataclass(slots=True, eq=False)
class Slot:
    """The place of one token: one principal (and user), at one version of its secrets and definitions."""

    key: UserExternalCredentialKey
    fingerprint: str
    protocol: AuthenticationProtocol
    allow_private_network: bool = False
    held: Held | None = None
    flight: asyncio.Task[Held] | None = None
    failures: int = 0
    failed: CalloutError | None = None
    retry_at: float = 0.0
    debounce: Debounce = field(default_factory=Debounce)

    @property
    def generation(self) -> int:
        """The generation in memory; 0 where there is none."""
        return self.held.generation if self.held is not None else 0

    @property
    def row(self) -> str:
        """What a sealed token is bound to: its row, and every input that decided it."""
        return token_row(self.key, self.fingerprint)


def fingerprint_of(external: ExternalCredential, principal: Principal, secret_version: int) -> str:
    """Digest everything that decides a token, so that a token of other definitions or secrets is never used."""
    parts = [external.protocol, sorted({**external.parameters, **principal.parameters}.items()), secret_version]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def token_row(key: UserExternalCredentialKey, fingerprint: str) -> str:
    """Name the row that a sealed token is bound to, and every input that decided it."""
    return f"token/{key}/{fingerprint}"


def secret_row(key: UserExternalCredentialKey, name: str) -> str:
    """Name the row that a sealed secret is bound to."""
    return f"secret/{key}/{name}"


def private_token_endpoint(org: Org, external_credential: str) -> bool:
    """Say whether the token endpoint may be on a private network: as said, else as the named credentials say."""
    external = org.external_credentials[external_credential]
    if external.allow_private_network is not None:
        return external.allow_private_network
    users = (n for n in org.named_credentials.values() if n.external_credential == external_credential)
    return any(named.allow_private_network for named in users)


def is_current(org: Org, key: UserExternalCredentialKey, fingerprint: str) -> bool:
    """Say whether everything that decided a token is still as it was."""
    external = org.external_credentials.get(key.external_credential)
    principal = external.principal(key.principal) if external is not None else None
    if external is None or principal is None:
        return False
    return fingerprint == fingerprint_of(external, principal, org.secret_versions.get(key, 0))


class Tokens:
    """Obtains and replaces tokens. One for each process."""

    def __init__(
        self,
        store: UserExternalCredentials,
        vault: Vault,
        transport: Transport,
        clock: Clock,
        entropy: Entropy,
        *,
        debounce: float = 30.0,
    ) -> None:
        self._store = store
        self._vault = vault
        self._transport = transport
        self._clock = clock
        self._entropy = entropy
        self._debounce = debounce
        self.requests = 0

    async def values(
        self, key: UserExternalCredentialKey, external: ExternalCredential, principal: Principal
    ) -> Values:
        """Open the secrets of a principal; raises `VaultError`, `StoreError`."""
        sealed = await self._store.secrets(key)
        secrets = {name: self._vault.open(envelope, row=secret_row(key, name)) for name, envelope in sealed.items()}
        return Values({**external.parameters, **principal.parameters}, secrets)

    async def current(self, slot: Slot) -> Held:
        """Return a token that has not expired, obtaining one where there is none. Raises `Refused`."""
        held = slot.held
        if held is not None and not self._expired(held.token):
            if self._clock.monotonic() >= self.fresh_until(slot) and self._clock.monotonic() >= slot.retry_at:
                _ = self._fly(slot, EXPIRY)  # proactive: the token in hand goes on being used
            return held
        return await self.replace(slot, slot.generation, because=EXPIRY)

    async def replace(self, slot: Slot, generation: int, *, because: str) -> Held:
        """Return a token newer than `generation`. Raises `Refused` where none can be had.

        `because` is kept with the token: `expiry`, or the status that a refresh rule names.
        """
        if slot.held is not None and slot.held.generation > generation:
            return slot.held
        if slot.failed is not None and self._clock.monotonic() < slot.retry_at:
            raise slot.failed
        return await asyncio.shield(self._fly(slot, because))

    def fresh_until(self, slot: Slot) -> float:
        """Until when the held token is used without asking (monotonic seconds)."""
        if slot.held is None:
            return 0.0
        token = slot.held.token
        if token.expires_at is None:
            return float("inf")
        life = (token.expires_at - token.issued_at).total_seconds()
        left = (token.expires_at - self._clock.now()).total_seconds()
        return self._clock.monotonic() + left - min(REFRESH_BUFFER, life / 10)

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
            slot.flight = asyncio.get_running_loop().create_task(self._obtain(slot, because))
            slot.flight.add_done_callback(lambda done: self._landed(slot, done))
        return slot.flight

    def _landed(self, slot: Slot, done: asyncio.Task[Held]) -> None:
        slot.flight = None
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

    async def _obtain(self, slot: Slot, because: str) -> Held:
        stored = await self._stored(slot)
        if stored is not None and stored.generation > slot.generation and not self._expired(stored.token):
            slot.held = stored
            return stored
        base = max(stored.generation if stored is not None else 0, slot.generation)
        try:
            token = await self._run(slot)
        except Refused as refused:
            await self._note_error(slot, refused)
            raise
        slot.held = await self._keep(slot, Held(token, base + 1), because if base else FIRST)
        return slot.held

    async def _run(self, slot: Slot) -> Token:
        previous = slot.held.token if slot.held is not None else None
        flow = slot.protocol.obtain(Moment(self._clock.now(), self._entropy.bytes(32)), previous)
        answer: HttpResponse | None = None
        try:
            while True:
                request = next(flow) if answer is None else flow.send(answer)
                self.requests += 1
                answer = await self._transport.send(
                    request, allow_private_network=slot.allow_private_network, timeout_seconds=TOKEN_TIMEOUT
                )
        except StopIteration as stop:
            token: Token = stop.value
            return token
        except Refused as refused:
            if refused.reason.code in ("external_system_unreachable", "timed_out"):
                detail = f"the token endpoint could not be reached: {refused.detail}"
                raise Refused("token_endpoint_unreachable", detail) from refused
            raise

    async def _stored(self, slot: Slot) -> Held | None:
        """Read the stored token; one of other definitions, or one that cannot be opened, counts for its generation."""
        try:
            row = await self._store.token(slot.key)
        except StoreError:
            return None  # a grant that asks anew needs no store
        if row is None:
            return None
        try:
            text = self._vault.open(row.envelope, row=slot.row)
        except VaultError:
            expired = Token(access_token=Secret(""), issued_at=row.issued_at, expires_at=row.issued_at)
            return Held(expired, row.generation)
        return Held(from_sealable(text, issued_at=row.issued_at, expires_at=row.expires_at), row.generation)

    async def _keep(self, slot: Slot, held: Held, because: str) -> Held:
        token = held.token
        row = StoredToken(
            key=slot.key,
            generation=held.generation,
            envelope=self._vault.seal(sealable(token), row=slot.row),
            issued_at=token.issued_at,
            expires_at=token.expires_at,
            obtained_because=because,
        )
        try:
            if await self._store.swap_token(row, replaces=held.generation - 1):
                return held
        except StoreError:
            return held  # good in memory; another process will obtain its own
        stored = await self._stored(slot)
        if stored is None or self._expired(stored.token):
            return held
        return stored if stored.generation >= held.generation else replace(held, generation=stored.generation + 1)

    async def _note_error(self, slot: Slot, refused: Refused) -> None:
        try:
            await self._store.note_error(slot.key, self._clock.now(), f"{refused.reason.code}: {refused.detail}")
        except StoreError:
            return  # the refusal itself is what the caller is told
