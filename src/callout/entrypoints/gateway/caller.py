"""A caller's connection: finds the requests in it, serves them one after another, in order.

A second request that arrives before the first is answered waits its turn and is judged on its own. A body is followed
to its end and handed on as it came. After an answer that did not wait for the request's body, what is left of the
body is thrown away, so that the caller can read the answer.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, cast

from callout.core.access.target import PREFIX
from callout.core.errors import Refused
from callout.core.http1.body import Body, ChunkedBody, LengthBody, MalformedBody
from callout.core.http1.head import HeadTooLarge, MalformedHead, RequestHead
from callout.engine.certificates import Shown
from callout.engine.routes import Route
from callout.entrypoints.gateway.answers import page, refusal
from callout.entrypoints.gateway.exchange import Exchange

if TYPE_CHECKING:
    from callout.entrypoints.gateway.server import Gateway

#: Most bytes of a body that are thrown away to keep a connection.
MOST_LINGERING = 256 * 1024
#: How long a connection that is being closed is read, in seconds, and what comes thrown away (RFC 9112 section 9.6).
LINGER_SECONDS = 5.0
#: How long the end of an idle TLS connection is waited for: many a caller keeps one without reading from it.
NOTIFY_SECONDS = 1.0

#: A close that discards what is unsent and resets: linger on, for no time (socket(7)).
_RESET = struct.pack("ii", 1, 0)

# Why reading is paused: bits of one number.
_NO_CONNECTION = 1
_UPLOAD_BLOCKED = 2
_ANOTHER_REQUEST = 4
_SPOOL_BLOCKED = 8


class CallerConnection(asyncio.Protocol):
    """One connection from a caller."""

    __slots__ = (
        "_blocked",
        "_body",
        "_buffer",
        "_closing",
        "_gateway",
        "_head",
        "_holds",
        "_last",
        "_lingered",
        "_lingering",
        "_quiet_since",
        "_serving",
        "_surplus",
        "_transport",
        "certificate",
        "exchange",
    )

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._surplus = False
        self.certificate: Shown | None = None
        self.exchange: Exchange | None = None
        self._transport: asyncio.Transport | None = None
        self._head: RequestHead | None = None
        self._body: Body | None = None
        self._buffer = b""
        self._holds = 0
        self._lingered = 0
        self._serving = self._closing = self._blocked = self._last = self._lingering = False
        self._quiet_since = 0.0

    # --- what the event loop calls -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, and the certificate of a caller who has shown one; over TLS the handshake is done."""
        self._transport = cast("asyncio.Transport", transport)
        self._surplus = self._gateway.caller_came(self)
        if self._gateway.secure:
            der = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
            self.certificate = Shown(der) if der else None
        if self._gateway.draining:
            self.close()

    def data_received(self, data: bytes) -> None:
        """Take bytes: of a body, of the next request, or of nothing that is wanted any more."""
        if self._closing:
            return  # thrown away for LINGER_SECONDS: a reset could take the answer from a caller who still sends
        if self._body is not None:
            self._more_body(self._body, data)
        elif self.exchange is None and not self._blocked:
            self._serve(self._buffer + data if self._buffer else data)
        else:
            self._buffer += data
            self._hold(_ANOTHER_REQUEST)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's own signature
        """The caller is gone."""
        self._transport = None
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.caller_left()
        self._gateway.caller_gone(self)

    def pause_writing(self) -> None:
        """The caller reads slowly."""
        self._blocked = True
        if self.exchange is not None:
            self.exchange.caller_blocked()

    def resume_writing(self) -> None:
        """The caller reads again: go on with the answer, or with a request that waited for that."""
        self._blocked = False
        if self.exchange is not None:
            self.exchange.caller_unblocked()
        elif self._buffer and self._body is None and not self._closing:
            self._serve(self._buffer)

    # --- what an exchange calls --------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Write to the caller."""
        if self._transport is not None:
            self._transport.write(data)

    def may_stay(self) -> bool:
        """Say whether the connection can serve another request after this one."""
        head, body = self._head, self._body
        if head is None or not head.keep_alive or self._last or self._gateway.draining:
            return False
        return body is None or (isinstance(body, LengthBody) and body.left <= MOST_LINGERING)

    def finished(self, keep_alive: bool) -> None:
        """The answer is written whole: serve the next request, or close."""
        self.exchange = None
        self._quiet_since = 0.0
        if self._holds:
            self._release(_NO_CONNECTION | _UPLOAD_BLOCKED | _SPOOL_BLOCKED)
        if not keep_alive or self._last:
            self.close(linger=self._body is not None)
        elif self._buffer and self._body is None and not self._serving and not self._blocked:
            self._serve(self._buffer)

    def cut_off(self, *, framed: bool) -> None:
        """End an answer that is not whole. Without framing only a reset tells the caller so."""
        self.exchange = None
        self._closing = True
        if self._transport is not None:
            if framed:
                self._transport.close()
            else:
                self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                self._transport.abort()

    def hold_for_connection(self) -> None:
        """Read no more until there is a connection to write to."""
        self._hold(_NO_CONNECTION)

    def release_for_connection(self) -> None:
        """Read again: there is one."""
        self._release(_NO_CONNECTION)

    def hold_for_upload(self) -> None:
        """Read no more until the external system has read what was sent."""
        self._hold(_UPLOAD_BLOCKED)

    def release_for_upload(self) -> None:
        """Read again: it has."""
        self._release(_UPLOAD_BLOCKED)

    def hold_for_spool(self) -> None:
        """Read no more until what was read is kept."""
        self._hold(_SPOOL_BLOCKED)

    def release_for_spool(self) -> None:
        """Read again: it is."""
        self._release(_SPOOL_BLOCKED)

    # --- what the gateway calls --------------------------------------------------------------------------------

    def close(self, *, linger: bool = False, idle: bool = False) -> None:
        """Close after what is written has left. Linger while more of a request may come, so that nothing is reset."""
        if self._closing:
            return
        self._closing = True
        self._lingering = not idle
        self._quiet_since = 0.0
        if self._transport is None or self._transport.is_closing():
            return
        if linger:
            self._release(self._holds)
        if linger and self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()  # over TLS this lingers by itself: close_notify, then it waits for the caller's

    def close_if_idle(self) -> None:
        """Close unless a request is being served."""
        if self.exchange is None:
            self.close(idle=True)

    def retire(self) -> None:
        """Serve no other request where a certificate was shown: what it was judged by is no longer in force."""
        if self.certificate is not None:
            self._last = True
            self.close_if_idle()

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def reconsider(self, decided: dict[Route, Refused | None], *, ended_at: float | None = None) -> None:
        """End the callout under way where it may not go on. `decided`: what was found for other callouts.

        `ended_at` (monotonic seconds): only where the route has ended by then, as with a key or a time box.
        """
        exchange, head = self.exchange, self._head
        if exchange is None or exchange.route is None or head is None:
            return
        if ended_at is not None and exchange.route.until > ended_at:
            return
        if exchange.route not in decided:
            decided[exchange.route] = self._gateway.callouts.reconsider(exchange.route)
        refused = decided[exchange.route] or self._gateway.callouts.judge_again(
            exchange.route, head.method, head.target, head.headers
        )
        if refused is not None:
            exchange.refuse(refused)

    def sweep(self, now: float) -> None:
        """End what takes too long."""
        if self.exchange is not None:
            self._quiet_since = 0.0
            self.exchange.sweep(now)
        elif not self._quiet_since:
            self._quiet_since = now
        elif now - self._quiet_since >= self._patience():
            if self._closing:
                self.abort()
            else:
                self.close()

    def _patience(self) -> float:
        if self._closing:
            return LINGER_SECONDS if self._lingering else NOTIFY_SECONDS
        limits = self._gateway.limits
        return limits.head_timeout if self._buffer or self._body is not None else limits.keep_alive_timeout

    # --- requests ----------------------------------------------------------------------------------------------

    def _serve(self, data: bytes) -> None:
        """Serve the requests in `data` one by one; what cannot be served yet waits in the buffer."""
        self._buffer = b""
        self._serving = True
        while data and self.exchange is None and self._body is None and not (self._closing or self._blocked):
            data = self._serve_one(data)
        self._serving = False
        if data and not self._closing:
            self._buffer += data
            self._hold(_ANOTHER_REQUEST)
        elif self._holds:
            self._release(_ANOTHER_REQUEST)

    def _serve_one(self, data: bytes) -> bytes:
        """Serve the request that `data` starts with; returns what follows it."""
        while data[:2] == b"\r\n":  # RFC 9112 section 2.2
            data = data[2:]
        try:
            head = self._gateway.heads.parse(data)
            if head is None:
                self._buffer = data
                return b""
            self._head = head
            rest = data[head.end :]
            if head.content_length:
                body: Body = ChunkedBody() if head.chunked else LengthBody(head.content_length)
                used = body.feed(rest)
                piece, rest = rest[:used], rest[used:]
                self._body = None if body.ended else body
            else:
                piece = b""
        except (MalformedHead, MalformedBody) as error:
            code = "request_too_large" if isinstance(error, HeadTooLarge) else "malformed_request"
            self._refuse(Refused(code, str(error)))
            return b""
        if self._surplus:
            most = self._gateway.limits.connection_limit
            self._refuse(Refused("overloaded", f"got more than {most} connections; expected at most that many"))
        elif head.target.startswith(PREFIX):
            self.exchange = exchange = Exchange(self._gateway, self, head, self._gateway.monotonic())
            exchange.begin(piece, self._body is None)
        else:
            self._page(head)
        return rest

    def _more_body(self, body: Body, data: bytes) -> None:
        try:
            used = body.feed(data)
        except MalformedBody as error:
            self._body_malformed(error)
            return
        rest = data[used:]
        if rest:
            data = data[:used]
        if body.ended:
            self._body = None
        if self.exchange is not None:
            self.exchange.request_went_on(data, body.ended)
        else:
            self._lingered += len(data)
            if self._lingered > MOST_LINGERING:
                self.close(linger=True)
        if self._closing or not body.ended:
            return
        self._lingered = 0
        if self.exchange is None:
            self._serve(self._buffer + rest)
        elif rest:
            self._buffer += rest
            self._hold(_ANOTHER_REQUEST)

    def _body_malformed(self, error: MalformedBody) -> None:
        """Refuse a body whose framing is broken: nothing after it can be trusted."""
        if self._head is not None:
            self._head.keep_alive = False
        if self.exchange is not None:
            self.exchange.refuse(Refused("malformed_request", str(error)))
        else:
            self.close()

    def _page(self, head: RequestHead) -> None:
        """Serve a page of the gateway's own."""
        peer = self._transport.get_extra_info("peername") if self._transport is not None else None
        found = self._gateway.page(head.target.partition(b"?")[0], str(peer[0]) if peer else "")
        head_only = head.method == b"HEAD"
        if found is None or head.method not in (b"GET", b"HEAD"):
            shown = head.target[:80].decode("latin-1")
            detail = f"got {head.method.decode()} {shown!r}; expected /callout/NAME followed by a path or a query"
            self._refuse(Refused("malformed_request", detail), head=head)
            return
        keep_alive = self.may_stay()
        self.write(page(*found, head_only=head_only, keep_alive=keep_alive))
        self.finished(keep_alive)

    def _refuse(self, refused: Refused, head: RequestHead | None = None) -> None:
        """Refuse what is not a callout: it names none, or came too many."""
        callouts = self._gateway.callouts
        callout_id = callouts.next_id()
        head_only = head is not None and head.method == b"HEAD"
        keep_alive = head is not None and self.may_stay()
        status, answer = refusal(refused, callout_id, head_only=head_only, keep_alive=keep_alive)
        method, target = (head.method, head.target) if head is not None else (b"", b"")
        started = self._gateway.monotonic()
        callouts.record(callout_id, None, "", method, target, status, 0, 0, started, None, refused, None, 0)
        self.write(answer)
        if keep_alive:
            self.finished(keep_alive)
        else:
            self.close(linger=True)

    # --- reading -----------------------------------------------------------------------------------------------

    def _hold(self, why: int) -> None:
        if not self._holds and self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()
        self._holds |= why

    def _release(self, why: int) -> None:
        if self._holds:
            self._holds &= ~why
            if not self._holds and self._transport is not None and not self._transport.is_closing():
                self._transport.resume_reading()
