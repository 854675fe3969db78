"""What is sent again after a refresh: the same bytes, from memory or from a sealed file, as far as that is declared."""

import asyncio
import os
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callout.adapters.system import SystemEntropy
from callout.adapters.vault.spool import Spools
from callout.core.errors import SpoolError
from callout.core.refresh.replay import ReplayContract
from callout.entrypoints.gateway import Limits
from callout.entrypoints.gateway.spooling import MOST_WAITING

from .conftest import SECONDS, answer
from .test_refreshing import STALE, stale_connection, stale_once
from .test_streaming import settled

MEBIBYTE = 1024 * 1024
POST = ReplayContract(methods=frozenset({b"POST", b"PUT"}))


@pytest.fixture
async def limits() -> Limits:
    return Limits(replay_limit=1000, replay_file_limit=2 * MEBIBYTE)


@pytest.fixture
def spools(tmp_path):
    made = Spools(tmp_path / "spool", SystemEntropy(), most=64 * MEBIBYTE)
    yield made
    assert not made.directory.exists() or list(made.directory.iterdir()) == []
    made.close()
    assert made._taken == 0, "every spool is let go of"


@pytest.fixture
def declared(world):
    world.engine.route.replay = POST
    world.external.said = stale_once
    return world


@pytest.mark.parametrize("size", [1001, 65536, 65537, MEBIBYTE])
async def test_a_large_body_is_sent_again_from_a_file_byte_for_byte(declared, size) -> None:
    body = os.urandom(size)
    found = await declared.ask(method=b"POST", body=body)
    assert (found.status, found.values("Callout-Replay")) == (200, ["done"])
    assert [request.body for request in declared.external.requests] == [body, body]
    assert (await declared.record())[6] == size


async def test_a_chunked_body_is_sent_again_with_its_framing_and_trailers(declared) -> None:
    caller = await declared.caller()
    caller.request(b"/callout/Orders", b"Transfer-Encoding: chunked", method=b"POST")
    framed = b"".join(b"%x;n=%d\r\n%b\r\n" % (20_000, n, b"%d" % (n % 10) * 20_000) for n in range(20))
    framed += b"0\r\nX-Sum: 20\r\n\r\n"
    for start in range(0, len(framed), 50_000):
        caller.write(framed[start : start + 50_000])
        await asyncio.sleep(0)
    assert (await caller.answer()).values("Callout-Replay") == ["done"]
    assert [request.body for request in declared.external.requests] == [framed, framed]
    assert (await caller.ask()).status == 200


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(1, 60_000), min_size=1, max_size=12), chunked=st.booleans())
async def test_however_a_body_comes_the_second_sending_is_the_first(declared, sizes, chunked) -> None:
    declared.external.requests.clear()
    declared.engine.route.ready = declared.engine.ready(0)
    pieces = [os.urandom(size) for size in sizes]
    line = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % sum(sizes)
    if chunked:
        pieces = [*(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces), b"0\r\n\r\n"]
    caller = await declared.caller()
    caller.request(b"/callout/Orders", line, method=b"POST")
    for piece in pieces:
        caller.write(piece)
        await asyncio.sleep(0)
    assert (await caller.answer()).values("Callout-Replay") == ["done"]
    assert [request.body for request in declared.external.requests] == [b"".join(pieces)] * 2


@pytest.mark.parametrize(
    ("contract", "method", "size", "why"),
    [
        (POST, b"PATCH", 10, "method_not_declared"),
        (POST, b"PATCH", 5000, "method_not_declared"),
        (ReplayContract(), b"POST", 5000, "large_body_not_declared"),
        (POST, b"POST", 3 * MEBIBYTE, "body_too_large"),
    ],
)
async def test_what_is_not_declared_or_too_large_passes_with_its_first_answer(
    world, spools, contract, method, size, why
) -> None:
    world.engine.route.replay, world.external.said = contract, stale_once
    found = await world.ask(method=method, body=b"x" * size)
    assert (found.status, found.body, found.values("Callout-Replay")) == (401, b"stale", ["not-possible"])
    assert len(world.external.requests) == 1
    assert (await world.record())[9] == f"not-possible/{why}"
    assert not spools.directory.exists()


