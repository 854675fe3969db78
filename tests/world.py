"""The world of the admin's use cases, in memory: every port that they need, working, and nothing on disk.

`World.setup` and `World.operations` are the real ones. Moved by hand: the clock. Broken by hand: `store.broken`.
"""

import hashlib
import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache

from callout.adapters.presets import preset_texts
from callout.adapters.system import SystemEntropy
from callout.core.errors import Outdated, Refused, StoreError, VaultError
from callout.core.model.credentials import (
    CustomHeader,
    ExternalCredential,
    NamedCredential,
    Principal,
    PrincipalReference,
    PrincipalType,
    UserExternalCredentialKey,
)
from callout.core.model.org import SECTIONS, Definition, Org, name_of
from callout.core.model.people import CallerKey, Package, PermissionSet, User
from callout.core.model.refreshes import State, Stated
from callout.core.ports import FIRST, AdminAct, Change, Look, PrincipalHealth, Segment, StoredToken
from callout.core.protocols import CATALOGUE
from callout.core.refresh.epoch import fingerprint_of
from callout.core.secret import Secret
from callout.engine.audit import Audit
from callout.engine.callout import Callouts
from callout.engine.connect import Connecting
from callout.engine.connect_links import Links
from callout.engine.definitions import CurrentOrg
from callout.engine.diagnosis import diagnose
from callout.engine.issuers import CallerTokens
from callout.engine.leaving import goes_with, leaving
from callout.engine.operations import LOCAL, Operations, Uses
from callout.engine.operations.connecting_rights import judge_again
from callout.engine.presets import Presets, read_presets
from callout.engine.records import CalloutLog, Records
from callout.engine.scopes import Scopes
from callout.engine.setup import Setup, changed
from callout.engine.sign_in import SigningIn
from callout.engine.slots import Slots
from callout.engine.tokens import Tokens
from tests.judging import JudgedOperations
from tests.sign_ins import MemorySignIns, PlainPasswords
from tests.trail import MemoryTrail

START = datetime(2026, 1, 1, tzinfo=UTC)
SERVICE = UserExternalCredentialKey("Orders", "Service")


@cache
def shipped_presets() -> Presets:
    """The presets that Callout ships, read once."""
    return read_presets(preset_texts())


@dataclass
class HandClock:
    """Time that stands still until it is moved."""

    at: datetime = START

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - START).total_seconds() + 1000.0

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("the admin's use cases wait for nothing")


class OneNode:
    """Implements `Nodes` for a process that is alone."""

    name = "one"

    def is_gone(self, name: str) -> bool:
        return False


@dataclass
class CountedEntropy:
    """Bytes that look random and are the same in every run."""

    numbers: itertools.count = field(default_factory=itertools.count)

    def bytes(self, count: int) -> bytes:
        return hashlib.shake_256(str(next(self.numbers)).encode()).digest(count)

    def private_key(self, algorithm: str) -> Secret:
        return SystemEntropy().private_key(algorithm)


@dataclass
class MemoryVault:
    """Seals by keeping: an envelope is a number, so it holds nothing of the secret. With `locked` it seals no more."""

    sealed: dict[bytes, tuple[str, Secret]] = field(default_factory=dict)
    locked: bool = False

    def seal(self, secret: Secret, *, row: str) -> bytes:
        if self.locked:
            raise VaultError("got no key; expected one to seal with")
        envelope = b"envelope %d" % len(self.sealed)
        self.sealed[envelope] = (row, secret)
        return envelope

    def open(self, envelope: bytes, *, row: str) -> Secret:
        bound, secret = self.sealed.get(envelope, ("", Secret("")))
        if bound != row:
            raise VaultError(f"got an envelope of another row than {row}; expected its own")
        return secret


