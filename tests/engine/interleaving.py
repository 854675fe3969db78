"""Several processes on one SQLite file in one event loop, in which nothing goes on but what the test lets go on.

Calls of the store and of the token endpoint stop: before they are made, or when they were made and their answer is on
the way. A process that is killed stops there for good: what it held in memory is gone, what it wrote is not.
"""

import asyncio
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from callout.adapters.store import sqlite
from callout.adapters.store.database import Database
from callout.adapters.store.store import Store
from callout.core.errors import Refused
from callout.core.message import HttpRequest
from callout.core.model.people import User
from callout.engine.leases import RENEWAL
from tests.databases import create_copy
from tests.engine.conftest import ALICE_KEY, LivingNodes, MovedClock, World, build
from tests.engine.rotating import HUB, HUB_SERVICE, HUB_URL, USERS_OF_HUB, RotatingServer
from tests.world import CountedEntropy, MemoryVault

#: Where it matters who is faster, or that a process ends just there.
STOPS_BEFORE = {"keep_token", "end_refresh"}
STOPS_AFTER = {"look", "looks", "begin_refresh", "note_sent", "keep_token", "end_refresh", "take_lease"}
#: Turns of the event loop after which nothing more goes on by itself.
TURNS = 12


class InlineDatabase(Database):
    """Does its work at once, in the event loop: nothing depends on threads."""

    async def in_thread(self, work):
        return work()

    async def write_durably(self, work):
        return await self.write(work)  # these tests lose processes, not power


def open_inline(path: Path, clock: MovedClock) -> Store:
    return Store(InlineDatabase(sqlite.open_engine(path, read_only=False, busy_timeout_seconds=1)), clock)


@dataclass(eq=False)
class Stop:
    """A call that has stopped. `sent` is the refresh token that is on its way, where one is."""

    node: str
    what: str
    go: asyncio.Future
    sent: str | None = None


@dataclass
class Gates:
    """Where calls stop. `open`: they do not."""

    stops: list[Stop] = field(default_factory=list)
    open: bool = False

    async def pass_(self, node: str, what: str, sent: str | None = None) -> None:
        if self.open:
            return
        stop = Stop(node, what, asyncio.get_running_loop().create_future(), sent)
        self.stops.append(stop)
        await stop.go


class GatedStore:
    """The store of one process, as it is used for tokens."""

    def __init__(self, node: str, gates: Gates, real: object, unstored: dict[str, str]) -> None:
        self._node, self._gates, self._real, self._unstored = node, gates, real, unstored

    def __getattr__(self, name: str):
        real = getattr(self._real, name)

        async def call(*args: object, **kwargs: object):
            if name in STOPS_BEFORE:
                await self._gates.pass_(self._node, f"before {name}")
            result = await real(*args, **kwargs)
            if name == "keep_token":
                self._unstored.pop(self._node, None)
            if name in STOPS_AFTER:
                await self._gates.pass_(self._node, f"after {name}")
            return result

        return call


class GatedServer:
    """The token endpoint, as one process reaches it.

    `in_flight` are the refresh tokens of which there is no answer yet; `unstored` those whose answer the store lacks.
    """

    def __init__(
        self,
        node: str,
        gates: Gates,
        real: RotatingServer,
        in_flight: list[tuple[str, str]],
        unstored: dict[str, str],
    ) -> None:
        self._node, self._gates, self._real = node, gates, real
        self._in_flight, self._unstored = in_flight, unstored

    async def send(self, request: HttpRequest, **_: object):
        from urllib.parse import parse_qsl

        from callout.core.secret import reveal

        form = dict(parse_qsl(reveal(request.body)))
        token = form["refresh_token"]
        assert token not in [sent for _, sent in self._in_flight], "one refresh token is spent twice at a time"
        self._in_flight.append((self._node, token))
        try:
            await self._gates.pass_(self._node, "before send", token)
            answer = self._real.grant(form)
            self._unstored[self._node] = token
            await self._gates.pass_(self._node, "after send", token)
        finally:
            self._in_flight.remove((self._node, token))
        return answer


