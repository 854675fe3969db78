"""Limits: of time, size and number; each with its own coded answer. Time passes where a test says so."""

import asyncio

import pytest

from callout.entrypoints.gateway import Limits

from .conftest import SECONDS, answer, read_request, until


@pytest.fixture
async def limits() -> Limits:
    return Limits(
        request_limit=1000,
        default_timeout=30,
        longest_timeout=200,
        idle_timeout=40,
        keep_alive_timeout=50,
        head_timeout=20,
        connection_limit=3,
    )


async def silence(reader, writer) -> None:
    await reader.read()


@pytest.mark.parametrize(("lines", "seconds"), [((), 30), ((b"Callout-Timeout: 7.5",), 7.5)])
async def test_an_external_system_that_does_not_answer_in_time_is_given_up(world, lines, seconds) -> None:
    asked = asyncio.Event()

    async def silent(reader, writer) -> None:
        await read_request(reader)
        asked.set()
        await reader.read()

    world.external.script = silent
    caller = await world.caller()
    caller.request(b"/callout/Orders", *lines)
    async with asyncio.timeout(SECONDS):
        await asked.wait()
    world.let_pass(seconds - 0.1)
    assert not world.engine.records
    world.let_pass(0.1)
    found = await caller.answer()
    assert (found.status, found.problem["reason"]) == (504, "timed_out")
    assert f"within {seconds:g} seconds" in found.problem["detail"]
    async with asyncio.timeout(SECONDS):
        await world.external.gone.wait()
    world.external.script = None
    assert (await caller.ask()).status == 200


async def test_a_longer_time_can_be_asked_for(world) -> None:
    asked, word = asyncio.Event(), asyncio.Event()

    async def late(reader, writer) -> None:
        await read_request(reader)
        asked.set()
        await word.wait()
        writer.write(answer())
        await writer.drain()

    world.external.script = late
    caller = await world.caller()
    caller.request(b"/callout/Orders", b"Callout-Timeout: 200")
    async with asyncio.timeout(SECONDS):
        await asked.wait()
    world.let_pass(199)
    word.set()
    assert (await caller.answer()).status == 200


@pytest.mark.parametrize("asked", [b"", b"0", b"-1", b"200.1", b"1e0", b"soon", b"1s", b"99999999999"])
async def test_a_time_that_is_not_allowed_is_refused(world, asked) -> None:
    found = await world.ask(b"/callout/Orders", b"Callout-Timeout: " + asked)
    assert found.problem["reason"] == "malformed_request"
    assert "at most 200" in found.problem["detail"]


async def test_a_token_that_does_not_come_in_time_is_given_up(world) -> None:
    world.engine.route.ready, world.engine.gate = None, asyncio.Event()
    caller = await world.caller()
    caller.request()
    await until(lambda: world.engine.prepared)
    world.let_pass(30)
    assert (await caller.answer()).problem["reason"] == "timed_out"
    world.engine.gate.set()


