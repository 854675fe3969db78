"""Stale credentials: one refresh, the same request sent again, and the caller told what was done."""

import asyncio

import pytest

from callout.core.errors import Refused

from .conftest import SECONDS, answer, read_request

STALE = answer(b"stale", b"X-First: 1", start=b"HTTP/1.1 401 Unauthorized")


def stale_once(request, number: int) -> bytes:
    """Refuse the first token, as a real system does; answer every later one."""
    return STALE if request.values(b"authorization") == [b"Bearer token-0"] else answer(b"fresh")


async def test_a_stale_token_is_refreshed_and_the_request_sent_again(world) -> None:
    world.external.said = stale_once
    found = await world.ask(b"/callout/Orders/x?y", b"X-A: 1")
    assert (found.status, found.body, found.values("Callout-Replay")) == (200, b"fresh", ["done"])
    assert found.values("X-First") == []
    first, second = world.external.requests
    assert (first.start, first.lines[0], first.lines[3:]) == (second.start, second.lines[0], second.lines[3:])
    assert second.values(b"authorization") == [b"Bearer token-1"]
    assert world.engine.told == [True]
    assert world.external.connections == 1
    assert (await world.record())[9] == "done"


@pytest.mark.parametrize("status", [b"400 Bad Request", b"601 Expired"])
async def test_only_the_route_s_statuses_are_a_sign(world, status) -> None:
    world.external.said = lambda request, number: answer(b"no", start=b"HTTP/1.1 " + status)
    found = await world.ask()
    assert world.engine.refreshed == (1 if status.startswith(b"601") else 0)
    assert (found.start, found.values("Callout-Replay")) == (
        b"HTTP/1.1 " + status,
        ["done"] if status.startswith(b"601") else [],
    )


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_a_body_is_sent_again_byte_for_byte(world, framing) -> None:
    world.external.said = stale_once
    caller = await world.caller()
    framed = b"3\r\none\r\n3\r\ntwo\r\n0\r\nX-T: 1\r\n\r\n" if framing == "chunked" else b"onetwo"
    line = b"Transfer-Encoding: chunked" if framing == "chunked" else b"Content-Length: 6"
    caller.request(b"/callout/Orders", line, method=b"POST")
    for position in range(0, len(framed), 4):
        caller.write(framed[position : position + 4])
        await asyncio.sleep(0)
    assert (await caller.answer()).values("Callout-Replay") == ["done"]
    assert [request.body for request in world.external.requests] == [framed, framed]


@pytest.mark.parametrize("times", [1, 2])
async def test_a_body_over_the_limit_is_not_sent_again_and_that_is_said(world, times) -> None:
    world.external.said = stale_once
    caller = await world.caller()
    body = b"x" * 300_000
    if times == 1:
        found = await caller.ask(method=b"POST", body=body)
    else:
        caller.request(b"/callout/Orders", b"Transfer-Encoding: chunked", method=b"POST")
        for _ in range(10):
            caller.write(b"7530\r\n" + b"x" * 30_000 + b"\r\n")
        caller.write(b"0\r\n\r\n")
        found = await caller.answer()
    assert (found.status, found.body, found.values("Callout-Replay")) == (401, b"stale", ["not-possible"])
    assert (await world.record())[9] == "not-possible/large_body_not_declared"
    assert (await caller.ask()).body == b"fresh"
    assert world.engine.refreshed == 1