async def test_a_chunked_body_that_grows_too_large_is_let_go_of_while_it_passes(declared, spools) -> None:
    caller = await declared.caller()
    caller.request(b"/callout/Orders", b"Transfer-Encoding: chunked", method=b"POST")
    for _ in range(24):
        caller.write(b"%x\r\n%b\r\n" % (100_000, b"x" * 100_000))
        await caller.writer.drain()
    caller.write(b"0\r\n\r\n")
    found = await caller.answer()
    assert (found.status, found.values("Callout-Replay")) == (401, ["not-possible"])
    assert (await declared.record())[9] == "not-possible/body_too_large"
    assert spools.directory.exists()


async def test_where_no_replay_can_follow_nothing_is_kept(world, spools) -> None:
    world.engine.route.replay = ReplayContract(possible=False, methods=POST.methods)
    world.engine.stale = False
    world.external.said = lambda request, number: STALE
    for method in (b"POST", b"PUT"):
        found = await world.ask(method=method, body=b"x" * MEBIBYTE)
        assert (found.status, found.values("Callout-Replay")) == (401, [])
    assert not spools.directory.exists()


async def test_a_small_body_makes_no_file(declared, spools) -> None:
    assert (await declared.ask(method=b"POST", body=b"x" * 1000)).values("Callout-Replay") == ["done"]
    assert not spools.directory.exists()


async def test_a_second_refusal_of_a_large_body_passes_and_is_not_tried_again(declared) -> None:
    declared.external.said = lambda request, number: STALE
    found = await declared.ask(method=b"POST", body=b"x" * MEBIBYTE)
    assert (found.status, found.body, found.values("Callout-Replay")) == (401, b"stale", ["done"])
    assert len(declared.external.requests) == 2


async def test_an_answer_to_the_replay_that_comes_before_all_is_sent_passes_and_ends_that_connection(declared) -> None:
    async def early(reader, writer) -> None:
        while True:
            request = await reader.readuntil(b"\r\n\r\n")
            if b"token-0" in request:
                await reader.readexactly(2 * MEBIBYTE)
                writer.write(STALE)
            elif b"POST" in request:
                writer.write(answer(b"enough", start=b"HTTP/1.1 413 Enough"))
                await reader.read()
            else:
                writer.write(answer(b"fresh"))

    declared.external.script = early
    caller = await declared.caller()
    found = await caller.ask(method=b"POST", body=b"x" * 2 * MEBIBYTE)
    assert (found.status, found.body, found.values("Callout-Replay")) == (413, b"enough", ["done"])
    assert (await caller.ask()).body == b"fresh"


