"""The answer of an external system whose status a refresh rule names: passed on, or held back for a second one.

An exchange makes one of these only where a rule names the status, so that every other answer costs nothing. A rule
about the body holds the answer back until it is decided: the sign was found, or cannot come any more, the body or its
first 64 KiB ended, or nothing more came for a moment. What is passed on after that is byte for byte what came.
"""

from __future__ import annotations

import logging
from enum import Enum, auto
from typing import TYPE_CHECKING

from callout.core.errors import Refused
from callout.core.http1.body import ChunkedBody
from callout.core.http1.head import ResponseHead
from callout.core.refresh.bodies import BodyJudge
from callout.core.refresh.evidence import says_stale
from callout.core.refresh.replay import DONE, NOT_NEEDED, Mark, Replay
from callout.core.refresh.rules import ALWAYS, oauth_judge
from callout.engine.routes import Ready, Route
from callout.entrypoints.gateway.failure import log_failure

if TYPE_CHECKING:
    from callout.entrypoints.gateway.exchange import Exchange
    from callout.entrypoints.gateway.server import Gateway

#: Most bytes of a held-back answer that are read to keep its connection, or kept to pass it on after all.
MOST_HELD = 64 * 1024
#: Most bytes of an answer that are held back while it is judged, with its framing.
MOST_FRAMED = 4 * MOST_HELD
#: How long a body that a rule is about may pause, where its length is not known, and how long it is waited for, in seconds.
LONGEST_PAUSE, LONGEST_STREAM_HELD, LONGEST_HELD = 0.4, 2.0, 5.0

log = logging.getLogger(__name__)


class _State(Enum):
    """`JUDGING` and `REFRESHING`: the answer is held back. `WATCHING`: it is passed on, and judged for the record."""

    JUDGING = auto()
    WATCHING = auto()
    REFRESHING = auto()
    PASSED = auto()


class _Reading:
    """Judges a body that comes as it is framed. `sign` is None until that is decided."""

    __slots__ = ("_judge", "_unframe")

    def __init__(self, judge: BodyJudge, head: ResponseHead) -> None:
        self._judge = judge
        self._unframe = ChunkedBody([]) if head.chunked else None

    def feed(self, body: bytes, ended: bool) -> str | None:
        """Take more of the body; returns the sign, empty where there is none."""
        if self._unframe is not None:
            self._unframe.feed(body)
            content = self._unframe.content or []
            body = b"".join(content)
            content.clear()
        self._judge.feed(body, ended=ended)
        return self._judge.sign

    def end(self) -> str:
        """Judge by what has come."""
        self._judge.end()
        return self._judge.sign or ""


