"""The passing on of an answer: its head with the lines that Callout adds, and its body as it comes or framed anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callout.core.http1.head import RequestHead, ResponseHead
from callout.core.refresh.replay import Replay
from callout.entrypoints.gateway.framing import Reframing, framed

if TYPE_CHECKING:
    from callout.entrypoints.gateway.caller import CallerConnection

_BODILESS = frozenset({204, 304})
HEAD = b"HEAD"


class Passing:
    """The part of an exchange that writes to its caller what the external system answers."""

    __slots__ = ("_caller", "_head", "_id", "_keep_alive", "_received", "_reframing", "_status", "replay")

    def __init__(self, caller: CallerConnection, head: RequestHead, callout_id: bytes) -> None:
        self._caller = caller
        self._head = head
        self._id = callout_id
        self._status = self._received = 0  # the status is 0 until the answer's head is passed on
        self._keep_alive = True
        self._reframing: Reframing | None = None
        self.replay: Replay | None = None

    def write_answer(self, head: ResponseHead, body: bytes, ended: bool) -> None:
        """Write an answer's head, and what has come of its body."""
        self._status = head.status
        self._received = len(body)
        caller = self._caller
        keep_alive = self._keep_alive = caller.may_stay()
        if head.content_length >= 0 and keep_alive and self.replay is None:
            caller.write(b"\r\n".join((head.start, *head.lines, b"Callout-Id: " + self._id, b"", body)))
        else:
            self._write_unusual(head, body, ended)

    def write_more(self, body: bytes, ended: bool) -> None:
        """Write more of an answer's body."""
        self._received += len(body)
        if self._reframing is not None:
            body = self._reframing.take(body, ended)
        if body:
            self._caller.write(body)

    def _write_unusual(self, head: ResponseHead, body: bytes, ended: bool) -> None:
        """Write an answer's head that needs more than its own lines, and the first of its body."""
        bodiless = self._head.method == HEAD or head.status in _BODILESS
        lines, self._reframing, lasts = framed(head, modern=self._head.minor == 1, bodiless=bodiless)
        self._keep_alive = self._keep_alive and lasts
        lines.append(b"Callout-Id: " + self._id)
        if self.replay is not None:
            lines.append(self.replay.line)
        if not self._keep_alive:
            lines.append(b"Connection: close")
        if self._reframing is not None:
            body = self._reframing.take(body, ended)
        self._caller.write(b"\r\n".join((head.start, *lines, b"", body)))
