"""One connection to an external system: sends a request, follows the answer, tells a receiver.

An answer's head goes through the parser, its body does not: its length is counted or its chunk framing followed, and
the bytes that were read are handed on. One request is under way at a time.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, cast

from callout.adapters.outbound.tls import presented_worded, tls_refusal
from callout.core.errors import Refused
from callout.core.http1.body import Body, ChunkedBody, LengthBody, MalformedBody, UntilCloseBody
from callout.core.http1.head import MalformedHead, ResponseHead, ResponseParser
from callout.core.ports import Destination

#: Interim answers (1xx) that are skipped before one answer.
MOST_INTERIM = 16
#: Most idle connections to one destination.
MOST_IDLE = 256
_SWITCHING_PROTOCOLS = 101
_PIECE = 64 * 1024
_BODILESS = frozenset({204, 304})
_NO_BODY = LengthBody(0)


class Receiver(Protocol):
    """Who is told of an answer. `ended` is true with the last bytes of it."""

    def answer_began(self, head: ResponseHead, body: bytes, ended: bool) -> None:
        """The head came, and `body` with it. `head.content_length` and `chunked` say how the body is framed."""

    def answer_went_on(self, body: bytes, ended: bool) -> None:
        """More of the body came. `body` is as it was framed."""

    def answer_failed(self, refused: Refused, *, untouched: bool) -> None:
        """There will be no (more) answer. `untouched`: not one byte of it came."""

    def outbound_blocked(self) -> None:
        """The external system reads slowly: send no more for now."""

    def outbound_unblocked(self) -> None:
        """The external system reads again."""


class Connection(asyncio.Protocol):
    """A connection and the pool it goes back to. `reused` is true for a request that is not its first.

    `failed` says why TLS ended it while nobody waited for an answer.
    """

    __slots__ = (
        "_blocked",
        "_body",
        "_buffer",
        "_forget",
        "_head_only",
        "_keep",
        "_parser",
        "_paused",
        "_receiver",
        "_transport",
        "destination",
        "failed",
        "idle_sweeps",
        "pool",
        "reused",
    )

    def __init__(self, destination: Destination, parser: ResponseParser, forget: Callable[[Connection], None]) -> None:
        self.destination = destination
        self.pool: list[Connection] = []
        self.reused = False
        self.idle_sweeps = 0
        self.failed: Refused | None = None
        self._parser = parser
        self._forget = forget
        self._transport: asyncio.Transport | None = None
        self._receiver: Receiver | None = None
        self._body: Body | None = None
        self._buffer = b""
        self._keep = True
        self._head_only = False
        self._paused = self._blocked = False

    # What the pool and receivers call

    @property
    def is_open(self) -> bool:
        """True while requests can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, receiver: Receiver, request: bytes, *, head_only: bool) -> None:
        """Send a request's head and what there is of its body. `head_only`: the answer has no body (HEAD)."""
        self._receiver = receiver
        self._head_only = head_only
        self._body = None
        if self._transport is not None:
            self._transport.write(request)

    def write(self, body: bytes) -> None:
        """Send more of the request's body."""
        if self._transport is not None:
            self._transport.write(body)

    def give_back(self, *, request_ended: bool) -> None:
        """Go back to the pool for the next request, or end where that cannot be."""
        self._receiver = None
        self.reused = True
        self.idle_sweeps = 0
        if self._paused:
            self.resume_reading()
        if request_ended and self._keep and not self._blocked and self._transport is not None:
            self.pool.append(self)
            if len(self.pool) <= MOST_IDLE:
                return
            self.pool.remove(self)
        self.abort()

    def abort(self) -> None:
        """End the connection at once; the receiver hears nothing more."""
        self._receiver = None
        if self._transport is not None:
            self._transport.abort()

    def pause_reading(self) -> None:
        """Read no more: the caller is slow."""
        if not self._paused and self.is_open:
            self._paused = True
            cast("asyncio.Transport", self._transport).pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        if self._paused and self.is_open:
            cast("asyncio.Transport", self._transport).resume_reading()
        self._paused = False

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take bytes of the answer. Bytes that nobody asked for end the connection."""
        receiver = self._receiver
        if receiver is None:
            self.abort()
        elif self._body is None:
            self._head(receiver, data)
        else:
            self._more(receiver, self._body, data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the receiver: the end of a body that lasts until the close, or a failure."""
        transport, self._transport = self._transport, None
        self._forget(self)
        if exc is not None and transport is not None and self._receiver is not None:
            self._read_what_is_left(transport)
        receiver, self._receiver = self._receiver, None
        if receiver is None:
            self.failed = tls_refusal(self.destination, exc) if isinstance(exc, ssl.SSLError) else None
            return
        if exc is None and isinstance(self._body, UntilCloseBody):
            self._keep = False
            receiver.answer_went_on(b"", True)
            return
        if isinstance(exc, ssl.SSLError):
            untouched = self._body is None and not self._buffer
            receiver.answer_failed(tls_refusal(self.destination, exc), untouched=untouched)
            return
        said = "reset" if exc is not None else "closed"
        when = "in the middle of" if self._body is not None or self._buffer else "before"
        presented = self.destination.client_certificate
        doubted = presented is not None and not self.reused and when == "before"
        perhaps = f"; it may not take {presented_worded(presented)}" if doubted else ""
        receiver.answer_failed(
            self._unreachable(f"the connection was {said} {when} the answer{perhaps}"),
            untouched=self._body is None and not self._buffer,
        )

    def _read_what_is_left(self, transport: asyncio.Transport) -> None:
        """Take what came before the connection was reset.

        An external system that answers early, and closes without reading the rest of a request, resets it. Where that
        is noticed in writing, the event loop reads no more, although the answer has come.
        """
        if transport.get_extra_info("sslcontext") is not None:
            return  # it is not what the receiver reads
        descriptor = transport.get_extra_info("socket").fileno()  # event loops close it after this call
        with suppress(OSError):
            while self._receiver is not None and (left := os.read(descriptor, _PIECE)):
                self.data_received(left)

    def pause_writing(self) -> None:
        """The external system reads slowly."""
        self._blocked = True
        if self._receiver is not None:
            self._receiver.outbound_blocked()

    def resume_writing(self) -> None:
        """The external system reads again."""
        self._blocked = False
        if self._receiver is not None:
            self._receiver.outbound_unblocked()

    def _head(self, receiver: Receiver, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        try:
            head = self._parser.parse(data)
            skipped = 0
            while head is not None and head.status < 200:
                skipped = self._interim(head, skipped)
                data = data[head.end :]
                head = self._parser.parse(data)
        except MalformedHead as error:
            self._fail(receiver, f"the answer was not acceptable: {error}")
            return
        if head is None:
            self._buffer = data
            return
        end = head.end
        size = len(data) - end
        self._keep = head.keep_alive
        if self._head_only or head.status in _BODILESS:
            self._keep = self._keep and not size
            self._body = _NO_BODY
            receiver.answer_began(head, b"", True)
        elif not head.chunked and size == head.content_length:
            self._body = _NO_BODY
            receiver.answer_began(head, data[end:], True)
        else:
            self._body = body = self._body_of(head)
            self._more(receiver, body, data[end:], head)

    def _interim(self, head: ResponseHead, skipped: int) -> int:
        if head.status == _SWITCHING_PROTOCOLS:
            raise MalformedHead("got 101 Switching Protocols; expected an answer, as no upgrade was asked for")
        if skipped == MOST_INTERIM:
            raise MalformedHead(f"got more than {MOST_INTERIM} interim answers; expected a final one")
        return skipped + 1

    def _body_of(self, head: ResponseHead) -> Body:
        if head.chunked:
            return ChunkedBody()
        if head.content_length >= 0:
            return LengthBody(head.content_length)
        self._keep = False
        return UntilCloseBody()

    def _more(self, receiver: Receiver, body: Body, data: bytes, head: ResponseHead | None = None) -> None:
        try:
            used = body.feed(data)
        except MalformedBody as error:
            self._fail(receiver, f"the answer was not acceptable: {error}")
            return
        if used < len(data):
            self._keep = False  # bytes that nobody asked for: whose answer they are is not known
            data = data[:used]
        if head is not None:
            receiver.answer_began(head, data, body.ended)
        else:
            receiver.answer_went_on(data, body.ended)

    def _fail(self, receiver: Receiver, why: str) -> None:
        self.abort()
        receiver.answer_failed(self._unreachable(why), untouched=False)

    def _unreachable(self, why: str) -> Refused:
        return Refused("external_system_unreachable", f"{self.destination.host}:{self.destination.port}: {why}")
