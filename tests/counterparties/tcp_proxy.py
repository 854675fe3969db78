"""A TCP proxy on loopback that spoils connections on command: what no mock of a client library can show.

A connection takes the next fault of `faults`; where there is none it is carried as it is. The proxy runs in a thread
of its own, so that tests may block.
"""

from __future__ import annotations

import asyncio
import queue
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from enum import StrEnum
from typing import Any, Self, TypeVar

Result = TypeVar("Result")

_PIECE = 65536
#: Bytes of an answer that pass before it is cut: the status line and a little more.
CUT_AFTER = 40
#: The pace of a slow drip, in seconds a byte.
PACE = 0.001


class Fault(StrEnum):
    """What becomes of one connection."""

    REFUSED = "reset as soon as it is accepted"
    HANG = "accepted, and nothing after that"
    RESET = "reset in the middle of the answer"
    HALF_CLOSE = "closed in the middle of the answer"
    UNSEEN = "reset when the answer comes, before a byte of it"
    DRIP = "the answer comes byte by byte"
    HOLD_ANSWER = "the answer has come, and is held back until it is released"
    HOLD_HALF = "half of the answer was passed on, and the rest is held back until it is released"


class TcpProxy:
    """Carries connections to a port. `accepted` counts them; `reached` says each fault once it has come about."""

    def __init__(self, upstream: int) -> None:
        self.faults: deque[Fault] = deque()
        self.reached: queue.SimpleQueue[Fault] = queue.SimpleQueue()
        self.accepted = 0
        self.port = 0
        self._upstream = upstream
        self._how: dict[Fault, Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]] = {
            Fault.RESET: self._cut,
            Fault.HALF_CLOSE: self._close_early,
            Fault.UNSEEN: self._swallow,
            Fault.DRIP: self._drip,
            Fault.HOLD_ANSWER: self._hold_answer,
            Fault.HOLD_HALF: self._hold_half,
        }

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._released = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = self._await(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._await(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def release(self) -> None:
        """Pass on what is held back."""
        self._loop.call_soon_threadsafe(self._released.set)

    def _await(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _stop(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        fault = self.faults.popleft() if self.faults else None
        try:
            if fault is Fault.REFUSED:
                _reset(writer)
            elif fault is Fault.HANG:
                self.reached.put(fault)
                await reader.read()  # until the other side gives up
            else:
                await self._carry(reader, writer, fault)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # one side has gone, which is what faults are for
        finally:
            writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault | None) -> None:
        from_upstream, to_upstream = await asyncio.open_connection("127.0.0.1", self._upstream)
        there = asyncio.ensure_future(_copy(reader, to_upstream))
        try:
            back = _copy(from_upstream, writer) if fault is None else self._how[fault](from_upstream, writer)
            await back
        finally:
            there.cancel()
            to_upstream.close()
            await asyncio.gather(there, return_exceptions=True)

    async def _cut(self, answer: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await answer.readexactly(CUT_AFTER))
        await writer.drain()
        _reset(writer)

    async def _close_early(self, answer: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await answer.readuntil(b"\r\n\r\n")
        writer.write(head + await answer.readexactly(10))
        writer.write_eof()
        await writer.drain()

    async def _swallow(self, answer: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answer.readexactly(1)
        _reset(writer)

    async def _hold_answer(self, answer: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await answer.read(_PIECE)
        await self._held(Fault.HOLD_ANSWER)
        writer.write(first)
        await _copy(answer, writer)

    async def _hold_half(self, answer: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await answer.readuntil(b"\r\n\r\n")
        writer.write(head + await answer.readexactly(10))
        await writer.drain()
        await self._held(Fault.HOLD_HALF)
        await _copy(answer, writer)

    async def _held(self, fault: Fault) -> None:
        self._released.clear()
        self.reached.put(fault)
        await self._released.wait()

    async def _drip(self, answer: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await answer.read(_PIECE):
            for byte in piece:
                writer.write(bytes((byte,)))
                await writer.drain()
                await asyncio.sleep(PACE)  # the slowness is the fault


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(_PIECE):
        writer.write(piece)
        await writer.drain()
    writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST rather than FIN."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
