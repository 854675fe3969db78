"""A small working world: a real store and vault in a temporary folder, a clock that is moved, an authorization server."""

import asyncio
import hashlib
import itertools
import json
import shutil
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from callout.adapters.store.store import Store
from callout.adapters.system import SystemEntropy
from callout.adapters.vault.keyring import Keyring, new_data_key
from callout.adapters.vault.master_key import MasterKey
from callout.core.message import HttpRequest, HttpResponse
from callout.core.model.credentials import (
    CustomHeader,
    ExternalCredential,
    NamedCredential,
    Principal,
    PrincipalReference,
    UserExternalCredentialKey,
)
from callout.core.model.people import CallerKey, ObjectPermission, Package, PermissionSet, User
from callout.core.ports import AdminAct, Change
from callout.core.protocols import CATALOGUE
from callout.core.secret import Secret, reveal
from callout.engine.callout import Callouts
from callout.engine.connect_links import Links
from callout.engine.definitions import CurrentOrg
from callout.engine.issuers import CallerTokens
from callout.engine.leases import TOKEN_TIMEOUT
from callout.engine.records import CalloutLog, Records
from callout.engine.scopes import Scopes
from callout.engine.slots import Slots, secret_row
from callout.engine.sweeper import Sweeper
from callout.engine.tokens import Tokens
from tests.databases import create_copy

START = datetime(2026, 1, 1, tzinfo=UTC)
ALICE_KEY, ACME_KEY, BOB_KEY = b"co_alice", b"co_acme", b"co_bob"
SERVICE = UserExternalCredentialKey("Orders", "Service")


@dataclass
class MovedClock:
    """Time that stands still until it is moved."""

    at: datetime = START

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - START).total_seconds() + 1000.0

    sleepers: list = field(default_factory=list)

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        for due, woken in self.sleepers:
            if due <= self.monotonic() and not woken.done():
                woken.set_result(None)
        self.sleepers = [(due, woken) for due, woken in self.sleepers if not woken.done()]

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return
        woken = asyncio.get_running_loop().create_future()
        self.sleepers.append((self.monotonic() + seconds, woken))
        await woken


class LivingNodes:
    """Implements `Nodes`: who has ended is said by the test."""

    def __init__(self, name: str, gone: set[str]) -> None:
        self.name = name
        self.gone = gone

    def is_gone(self, name: str) -> bool:
        return name in self.gone


@dataclass
class AuthorizationServer:
    """Implements `Transport`. Each token request takes the next answer, or a fresh token."""

    expires_in: object = 3600
    answers: list[HttpResponse | Exception] = field(default_factory=list)
    requests: list[HttpRequest] = field(default_factory=list)
    timeouts: list[float] = field(default_factory=list)
    gate: asyncio.Event | None = None
    numbers: itertools.count = field(default_factory=lambda: itertools.count(1))

    async def send(self, request: HttpRequest, *, allow_private_network: bool, timeout_seconds: float) -> HttpResponse:
        self.requests.append(request)
        self.timeouts.append(timeout_seconds)
        if self.gate is not None:
            await self.gate.wait()
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        members = {"access_token": f"token-{next(self.numbers)}", "token_type": "Bearer"}
        if self.expires_in is not None:
            members["expires_in"] = self.expires_in
        return json_answer(200, members)

    @property
    def forms(self) -> list[dict[str, str]]:
        return [dict(parse_qsl(reveal(request.body))) for request in self.requests]


def json_answer(status: int, members: object) -> HttpResponse:
    return HttpResponse(status, "", (("Content-Type", "application/json"),), json.dumps(members).encode())


@dataclass
class World:
    clock: MovedClock
    store: Store
    vault: Keyring
    server: AuthorizationServer
    org: CurrentOrg
    tokens: Tokens
    records: Records
    callouts: Callouts
    log: CalloutLog
    nodes: LivingNodes
    sweeper: Sweeper

    async def define(self, *definitions) -> None:
        from callout.core.model.org import SECTIONS, name_of

        changes = [Change(SECTIONS[type(each)], name_of(each), each) for each in definitions]
        await self.store.definitions.write(changes, [self.act("define")])
        await self.org.follow()

    async def put_secrets(self, key: UserExternalCredentialKey, **values: str) -> None:
        sealed = {name: self.vault.seal(Secret(v), row=secret_row(key, name)) for name, v in values.items()}
        await self.store.user_external_credentials.put_secrets(key, sealed, self.act("secret set"))
        await self.org.follow()

    async def put_key(self, key: bytes, user: str, namespace: str | None = None, expires_at=None) -> None:
        kept = CallerKey(hashlib.sha256(key).digest(), key.decode(), user, namespace, self.clock.now(), expires_at)
        await self.store.definitions.put_key(kept, self.act("key create"))
        await self.org.follow()

    def act(self, what: str) -> AdminAct:
        return AdminAct(self.clock.now(), "test", what, what)

    def admit(self, name: str = "Orders", key: bytes | None = ALICE_KEY, **more):
        return self.callouts.admit(name, more.get("headers", []), key, more.get("authorization"), more.get("principal"))

    def another_process(self, token_timeout: float = TOKEN_TIMEOUT) -> "World":
        """A second set of engine parts on the same store, as another worker has them."""
        nodes = LivingNodes(f"{self.nodes.name}'", self.nodes.gone)
        return build(self.clock, self.store, self.vault, self.server, nodes, token_timeout=token_timeout)