class Screening:
    """One answer that may say that the credentials are stale."""

    __slots__ = (
        "_broken",
        "_ended",
        "_exchange",
        "_gateway",
        "_head",
        "_held",
        "_moved",
        "_paused",
        "_pieces",
        "_quiet_since",
        "_reading",
        "_ready",
        "_route",
        "_sign",
        "_since",
        "_state",
    )

    def __init__(self, exchange: Exchange, gateway: Gateway, route: Route, ready: Ready, head: ResponseHead) -> None:
        self._exchange = exchange
        self._gateway = gateway
        self._route = route
        self._ready = ready
        self._head = head
        self._state = _State.PASSED
        self._sign = ""
        self._reading: _Reading | None = None
        self._pieces: list[bytes] = []
        self._held = 0
        self._ended = self._moved = self._paused = False
        self._broken: Refused | None = None
        self._since = self._quiet_since = 0.0

    @property
    def refreshes(self) -> bool:
        """True while the token is being replaced."""
        return self._state is _State.REFRESHING

    def began(self, body: bytes, ended: bool) -> bool:
        """Judge the head and the first of the body; returns whether the answer is held back."""
        exchange, head = self._exchange, self._head
        listens = not exchange.was_sent_again and self._gateway.callouts.is_stale(self._route, self._ready, head.status)
        judged = self._route.signs.judge(head.status, head.lines)
        sign: str | None = judged.sign
        if judged.unjudged:
            exchange.noticed = ("", judged.unjudged)
        if judged.body is not None:
            self._reading = _Reading(judged.body, head)
            sign = self._reading.feed(body, ended)
        if sign is not None:
            return self._act(sign, body, ended, listens=listens)
        if listens:
            self._state = _State.JUDGING
            self._hold(body)
            return True
        self._state = _State.WATCHING
        return False

    def went_on(self, body: bytes, ended: bool) -> bool:
        """Take more of the answer; returns whether it is held back."""
        state = self._state
        if state is _State.PASSED:
            return False
        if state is _State.REFRESHING:
            self._set_aside(body, ended)
            return True
        assert self._reading is not None
        sign = self._reading.feed(body, ended)
        if state is _State.WATCHING:
            if sign is not None:
                self._act(sign, body, ended, listens=False)
            return False
        self._hold(body)
        self._moved, self._ended = True, ended
        if sign is None and self._held > MOST_FRAMED:  # more framing than content
            sign = self._reading.end()
        if sign is not None:
            self._decide(sign)
        return True

    def failed(self, refused: Refused) -> bool:
        """There will be no more of the answer; returns whether that matters to nobody yet."""
        if self._state is _State.REFRESHING:
            self._broken = refused
            return True
        if self._state is _State.JUDGING:
            self._pass_on()
        return False

    def swept(self, now: float, deadline: float) -> bool:
        """Hold nothing back for too long (monotonic seconds); returns whether the answer came in time."""
        if self._state is _State.REFRESHING:
            return now < deadline or self._give_up("the token endpoint did not answer in time")
        if self._state is _State.JUDGING:
            assert self._reading is not None
            if self._moved or not self._since:
                self._quiet_since = now
            self._since = self._since or now
            self._moved = False
            stream = self._head.content_length < 0
            longest = LONGEST_STREAM_HELD if stream else LONGEST_HELD
            if now - self._since >= longest or (stream and now - self._quiet_since >= LONGEST_PAUSE):
                self._decide(self._reading.end())
            return True
        return False

    # --- what is done -----------------------------------------------------------------------------------------

    def _decide(self, sign: str) -> None:
        """End the judging of an answer that is held back."""
        if not self._act(sign, b"", self._ended, listens=True):
            self._pass_on()

    def _act(self, sign: str, body: bytes, ended: bool, *, listens: bool) -> bool:
        """Refresh where a sign was found and that may help; returns whether the answer is held back for a second one."""
        exchange, callouts, status = self._exchange, self._gateway.callouts, self._head.status
        self._state, self._sign = _State.PASSED, sign
        if exchange.was_sent_again:
            if exchange.replay is DONE:
                callouts.answered(self._route, self._ready, helped=not sign)
            return False
        if not sign:
            exchange.says_stale = status >= 400 and says_stale(self._head.lines)
            return False
        if not listens:
            if self._route.replay.possible and not exchange.has_answer:
                exchange.replay = NOT_NEEDED
            exchange.noticed = (sign, "the token was replaced a moment ago, or found active, or cannot be replaced now")
            return False
        exchange.stale_status, exchange.noticed = status, (sign, "")
        obstacle = exchange.obstacle(self._route)
        if obstacle is not None:
            exchange.replay = Replay(Mark.NOT_POSSIBLE, obstacle)
            self._gateway.in_background(self._refresh_unheard())
            return False
        self._state = _State.REFRESHING
        self._set_aside(body, ended)
        exchange.in_background(self._refresh())
        return True

    async def _refresh(self) -> None:
        try:
            fresh = await self._gateway.callouts.refresh(
                self._route, self._ready, self._head.status, self._exchange.asked
            )
        except Exception as error:
            if self._state is not _State.REFRESHING:  # the first answer was passed on meanwhile
                log_failure(self._exchange.callout_id, error)
            elif not isinstance(error, Refused) or not self._give_up(error.detail):
                raise
            return
        if self._state is not _State.REFRESHING or self._exchange.is_over:
            return
        if fresh is None:
            self._exchange.stale_status = 0
            self._settle("the authorization server says that the token is active: this refusal is meant", NOT_NEEDED)
        else:
            self._state = _State.PASSED
            self._exchange.send_again(fresh)

    async def _refresh_unheard(self) -> None:
        try:
            await self._gateway.callouts.refresh(self._route, self._ready, self._head.status)
        except Refused as refused:
            name = self._exchange.callout_id.decode()
            log.info("callout %s: refresh after an answer that was passed on: %s", name, refused)
        except Exception as error:  # noqa: BLE001 - nobody waits for it
            log_failure(self._exchange.callout_id, error)

    def _give_up(self, why: str) -> bool:
        """No other token can be had: pass on the first answer, if its sign may be genuine and the token is good."""
        exchange = self._exchange
        if exchange.is_over or self._head.status == ALWAYS or not self._gateway.callouts.still_good(self._route):
            return False
        self._settle(why, Replay(Mark.NOT_POSSIBLE))
        return True

    def _settle(self, why: str, replay: Replay) -> None:
        """Pass on the first answer after all."""
        self._exchange.noticed = (self._sign, why)
        self._exchange.replay = replay
        self._pass_on()

    # --- the answer that is held back -------------------------------------------------------------------------

    def _hold(self, body: bytes) -> None:
        self._pieces.append(body)
        self._held += len(body)

    def _set_aside(self, body: bytes, ended: bool) -> None:
        """Read an answer to its end while the token is replaced: kept, unless it is a 401, which is never passed on.

        One that is long waits where it is, or loses its connection.
        """
        self._hold(body)
        if self._head.status == ALWAYS:
            self._pieces.clear()
        self._ended = ended
        if ended:
            self._exchange.release_connection()
        elif self._held > MOST_HELD and self._head.status == ALWAYS:
            self._exchange.abort_connection()
        elif self._held > MOST_HELD:
            self._paused = True
            self._exchange.caller_blocked()

    def _pass_on(self) -> None:
        """Pass on what was held back, and what is still to come."""
        self._state = _State.PASSED
        body = b"".join(self._pieces)
        self._pieces.clear()
        if self._paused:
            self._exchange.caller_unblocked()
        self._exchange.pass_on(self._head, body, self._ended)
        if self._broken is not None:
            self._exchange.answer_failed(self._broken, untouched=False)


class Watching:
    """An answer that no rule names, and that refuses: whether its body says that the token is invalid is noted."""

    __slots__ = ("_exchange", "_reading")

    def __init__(self, exchange: Exchange, reading: _Reading) -> None:
        self._exchange = exchange
        self._reading = reading

    @classmethod
    def of(cls, exchange: Exchange, head: ResponseHead, body: bytes, ended: bool) -> Watching | None:
        """Note what the head says; returns what goes on watching, if that can tell more."""
        exchange.says_stale = says_stale(head.lines)
        judge = None if exchange.says_stale else oauth_judge(head.lines)
        if judge is None:
            return None
        watching = cls(exchange, _Reading(judge, head))
        watching.went_on(body, ended)
        return watching

    def went_on(self, body: bytes, ended: bool) -> bool:
        """Take more of the answer; it is never held back."""
        if self._reading.feed(body, ended):
            self._exchange.says_stale = True
        return False

    def failed(self, _refused: Refused) -> bool:
        """There will be no more of the answer."""
        return False

    def swept(self, _now: float, _deadline: float) -> bool:
        """Nothing is held back."""
        return False
