"""A model of an authorization server that rotates refresh tokens and revokes a family on reuse, and worlds around it.

It is the sequential specification: what it answers depends on nothing but the order in which requests reach it.
"""

import asyncio
import itertools
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl

from callout.adapters.store.store import Store
from callout.adapters.system import SystemEntropy
from callout.adapters.vault.keyring import Keyring, new_data_key
from callout.adapters.vault.master_key import MasterKey
from callout.core.errors import Refused
from callout.core.message import HttpRequest, HttpResponse
from callout.core.model.credentials import (
    ExternalCredential,
    NamedCredential,
    Principal,
    PrincipalReference,
    UserExternalCredentialKey,
)
from callout.core.model.people import ObjectPermission, PermissionSet, User
from callout.core.ports import AdminAct
from callout.core.secret import reveal
from tests.databases import create_copy
from tests.engine.conftest import ALICE_KEY, START, MovedClock, World, build, json_answer

HUB_SERVICE = UserExternalCredentialKey("Hub", "Service")
HUB = ExternalCredential(
    "Hub",
    "oauth2_refresh_token",
    parameters={"token_endpoint": "https://id.example.com/token"},
    principals=(Principal("Service"),),
)
HUB_URL = NamedCredential("Hub", "https://hub.example.com", "Hub")
USERS_OF_HUB = PermissionSet(
    "Hub Users", frozenset({PrincipalReference("Hub", "Service")}), frozenset({ObjectPermission.READ})
)

LOST = "lost"  # the server acts, and its answer never comes
UNREACHED = "unreached"  # the request never leaves
DROPPED = "dropped"  # the request leaves and never reaches the server


@dataclass
class RotatingServer:
    """Implements `Transport`. `faults` befall the next requests, in their order."""

    rotates: bool = True
    lifetime: int = 3600
    faults: list[object] = field(default_factory=list)
    gate: asyncio.Event | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    forms: list[dict[str, str]] = field(default_factory=list)
    numbers: itertools.count = field(default_factory=lambda: itertools.count(1))
    family_of: dict[str, int] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    revoked: set[int] = field(default_factory=set)
    access: dict[str, int] = field(default_factory=dict)
    scopes: dict[str, str] = field(default_factory=dict)
    again: set[str] = field(default_factory=set)

    def consent(self) -> str:
        """A first refresh token, of a family of its own."""
        token = f"refresh-{next(self.numbers)}"
        self.family_of[token] = next(self.numbers)
        return token

    def revoke_all(self) -> None:
        self.revoked |= set(self.family_of.values())

    def accepts(self, access_token: str) -> bool:
        return access_token in self.access and self.access[access_token] not in self.revoked

    @property
    def spends(self) -> Counter[str]:
        """How often each refresh token arrived."""
        return Counter(form["refresh_token"] for form in self.forms)

    async def send(self, request: HttpRequest, *, allow_private_network: bool, timeout_seconds: float) -> HttpResponse:
        fault = self.faults.pop(0) if self.faults else None
        if fault == UNREACHED:
            raise Refused("external_system_unreachable", "connection refused", unsent=True)
        if fault == DROPPED:
            raise Refused("timed_out", "no answer")
        self.arrived.set()
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(fault, HttpResponse):
            return fault
        answer = self.grant(dict(parse_qsl(reveal(request.body))))
        if fault == LOST:
            raise Refused("external_system_unreachable", "connection reset")
        return answer

    def grant(self, form: dict[str, str]) -> HttpResponse:
        self.forms.append(form)
        old = form["refresh_token"]
        family = self.family_of.get(old)
        if old in self.used:
            self.again.add(old)
        if family is None or family in self.revoked:
            return json_answer(400, {"error": "invalid_grant", "error_description": "unknown or revoked"})
        if old in self.used:
            self.revoked.add(family)
            return json_answer(400, {"error": "invalid_grant", "error_description": "used before"})
        members = {"access_token": f"access-{next(self.numbers)}", "expires_in": self.lifetime}
        self.access[members["access_token"]] = family
        self.scopes[members["access_token"]] = form.get("scope", "")
        if self.rotates:
            self.used.add(old)
            members["refresh_token"] = f"refresh-{next(self.numbers)}"
            self.family_of[members["refresh_token"]] = family
        return json_answer(200, members)


@asynccontextmanager
async def hub_world(folder: Path, server: RotatingServer | None = None):
    """The engine of one process, on a store of its own, with the principal Hub/Service connected."""
    path = folder / "callout.db"
    create_copy(path)
    clock, entropy = MovedClock(), SystemEntropy()
    store = Store.open(path, clock=clock, busy_timeout_seconds=0.2)
    master = MasterKey.generate(entropy)
    store.data_keys.add(1, new_data_key(1, master, entropy), AdminAct(START, "test", "init", "first data key"))
    made = build(clock, store, Keyring(lambda: [master], store.data_keys.load, entropy), server or RotatingServer())
    await made.define(HUB, HUB_URL, USERS_OF_HUB, User("alice", permission_sets=("Hub Users",)))
    await connect(made)
    await made.put_key(ALICE_KEY, "alice")
    try:
        yield made
    finally:
        await made.tokens.close()
        store.close()


async def connect(made: World) -> str:
    """Give the principal a grant; returns its refresh token."""
    refresh_token = made.server.consent()
    await made.put_secrets(HUB_SERVICE, client_id="hub", client_secret="hub-secret", refresh_token=refresh_token)
    return refresh_token


async def peer_of(made: World, **settings: float) -> World:
    """Another process on the same store."""
    peer = made.another_process(**settings)
    await peer.org.load()
    return peer


async def token_of(made: World) -> str:
    """The access token that a callout by Hub would bear."""
    ready = await made.callouts.prepare(made.admit("Hub"))
    return ready.head.decode().split("Bearer ")[1].split("\r\n")[0]


async def adopting(made: World, waiting: asyncio.Task) -> str:
    """What a process waits for, which notices again and again that something was written."""
    while not waiting.done():
        made.tokens.leases.note_change()
        await asyncio.sleep(0.001)
    return await waiting


async def condition(made: World) -> tuple[str, list[str]]:
    """State and remedy of Hub/Service, as `status` shows them."""
    from callout.core.protocols import CATALOGUE
    from callout.engine.setup import Setup
    from callout.engine.status import status

    store = made.store
    setup = Setup(
        store.definitions,
        store.user_external_credentials,
        made.vault,
        made.clock,
        SystemEntropy(),
        CATALOGUE,
        made.server,
    )
    row = next(p for p in (await status(setup, made.log.recent))["principals"] if p["principal"] == "Hub/Service")
    return row["state"], row["remedy_commands"]
