"""A small world in which accounts are connected: a real store and vault, and an authorization server that is played."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from callout.adapters.store.store import Store
from callout.adapters.system import SystemEntropy
from callout.adapters.vault.keyring import Keyring, new_data_key
from callout.adapters.vault.master_key import MasterKey
from callout.core.message import HttpRequest, HttpResponse
from callout.core.model.credentials import (
    ExternalCredential,
    NamedCredential,
    Principal,
    PrincipalReference,
    PrincipalType,
    UserExternalCredentialKey,
)
from callout.core.model.identity_providers import ExternalAuthIdentityProvider
from callout.core.model.people import PermissionSet, User
from callout.core.ports import AdminAct
from callout.core.protocols import CATALOGUE
from callout.core.secret import reveal
from callout.engine.audit import Audit
from callout.engine.connect import Connecting
from callout.engine.diagnosis import diagnose
from callout.engine.operations import LOCAL, Operations, Uses
from callout.engine.operations.connecting_rights import judge_again
from callout.engine.setup import Setup
from callout.engine.sign_in import SigningIn
from tests.databases import create_copy
from tests.engine.conftest import START, AuthorizationServer, MovedClock, World, build, json_answer
from tests.judging import JudgedOperations
from tests.sign_ins import PlainPasswords
from tests.world import sends_nothing

HERE = "https://callout.example"
SHARED = UserExternalCredentialKey("Shared", "Service")
PARAMETERS = {
    "issuer": "https://id.example",
    "authorization_endpoint": "https://id.example/authorize",
    "token_endpoint": "https://id.example/token",
    "device_authorization_endpoint": "https://id.example/device",
    "userinfo_endpoint": "https://id.example/me",
    "scope": "files.read",
}
PROVIDER = ExternalAuthIdentityProvider("Id", PARAMETERS, label="Example ID")
CREDENTIALS = (
    ExternalCredential(
        "Shared", "oauth2_authorization_code", {"identity_provider": "Id"}, principals=(Principal("Service"),)
    ),
    ExternalCredential(
        "Own",
        "oauth2_authorization_code",
        {"identity_provider": "Id"},
        principals=(Principal("User", PrincipalType.PER_USER),),
    ),
)
CALLERS = PermissionSet(
    "Callers", frozenset({PrincipalReference("Own", "User"), PrincipalReference("Shared", "Service")})
)
SECRET = "c4n4ry-client-secret"


def own(user: str) -> UserExternalCredentialKey:
    return UserExternalCredentialKey("Own", "User", user)


@dataclass
class IdentityServer(AuthorizationServer):
    """Implements `Transport`: token requests take the next answer or a fresh pair, userinfo says whose account it is."""

    account: str = "someone@id.example"
    paths: list[str] = field(default_factory=list)

    async def send(self, request: HttpRequest, *, allow_private_network: bool, timeout_seconds: float) -> HttpResponse:
        self.paths.append(urlsplit(request.url).path)
        if request.url.endswith("/me"):
            return json_answer(200, {"sub": "1", "email": self.account})
        if not self.answers:
            number = next(self.numbers)
            pair = {"access_token": f"access-{number}", "refresh_token": f"refresh-{number}", "expires_in": 3600}
            self.answers.append(json_answer(200, pair))
        return await super().send(request, allow_private_network=allow_private_network, timeout_seconds=timeout_seconds)


@dataclass
class Desk:
    """The world, and everything that connects in it."""

    world: World
    server: IdentityServer
    setup: Setup
    connecting: Connecting
    operations: Operations

    async def begin(self, key: UserExternalCredentialKey, who: str = "", session: str = "browser", **more) -> str:
        """Begin in a browser; returns the state that the authorization server is sent."""
        url = await self.connecting.begin(key, who, session=session, **more)
        return parse_qs(urlsplit(url).query)["state"][0]

    async def run(self, name: str, /, caller=LOCAL, **arguments):
        return await self.operations.run(name, arguments, caller)


@contextmanager
def open_desk(folder):
    """Make the world: alice and bob may use both credentials, carol none; `admin` administers."""
    path = folder / "callout.db"
    create_copy(path)
    clock, entropy = MovedClock(), SystemEntropy()
    store = Store.open(path, clock=clock)
    key = MasterKey.generate(entropy)
    store.data_keys.add(1, new_data_key(1, key, entropy), AdminAct(START, "test", "init", "first data key"))
    vault, server = Keyring(lambda: [key], store.data_keys.load, entropy), IdentityServer()
    world = build(clock, store, vault, server)
    setup = Setup(store.definitions, store.user_external_credentials, vault, clock, entropy, CATALOGUE, server)
    connecting = Connecting(
        setup, store.connections, world.callouts._links, server, judge_again, ["https://app.example"]
    )

    async def predict(name, **question):
        await world.org.follow()
        return await diagnose(world.callouts, name, **question)

    audit = Audit(store.audit, clock, "1.2.3")
    signing_in = SigningIn(setup, store.sign_ins, PlainPasswords(), connecting.links, idle=7200.0, life=43200.0)
    uses = Uses(setup, predict, world.log.explain, audit, world.log.recent, connecting, signing_in, send=sends_nothing)
    yield Desk(world, server, setup, connecting, JudgedOperations(uses))
    store.close()


async def furnish(desk: Desk) -> None:
    """Define everything."""
    named = (NamedCredential(each.name, f"https://{each.name.lower()}.example", each.name) for each in CREDENTIALS)
    people = (User("alice", permission_sets=("Callers",)), User("bob", permission_sets=("Callers",)), User("carol"))
    admin = User("admin", "System Administrator")
    await desk.world.define(PROVIDER, *CREDENTIALS, *named, CALLERS, *people, admin)
    await desk.world.put_secrets(PROVIDER.key, client_id="the-client", client_secret=SECRET)


def token_of(desk: Desk, key: UserExternalCredentialKey):
    return desk.world.store.user_external_credentials.token(key)


def form_of(request: HttpRequest) -> dict[str, list[str]]:
    return parse_qs(reveal(request.body))
