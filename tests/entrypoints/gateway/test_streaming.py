"""Bodies pass as they come, with back-pressure both ways, and an end that is not clean is never made to look clean."""

import asyncio
import socket
import struct
from collections.abc import Callable

import pytest

from .conftest import SECONDS, Caller, answer, read_request

PIECE = b"x" * 65536
#: More than the buffers of both connections and the kernel hold together.
MANY = 1000
#: More rounds of the event loop than a piece takes through all of its stations.
ROUNDS = 500


async def test_an_event_is_passed_at_once_while_the_answer_goes_on(world) -> None:
    seen = asyncio.Event()

    async def events(reader, writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"e\r\ndata: first\n\n\n\r\n")
        await seen.wait()
        writer.write(b"0\r\n\r\n")

    world.external.script = events
    caller = await world.caller()
    caller.request()
    assert (await caller.head()).values("Content-Type") == ["text/event-stream"]
    async with asyncio.timeout(SECONDS):
        assert await caller.reader.readexactly(19) == b"e\r\ndata: first\n\n\n\r\n"
        seen.set()
        assert await caller.reader.readexactly(5) == b"0\r\n\r\n"


async def test_an_upload_is_passed_on_while_it_goes_on(world) -> None:
    first = asyncio.Event()

    async def upload(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(5) == b"hello"
        first.set()
        assert await reader.readexactly(5) == b"world"
        writer.write(answer())
        await writer.drain()

    world.external.script = upload
    caller = await world.caller()
    caller.request(b"/callout/Orders", b"Content-Length: 10", method=b"POST")
    caller.write(b"hello")
    async with asyncio.timeout(SECONDS):
        await first.wait()
    caller.write(b"world")
    assert (await caller.answer()).status == 200


async def settled(counts: list[int]) -> int:
    """Wait until a count that others raise moves no more, though the loop that all of them run on goes round."""
    seen, unmoved = -1, 0
    async with asyncio.timeout(SECONDS):
        while unmoved < ROUNDS:
            unmoved = unmoved + 1 if seen == counts[0] else 0
            seen = counts[0]
            await asyncio.sleep(0)
    return seen


async def test_a_slow_caller_slows_the_external_system_down(world) -> None:
    written = [0]

    async def download(reader, writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MANY * len(PIECE)))
        for _ in range(MANY):
            writer.write(PIECE)
            await writer.drain()
            written[0] += 1

    world.external.script = download
    caller = Caller(*await asyncio.open_connection("127.0.0.1", world.gateway.port, limit=1024))
    world.callers.append(caller)
    caller.request()
    await caller.head()
    assert await settled(written) < MANY // 2
    async with asyncio.timeout(SECONDS):
        assert len(await caller.reader.readexactly(MANY * len(PIECE))) == MANY * len(PIECE)


async def test_a_slow_external_system_slows_the_caller_down(world) -> None:
    go_on, written = asyncio.Event(), [0]

    async def upload(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await go_on.wait()
        await reader.readexactly(MANY * len(PIECE))
        writer.write(answer())
        await writer.drain()

    world.external.script = upload
    caller = await world.caller()
    caller.request(b"/callout/Orders", b"Content-Length: %d" % (MANY * len(PIECE)), method=b"POST")

    async def send() -> None:
        for _ in range(MANY):
            caller.write(PIECE)
            await caller.writer.drain()
            written[0] += 1

    sending = asyncio.ensure_future(send())
    assert await settled(written) < MANY // 2
    go_on.set()
    assert (await caller.answer()).status == 200
    await sending
    assert (await world.record())[6] == MANY * len(PIECE)


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n",
    ],
    ids=["length", "chunked"],
)
async def test_an_answer_that_is_cut_short_is_cut_short_for_the_caller(world, said) -> None:
    async def cut(reader, writer) -> None:
        await read_request(reader)
        writer.write(said)
        await writer.drain()

    world.external.script = cut
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await world.ask()
    refused = (await world.record())[-1]
    assert refused.reason.code == "external_system_unreachable"