async def test_a_pause_in_an_answer_that_is_too_long_cuts_it_short(world) -> None:
    async def pausing(reader, writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        await reader.read()

    world.external.script = pausing
    caller = await world.caller()
    caller.request()
    await caller.head()
    async with asyncio.timeout(SECONDS):
        assert await caller.reader.readexactly(5) == b"first"
    world.let_pass(39.9)
    assert not world.engine.records
    world.let_pass(0.2)
    assert await caller.ended()
    assert (await world.record())[-1].reason.code == "timed_out"


async def test_the_gateway_looks_by_itself_for_what_takes_too_long(world) -> None:
    world.external.script = silence
    caller = await world.caller()
    caller.request()
    await until(lambda: world.external.connections)
    world.clock.seconds += 31
    assert (await caller.answer()).problem["reason"] == "timed_out"


async def test_an_answer_that_moves_is_not_cut_however_long_it_takes(world) -> None:
    pieces = asyncio.Semaphore(0)

    async def moving(reader, writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n")
        for _ in range(8):
            await pieces.acquire()
            writer.write(b"x")

    world.external.script = moving
    caller = await world.caller()
    caller.request()
    await caller.head()
    for _ in range(8):
        world.let_pass(39)
        pieces.release()
        async with asyncio.timeout(SECONDS):
            assert await caller.reader.readexactly(1) == b"x"


async def test_an_upload_that_moves_is_not_waiting_for_its_answer(world) -> None:
    arrived = []

    async def slowly(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        while len(arrived) < 8:
            arrived.append(await reader.readexactly(1))
        writer.write(answer())
        await writer.drain()

    world.external.script = slowly
    caller = await world.caller()
    caller.request(b"/callout/Orders", b"Content-Length: 8", method=b"POST")
    await until(lambda: world.external.connections)
    for sent in range(1, 9):
        world.let_pass(29)
        caller.write(b"x")
        await until(lambda sent=sent: len(arrived) == sent)
    assert (await caller.answer()).status == 200


@pytest.mark.parametrize("framing", ["length", "chunked", "chunked later"])
async def test_a_body_that_is_too_large_is_refused(world, framing) -> None:
    first = asyncio.Event()

    async def upload(reader, _) -> None:
        await reader.readuntil(b"5\r\nhello\r\n")
        first.set()
        await reader.read()

    caller = await world.caller()
    if framing == "length":
        found = await caller.ask(method=b"POST", body=b"x" * 1001)
    else:
        caller.request(b"/callout/Orders", b"Transfer-Encoding: chunked", method=b"POST")
        if framing == "chunked later":
            world.external.script = upload
            caller.write(b"5\r\nhello\r\n")
            async with asyncio.timeout(SECONDS):
                await first.wait()
        caller.write(b"7d0\r\n" + b"x" * 2000 + b"\r\n0\r\n\r\n")
        found = await caller.answer()
    assert (found.status, found.problem["reason"]) == (413, "request_too_large")


async def test_a_body_at_the_limit_is_carried(world) -> None:
    assert (await world.ask(method=b"POST", body=b"x" * 1000)).status == 200


async def test_a_connection_over_the_limit_is_told_that_there_are_too_many(world) -> None:
    callers = [await world.caller() for _ in range(3)]
    for caller in callers:
        assert (await caller.ask()).status == 200
    surplus = await world.caller()
    found = await surplus.ask()
    assert (found.status, found.problem["reason"]) == (503, "overloaded")
    assert await surplus.ended()
    for caller in callers[:1]:
        caller.leave()


@pytest.mark.parametrize(
    ("raw", "seconds"), [(b"", 50), (b"GET /callout/Orders HTTP/1.1\r\nHost: g\r\n", 20), (b"G", 20)]
)
async def test_a_connection_without_a_whole_request_is_closed_in_time(world, raw, seconds) -> None:
    caller = await world.caller()
    caller.write(raw)
    await until(lambda: world.gateway.open_connections)
    world.let_pass(seconds - 0.1)
    another = await world.caller()
    assert (await another.ask()).status == 200
    assert world.gateway.open_connections == 2
    world.let_pass(0.2)
    assert await caller.ended()


async def test_a_connection_that_rests_after_a_request_is_closed_in_time_and_not_before(world) -> None:
    caller = await world.caller()
    for _ in range(5):
        assert (await caller.ask()).status == 200
        world.let_pass(49)
    world.let_pass(1)
    assert await caller.ended()


async def test_a_body_that_stops_coming_is_given_up(world) -> None:
    arrived = asyncio.Event()

    async def upload(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(1)
        arrived.set()
        await reader.read()

    world.external.script = upload
    caller = await world.caller()
    caller.request(b"/callout/Orders", b"Content-Length: 8", method=b"POST")
    caller.write(b"x")
    async with asyncio.timeout(SECONDS):
        await arrived.wait()
    world.let_pass(29.9)
    assert not world.engine.records
    world.let_pass(0.2)
    assert (await caller.answer()).problem["reason"] == "timed_out"
    world.let_pass(20)
    assert await caller.ended()
