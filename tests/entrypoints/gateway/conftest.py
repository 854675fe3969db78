"""A gateway on loopback between a raw caller and a raw external system, with a stand-in for the engine."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvloop

from callout.adapters.outbound import Outbound
from callout.core.errors import Refused
from callout.core.model.credentials import ExternalCredential, RefreshRule
from callout.core.ports import Destination, Spools
from callout.core.refresh.replay import ReplayContract
from callout.core.refresh.rules import Signs, signs_of
from callout.engine.routes import Ready
from callout.entrypoints.gateway import Gateway, Limits

KEY = b"co_key"
FOREVER = float("inf")
#: How long anything that must happen may take on a busy machine; only a test that fails waits for so long.
SECONDS = 60


def pytest_asyncio_loop_factories():
    """The event loop of production: what these tests are about stands on it."""
    return {"uvloop": uvloop.new_event_loop}


@dataclass(frozen=True)
class Received:
    """One request as the external system saw it."""

    start: bytes
    lines: list[bytes]
    body: bytes = b""

    @property
    def is_head(self) -> bool:
        return self.start.startswith(b"HEAD ")

    def values(self, name: bytes) -> list[bytes]:
        return [
            line.partition(b":")[2].strip() for line in self.lines if line.partition(b":")[0].lower() == name.lower()
        ]


async def read_request(reader: asyncio.StreamReader) -> Received:
    """Read one request; a chunked body is kept with its framing."""
    start, *lines = (await reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
    received = Received(start, lines)
    body = b""
    if received.values(b"transfer-encoding"):
        while True:
            line = await reader.readline()
            body += line
            if int(line.split(b";")[0], 16) == 0:
                while (line := await reader.readline()) != b"\r\n":
                    body += line
                body += line
                break
            body += await reader.readexactly(int(line.split(b";")[0], 16) + 2)
    elif received.values(b"content-length"):
        body = await reader.readexactly(int(received.values(b"content-length")[0]))
    return Received(start, lines, body)


def answer(body: bytes = b"ok", *lines: bytes, start: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return b"\r\n".join((start, *lines, b"Content-Length: %d" % len(body), b"", body))


class ExternalSystem:
    """Says what it is told: `said` answers each whole request, or `script` has the connection to itself."""

    def __init__(self) -> None:
        self.said: Callable[[Received, int], bytes | None] = lambda request, number: answer()
        self.script: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]] | None = None
        self.requests: list[Received] = []
        self.connections = 0
        self.port = 0
        self.gone = asyncio.Event()
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        try:
            if self.script is not None:
                await self.script(reader, writer)
            else:
                await self._answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.gone.set()
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            self.requests.append(await read_request(reader))
            said = self.said(self.requests[-1], len(self.requests))
            if said is None:
                return
            writer.write(said.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if self.requests[-1].is_head else said)
            await writer.drain()

    def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()


NO_RULES = signs_of(ExternalCredential("E", "none", additional_status_codes=(601,)))


@dataclass(eq=False)
class StandInRoute:
    destination: Destination
    path: bytes = b"/v2"
    drops: frozenset[bytes] = frozenset({b"host", b"authorization", b"x-tenant"})
    signs: Signs = NO_RULES
    refresh_statuses: frozenset[int] = frozenset({401, 601})
    ready: Ready | None = None
    demands: Any = None
    formulas: Any = None
    until: float = FOREVER
    hears: bool = False
    replay: ReplayContract = field(default_factory=ReplayContract)

    def rule(self, *rules: RefreshRule) -> None:
        """Give the route refresh rules, beside its statuses."""
        self.signs = signs_of(ExternalCredential("E", "none", additional_status_codes=(601,), refresh_rules=rules))
        self.refresh_statuses = self.signs.statuses


@dataclass
class StandIn:
    """The engine's interface, with every step of it open to a test."""

    route: StandInRoute
    records: list[tuple[Any, ...]] = field(default_factory=list)
    written: list[tuple[Any, int]] = field(default_factory=list)
    says_stale: list = field(default_factory=list)
    told: list[bool] = field(default_factory=list)
    noticed: list = field(default_factory=list)
    good: bool = False
    active: bool = False
    prepared: int = 0
    refreshed: int = 0
    refusal: Refused | None = None
    gate: asyncio.Event | None = None
    stale: bool = True
    admitted: list[tuple[Any, ...]] = field(default_factory=list)
    recorded: asyncio.Event = field(default_factory=asyncio.Event)
    count: int = 0
    judged: list[tuple[Any, ...]] = field(default_factory=list)
    refusing: Refused | None = None
    certificates: list[Any] = field(default_factory=list)

    def admit(self, name, headers, callout_key, authorization, principal, on_behalf_of=None, certificate=None):
        self.certificates.append(certificate)
        self.admitted.append((name, list(headers), callout_key, authorization, principal))
        if name != "Orders":
            raise Refused("named_credential_not_found", f"got name {name!r}; expected Orders")
        if callout_key != KEY and authorization is None and certificate is None:
            raise Refused("caller_unknown", "got no key that is known")
        return self.route

    def ready(self, generation: int, fresh_until: float = FOREVER) -> Ready:
        authority = f"{self.route.destination.host}:{self.route.destination.port}"
        head = f"Host: {authority}\r\nX-Tenant: acme\r\nAuthorization: Bearer token-{generation}\r\n"
        return Ready(head.encode(), generation, fresh_until)

    def judge(self, route, method, target, headers, callout_id):
        self.judged.append((method, target, tuple(headers()), callout_id))
        if self.refusing is not None:
            raise self.refusing

    async def prepare(self, route, asked=None):
        self.prepared += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.refusal is not None:
            raise self.refusal
        route.ready = self.ready(self.prepared)
        return route.ready

    def is_stale(self, route, ready, status):
        return self.stale

    async def refresh(self, route, ready, status, asked=None):
        self.refreshed += 1
        return None if self.active else await self.prepare(route, asked)

    def still_good(self, route):
        return self.good

    def answered(self, route, ready, *, helped):
        self.told.append(helped)

    def next_id(self):
        self.count += 1
        return b"id-%d" % self.count

    def record(self, *record):
        *record, ready, stale_status, says_stale, noticed = record if len(record) == 15 else (*record, False, None)
        self.records.append(tuple(record))
        self.written.append((ready, stale_status))
        self.says_stale.append(says_stale)
        self.noticed.append(noticed)
        self.recorded.set()