@dataclass
class MemoryStore:
    """Definitions, sealed values and the audit trail. With `broken` every port raises `StoreError`."""

    org: Org = field(default_factory=Org.of)
    sealed: dict[UserExternalCredentialKey, dict[str, bytes]] = field(default_factory=dict)
    tokens: dict[UserExternalCredentialKey, StoredToken] = field(default_factory=dict)
    errors: dict[UserExternalCredentialKey, tuple[datetime, str]] = field(default_factory=dict)
    acts: list[AdminAct] = field(default_factory=list)
    kept: list[Segment] = field(default_factory=list)
    trail: MemoryTrail = field(default_factory=MemoryTrail)
    broken: bool = False
    #: What another process writes just before the next write: changes, or prefixes of keys that it revokes.
    faster: list[list[Change | str]] = field(default_factory=list)
    refreshed: dict[UserExternalCredentialKey, datetime] = field(default_factory=dict)
    #: What refreshes have left behind, as fields of a `Look`.
    told: dict[UserExternalCredentialKey, dict] = field(default_factory=dict)

    def _opened(self) -> None:
        if self.broken:
            raise StoreError("got a store that is locked; expected one that can be read")

    async def generation(self) -> int:
        self._opened()
        return self.org.generation

    async def load(self) -> Org:
        self._opened()
        return replace(self.org, configured=self.configured)

    def _take_over(self, org: Org, *acts: AdminAct) -> int:
        self.acts += acts
        for act in acts:
            self.trail.act(act)
        self.org = replace(org, generation=self.org.generation + 1)
        return self.org.generation

    def _writing(self, expects: int | None = None) -> None:
        self._opened()
        while self.faster:
            theirs = self.faster.pop()
            self._change([each for each in theirs if isinstance(each, Change)])
            keys = {digest: key for digest, key in self.org.keys.items() if key.prefix not in theirs}
            self._take_over(replace(self.org, keys=keys))
        if expects is not None and expects != self.org.generation:
            raise Outdated(f"got generation {self.org.generation}; expected {expects}")

    def _change(self, changes) -> None:
        gone = leaving(replace(self.org, configured=self.configured), changes)
        self.sealed = {key: values for key, values in self.sealed.items() if key not in gone.values}
        self.org = changed(self.org, changes)

    @property
    def configured(self):
        return {key: frozenset(values) for key, values in self.sealed.items()}

    async def write(self, changes, acts, *, expects: int | None = None, sealed=None, forget=()) -> int:
        self._writing(expects)
        self._change(changes)
        for key in [key for key in (*self.sealed, *self.tokens) if goes_with(key, forget)]:
            self.sealed.pop(key, None)
            self.tokens.pop(key, None)
        for key, values in (sealed or {}).items():
            self._seal(key, values)
        return self._take_over(self.org, *acts)

    def _seal(self, key, values) -> None:
        self.sealed.setdefault(key, {}).update(values)
        self.tokens.pop(key, None)
        self.refreshed.pop(key, None)

    async def put_key(self, key: CallerKey, *acts: AdminAct, expects: int | None = None, ending=None) -> None:
        self._writing(expects)
        if any(key.digest == known.digest or key.prefix == known.prefix for known in self.org.keys.values()):
            raise StoreError("got a key whose prefix is taken; expected a new one")
        ended = {ending.digest: ending} if ending is not None else {}
        self._take_over(replace(self.org, keys={**self.org.keys, **ended, key.digest: key}), *acts)

    async def change_key(self, key: CallerKey, act: AdminAct, *, expects: int | None = None) -> bool:
        self._writing()
        if key.digest not in self.org.keys:
            return False
        self._writing(expects)
        self._take_over(replace(self.org, keys={**self.org.keys, key.digest: key}), act)
        return True

    async def remove_key(self, prefix: str, act: AdminAct) -> bool:
        self._writing()
        left = {digest: key for digest, key in self.org.keys.items() if key.prefix != prefix}
        if len(left) == len(self.org.keys):
            return False
        self._take_over(replace(self.org, keys=left), act)
        return True

    async def put_secrets(self, key, sealed, act, *, expects: int | None = None) -> None:
        self._writing(expects)
        self._seal(key, sealed)
        self._take_over(self.org, act)

    async def remove_secrets(self, key, names, act) -> int:
        self._opened()
        held = self.sealed.get(key, {})
        gone = [name for name in (held if names is None else names) if name in held]
        self.sealed[key] = {name: value for name, value in held.items() if name not in gone}
        if not self.sealed[key]:
            del self.sealed[key]
        self.tokens.pop(key, None)
        self._take_over(self.org, act)
        return len(gone)

    async def give_up_token(self, key, act, *, stated) -> bool:
        self._opened()
        had = self.tokens.pop(key, None) is not None
        if had or stated is not None:
            self._take_over(self.org, act)
        if stated is not None:
            self.told[key] = {"stated": Stated(key, State.REVOKED, self._fingerprint(key), act.at, stated)}
        return had

    def _fingerprint(self, key) -> str:
        external = self.org.external_credentials[key.external_credential]
        return fingerprint_of(self.org, external, external.principal(key.principal), key)

    async def secrets(self, key):
        self._opened()
        return dict(self.sealed.get(key, {}))

    async def token(self, key):
        return self.tokens.get(key)

    async def swap_token(self, token: StoredToken, *, replaces: int) -> bool:
        stored = self.tokens.get(token.key)
        if (stored.generation if stored else 0) != replaces:
            return False
        self.tokens[token.key] = token
        if token.obtained_because != FIRST:
            self.refreshed[token.key] = token.issued_at
        return True

    async def note_error(self, key, at: datetime, error: str) -> None:
        self.errors[key] = (at, error)

    async def look(self, key) -> Look:
        self._opened()
        return self._look(key)

    async def looks(self) -> tuple[Look, ...]:
        self._opened()
        return tuple(self._look(key) for key in sorted({*self.sealed, *self.tokens, *self.errors, *self.told}))

    def _look(self, key) -> Look:
        failed_at, failure = self.errors.get(key, (None, ""))
        look = Look(key, self.tokens.get(key), failed_at=failed_at, failure=failure)
        return replace(look, **self.told.get(key, {}))

    async def health(self) -> tuple[PrincipalHealth, ...]:
        self._opened()
        return tuple(self._health(key) for key in sorted({*self.sealed, *self.tokens, *self.errors}))

    def _health(self, key: UserExternalCredentialKey) -> PrincipalHealth:
        token, error = self.tokens.get(key), self.errors.get(key)
        return PrincipalHealth(
            key,
            frozenset(self.sealed.get(key, {})),
            generation=token.generation if token else 0,
            issued_at=token.issued_at if token else None,
            expires_at=token.expires_at if token else None,
            obtained_because=token.obtained_because if token else "",
            last_refresh_at=self.refreshed.get(key),
            last_error_at=error[0] if error else None,
            last_error=error[1] if error else None,
        )

    def append(self, segment: Segment) -> None:
        self.kept.append(segment)
        self.trail.append_at(START, segment)

    async def segments(self, callout_id: str) -> tuple[Segment, ...]:
        return tuple(s for s in reversed(self.kept) if s.oldest <= callout_id <= s.newest)

    async def recent(self, limit: int) -> tuple[Segment, ...]:
        return tuple(reversed(self.kept[-limit:]))