async def test_an_early_refusal_of_an_upload_cannot_be_replayed(world) -> None:
    async def early(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(STALE)
        await reader.read()

    world.external.script = early
    caller = await world.caller()
    caller.request(b"/callout/Orders", b"Content-Length: 10", method=b"POST")
    assert (await caller.answer()).values("Callout-Replay") == ["not-possible"]


async def test_a_second_refusal_passes_whole(world) -> None:
    second = answer(b"still no", b"X-Second: 1", start=b"HTTP/1.1 401 Nope")
    world.external.said = lambda request, number: STALE if number == 1 else second
    found = await world.ask()
    assert (found.start, found.body, found.values("X-Second")) == (b"HTTP/1.1 401 Nope", b"still no", ["1"])
    assert found.values("Callout-Replay") == ["done"]
    assert (world.engine.refreshed, len(world.external.requests)) == (1, 2)
    assert world.engine.told == [False]


async def test_a_status_that_the_engine_knows_is_not_staleness_passes(world) -> None:
    world.engine.stale = False
    world.external.said = lambda request, number: STALE
    found = await world.ask()
    assert (found.status, found.body, found.values("Callout-Replay")) == (401, b"stale", ["not-needed"])
    assert world.engine.refreshed == 0
    assert world.engine.told == []


async def test_a_refresh_that_is_refused_is_callout_s_answer(world) -> None:
    world.external.said = lambda request, number: STALE
    world.engine.refusal = Refused("reconnect_required", "the refresh token was revoked")
    found = await world.ask()
    assert (found.status, found.problem["reason"]) == (424, "reconnect_required")
    assert len(world.external.requests) == 1
    assert (await world.ask()).status == 424


@pytest.mark.parametrize("framing", ["chunked", "until close", "long"])
async def test_however_the_first_refusal_is_framed_it_is_thrown_away(world, framing) -> None:
    body = {
        "chunked": b"Transfer-Encoding: chunked\r\n\r\n3\r\nno\n\r\n0\r\n\r\n",
        "until close": b"Connection: close\r\n\r\nno",
    }
    said = body.get(framing, b"Content-Length: 3000000\r\n\r\n" + b"n" * 3_000_000)

    async def script(reader, writer) -> None:
        while True:
            request = await read_request(reader)
            world.external.requests.append(request)
            if request.values(b"authorization") == [b"Bearer token-0"]:
                writer.write(b"HTTP/1.1 401 Unauthorized\r\n" + said)
                if framing == "until close":
                    return
            else:
                writer.write(answer(b"fresh"))
            await writer.drain()

    world.external.script = script
    assert (await world.ask()).body == b"fresh"
    assert world.external.connections == (1 if framing == "chunked" else 2)


async def test_a_caller_who_hangs_up_does_not_stop_a_refresh(world) -> None:
    world.external.said = lambda request, number: STALE
    world.engine.gate = asyncio.Event()
    caller = await world.caller()
    caller.request()
    async with asyncio.timeout(SECONDS):
        while not world.engine.refreshed:
            await asyncio.sleep(0)
        caller.leave()
        await world.engine.recorded.wait()
        world.engine.gate.set()
        while world.engine.route.ready.generation != 1:
            await asyncio.sleep(0)
    assert len(world.external.requests) == 1


async def test_a_token_is_obtained_before_the_first_callout_and_when_it_is_no_longer_fresh(world) -> None:
    world.engine.route.ready = None
    assert (await world.ask()).status == 200
    assert world.external.requests[0].values(b"authorization") == [b"Bearer token-1"]
    world.engine.route.ready = world.engine.ready(1, fresh_until=0.0)
    assert (await world.ask(method=b"POST", body=b"kept")).status == 200
    assert world.external.requests[1].values(b"authorization") == [b"Bearer token-2"]
    assert world.external.requests[1].body == b"kept"


@pytest.mark.parametrize("kept_connections", [0, 1])
async def test_a_body_that_comes_while_a_token_is_obtained_waits(world, kept_connections) -> None:
    for _ in range(kept_connections):
        await world.ask()
    world.engine.route.ready, world.engine.gate = None, asyncio.Event()
    caller = await world.caller()
    caller.request(b"/callout/Orders", b"Content-Length: 200000", method=b"POST")
    for _ in range(20):
        caller.write(b"y" * 10_000)
        await asyncio.sleep(0)
    assert len(world.external.requests) == kept_connections
    world.engine.gate.set()
    assert (await caller.answer()).status == 200
    assert world.external.requests[-1].body == b"y" * 200_000
    assert (await caller.ask()).status == 200


# --- connections that turn out to be closed ---------------------------------------------------------------------


async def stale_connection(world, *, then: int) -> None:
    """Leave a kept connection in the pool whose other end closes when the next request comes."""
    world.external.said = lambda request, number: None if number == then else answer(b"%d" % number)
    assert (await world.ask()).body == b"1"


@pytest.mark.parametrize(("method", "body"), [(b"GET", b""), (b"PUT", b"kept"), (b"DELETE", b"")])
async def test_a_request_that_is_safe_to_send_twice_survives_a_stale_connection(world, method, body) -> None:
    await stale_connection(world, then=2)
    found = await world.ask(method=method, body=body)
    assert (found.body, found.values("Callout-Replay")) == (b"3", [])
    assert [request.body for request in world.external.requests[1:]] == [body, body]


@pytest.mark.parametrize(("method", "body"), [(b"POST", b"order"), (b"PATCH", b"x"), (b"PUT", b"x" * 100_000)])
async def test_a_request_that_may_have_been_acted_on_is_never_sent_twice(world, method, body) -> None:
    await stale_connection(world, then=2)
    found = await world.ask(method=method, body=body)
    assert found.problem["reason"] == "external_system_unreachable"
    assert len(world.external.requests) == 2


async def test_a_fresh_connection_that_closes_is_not_tried_again(world) -> None:
    world.external.said = lambda request, number: None
    assert (await world.ask()).problem["reason"] == "external_system_unreachable"
    assert world.external.connections == 1


@pytest.mark.parametrize(
    ("line", "told"),
    [(b'WWW-Authenticate: Bearer error="invalid_token"', True), (b'WWW-Authenticate: Bearer realm="x"', False)],
)
async def test_an_answer_that_no_rule_names_and_that_says_itself_that_the_token_is_stale_is_noted(
    world, line, told
) -> None:
    world.external.said = lambda request, number: answer(b"no", line, start=b"HTTP/1.1 400 Bad Request")
    assert (await world.ask()).values("Callout-Replay") == []
    await world.record()
    assert world.engine.says_stale == [told]
