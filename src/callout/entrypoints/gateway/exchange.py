"""One callout between a caller's connection and one to an external system.

Where a route is ready this runs without a task, a timer or a lock: admit, write, wait for the answer, write. What
takes time (obtaining a token, refreshing it, dialling) runs in a task that outlives the caller, so that a caller who
hangs up loses no token.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from callout.core.access.target import join, split_target
from callout.core.errors import Refused
from callout.core.http1.head import RequestHead, ResponseHead
from callout.core.http1.lines import with_line
from callout.core.message import without_added
from callout.core.refresh.replay import DONE, IDEMPOTENT, Mark, Obstacle, Replay, Room
from callout.engine.evaluating import Asked
from callout.engine.hearing import hear
from callout.engine.issuers import Unverified
from callout.engine.routes import Ready, Route
from callout.entrypoints.gateway.answers import CONTINUE, late, refusal
from callout.entrypoints.gateway.failure import log_failure
from callout.entrypoints.gateway.gathering import Gathering, gathering_of
from callout.entrypoints.gateway.outbound import Connection
from callout.entrypoints.gateway.passing import HEAD, Passing
from callout.entrypoints.gateway.request_body import RequestBody
from callout.entrypoints.gateway.screening import Screening, Watching

if TYPE_CHECKING:
    from callout.entrypoints.gateway.caller import CallerConnection
    from callout.entrypoints.gateway.server import Gateway


class Exchange(Passing):
    """One callout."""

    __slots__ = (
        "_attempts",
        "_body",
        "_connection",
        "_deadline",
        "_gateway",
        "_gathering",
        "_moved",
        "_over",
        "_quiet_since",
        "_ready",
        "_redialled",
        "_repeated",
        "_request_ended",
        "_resending",
        "_route",
        "_screening",
        "_started",
        "_tail",
        "_target",
        "_timeout",
        "name",
        "noticed",
        "says_stale",
        "stale_status",
    )

    def __init__(self, gateway: Gateway, caller: CallerConnection, head: RequestHead, started: float) -> None:
        super().__init__(caller, head, gateway.callouts.next_id())
        self._gateway = gateway
        self._started = started
        self.name = ""
        self._route: Route | None = None
        self._ready: Ready | None = None
        self._connection: Connection | None = None
        self._target = self._tail = b""
        self._timeout = self._deadline = self._quiet_since = 0.0
        self._request_ended = True
        self._resending = False  # what was kept in a file is on its way
        self._body: RequestBody | None = None
        self._gathering: Gathering | None = None
        self.stale_status = self._attempts = 0
        self._screening: Screening | Watching | None = None
        self.noticed: tuple[str, str] | None = None
        self._redialled = self._repeated = self._moved = self._over = self.says_stale = False

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
            self._route, self._target = route, join(route.path, rest)
            if route.demands is not None:
                gateway.callouts.judge(route, head.method, self._target, head.headers, self._id)
            asked = head.callout_timeout
            self._timeout = gateway.limits.default_timeout if asked is None else gateway.limits.timeout(asked)
            self._deadline = self._started + self._timeout
            self._carry(route, body)
        except Refused as refused:
            self.refuse(refused)
            return
        except Unverified as unverified:
            self._timeout = gateway.limits.default_timeout
            self._deadline = self._started + self._timeout
            self._body = RequestBody(gateway, self._caller, body)
            self.in_background(self._begin_verified(unverified, self._body))
            return
        except Exception as error:  # noqa: BLE001 - fails closed, and says so
            self._failed(error)
            return
        if self._gathering is not None:
            self._gathering.take(body, ended)
        elif (ready := route.ready) is not None and self._started < ready.fresh_until:
            self._send(route, ready)
        else:
            self.in_background(self.prepare(route))

    def _carry(self, route: Route, first: bytes) -> None:
        """Take over the lines that are carried on, and the body as this route needs it. Raises `Refused`."""
        head, gateway = self._head, self._gateway
        lines = gateway.heads.carried(head, route.drops)
        if route.replay.adds_key(head.method):
            lines = with_line(lines, route.replay.idempotency_header, self._id)
        self._tail = b"\r\n".join((*lines, b"", b""))
        room = route.replay.room(head.method)
        if head.content_length:
            self._body = RequestBody(gateway, self._caller, first)
        if route.formulas is not None:
            self._gathering = gathering_of(self, route, head, lines, self._target, gateway.limits)
            room = Room.NONE if self._gathering is not None and self._gathering.takes_body else room
        if self._body is not None:
            self._body.expect(head.content_length, room)

    def request_went_on(self, body: bytes, ended: bool) -> None:
        """Take more of the request's body, as it was framed."""
        whole = self._body
        assert whole is not None
        self._request_ended = ended
        self._moved = True
        try:
            whole.take(body)
        except Refused as refused:
            self.refuse(refused)
            return
        if self._gathering is not None and self._gathering.take(body, ended):
            return
        if self._connection is not None:
            self._connection.write(whole.encoded(body))
        else:
            whole.wait(body)
            self._caller.hold_for_connection()

    def ask_for_body(self) -> None:
        """Let a caller who waits for that send the body."""
        if (body := self._body) and self._head.expects_continue and not body.continued and not self._request_ended:
            body.continued = True
            self._caller.write(CONTINUE)

    def _timed_out(self) -> Refused:
        """Say what did not come in time: a token, which another server gives, or what the external system waits for."""
        gathers = self._gathering is not None and self._gathering.asked is None
        waits = self._ready is None or (isinstance(self._screening, Screening) and self._screening.refreshes)
        waits = waits and self._route is not None and not gathers
        return late(self._timeout, token=waits, whole=self._request_ended)

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
        if self._screening is not None and self._screening.swept(now, self._deadline):
            return
        if not self._status:
            if now >= self._deadline:
                self.refuse(self._timed_out())
        elif now - self._quiet_since >= self._gateway.limits.idle_timeout:
            idle = self._gateway.limits.idle_timeout
            self._cut_short(Refused("timed_out", f"got nothing for {idle:g} seconds; expected the rest of the answer"))

    # --- sending -----------------------------------------------------------------------------------------------

    def _send(self, route: Route, ready: Ready, *, fresh: bool = False) -> None:
        """Send the request, on an idle connection unless a fresh one is asked for or none is idle."""
        self._ready = ready
        if ready.written is not None:
            self._tail, self._target = ready.written.tail, ready.written.target or self._target
            if self._body is not None:
                self._body.become(ready.written)
        connection = None if fresh else self._gateway.outbound.idle(route.destination)
        if connection is None:
            self.in_background(self._dial(route))
        else:
            self._send_on(connection, ready)

    def _send_on(self, connection: Connection, ready: Ready) -> None:
        method = self._head.method
        request = b"%b %b HTTP/1.1\r\n%b%b" % (method, self._target, ready.head, self._tail)
        body = self._body
        if body is not None:
            self.ask_for_body()
            request = b"".join((request, *body.take_unsent()))
            self._caller.release_for_connection()
        self._connection = connection
        if self._route is not None and (witness := self._gateway.witness) is not None:
            witness.left(self._id, self._route, ready, self._target, self._tail, self.asked)
        connection.send(self, request, head_only=method == HEAD)
        self._resending = body is not None and body.is_rewound
        if body is not None and self._resending:
            body.unblock()
            self.in_background(self._resend(body, connection))

    def in_background(self, work: Awaitable[None]) -> None:
        """Run what takes time; where it fails, that is the answer."""
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

    async def _begin_verified(self, unverified: Unverified, body: RequestBody) -> None:
        """Begin once more when the caller's token is verified, with what has come of the body."""
        await self._gateway.callouts.verify(unverified)
        if not self._over:
            self._body = None
            self.begin(b"".join(body.unsent), self._request_ended)

    async def prepare(self, route: Route) -> None:
        """Prepare what is sent, with the request where that was taken for it; then send it."""
        ready = await self._gateway.callouts.prepare(route, self.asked)
        if not self._over:
            self._send(route, ready)

    async def _dial(self, route: Route) -> None:
        connection = await self._gateway.outbound.dial(route.destination)
        if self._over or self._ready is None:
            connection.give_back(request_ended=True)
            return
        self._send_on(connection, self._ready)

    async def _resend(self, body: RequestBody, connection: Connection) -> None:
        """Send a body that a file keeps, as fast as the external system takes it."""
        async for piece in body.pieces():
            if self._connection is not connection:
                return  # that one has ended, or the callout has
            self._moved = True
            connection.write(piece)
        self._resending = False

    # --- for the screening of an answer ------------------------------------------------------------------------

    @property
    def callout_id(self) -> bytes:
        """The id that log and answer name it by."""
        return self._id

    @property
    def asked(self) -> Asked | None:
        """The request itself, where formulas in it are evaluated or a header reads its body."""
        return self._gathering.asked if self._gathering is not None else None

    @property
    def is_over(self) -> bool:
        """True where nobody waits for an answer any more."""
        return self._over

    @property
    def has_answer(self) -> bool:
        """True where an answer's head was passed on."""
        return self._status != 0

    @property
    def was_sent_again(self) -> bool:
        """True where the answer is to the second request."""
        return self._attempts > 0

    def obstacle(self, route: Route) -> Obstacle | None:
        """Return why the request cannot be sent again, or None."""
        lost = self._body.lost if self._body is not None else None
        return route.replay.obstacle(self._head.method, request_complete=self._request_ended, lost=lost)

    def send_again(self, ready: Ready) -> None:
        """Send the same request with another token."""
        assert self._route is not None
        self.abort_connection()  # where the refused answer is still coming in
        self._screening = None
        self._attempts = 1
        self._repeated = False
        self.replay = DONE
        if self._body is not None:
            self._body.rewind()
        self._send(self._route, ready)

    def _repeat(self, route: Route, *, ended: bool) -> bool:
        """Send the same request with what its answer says that it has to repeat, once for each token.

        That is no refresh, so it does not count as one; what may not be sent again after a refresh may not here, either.
        Returns whether it is sent.
        """
        obstacle = self.obstacle(route)
        if self._repeated or obstacle is not None:
            self.replay = self.replay if obstacle is None else Replay(Mark.NOT_POSSIBLE, obstacle)
            return False
        self._repeated = True
        if ended:
            self.release_connection()
        else:
            self.abort_connection()
        self.in_background(self._write_anew(route))
        return True

    async def _write_anew(self, route: Route, *, fresh: bool = False) -> None:
        """Prepare the same request once more, as nobody may send one proof twice; then send it."""
        written = self._ready.written if self._ready is not None else None
        ready = await self._gateway.callouts.prepare(route, self.asked and self.asked.again(written))
        if not self._over:
            if self._body is not None:
                self._body.rewind()
            self._send(route, ready, fresh=fresh)

    def release_connection(self) -> None:
        """Give back the connection of an answer that was read to its end."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.give_back(request_ended=self._request_ended and not self._resending)

    def abort_connection(self) -> None:
        """End the connection of an answer that is not read to its end."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()

    # --- from the external system ------------------------------------------------------------------------------

    def answer_began(self, head: ResponseHead, body: bytes, ended: bool) -> None:
        """Pass an answer on, unless it says that the credentials are stale and the request can be sent again."""
        route, ready = self._route, self._ready
        assert route is not None
        assert ready is not None
        status = head.status
        if route.hears and hear(route, status, head.headers()):
            if self._repeat(route, ended=ended):
                return
        elif status in route.refresh_statuses:
            self._screening = screening = Screening(self, self._gateway, route, ready, head)
            if screening.began(body, ended):
                return
        elif self.replay is DONE:
            self._gateway.callouts.answered(route, ready, helped=True)
        elif status >= 400:
            self._screening = Watching.of(self, head, body, ended)
        self.pass_on(head, body, ended)

    def pass_on(self, head: ResponseHead, body: bytes, ended: bool) -> None:
        """Pass on an answer's head, and what has come of its body."""
        if self._body is not None and not self._resending:
            self._body.drop()
        if self._ready is not None and self._ready.written is not None and self._ready.written.added:
            head.lines = without_added(head.lines, self._ready.written.added)
        self.write_answer(head, body, ended)
        if ended:
            self._end_well()
        else:
            self._quiet_since = 0.0

    def answer_went_on(self, body: bytes, ended: bool) -> None:
        """Pass more of an answer on, as it was framed."""
        if self._screening is not None and self._screening.went_on(body, ended):
            return
        self._moved = True
        self.write_more(body, ended)
        if ended:
            self._end_well()

    def answer_failed(self, refused: Refused, *, untouched: bool) -> None:
        """There will be no (more) answer: send again if that is safe, refuse, or cut the caller's answer short too."""
        connection, self._connection = self._connection, None
        if self._screening is not None and self._screening.failed(refused):
            return
        if self._status:
            self._cut_short(refused)
        elif untouched and connection is not None and connection.reused and self._may_redial():
            assert self._route is not None
            assert self._ready is not None
            self._redialled = True
            if self._ready.once:
                self.in_background(self._write_anew(self._route, fresh=True))
                return
            if self._body is not None:
                self._body.rewind()
            self._send(self._route, self._ready, fresh=True)
        else:
            self.refuse(refused)

    def outbound_blocked(self) -> None:
        """The external system reads slowly."""
        if self._resending and self._body is not None:
            self._body.block()
        self._caller.hold_for_upload()

    def outbound_unblocked(self) -> None:
        """The external system reads again."""
        self._moved = True
        if self._resending and self._body is not None:
            self._body.unblock()
        self._caller.release_for_upload()

    def _may_redial(self) -> bool:
        whole = self._request_ended and (self._body is None or self._body.lost is None)
        return whole and not self._redialled and self._head.method in IDEMPOTENT

    # --- the end -----------------------------------------------------------------------------------------------

    def refuse(self, refused: Refused) -> None:
        """Answer with a refusal of Callout's own; where an answer is under way already, cut that short."""
        if self._over:
            return
        if self._status:
            self._cut_short(refused)
            return
        keep_alive = self._caller.may_stay() and (self._request_ended or not self._head.expects_continue)
        self._status, answer = refusal(refused, self._id, head_only=self._head.method == HEAD, keep_alive=keep_alive)
        self._end(refused)
        self._caller.write(answer)
        self._caller.finished(keep_alive)

    def _end_well(self) -> None:
        self.release_connection()
        self._end(None)
        self._caller.finished(self._keep_alive)

    def _cut_short(self, refused: Refused) -> None:
        """The answer cannot be completed: the caller must see that it is not whole."""
        self._end(refused)
        self._caller.cut_off(framed=self._head.minor == 1)

    def _end(self, refused: Refused | None) -> None:
        self._over = True
        self.abort_connection()
        if self._body is not None:
            self._body.drop()
        self._gateway.callouts.record(
            self._id,
            self._route,
            self.name,
            self._head.method,
            self._head.target,
            self._status,
            self._body.size if self._body is not None else 0,
            self._received,
            self._started,
            None if self.replay is None else str(self.replay),
            refused,
            self._ready,
            self.stale_status,
            self.says_stale,
            self.noticed,
        )