async def sends_nothing(outgoing, caller):
    """Implements `Send`: no gateway is plugged in."""
    raise Refused("overloaded", f"got a callout of {caller} by {outgoing.name}; expected a process that makes callouts")


class Nowhere:
    """Implements `Transport`: the admin's use cases send nothing."""

    async def send(self, request, *, allow_private_network: bool, timeout_seconds: float):
        raise AssertionError(f"nothing is to be sent; got {request.method} {request.url}")


@dataclass
class World:
    clock: HandClock
    entropy: CountedEntropy
    vault: MemoryVault
    store: MemoryStore
    setup: Setup
    callouts: Callouts
    records: Records
    current: CurrentOrg
    operations: Operations

    async def run(self, name: str, /, caller=LOCAL, **arguments):
        """Run one operation, as the admin of the home unless another is named."""
        return await self.operations.run(name, arguments, caller)

    async def define(self, *definitions: Definition) -> None:
        changes = [Change(SECTIONS[type(each)], name_of(each), each) for each in definitions]
        await self.store.write(changes, [AdminAct(self.clock.now(), "test", "define", "")])

    async def fingerprint(self, key: UserExternalCredentialKey) -> str:
        """What a token of this principal has to have."""
        org = await self.store.load()
        external = org.external_credentials[key.external_credential]
        return fingerprint_of(org, external, external.principal(key.principal), key)

    async def key_of(self, user: str, **more) -> str:
        return (await self.run("key.create", user=user, **more))["key"]

    def acts(self) -> list[tuple[str, str, str]]:
        """The audit trail of the admins: who, act, what; without those of `define`."""
        return [(act.who, act.act, act.what) for act in self.store.acts if act.who != "test"]


