"""Limits: of time, size and number; each with its own coded answer."""

import asyncio

import pytest

from callout.entrypoints.gateway import Limits

from .conftest import SECONDS, answer, read_request


@pytest.fixture
async def limits() -> Limits:
    return Limits(
        request_limit=1000,
        default_timeout=0.3,
        longest_timeout=2.0,
        idle_timeout=0.3,
        keep_alive_timeout=0.3,
        head_timeout=0.3,
        connection_limit=3,
    )


async def silence(reader, writer) -> None:
    await reader.read()


@pytest.mark.parametrize("lines", [(), (b"Callout-Timeout: 0.2",)])
async def test_an_external_system_that_does_not_answer_in_time_is_given_up(world, lines) -> None:
    async def silent(reader, writer) -> None:
        await read_request(reader)
        await reader.read()

    world.external.script = silent
    caller = await world.caller()
    found = await caller.ask(b"/callout/Orders", *lines)
    assert (found.status, found.problem["reason"]) == (504, "timed_out")
    assert ("0.2" if lines else "0.3") in found.problem["detail"]
    async with asyncio.timeout(SECONDS):
        await world.external.gone.wait()
    world.external.script = None
    assert (await caller.ask()).status == 200


async def test_a_longer_time_can_be_asked_for(world) -> None:
    async def late(reader, writer) -> None:
        await read_request(reader)
        await asyncio.sleep(0.6)
        writer.write(answer())
        await writer.drain()

    world.external.script = late
    assert (await world.ask(b"/callout/Orders", b"Callout-Timeout: 2")).status == 200


@pytest.mark.parametrize("asked", [b"", b"0", b"-1", b"2.1", b"1e0", b"soon", b"1s", b"99999999999"])
async def test_a_time_that_is_not_allowed_is_refused(world, asked) -> None:
    found = await world.ask(b"/callout/Orders", b"Callout-Timeout: " + asked)
    assert found.problem["reason"] == "malformed_request"
    assert "at most 2" in found.problem["detail"]


async def test_a_token_that_does_not_come_in_time_is_given_up(world) -> None:
    world.engine.route.ready, world.engine.gate = None, asyncio.Event()
    found = await world.ask()
    assert found.problem["reason"] == "timed_out"
    world.engine.gate.set()


async def test_a_pause_in_an_answer_that_is_too_long_cuts_it_short(world) -> None:
    async def pausing(reader, writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        await reader.read()

    world.external.script = pausing
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await world.ask()
    assert (await world.record())[-1].reason.code == "timed_out"


async def test_an_answer_that_moves_is_not_cut_however_long_it_takes(world) -> None:
    async def moving(reader, writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n")
        for _ in range(8):
            await asyncio.sleep(0.1)
            writer.write(b"x")
        await writer.drain()

    world.external.script = moving
    assert (await world.ask()).body == b"x" * 8


async def test_an_upload_that_moves_is_not_waiting_for_its_answer(world) -> None:
    caller = await world.caller()
    caller.request(b"/callout/Orders", b"Content-Length: 8", method=b"POST")
    for _ in range(8):
        await asyncio.sleep(0.1)
        caller.write(b"x")
    assert (await caller.answer()).status == 200


@pytest.mark.parametrize("framing", ["length", "chunked", "chunked later"])
async def test_a_body_that_is_too_large_is_refused(world, framing) -> None:
    caller = await world.caller()
    if framing == "length":
        found = await caller.ask(method=b"POST", body=b"x" * 1001)
    else:
        caller.request(b"/callout/Orders", b"Transfer-Encoding: chunked", method=b"POST")
        if framing == "chunked later":
            caller.write(b"5\r\nhello\r\n")
            await asyncio.sleep(0.05)
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


@pytest.mark.parametrize("raw", [b"", b"GET /callout/Orders HTTP/1.1\r\nHost: g\r\n", b"G"])
async def test_a_connection_without_a_whole_request_is_closed_in_time(world, raw) -> None:
    caller = await world.caller()
    caller.write(raw)
    assert await caller.ended()


async def test_a_connection_that_rests_after_a_request_is_closed_in_time_and_not_before(world) -> None:
    caller = await world.caller()
    for _ in range(5):
        assert (await caller.ask()).status == 200
        await asyncio.sleep(0.1)
    assert await caller.ended()


async def test_a_body_that_stops_coming_is_given_up(world) -> None:
    caller = await world.caller()
    caller.request(b"/callout/Orders", b"Content-Length: 8", method=b"POST")
    caller.write(b"x")
    assert (await caller.answer()).problem["reason"] == "timed_out"
    assert await caller.ended()
