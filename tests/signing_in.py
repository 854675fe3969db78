"""A small world in which people sign in: a real store and vault, a clock that is moved by hand."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from callout.adapters.store.store import Store
from callout.adapters.system import SystemEntropy
from callout.adapters.vault.keyring import Keyring, new_data_key
from callout.adapters.vault.master_key import MasterKey
from callout.core.model.org import SECTIONS, name_of
from callout.core.model.people import Caller, Package, PermissionSet, User, UserKind
from callout.core.ports import AdminAct, Change
from callout.core.protocols import CATALOGUE
from callout.core.secret import Secret
from callout.engine.audit import Audit
from callout.engine.connect import Connecting
from callout.engine.connect_links import Links
from callout.engine.operations import LOCAL, Operations, Uses
from callout.engine.operations.connecting_rights import judge_again
from callout.engine.setup import Setup
from callout.engine.sign_in import Browser, SignedIn, SigningIn
from callout.engine.sign_in.signing_in import caller_of
from tests.databases import create_copy
from tests.sign_ins import PlainPasswords
from tests.world import sends_nothing

HERE = "https://callout.example"
START = datetime(2026, 6, 1, 9, tzinfo=UTC)
GOOD, OTHER = "grass under nine moons", "a lantern for the river"
CHROME = Browser("192.0.2.1", "Chrome")


@dataclass
class MovedClock:
    at: datetime = START

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - START).total_seconds()

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("signing in waits for nothing")


@dataclass
class Door:
    """The world. `run` runs an operation as the admin of the home, or as somebody who is signed in."""

    clock: MovedClock
    store: Store
    setup: Setup
    passwords: PlainPasswords
    signing_in: SigningIn
    operations: Operations

    async def run(self, name: str, /, caller: Caller = LOCAL, **arguments):
        return await self.operations.run(name, arguments, caller)

    async def define(self, *definitions) -> None:
        changes = [Change(SECTIONS[type(each)], name_of(each), each) for each in definitions]
        await self.store.definitions.write(changes, [AdminAct(self.clock.now(), "test", "define", "")])

    async def invited(self, user: str, **more) -> str:
        """Invite a user; returns the text in the link."""
        link = (await self.run("user.invite", name=user, **more))["link"]
        return parse_qs(urlsplit(link).query)["link"][0]

    async def give_password(self, user: str, password: str = GOOD) -> None:
        await self.run("user.set_password", name=user, password=password)

    async def enter(self, user: str, password: str = GOOD, browser: Browser = CHROME) -> SignedIn:
        return await self.signing_in.with_password(user, Secret(password), browser)

    async def who(self, signed_in: SignedIn) -> str | None:
        """Who is signed in with a cookie now."""
        session = await self.signing_in.session(signed_in.text)
        return session.user if session is not None else None

    async def caller(self, signed_in: SignedIn) -> Caller:
        return caller_of(signed_in.session)

    async def acts(self) -> list[tuple[str, str, str]]:
        """Who did what, oldest first, without what made this world."""
        rows = (await self.operations.run("audit.list", {"limit": 100}, LOCAL))["acts"]
        told = [(row["who"], row["act"], row["what"]) for row in reversed(rows)]
        return [each for each in told if each[0] != "test"]


def returning(browser: Browser, signed_in: SignedIn) -> Browser:
    """The same browser later, with its cookies."""
    return replace(browser, session=signed_in.text, known=signed_in.known)


async def told_nothing(*_, **__):
    raise AssertionError("no callout is looked at here")


async def no_callouts(_: int) -> list:
    return []


@contextmanager
def open_door(folder, transport=None):
    """Make the world, empty of users but the guest."""
    path = folder / "callout.db"
    create_copy(path)
    clock, entropy = MovedClock(), SystemEntropy()
    store = Store.open(path, clock=clock)
    key = MasterKey.generate(entropy)
    store.data_keys.add(1, new_data_key(1, key, entropy), AdminAct(START, "test", "init", "first data key"))
    vault = Keyring(lambda: [key], store.data_keys.load, entropy)
    setup = Setup(store.definitions, store.user_external_credentials, vault, clock, entropy, CATALOGUE, transport)
    links, passwords = Links(vault, clock, entropy, HERE), PlainPasswords()
    signing_in = SigningIn(setup, store.sign_ins, passwords, links, idle=7200.0, life=43200.0)
    audit = Audit(store.audit, clock, "1.2.3")
    connecting = Connecting(setup, store.connections, links, transport, judge_again)
    uses = Uses(setup, told_nothing, told_nothing, audit, no_callouts, connecting, signing_in, send=sends_nothing)
    yield Door(clock, store, setup, passwords, signing_in, Operations(uses))
    store.close()


async def furnish(door: Door) -> None:
    """Define alice and bob, who administer nothing, an admin, one who manages users, and a program."""
    managing = PermissionSet("User Managers", admin_permissions=frozenset({"manage_users"}))
    people = (User("alice"), User("bob"), User("admin", "System Administrator"))
    manager, robot = User("mona", permission_sets=("User Managers",)), User("robot", kind=UserKind.SERVICE)
    await door.define(managing, *people, manager, robot, Package("acme"))
