"""Stopping: callouts under way end, no more are taken, and nothing hangs."""

import asyncio
import socket

from callout.entrypoints.gateway import Gateway

from .conftest import SECONDS, answer, read_request


async def under_way(world) -> tuple[asyncio.Event, object]:
    """Start a callout that the external system answers when told to; returns the word and the caller."""
    begun, word = asyncio.Event(), asyncio.Event()

    async def waiting(reader, writer) -> None:
        await read_request(reader)
        begun.set()
        await word.wait()
        writer.write(answer(b"late"))
        await writer.drain()

    world.external.script = waiting
    caller = await world.caller()
    caller.request()
    async with asyncio.timeout(SECONDS):
        await begun.wait()
    return word, caller


async def test_a_callout_under_way_is_answered_and_its_connection_closed(world) -> None:
    word, caller = await under_way(world)
    idle = await world.caller()
    await idle.ask(b"/healthz")
    stopping = asyncio.ensure_future(world.gateway.stop(SECONDS))
    assert await idle.ended()
    word.set()
    found = await caller.answer()
    assert (found.body, found.values("Connection")) == (b"late", ["close"])
    assert await caller.ended()
    async with asyncio.timeout(SECONDS):
        await stopping


async def test_what_does_not_end_in_time_is_ended(world) -> None:
    _, caller = await under_way(world)
    async with asyncio.timeout(SECONDS):
        await world.gateway.stop(0.1)
    assert await caller.ended()


async def test_a_refresh_under_way_is_awaited(world) -> None:
    world.external.said = lambda request, number: answer(start=b"HTTP/1.1 401 Unauthorized")
    world.engine.gate = asyncio.Event()
    caller = await world.caller()
    caller.request()
    async with asyncio.timeout(SECONDS):
        while not world.engine.refreshed:
            await asyncio.sleep(0)
        caller.leave()
        stopping = asyncio.ensure_future(world.gateway.stop(SECONDS))
        await world.engine.recorded.wait()
        assert not stopping.done()
        world.engine.gate.set()
        await stopping
    assert world.engine.route.ready.generation == 1


async def test_no_new_connection_is_taken(world) -> None:
    port = world.gateway.port
    await world.gateway.stop(SECONDS)
    with socket.socket() as late:
        assert late.connect_ex(("127.0.0.1", port)) != 0


async def test_a_gateway_that_stops_or_is_not_ready_says_so(world) -> None:
    word, caller = await under_way(world)
    probing = await world.caller()
    probing.write(b"GET /readyz HTTP/1.1\r\n")
    world.gateway.draining = True
    probing.write(b"Host: g\r\n\r\n")
    assert (await probing.answer()).status == 503
    word.set()
    assert (await caller.answer()).body == b"late"


async def test_readiness_is_what_it_is_told(world) -> None:
    gateway = Gateway(
        world.engine, world.gateway.outbound, world.gateway.limits, b"{}", lambda: (False, b'{"ready":false}')
    )
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        await gateway.start("", 0, sock=bound)
        world.gateway, own = gateway, world.gateway
        found = await world.ask(b"/readyz")
        world.gateway = own
        await gateway.stop(SECONDS)
    assert (found.status, found.body) == (503, b'{"ready":false}')