@dataclass
class Answer:
    """One answer as the caller saw it. `body` keeps its framing."""

    status: int
    start: bytes
    lines: list[bytes]
    body: bytes

    def values(self, name: str) -> list[str]:
        wanted = name.lower().encode()
        return [
            line.partition(b":")[2].strip().decode("latin-1")
            for line in self.lines
            if line.partition(b":")[0].lower() == wanted
        ]

    @property
    def problem(self) -> dict[str, Any]:
        assert self.values("Content-Type") == ["application/problem+json"]
        return json.loads(self.body)


class Caller:
    """A raw connection to the gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    def request(self, path: bytes = b"/callout/Orders/items", *lines: bytes, method: bytes = b"GET", body: bytes = b""):
        if body:
            lines = (*lines, b"Content-Length: %d" % len(body))
        head = b"\r\n".join((method + b" " + path + b" HTTP/1.1", b"Host: g", b"Callout-Key: " + KEY, *lines, b"", b""))
        self.write(head + body)

    async def head(self) -> Answer:
        async with asyncio.timeout(SECONDS):
            start, *lines = (await self.reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
        return Answer(int(start.split(b" ")[1]), start, lines, b"")

    async def answer(self, *, head_only: bool = False) -> Answer:
        """Read one whole answer; raises `IncompleteReadError` where it is cut short."""
        found = await self.head()
        async with asyncio.timeout(SECONDS):
            if head_only or found.status in (204, 304):
                return found
            if found.values("Transfer-Encoding"):
                while not found.body.endswith(b"\r\n\r\n") or b"\r\n0\r\n" not in b"\r\n" + found.body:
                    found.body += await self.reader.readuntil(b"\r\n")
            elif found.values("Content-Length"):
                found.body = await self.reader.readexactly(int(found.values("Content-Length")[0]))
            else:
                found.body = await self.reader.read()
        return found

    async def ask(self, *args, **more) -> Answer:
        self.request(*args, **more)
        return await self.answer(head_only=more.get("method") == b"HEAD")

    async def ended(self) -> bool:
        """Wait for the gateway to end the connection; False where more comes."""
        async with asyncio.timeout(SECONDS):
            try:
                return await self.reader.read(1) == b""
            except ConnectionError:
                return True

    def leave(self) -> None:
        self.writer.transport.abort()


@dataclass
class Clock:
    """Seconds that pass only when a test says so: no limit of the gateway's races with the machine."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class World:
    """What a test plays with. The gateway sweeps by itself, too, but its time stands still meanwhile."""

    gateway: Gateway
    clock: Clock
    engine: StandIn
    external: ExternalSystem
    callers: list[Caller] = field(default_factory=list)

    async def caller(self) -> Caller:
        caller = Caller(*await asyncio.open_connection("127.0.0.1", self.gateway.port, limit=2**24))
        self.callers.append(caller)
        return caller

    async def ask(self, *args, **more) -> Answer:
        return await (await self.caller()).ask(*args, **more)

    def let_pass(self, seconds: float) -> None:
        """Let time pass; the gateway sweeps at the start of it and at its end."""
        self.gateway.sweep()
        self.clock.seconds += seconds
        self.gateway.sweep()

    async def screening(self) -> None:
        """Wait until an answer is being held back."""
        await until(lambda: any(each.exchange and each.exchange._screening for each in self.gateway._connections))

    async def record(self) -> tuple[Any, ...]:
        """Wait for the next record and return the last."""
        async with asyncio.timeout(SECONDS):
            await self.engine.recorded.wait()
        return self.engine.records[-1]


async def until(happened: Callable[[], object]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(SECONDS):
        while not happened():
            await asyncio.sleep(0)


@pytest.fixture
async def limits() -> Limits:
    return Limits()


@pytest.fixture
def spools() -> Spools | None:
    """Nothing is kept in files, unless a module says otherwise."""
    return None


@pytest.fixture
async def world(limits, spools):
    external = ExternalSystem()
    await external.start()
    outbound = Outbound(connect_seconds=SECONDS)
    engine = StandIn(StandInRoute(Destination("http", "127.0.0.1", external.port, allow_private_network=True)))
    engine.route.ready = engine.ready(0)
    clock = Clock()
    gateway = Gateway(engine, outbound, limits, b'{"gateway":"here"}', monotonic=clock, spools=spools)
    await gateway.start("127.0.0.1", 0)
    made = World(gateway, clock, engine, external)
    yield made
    for caller in made.callers:
        caller.leave()
    await gateway.stop(0)
    await outbound.close()
    external.stop()