@dataclass
class Cluster:
    """The processes, the store's file, the clock, and the authorization server."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp()))
    clock: MovedClock = field(default_factory=MovedClock)
    gates: Gates = field(default_factory=Gates)
    server: RotatingServer = field(default_factory=RotatingServer)
    vault: MemoryVault = field(default_factory=MemoryVault)
    entropy: CountedEntropy = field(default_factory=CountedEntropy)
    gone: set[str] = field(default_factory=set)
    in_flight: list[tuple[str, str]] = field(default_factory=list)
    unstored: dict[str, str] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    stores: list[Store] = field(default_factory=list)
    tasks: dict[asyncio.Task, str] = field(default_factory=dict)
    started: int = 0

    async def start(self) -> None:
        create_copy(self.folder / "callout.db")
        store = self.opened()
        self.admin = build(self.clock, store, self.vault, self.server, LivingNodes("admin", self.gone))
        await self.admin.define(HUB, HUB_URL, USERS_OF_HUB, User("alice", permission_sets=("Hub Users",)))
        await self.admin.put_key(ALICE_KEY, "alice")

    def opened(self) -> Store:
        self.stores.append(open_inline(self.folder / "callout.db", self.clock))
        return self.stores[-1]

    async def process(self) -> World:
        """Start a process."""
        self.started += 1
        name, store = f"process {self.started}", self.opened()
        made = build(
            self.clock,
            store,
            self.vault,
            GatedServer(name, self.gates, self.server, self.in_flight, self.unstored),
            LivingNodes(name, self.gone),
            GatedStore(name, self.gates, store.user_external_credentials, self.unstored),
            self.entropy,
        )
        await made.org.load()
        return made

    async def connect(self) -> str:
        refresh_token = self.server.consent()
        values = {"client_id": "hub", "client_secret": "hub-secret", "refresh_token": refresh_token}
        await self.admin.put_secrets(HUB_SERVICE, **values)
        return refresh_token

    async def run(self, made: World, work) -> None:
        """Begin something in a process, as far as it comes by itself."""
        self.tasks[asyncio.ensure_future(work)] = made.nodes.name
        await self.turn()

    async def pass_time(self, seconds: float) -> None:
        """Move the clock; while something is under way not so far that nobody could renew a lease."""
        self.clock.move(min(seconds, RENEWAL) if self.gates.stops else seconds)
        await self.turn()

    def stops_of(self, made: World) -> list[Stop]:
        return [stop for stop in self.gates.stops if stop.node == made.nodes.name]

    async def turn(self) -> None:
        """Let everything go on that can by itself."""
        for _ in range(TURNS):
            await asyncio.sleep(0)

    async def let_go(self, stop: Stop, *, lose: bool = False) -> None:
        """Let one call go on; `lose`: its answer never comes."""
        self.gates.stops.remove(stop)
        if lose and stop.sent is not None:
            self.lost.add(stop.sent)
            stop.go.set_exception(Refused("timed_out", "no answer"))
        else:
            stop.go.set_result(None)
        await self.turn()

    async def kill(self, made: World) -> None:
        """End a process where it is."""
        name = made.nodes.name
        self.gone.add(name)
        self.lost |= {sent for node, sent in (*self.in_flight, *self.unstored.items()) if node == name}
        self.gates.stops = [stop for stop in self.gates.stops if stop.node != name]
        for task in (*(t for t, node in self.tasks.items() if node == name), *made.tokens._flights):
            task.cancel()
            self.tasks.pop(task, None)
        made.tokens.leases.close()
        await self.turn()

    async def end(self) -> None:
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await self.turn()
        for store in self.stores:
            store.close()
        shutil.rmtree(self.folder)