async def begun(
    world, said: bytes, then: Callable[[asyncio.StreamWriter], None], version: bytes = b"HTTP/1.1"
) -> Caller:
    """Let a caller read `said`, then let `then` happen to the external system's connection."""
    go_on = asyncio.Event()

    async def script(reader, writer) -> None:
        await read_request(reader)
        writer.write(said)
        await go_on.wait()
        then(writer)
        await writer.drain()

    world.external.script = script
    caller = await world.caller()
    caller.write(b"GET /callout/Orders " + version + b"\r\nHost: g\r\nCallout-Key: co_key\r\n\r\n")
    await caller.head()
    async with asyncio.timeout(SECONDS):
        await caller.reader.readuntil(b"some")
    go_on.set()
    return caller


def reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def test_framing_that_breaks_in_the_middle_cuts_the_answer_short(world) -> None:
    said = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n"
    caller = await begun(world, said, lambda writer: writer.write(b"not a size\r\n"))
    async with asyncio.timeout(SECONDS):
        assert await caller.reader.read() == b"\r\n"


async def test_a_reset_in_a_body_until_the_close_is_not_a_clean_end(world) -> None:
    caller = await begun(world, b"HTTP/1.1 200 OK\r\n\r\nsome", reset)
    async with asyncio.timeout(SECONDS):
        assert await caller.reader.read() == b"\r\n"


async def test_a_reset_is_a_reset_for_a_caller_of_http_1_0_who_has_no_other_sign(world) -> None:
    caller = await begun(world, b"HTTP/1.1 200 OK\r\n\r\nsome", reset, b"HTTP/1.0")
    with pytest.raises(ConnectionError):
        async with asyncio.timeout(SECONDS):
            await caller.reader.read()


async def test_a_caller_who_hangs_up_ends_the_external_system_s_work(world) -> None:
    begun = asyncio.Event()

    async def long(reader, writer) -> None:
        await read_request(reader)
        begun.set()
        await reader.read()

    world.external.script = long
    caller = await world.caller()
    caller.request()
    async with asyncio.timeout(SECONDS):
        await begun.wait()
        caller.leave()
        await world.external.gone.wait()
    assert (await world.record())[5] == 0


async def test_an_answer_that_comes_before_the_upload_ends_is_passed_and_the_connection_not_kept(world) -> None:
    async def early(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(1000)
        writer.write(answer(b"no", start=b"HTTP/1.1 403 Forbidden"))
        await reader.read()

    world.external.script = early
    caller = await world.caller()
    caller.request(b"/callout/Orders", b"Content-Length: 50000000", method=b"POST")
    caller.write(b"x" * 100_000)
    found = await caller.answer()
    assert (found.status, found.body, found.values("Connection")) == (403, b"no", ["close"])
    assert await caller.ended()
    async with asyncio.timeout(SECONDS):
        await world.external.gone.wait()


async def test_what_is_left_of_a_short_upload_is_thrown_away_and_the_caller_s_connection_kept(world) -> None:
    async def early(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(b"no", start=b"HTTP/1.1 403 Forbidden"))
        await reader.read()

    world.external.script = early
    caller = await world.caller()
    caller.request(b"/callout/Orders", b"Content-Length: 10", method=b"POST")
    assert (await caller.answer()).status == 403
    world.external.script = None
    caller.write(b"0123456789")
    assert (await caller.ask()).status == 200


async def test_the_body_is_asked_for_only_after_admission(world) -> None:
    caller = await world.caller()
    caller.request(b"/callout/Orders", b"Expect: 100-continue", b"Content-Length: 5", method=b"POST")
    assert (await caller.head()).start == b"HTTP/1.1 100 Continue"
    caller.write(b"hello")
    assert (await caller.answer()).status == 200
    assert world.external.requests[0].values(b"expect") == []
    refused = await world.ask(b"/callout/Nowhere", b"Expect: 100-continue", b"Content-Length: 5", method=b"POST")
    assert (refused.status, refused.values("Connection")) == (404, ["close"])


async def test_a_body_that_came_with_the_head_needs_no_invitation(world) -> None:
    assert (await world.ask(b"/callout/Orders", b"Expect: 100-continue", method=b"POST", body=b"hello")).status == 200
