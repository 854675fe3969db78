"""One callout between a caller's connection and one to an external system.

Where a route is ready this runs without a task, a timer or a lock: admit, write, wait for the answer, write. What
takes time (obtaining a token, refreshing it, dialling) runs in a task that outlives the caller, so that a caller who
hangs up loses no token.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from callout.core.access.target import join, split_target
from callout.core.errors import Refused
from callout.core.http1.body import ChunkedBody
from callout.core.http1.head import RequestHead, ResponseHead
from callout.core.refresh.evidence import says_stale
from callout.core.refresh.replay import DONE, NOT_POSSIBLE, may_replay
from callout.engine.issuers import Unverified
from callout.engine.routes import Ready, Route
from callout.entrypoints.gateway.answers import CONTINUE, log_failure, refusal, too_large
from callout.entrypoints.gateway.gathering import Gathering, gathering_of
from callout.entrypoints.gateway.outbound import Connection

if TYPE_CHECKING:
    from callout.entrypoints.gateway.caller import CallerConnection
    from callout.entrypoints.gateway.server import Gateway

#: Most bytes of a held-back answer that are read to keep its connection.
MOST_DISCARDED = 64 * 1024
#: Sent again on a fresh connection where a kept one turns out to be closed (RFC 9110 section 9.2.2).
IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})

_BODILESS = frozenset({204, 304})
_TRANSFER_ENCODING = frozenset({b"transfer-encoding"})
_HEAD = b"HEAD"

log = logging.getLogger(__name__)


class Exchange:
    """One callout."""

    __slots__ = (
        "_attempts",
        "_caller",
        "_connection",
        "_continued",
        "_deadline",
        "_discarded",
        "_gateway",
        "_gathering",
        "_has_body",
        "_head",
        "_holding_back",
        "_id",
        "_keep_alive",
        "_kept",
        "_moved",
        "_over",
        "_quiet_since",
        "_ready",
        "_received",
        "_redialled",
        "_replay",
        "_request_ended",
        "_route",
        "_says_stale",
        "_sent",
        "_stale_status",
        "_started",
        "_status",
        "_tail",
        "_target",
        "_timeout",
        "_unsent",
        "_unwrap",
        "_wrap",
        "name",
    )

    def __init__(self, gateway: Gateway, caller: CallerConnection, head: RequestHead, started: float) -> None:
        self._gateway = gateway
        self._caller = caller
        self._head = head
        self._started = started
        self._id = gateway.callouts.next_id()
        self.name = ""
        self._route: Route | None = None
        self._ready: Ready | None = None
        self._connection: Connection | None = None
        self._target = self._tail = b""
        self._timeout = self._deadline = self._quiet_since = 0.0
        # The request's body: what is kept for sending it again, and what waits for a connection.
        self._request_ended = True
        self._has_body = self._continued = False
        self._kept: list[bytes] | None = None
        self._unsent: list[bytes] | tuple[bytes, ...] = ()
        self._gathering: Gathering | None = None
        # The answer: 0 until its head is passed on.
        self._status = self._stale_status = self._sent = self._received = self._discarded = self._attempts = 0
        self._replay: bytes | None = None
        self._holding_back = self._redialled = self._wrap = self._moved = self._over = self._says_stale = False
        self._keep_alive = True
        self._unwrap: ChunkedBody | None = None

    @property
    def route(self) -> Route | None:
        """The decision that this callout goes by; None where it is refused or over."""
        return None if self._over else self._route

    # --- from the caller ---------------------------------------------------------------------------------------

    def begin(self, body: bytes, ended: bool) -> None:
        """Admit the request and send it on; `body` came with the head."""
        head, gateway = self._head, self._gateway
        self._request_ended = ended
        try:
            self.name, rest = split_target(head.target)
            route = gateway.callouts.admit(
                self.name,
                head.headers() if head.callout_key is None else (),
                head.callout_key,
                head.authorization,
                head.callout_principal,
                head.callout_on_behalf_of,
                self._caller.certificate,
            )
            self._route = route
            self._target = join(route.path, rest)
            if route.demands is not None:
                gateway.callouts.judge(route, head.method, self._target, head.headers, self._id)
            self._timeout = gateway.limits.timeout_of(head.callout_timeout)
            self._deadline = self._started + self._timeout
            if head.content_length:
                self._expect_body(body)
        except Refused as refused:
            self.refuse(refused)
            return
        except Unverified as unverified:
            self._timeout = gateway.limits.default_timeout
            self._deadline = self._started + self._timeout
            self._unsent = [body]
            self._in_background(self._begin_verified(unverified))
            return
        except Exception as error:  # noqa: BLE001 - fails closed, and says so
            self._failed(error)
            return
        lines = gateway.heads.carried(head, route.drops)
        self._tail = b"\r\n".join((*lines, b"", b""))
        ready = route.ready
        if route.formulas is not None:
            self._gathering = gathering_of(self, route, head, lines, gateway.limits.formula_body_limit)
        if self._gathering is not None:
            self._gathering.take(body, ended)
        elif ready is not None and self._started < ready.fresh_until:
            self._send(route, ready)
        else:
            self._in_background(self._prepare(route))

    def request_went_on(self, body: bytes, ended: bool) -> None:
        """Take more of the request's body, as it was framed."""
        self._request_ended = ended
        self._sent += len(body)
        self._moved = True
        most = self._gateway.limits.request_limit
        if most is not None and self._sent > most:
            self.refuse(too_large(f"more than {most}", most))
            return
        if self._gathering is not None and self._gathering.take(body, ended):
            return
        if self._kept is not None:
            if self._sent <= self._gateway.limits.replay_limit:
                self._kept.append(body)
            else:
                self._kept = None
        if self._connection is not None:
            self._connection.write(body)
        else:
            self._unsent = [*self._unsent, body]
            self._caller.hold_for_connection()

    def ask_for_body(self) -> None:
        """Let a caller who waits for that send the body."""
        if self._head.expects_continue and not self._continued:
            self._continued = True
            self._caller.write(CONTINUE)

    def go_on(self, route: Route, *, whole: bool) -> None:
        """Send what was gathered; a whole body can be sent again, however long."""
        self._kept = [] if whole else self._kept
        self._in_background(self._prepare(route))

    def caller_left(self) -> None:
        """The caller hung up: the external system's work is ended, a refresh is not."""
        if not self._over:
            self._end(None)

    def caller_blocked(self) -> None:
        """The caller reads slowly."""
        if self._connection is not None:
            self._connection.pause_reading()

    def caller_unblocked(self) -> None:
        """The caller reads again."""
        if self._connection is not None:
            self._connection.resume_reading()

    def sweep(self, now: float) -> None:
        """End what takes too long: no answer in time, or a pause while bodies are carried."""
        if self._moved or not self._quiet_since:
            if self._moved and not self._status:
                self._deadline = now + self._timeout  # an upload that moves is not waiting for its answer
            self._moved = False
            self._quiet_since = now
        if not self._status:
            if now >= self._deadline:
                missing = "answer" if self._request_ended else "more of the request's body"
                self.refuse(Refused("timed_out", f"got no {missing}; expected it within {self._timeout:g} seconds"))
        elif now - self._quiet_since >= self._gateway.limits.idle_timeout:
            idle = self._gateway.limits.idle_timeout
            self._cut_short(Refused("timed_out", f"got nothing for {idle:g} seconds; expected the rest of the answer"))

    # --- sending -----------------------------------------------------------------------------------------------

    def _expect_body(self, body: bytes) -> None:
        length, most = self._head.content_length, self._gateway.limits.request_limit
        self._has_body = True
        self._sent = len(body)
        if most is not None and max(length, self._sent) > most:
            raise too_large(str(max(length, self._sent)), most)
        if max(length, self._sent) <= self._gateway.limits.replay_limit:
            self._kept = [body]
        self._unsent = [body]

    def _send(self, route: Route, ready: Ready, *, fresh: bool = False) -> None:
        """Send the request, on an idle connection unless a fresh one is asked for or none is idle."""
        self._ready = ready
        if ready.written is not None:
            self._tail, body = ready.written.tail, ready.written.body
            self._unsent = self._unsent if body is None else (body,)
        connection = None if fresh else self._gateway.outbound.idle(route.destination)
        if connection is None:
            self._in_background(self._dial(route))
        else:
            self._send_on(connection, ready)

    def _send_on(self, connection: Connection, ready: Ready) -> None:
        method = self._head.method
        request = b"%b %b HTTP/1.1\r\n%b%b" % (method, self._target, ready.head, self._tail)
        if self._has_body:
            if not self._request_ended:
                self.ask_for_body()
            request = b"".join((request, *self._unsent))
            self._unsent = ()
            self._caller.release_for_connection()
        self._connection = connection
        connection.send(self, request, head_only=method == _HEAD)

    def _in_background(self, work: Awaitable[None]) -> None:
        self._gateway.in_background(self._guarded(work))

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Refused as refused:
            self.refuse(refused)
        except Exception as error:  # noqa: BLE001 - fails closed, and says so
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        """Refuse after an error of Callout's own."""
        log_failure(self._id, error)
        self.refuse(Refused("overloaded", "Callout failed; its log says why, under this callout id"))

    async def _begin_verified(self, unverified: Unverified) -> None:
        """Begin once more when the caller's token is verified, with what has come of the body."""
        await self._gateway.callouts.verify(unverified)
        if not self._over:
            self.begin(b"".join(self._unsent), self._request_ended)

    async def _prepare(self, route: Route) -> None:
        ready = await self._gateway.callouts.prepare(route, self._gathering and self._gathering.asked)
        if not self._over:
            self._send(route, ready)

    async def _dial(self, route: Route) -> None:
        connection = await self._gateway.outbound.dial(route.destination)
        if self._over or self._ready is None:
            connection.give_back(request_ended=True)
            return
        self._send_on(connection, self._ready)

    async def _refresh(self, route: Route, ready: Ready, status: int) -> None:
        asked = self._gathering and self._gathering.asked
        fresh = await self._gateway.callouts.refresh(route, ready, status, asked)
        if self._over:
            return
        if self._connection is not None:  # the refused answer is still coming in
            self._connection.abort()
            self._connection = None
        self._holding_back = False
        self._replay = DONE
        self._unsent = self._kept or ()
        self._send(route, fresh)

    # --- from the external system ------------------------------------------------------------------------------

    def answer_began(self, head: ResponseHead, body: bytes, ended: bool) -> None:
        """Pass an answer on, unless it says that the credentials are stale and the request can be sent again."""
        route, ready = self._route, self._ready
        assert route is not None
        assert ready is not None
        status = head.status
        if status in route.refresh_statuses:
            if self._hold_back(route, ready, status, ended):
                return
            self._gateway.callouts.answered(route, ready, status, self._replay is DONE)
        elif self._replay is DONE:
            self._gateway.callouts.answered(route, ready, status, True)
        elif status >= 400:
            self._says_stale = says_stale(head.lines)
        self._status = status
        self._received = len(body)
        caller = self._caller
        keep_alive = self._keep_alive = caller.may_stay()
        if head.content_length >= 0 and keep_alive and self._replay is None:
            caller.write(b"\r\n".join((head.start, *head.lines, b"Callout-Id: " + self._id, b"", body)))
        else:
            self._write_unusual(head, body, ended)
        if ended:
            self._end_well()
        else:
            self._quiet_since = 0.0

    def answer_went_on(self, body: bytes, ended: bool) -> None:
        """Pass more of an answer on, as it was framed."""
        if self._holding_back:
            self._discard(body, ended)
            return
        self._received += len(body)
        self._moved = True
        if self._wrap or self._unwrap is not None:
            body = self._reframed(body, ended)
        if body:
            self._caller.write(body)
        if ended:
            self._end_well()

    def answer_failed(self, refused: Refused, *, untouched: bool) -> None:
        """There will be no (more) answer: send again if that is safe, refuse, or cut the caller's answer short too."""
        connection, self._connection = self._connection, None
        if self._holding_back:
            return
        if self._status:
            self._cut_short(refused)
        elif untouched and connection is not None and connection.reused and self._may_redial():
            assert self._route is not None
            assert self._ready is not None
            self._redialled = True
            self._unsent = self._kept or ()
            self._send(self._route, self._ready, fresh=True)
        else:
            self.refuse(refused)

    def outbound_blocked(self) -> None:
        """The external system reads slowly."""
        self._caller.hold_for_upload()

    def outbound_unblocked(self) -> None:
        """The external system reads again."""
        self._moved = True
        self._caller.release_for_upload()

    def _may_redial(self) -> bool:
        whole = self._request_ended and (self._kept is not None or not self._has_body)
        return whole and not self._redialled and self._head.method in IDEMPOTENT

    def _hold_back(self, route: Route, ready: Ready, status: int, ended: bool) -> bool:
        """Refresh where that may help; returns whether the answer is held back for a second one."""
        callouts = self._gateway.callouts
        if self._attempts or not callouts.is_stale(route, ready, status):
            return False
        self._stale_status = status
        kept = self._kept is not None or not self._has_body
        if not may_replay(attempts=self._attempts, request_complete=self._request_ended, body_kept=kept):
            self._replay = NOT_POSSIBLE
            self._gateway.in_background(self._refresh_unheard(route, ready, status))
            return False
        self._attempts = 1
        self._holding_back = True
        self._discard(b"", ended)
        self._in_background(self._refresh(route, ready, status))
        return True

    async def _refresh_unheard(self, route: Route, ready: Ready, status: int) -> None:
        try:
            await self._gateway.callouts.refresh(route, ready, status)
        except Refused as refused:
            log.info("callout %s: refresh after an answer that was passed on: %s", self._id.decode(), refused)
        except Exception as error:  # noqa: BLE001 - nobody waits for it
            log_failure(self._id, error)

    def _discard(self, body: bytes, ended: bool) -> None:
        """Read the held-back answer to its end, to keep its connection, unless it is long."""
        self._discarded += len(body)
        connection = self._connection
        if connection is None:
            return
        if ended:
            self._connection = None
            connection.give_back(request_ended=True)
        elif self._discarded > MOST_DISCARDED:
            self._connection = None
            connection.abort()

    def _write_unusual(self, head: ResponseHead, body: bytes, ended: bool) -> None:
        """Write an answer's head that needs more than its own lines, and the first of its body."""
        lines: list[bytes] = list(head.lines)
        modern = self._head.minor == 1
        bodiless = self._head.method == _HEAD or head.status in _BODILESS
        if head.chunked and (bodiless or not modern):
            lines = head.lines_without(_TRANSFER_ENCODING)
        if not bodiless and head.content_length < 0:
            if not modern:
                self._keep_alive = False
                self._unwrap = ChunkedBody([]) if head.chunked else None
            elif not head.chunked:
                self._wrap = True
                lines.append(b"Transfer-Encoding: chunked")
        lines.append(b"Callout-Id: " + self._id)
        if self._replay is not None:
            lines.append(b"Callout-Replay: " + self._replay)
        if not self._keep_alive:
            lines.append(b"Connection: close")
        if self._wrap or self._unwrap is not None:
            body = self._reframed(body, ended)
        self._caller.write(b"\r\n".join((head.start, *lines, b"", body)))

    def _reframed(self, body: bytes, ended: bool) -> bytes:
        """Put a body that lasts until the close into chunks, or take a chunked one out of them for HTTP/1.0."""
        if self._unwrap is not None:
            self._unwrap.feed(body)
            content = self._unwrap.content or []
            body = b"".join(content)
            content.clear()
            return body
        end = b"0\r\n\r\n" if ended else b""
        return b"%x\r\n%b\r\n%b" % (len(body), body, end) if body else end

    # --- the end -----------------------------------------------------------------------------------------------

    def refuse(self, refused: Refused) -> None:
        """Answer with a refusal of Callout's own; where an answer is under way already, cut that short."""
        if self._over:
            return
        if self._status:
            self._cut_short(refused)
            return
        keep_alive = self._caller.may_stay() and (self._request_ended or not self._head.expects_continue)
        self._status, answer = refusal(refused, self._id, head_only=self._head.method == _HEAD, keep_alive=keep_alive)
        self._end(refused)
        self._caller.write(answer)
        self._caller.finished(keep_alive)

    def _end_well(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.give_back(request_ended=self._request_ended)
        self._end(None)
        self._caller.finished(self._keep_alive)

    def _cut_short(self, refused: Refused) -> None:
        """The answer cannot be completed: the caller must see that it is not whole."""
        self._end(refused)
        self._caller.cut_off(framed=self._head.minor == 1)

    def _end(self, refused: Refused | None) -> None:
        self._over = True
        if self._connection is not None:
            self._connection.abort()
            self._connection = None
        self._gateway.callouts.record(
            self._id,
            self._route,
            self.name,
            self._head.method,
            self._head.target,
            self._status,
            self._sent,
            self._received,
            self._started,
            None if self._replay is None else self._replay.decode(),
            refused,
            self._ready,
            self._stale_status,
            self._says_stale,
        )