def build(
    clock: MovedClock,
    store: Store,
    vault: Keyring,
    server: AuthorizationServer,
    nodes: LivingNodes | None = None,
    credentials: object = None,
    entropy: object = None,
    token_timeout: float = TOKEN_TIMEOUT,
) -> World:
    """Put the engine of one process together; `credentials` stands in for the store's."""
    nodes = nodes or LivingNodes("node", set())
    credentials = credentials or store.user_external_credentials
    org, entropy = CurrentOrg(store.definitions, clock), entropy or SystemEntropy()
    tokens = Tokens(credentials, vault, server, Scopes(clock, entropy), nodes=nodes, token_timeout=token_timeout)
    slots = Slots(credentials, vault, CATALOGUE)
    records = Records(store.audit, clock, entropy)
    callers = CallerTokens(server, clock)
    links = Links(vault, clock, entropy, "https://callout.example")
    callouts = Callouts(org, CATALOGUE, tokens, records, clock, slots=slots, links=links, caller_tokens=callers)
    sweeper = Sweeper(org, slots, tokens, credentials, clock, entropy)
    log = CalloutLog(store.audit)
    return World(clock, store, vault, server, org, tokens, records, callouts, log, nodes, sweeper)


ORDERS = ExternalCredential(
    name="Orders",
    protocol="oauth2_client_credentials",
    parameters={"token_endpoint": "https://id.example.com/token", "scope": "orders.read"},
    additional_status_codes=(400, 601),
    headers=(CustomHeader("X-Client", "{!$Credential.Orders.client_id}"),),
    principals=(Principal("Service"),),
)
ORDERS_URL = NamedCredential(
    name="Orders",
    url="https://orders.example.com/v2/",
    external_credential="Orders",
    headers=(CustomHeader("X-Tenant", "acme"),),
)
CLERKS = PermissionSet(
    "Clerks", frozenset({PrincipalReference("Orders", "Service")}), frozenset({ObjectPermission.READ})
)
ALICE = User("alice", permission_sets=("Clerks",))


#: The master key of every world.
MASTER_KEY = MasterKey.generate(SystemEntropy())


def opened(path: Path) -> World:
    """Open the world of a database."""
    clock, entropy = MovedClock(), SystemEntropy()
    store = Store.open(path, clock=clock)
    vault = Keyring(lambda: [MASTER_KEY], store.data_keys.load, entropy)
    return build(clock, store, vault, AuthorizationServer())


def add_data_key(path: Path) -> None:
    entropy, store = SystemEntropy(), Store.open(path, clock=MovedClock())
    first = new_data_key(1, MASTER_KEY, entropy)
    store.data_keys.add(1, first, AdminAct(START, "test", "init", "first data key"))
    store.close()


async def fill(path: Path) -> None:
    """Write what every world begins with."""
    made = opened(path)
    await made.define(ORDERS, ORDERS_URL, CLERKS, ALICE, User("bob"), Package("acme"))
    await made.put_secrets(SERVICE, client_id="the-client", client_secret="the-secret")
    await made.put_key(ALICE_KEY, "alice")
    await made.put_key(BOB_KEY, "bob")
    await made.put_key(ACME_KEY, "alice", "acme")
    made.store.close()


@pytest.fixture(scope="session")
def new_world(tmp_path_factory) -> Path:
    """The database that every world begins with; each test opens a copy."""
    path = tmp_path_factory.mktemp("new") / "callout.db"
    create_copy(path)
    add_data_key(path)
    asyncio.run(fill(path))
    assert list(path.parent.iterdir()) == [path], "whole in one file, with nothing left to write"
    return path


@pytest.fixture
async def world(tmp_path, new_world):
    made = opened(shutil.copy(new_world, tmp_path))
    await made.org.follow()
    yield made
    made.store.close()


__all__ = ["ORDERS", "ORDERS_URL", "SERVICE", "World", "json_answer", "replace"]
