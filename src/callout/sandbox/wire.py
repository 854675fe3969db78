"""HTTP/1.1 (RFC 9112) for a server that may have to break the rules: h11 over asyncio streams.

h11 carries statuses up to 999 and header names in the case they were written in. A `Listener` accepts
connections and hands each request to one function as an `Exchange`, which reads the body piece by piece and
answers whole, in pieces, or not at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import h11

Headers = Sequence[tuple[str, str]]

#: Bytes read from a socket at a time.
READ_SIZE = 64 * 1024
#: Largest request head accepted, in bytes.
LARGEST_HEAD = 64 * 1024
#: Connections that may wait to be accepted: a burst of a thousand callouts must not be refused.
BACKLOG = 4096
#: Seconds for which an upload is read and thrown away after it was answered early, so that no reset eats the answer.
LINGER_SECONDS = 2.0

_WITHOUT_BODY = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Head:
    """The request line and headers, as received. Header values are Latin-1 text (RFC 9110 section 5.5)."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    http_version: str

    @property
    def path(self) -> str:
        """The target up to the question mark, as sent."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The target after the question mark, as sent; empty where there is none."""
        return self.target.partition("?")[2]

    def header(self, name: str) -> str | None:
        """Return the first value of a header, by case-insensitive name."""
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)


class Exchange:
    """One request on a connection, and its answer. `status` is what was answered, or None so far."""

    def __init__(
        self, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: Head
    ) -> None:
        self.head = head
        self.status: int | None = None
        self._connection = connection
        self._reader = reader
        self._writer = writer

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes; a client that waits for `100 Continue` is told to go on."""
        while True:
            event = await _next_event(self._connection, self._reader, self._writer)
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            else:
                return

    async def start(self, status: int, headers: Headers = (), reason: str | None = None) -> None:
        """Send the head of the answer. Without Content-Length the body is chunked, or ends with the connection."""
        self._write(self._response(status, headers, reason))
        await self._writer.drain()

    async def send(self, piece: bytes) -> None:
        """Send a piece of the body, at once, and wait while the client is slow to take it."""
        if self._sends_body():
            self._write(h11.Data(data=piece))
        await self._writer.drain()

    async def finish(self, trailers: Headers = ()) -> None:
        """End the answer."""
        self._write(h11.EndOfMessage(headers=_encoded(trailers)))
        await self._writer.drain()

    async def answer(self, status: int, headers: Headers = (), body: bytes = b"", reason: str | None = None) -> None:
        """Send a whole answer in one write, with its Content-Length (but 204 has none, RFC 9110 section 8.6)."""
        length = () if status in _WITHOUT_BODY else (("Content-Length", str(len(body))),)
        events: list[Any] = [self._response(status, (*headers, *length), reason)]
        if body and self._sends_body():
            events.append(h11.Data(data=body))
        self._write(*events, h11.EndOfMessage())
        await self._writer.drain()

    async def gone(self) -> None:
        """Wait until the client closes the connection; whatever it sends is thrown away."""
        while await self._reader.read(READ_SIZE):
            pass

    def reset(self) -> None:
        """Cut the connection with a TCP reset."""
        connected = self._writer.get_extra_info("socket")
        if connected is not None:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def close(self) -> None:
        """Close the connection in an orderly way, though the answer may not be complete."""
        self._writer.close()

    def _sends_body(self) -> bool:
        return self.head.method != "HEAD" and self.status not in _WITHOUT_BODY

    def _response(self, status: int, headers: Headers, reason: str | None) -> h11.Response:
        self.status = status
        if not self._received_whole():
            headers = (*headers, ("Connection", "close"))
        return h11.Response(
            status_code=status, headers=_encoded(headers), reason=(reason or _reason_of(status)).encode("latin-1")
        )

    def _received_whole(self) -> bool:
        """Say whether the request has come to its end; what is there of an unread body is thrown away."""
        while self._connection.their_state is h11.SEND_BODY:
            if not isinstance(self._connection.next_event(), (h11.Data, h11.EndOfMessage)):
                return False
        return True

    def _write(self, *events: Any) -> None:
        self._writer.write(b"".join(self._connection.send(event) or b"" for event in events))


Answer = Callable[[Exchange], Awaitable[None]]


class Listener:
    """A listening socket whose requests are answered by one function."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._conversations: set[asyncio.Task[None]] = set()
        self.host = ""
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 is any free one. Raises `OSError` where the port is taken."""
        self._server = await asyncio.start_server(self._converse, host, port, backlog=BACKLOG, limit=READ_SIZE)
        self.host, self.port = self._server.sockets[0].getsockname()[:2]

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        for conversation in tuple(self._conversations):
            conversation.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._conversations.add(task)
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGEST_HEAD)
        try:
            while await self._exchange(connection, reader, writer):
                connection.start_next_cycle()
            if connection.their_state is h11.SEND_BODY:
                await _linger(reader, writer)
        except h11.RemoteProtocolError as error:
            _refuse(connection, writer, error)
        except (ConnectionError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._conversations.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _exchange(
        self, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer one request; say whether the connection can carry another."""
        event = await _next_event(connection, reader, writer)
        if not isinstance(event, h11.Request):
            return False
        head = Head(
            method=event.method.decode(),
            target=event.target.decode("latin-1"),
            headers=tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in event.headers.raw_items()),
            http_version=event.http_version.decode(),
        )
        await self._answer(Exchange(connection, reader, writer, head))
        return connection.our_state is h11.DONE and connection.their_state is h11.DONE and not writer.is_closing()


async def read_up_to(exchange: Exchange, limit: int) -> bytes | None:
    """Return the whole body, or None as soon as it is larger than `limit` bytes."""
    pieces: list[bytes] = []
    length = 0
    async for piece in exchange.body():
        length += len(piece)
        if length > limit:
            return None
        pieces.append(piece)
    return b"".join(pieces)


async def _next_event(connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Any:
    while (event := connection.next_event()) is h11.NEED_DATA:
        if connection.they_are_waiting_for_100_continue:
            go_on = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
            writer.write(connection.send(go_on) or b"")
        connection.receive_data(await reader.read(READ_SIZE))
    return event


async def _linger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if writer.is_closing():
        return
    if writer.can_write_eof():
        writer.write_eof()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while await reader.read(READ_SIZE):
                pass


def _refuse(connection: h11.Connection, writer: asyncio.StreamWriter, error: h11.RemoteProtocolError) -> None:
    """Answer a request that is not HTTP/1.1, where an answer is still possible."""
    if connection.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return
    text = f"{error}\n".encode()
    headers = _encoded((("Content-Type", "text/plain"), ("Content-Length", str(len(text))), ("Connection", "close")))
    for event in (
        h11.Response(status_code=error.error_status_hint, headers=headers, reason=b"Malformed"),
        h11.Data(data=text),
        h11.EndOfMessage(),
    ):
        writer.write(connection.send(event) or b"")


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def _reason_of(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Sandbox"
