"""However a callout ends, it leaves exactly one record: answered, refused, failed, cut off, abandoned, replayed."""

import asyncio
from collections import Counter
from contextlib import suppress

import pytest

from callout.core.errors import Refused
from callout.entrypoints.gateway import Limits

from .conftest import SECONDS, answer, read_request

STALE = answer(b"stale", start=b"HTTP/1.1 401 Unauthorized")


@pytest.fixture
async def limits() -> Limits:
    return Limits(default_timeout=30, idle_timeout=30, request_limit=1000)


async def asked(world, *args, **more) -> None:
    """Ask, and take what comes: an answer, or one that is cut short."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        await world.ask(*args, **more)


async def answered(world) -> None:
    await asked(world)


async def failed_by_the_external_system(world) -> None:
    world.external.said = lambda request, number: answer(b"no", start=b"HTTP/1.1 500 Broken")
    await asked(world)


async def refused_by_access(world) -> None:
    await asked(world, b"/callout/Nowhere")


async def refused_as_malformed(world) -> None:
    await asked(world, b"/elsewhere")


async def refused_before_it_is_read(world) -> None:
    caller = await world.caller()
    caller.write(b"NOT HTTP\r\n\r\n")
    assert await caller.answer()


async def refused_as_too_large(world) -> None:
    await asked(world, method=b"POST", body=b"x" * 2000)


async def refused_for_its_token(world) -> None:
    world.engine.route.ready = None
    world.engine.refusal = Refused("token_endpoint_refused", "got invalid_client")
    await asked(world)


async def timed_out(world) -> None:
    begun = asyncio.Event()

    async def silent(reader, writer) -> None:
        await read_request(reader)
        begun.set()
        await reader.read()

    world.external.script = silent
    caller = await world.caller()
    caller.request()
    await begun.wait()
    world.let_pass(31)
    await caller.answer()


async def unreachable(world) -> None:
    world.external.stop()
    world.external._server.close()
    await world.external._server.wait_closed()
    await asked(world)


async def cut_off_by_the_external_system(world) -> None:
    async def cut(reader, writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
        await writer.drain()

    world.external.script = cut
    await asked(world)


async def paused_too_long(world) -> None:
    async def pausing(reader, writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        await reader.read()

    world.external.script = pausing
    caller = await world.caller()
    caller.request()
    await caller.head()
    await caller.reader.readexactly(5)
    world.let_pass(31)
    assert await caller.ended()


async def abandoned_before_the_answer(world) -> None:
    begun = asyncio.Event()

    async def long(reader, writer) -> None:
        await read_request(reader)
        begun.set()
        await reader.read()

    world.external.script = long
    caller = await world.caller()
    caller.request()
    await begun.wait()
    caller.leave()
    await world.external.gone.wait()


async def abandoned_during_the_answer(world) -> None:
    async def endless(reader, writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
        await reader.read()

    world.external.script = endless
    caller = await world.caller()
    caller.request()
    await caller.head()
    caller.leave()
    await world.external.gone.wait()


async def replayed(world) -> None:
    world.external.said = lambda request, number: STALE if number == 1 else answer(b"fresh")
    await asked(world)


async def replayed_in_vain(world) -> None:
    world.external.said = lambda request, number: STALE
    await asked(world)


async def not_replayable(world) -> None:
    world.external.said = lambda request, number: STALE
    caller = await world.caller()
    caller.request(b"/callout/Orders", b"Transfer-Encoding: chunked", method=b"POST")
    caller.write(b"5\r\nhello\r\n0\r\n\r\n")
    await caller.answer()


async def refused_at_its_refresh(world) -> None:
    world.external.said = lambda request, number: STALE
    world.engine.refusal = Refused("reconnect_required", "got invalid_grant")
    await asked(world)


async def failed_inside(world) -> None:
    def broken(*_):
        raise RuntimeError("broken")

    world.engine.admit = broken
    await asked(world)


#: Each path, the status and the reason that its record has.
PATHS = {
    answered: (200, None),
    failed_by_the_external_system: (500, None),
    refused_by_access: (404, "named_credential_not_found"),
    refused_as_malformed: (400, "malformed_request"),
    refused_before_it_is_read: (400, "malformed_request"),
    refused_as_too_large: (413, "request_too_large"),
    refused_for_its_token: (502, "token_endpoint_refused"),
    timed_out: (504, "timed_out"),
    unreachable: (502, "external_system_unreachable"),
    cut_off_by_the_external_system: (200, "external_system_unreachable"),
    paused_too_long: (200, "timed_out"),
    abandoned_before_the_answer: (0, None),
    abandoned_during_the_answer: (200, None),
    replayed: (200, None),
    replayed_in_vain: (401, None),
    not_replayable: (401, None),
    refused_at_its_refresh: (424, "reconnect_required"),
    failed_inside: (503, "overloaded"),
}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__)
async def test_a_callout_leaves_exactly_one_record_however_it_ends(world, path) -> None:
    async with asyncio.timeout(SECONDS):
        await path(world)
        await world.record()
        for caller in world.callers:
            caller.leave()
        await world.gateway.stop(0)
    ids = Counter(record[0] for record in world.engine.records)
    assert ids == {b"id-1": 1}
    ((*_, status, _, _, _, _, refused),) = world.engine.records
    assert (status, refused.reason.code if refused else None) == PATHS[path]