async def test_a_slow_external_system_slows_the_replay_down(declared) -> None:
    size = 24 * MEBIBYTE  # more than the kernel holds
    declared.gateway.limits = replace(declared.gateway.limits, replay_file_limit=size)
    sizes = []
    go_on = asyncio.Event()

    async def slow(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(size)
        writer.write(STALE)
        await reader.readuntil(b"\r\n\r\n")
        await go_on.wait()
        sizes.append(len(await reader.readexactly(size)))
        writer.write(answer(b"fresh"))

    declared.external.script = slow
    caller = await declared.caller()
    caller.request(method=b"POST", body=b"x" * size)
    async with asyncio.timeout(SECONDS * 4):
        while (caller_s := next(iter(declared.gateway._connections)).exchange) is None or not caller_s._resending:
            await asyncio.sleep(0)
        while caller_s._body._spooling.flowing.is_set():
            await asyncio.sleep(0)
    waiting = [0]

    async def watch() -> None:
        while sizes == []:
            waiting[0] = caller_s._connection._transport.get_write_buffer_size()
            await asyncio.sleep(0.01)

    watching = asyncio.ensure_future(watch())
    assert await settled(waiting) < MEBIBYTE
    watching.cancel()
    go_on.set()
    assert ((await caller.answer()).body, sizes) == (b"fresh", [size])


async def test_a_large_put_survives_a_connection_that_was_closed(world) -> None:
    await stale_connection(world, then=2)
    body = os.urandom(MEBIBYTE)
    found = await world.ask(method=b"PUT", body=body)
    assert (found.body, found.values("Callout-Replay")) == (b"3", [])
    assert [request.body for request in world.external.requests[1:]] == [body, body]


async def test_a_second_sending_that_is_refused_early_while_it_is_blocked_is_followed_by_a_third(world) -> None:
    size = 24 * MEBIBYTE  # more than the kernel holds
    world.gateway.limits = replace(world.gateway.limits, replay_file_limit=size)
    received = []

    async def script(reader, writer) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if world.external.connections == 1:
            writer.write(answer(b"1"))
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(size)  # and closes: the request is sent on a fresh connection
        elif b"token-0" in request:
            (connection,) = world.gateway._connections
            while connection.exchange._body._spooling.flowing.is_set():
                await asyncio.sleep(0)
            writer.write(STALE)
            while not world.engine.refreshed:
                await asyncio.sleep(0)
        else:
            received.append(len(await reader.readexactly(size)))
            writer.write(answer(b"fresh"))

    world.external.script = script
    caller = await world.caller()
    assert (await caller.ask()).body == b"1"
    caller.request(method=b"PUT", body=b"x" * size)
    found = await caller.answer()
    assert (found.body, found.values("Callout-Replay"), received) == (b"fresh", ["done"], [size])
    assert world.external.connections == 3


async def test_a_caller_who_hangs_up_midway_leaves_nothing(declared, spools) -> None:
    started = asyncio.Event()

    async def upload(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(MEBIBYTE // 2)
        started.set()
        await reader.read()

    declared.external.script = upload
    caller = await declared.caller()
    caller.request(b"/callout/Orders", b"Content-Length: %d" % MEBIBYTE, method=b"POST")
    caller.write(b"x" * (MEBIBYTE // 2))
    async with asyncio.timeout(SECONDS):
        await started.wait()
        caller.leave()
        await declared.external.gone.wait()
    assert (await declared.record())[9] is None


async def test_a_caller_who_asks_before_the_upload_is_told_to_go_on_once(declared) -> None:
    body = os.urandom(MEBIBYTE)
    caller = await declared.caller()
    caller.request(b"/callout/Orders", b"Expect: 100-continue", b"Content-Length: %d" % len(body), method=b"POST")
    assert (await caller.head()).start == b"HTTP/1.1 100 Continue"
    caller.write(body)
    found = await caller.answer()
    assert (found.status, found.values("Callout-Replay")) == (200, ["done"])
    assert [request.body for request in declared.external.requests] == [body, body]


async def test_a_request_behind_an_upload_that_was_refused_early_is_served_as_it_is(declared) -> None:
    async def early(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(100_000)
        writer.write(STALE)
        await reader.read()

    declared.external.script = early
    caller = await declared.caller()
    caller.request(b"/callout/Orders", b"Content-Length: 200000", method=b"POST")
    caller.write(b"x" * 100_000)
    found = await caller.answer()
    assert (found.status, found.values("Callout-Replay"), found.values("Connection")) == (401, ["not-possible"], [])
    assert (await declared.record())[9] == "not-possible/body_still_coming"
    declared.external.script = None
    caller.write(b"x" * 100_000)
    caller.request(b"/callout/Orders/behind")
    assert (await caller.answer()).status == 200
    assert [request.start for request in declared.external.requests] == [b"GET /v2/behind HTTP/1.1"]


# --- the idempotency header --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [b"POST", b"PATCH"])
async def test_both_sendings_of_a_callout_bear_one_value_and_two_callouts_two(world, method) -> None:
    world.engine.route.replay = ReplayContract(idempotency_header=b"Idempotency-Key")
    world.external.said = stale_once
    first = await world.ask(method=method, body=b"order")
    world.engine.route.ready = world.engine.ready(0)
    second = await world.ask(method=method)
    values = [request.values(b"idempotency-key") for request in world.external.requests]
    ids = [found.values("Callout-Id")[0].encode() for found in (first, second)]
    assert values == [[ids[0]], [ids[0]], [ids[1]], [ids[1]]]


async def test_the_caller_s_own_value_is_kept(world) -> None:
    world.engine.route.replay = ReplayContract(idempotency_header=b"Idempotency-Key")
    world.external.said = stale_once
    await world.ask(b"/callout/Orders", b"idempotency-KEY: mine", method=b"POST", body=b"order")
    assert [request.values(b"idempotency-key") for request in world.external.requests] == [[b"mine"], [b"mine"]]


async def test_a_get_bears_none(world) -> None:
    world.engine.route.replay = ReplayContract(idempotency_header=b"Idempotency-Key")
    await world.ask()
    assert world.external.requests[0].values(b"idempotency-key") == []


# --- files that fail ---------------------------------------------------------------------------------------------


@dataclass
class StandInSpool:
    """A spool in memory that fails where it is told to."""

    spools: "StandInSpools"
    kept: list[bytes] = field(default_factory=list)
    closed: bool = False

    @property
    def frames(self) -> int:
        return len(self.kept)

    async def write(self, body: bytes) -> None:
        await self.spools.gate.wait()
        if self.spools.full:
            raise SpoolError("got no space; expected some")
        self.kept.append(body)

    async def read(self, frame: int) -> bytes:
        if self.spools.unreadable:
            raise SpoolError("got other bytes")
        return self.kept[frame]

    def close(self) -> None:
        self.closed = True


@dataclass
class StandInSpools:
    """What the gateway needs of spools, with every step of it open to a test."""

    full: bool = False
    unreadable: bool = False
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    made: list[StandInSpool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()

    def open(self) -> StandInSpool:
        self.made.append(StandInSpool(self))
        return self.made[-1]


@pytest.fixture
async def failing(declared) -> StandInSpools:
    declared.gateway.spools = made = StandInSpools()
    return made


async def test_a_full_disk_costs_the_replay_and_not_the_callout(declared, failing, caplog) -> None:
    failing.full = True
    body = os.urandom(MEBIBYTE)
    found = await declared.ask(method=b"POST", body=body)
    assert (found.status, found.values("Callout-Replay")) == (401, ["not-possible"])
    assert declared.external.requests[0].body == body
    assert (await declared.record())[9] == "not-possible/spool_lost"
    assert "got no space" in caplog.text
    assert failing.made[0].closed


async def test_a_file_that_is_slow_slows_the_caller_down_and_memory_does_not_grow(declared, failing) -> None:
    failing.gate.clear()
    received = [0]

    async def upload(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        while received[0] < 2 * MEBIBYTE:
            received[0] += len(await reader.read(65536))
        writer.write(answer())

    declared.external.script = upload
    caller = await declared.caller()
    caller.request(b"/callout/Orders", b"Content-Length: %d" % (2 * MEBIBYTE), method=b"POST")
    caller.write(b"x" * 2 * MEBIBYTE)
    async with asyncio.timeout(SECONDS):
        while received[0] < MOST_WAITING:
            await asyncio.sleep(0.01)
    exchange = next(iter(declared.gateway._connections)).exchange
    assert exchange._body.size < 2 * MEBIBYTE
    failing.gate.set()
    assert (await caller.answer()).status == 200
    assert received[0] == 2 * MEBIBYTE


async def test_what_the_file_has_not_taken_when_the_refusal_comes_is_sent_from_memory(declared, failing) -> None:
    failing.gate.clear()
    body = os.urandom(MOST_WAITING)
    caller = await declared.caller()
    caller.request(method=b"POST", body=body)
    async with asyncio.timeout(SECONDS):
        while not declared.engine.refreshed:
            await asyncio.sleep(0)
    failing.full = True
    failing.gate.set()
    assert (await caller.answer()).values("Callout-Replay") == ["done"]
    assert [request.body for request in declared.external.requests] == [body, body]
    assert failing.made[0].kept == []


async def test_a_file_that_does_not_read_back_is_an_error_of_callout_s_own(declared, failing) -> None:
    failing.unreadable = True
    found = await declared.ask(method=b"POST", body=b"x" * MEBIBYTE)
    assert (found.status, found.problem["reason"]) == (503, "overloaded")
    assert "could not be read back" in found.problem["detail"]
    assert failing.made[0].closed


async def test_limits_without_files_keep_what_memory_keeps(declared) -> None:
    declared.gateway.limits = replace(declared.gateway.limits, replay_file_limit=0)
    found = await declared.ask(method=b"POST", body=b"x" * 1001)
    assert found.values("Callout-Replay") == ["not-possible"]
    assert (await declared.record())[9] == "not-possible/body_too_large"
    declared.engine.route.ready = declared.engine.ready(0)
    assert (await declared.ask(method=b"POST", body=b"x" * 1000)).values("Callout-Replay") == ["done"]
    assert [len(request.body) for request in declared.external.requests] == [1001, 1000, 1000]