def make_world(transport=None) -> World:
    """Make an empty world. `transport` is what the admin's use cases send with: where none is given, nothing."""
    transport = transport or Nowhere()
    clock, entropy, vault, store = HandClock(), CountedEntropy(), MemoryVault(), MemoryStore()
    current = CurrentOrg(store, clock)
    records = Records(store, clock, entropy)
    tokens = Tokens(store, vault, Nowhere(), Scopes(clock, entropy), nodes=OneNode())
    slots, callers = Slots(store, vault, CATALOGUE), CallerTokens(Nowhere(), clock)
    links = Links(vault, clock, entropy, "https://callout.example")
    callouts = Callouts(current, CATALOGUE, tokens, records, clock, slots=slots, links=links, caller_tokens=callers)
    setup = Setup(store, store, vault, clock, entropy, CATALOGUE, transport)

    async def predict(name, **question):
        await current.follow()
        return await diagnose(callouts, name, **question)

    log = CalloutLog(store)
    connecting = Connecting(
        setup, None, links, transport, judge_again
    )  # nothing is connected here: see tests/engine/connecting.py
    audit = Audit(store.trail, clock, "1.2.3")
    signing_in = SigningIn(setup, MemorySignIns(store), PlainPasswords(), links, idle=7200.0, life=43200.0)
    uses = Uses(
        setup,
        predict,
        log.explain,
        audit,
        log.recent,
        connecting,
        signing_in,
        presets=shipped_presets,
        send=sends_nothing,
    )
    return World(clock, entropy, vault, store, setup, callouts, records, current, JudgedOperations(uses))


ORDERS = ExternalCredential(
    name="Orders",
    protocol="oauth2_client_credentials",
    parameters={"token_endpoint": "https://id.example.com/token", "scope": "orders.read"},
    additional_status_codes=(400, 601),
    principals=(Principal("Service"),),
)
ORDERS_URL = NamedCredential("Orders", "https://orders.example.com/v2", "Orders")
WEATHER = ExternalCredential(
    name="Weather",
    protocol="custom",
    headers=(CustomHeader("X-Api-Key", "{!$Credential.Weather.ApiKey}"),),
    principals=(Principal("Own", PrincipalType.PER_USER),),
)
WEATHER_URL = NamedCredential("Weather", "https://weather.example.com", "Weather")
CLERKS = PermissionSet("Order Clerks", frozenset({PrincipalReference("Orders", "Service")}))


async def make_shop(transport=None) -> World:
    """Make a world with two external systems, an administrator, alice (a clerk), bob (no grants) and package acme."""
    world = make_world(transport)
    await world.define(
        ORDERS,
        ORDERS_URL,
        WEATHER,
        WEATHER_URL,
        CLERKS,
        Package("acme", "Acme Tools"),
        User("admin", "System Administrator"),
        User("alice", permission_sets=("Order Clerks",)),
        User("bob"),
    )
    return world
