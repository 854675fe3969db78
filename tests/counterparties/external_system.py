"""An external system for these suites: HTTP/1.1 by h11 on asyncio, in a thread of its own, on a free loopback port.

What it answers is a coroutine that each suite writes; what it received stays at hand.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import h11

Result = TypeVar("Result")


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name.lower()), None)

    def everything(self) -> str:
        """All that was received, as text: for asking whether something is in it."""
        return repr(self)


@dataclass(frozen=True)
class Answer:
    """A status, headers, and a body: bytes, or pieces that are sent one by one as they come."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    body: bytes | AsyncIterable[bytes] = b""


@dataclass
class ExternalSystem:
    """Serves until the `with` block ends. `received` holds every request with the status it was answered with."""

    answer: Callable[[Request], Awaitable[Answer]]
    received: list[tuple[Request, int]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def statuses(self) -> list[int]:
        return [status for _, status in self.received]

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = self._await(self._start())
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._await(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _await(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _start(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _stop(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        try:
            while (request := await _receive(connection, reader)) is not None:
                answer = await self.answer(request)
                self.received.append((request, answer.status))
                await _send(connection, writer, answer)
                if connection.our_state is h11.MUST_CLOSE:
                    break
                connection.start_next_cycle()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


async def _receive(connection: h11.Connection, reader: asyncio.StreamReader) -> Request | None:
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            assert head is not None
            headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers)
            return Request(head.method.decode(), head.target.decode("latin-1"), headers, bytes(body))
        else:
            return None


async def _send(connection: h11.Connection, writer: asyncio.StreamWriter, answer: Answer) -> None:
    async def write(event: h11.Event) -> None:
        writer.write(connection.send(event) or b"")
        await writer.drain()

    whole = isinstance(answer.body, bytes)
    framing = ("Content-Length", str(len(answer.body))) if whole else ("Transfer-Encoding", "chunked")
    await write(h11.Response(status_code=answer.status, headers=[*answer.headers, framing]))
    if isinstance(answer.body, bytes):
        await write(h11.Data(data=answer.body))
    else:
        async for piece in answer.body:
            await write(h11.Data(data=piece))
    await write(h11.EndOfMessage())
