"""Takes a request whole before it is sent: it is signed, formulas in it are evaluated, or a header reads its body.

No other request comes here. The body is taken out of its chunks, since it goes on with a length of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, final

from callout.core.explanation import Remedy
from callout.core.http1.body import ChunkedBody
from callout.core.http1.head import RequestHead
from callout.core.protocol import Needs
from callout.engine.evaluating import Asked
from callout.engine.routes import Route
from callout.entrypoints.gateway.answers import too_large
from callout.entrypoints.gateway.limits import Limits

if TYPE_CHECKING:
    from callout.entrypoints.gateway.exchange import Exchange


@final
class Gathering:
    """One request that is gathered. `takes_body`: its body, too; `asked` is the whole of it, when that is there."""

    __slots__ = (
        "_asked",
        "_exchange",
        "_limit",
        "_pieces",
        "_remedies",
        "_route",
        "_size",
        "_unframed",
        "asked",
        "takes_body",
    )

    def __init__(
        self,
        exchange: Exchange,
        route: Route,
        head: RequestHead,
        lines: Sequence[bytes],
        target: bytes,
        limit: int,
        remedies: Sequence[Remedy],
        *,
        body: bool,
    ) -> None:
        self._exchange = exchange
        self._route = route
        self._asked = (head.method, target, tuple(lines))
        self._limit = limit
        self._remedies = remedies
        self._size = 0
        self.takes_body = body
        self._pieces: list[bytes] | None = [] if body else None
        self._unframed = ChunkedBody(self._pieces) if head.chunked and body else None
        self.asked: Asked | None = None

    def take(self, body: bytes, ended: bool) -> bool:
        """Take more of the request, and go on with it when it is whole; False where the body is none of its business."""
        if self.asked is not None:
            return False
        pieces = self._pieces
        if pieces is None:
            self._go_on(None)
            return True
        if self._unframed is not None:
            before = len(pieces)
            self._unframed.feed(body)
            self._size += sum(map(len, pieces[before:]))
        else:
            pieces.append(body)
            self._size += len(body)
        if self._size > self._limit:
            self._exchange.refuse(too_large(f"more than {self._limit}", self._limit, *self._remedies))
        elif ended:
            self._go_on(b"".join(pieces))
        else:
            self._exchange.ask_for_body()
        return True

    def _go_on(self, body: bytes | None) -> None:
        method, target, lines = self._asked
        key = self._route.replay.idempotency_header.lower()
        self.asked = Asked(
            lines, body, self._limit, key, method=method, target=target, callout_id=self._exchange.callout_id
        )
        self._pieces = self._unframed = None
        self._exchange.in_background(self._exchange.prepare(self._route))


def gathering_of(
    exchange: Exchange, route: Route, head: RequestHead, lines: Sequence[bytes], target: bytes, limits: Limits
) -> Gathering | None:
    """Return what gathers a request; None where nothing in it is evaluated and nothing reads it.

    Raises `Refused(request_too_large)` for a body that says so beforehand.
    """
    formulas, has_body = route.formulas, bool(head.content_length)
    if formulas is None or not formulas.concerns(lines, has_body=has_body):
        return None
    body = formulas.wants_body(lines, has_body=has_body)
    limit = min(limits.formula_body_limit, limits.request_limit or limits.formula_body_limit)
    remedies = _remedies(route) if limit == limits.formula_body_limit else ()
    if body and head.content_length > limit:
        raise too_large(str(head.content_length), limit, *remedies)
    return Gathering(exchange, route, head, lines, target, limit, remedies, body=body)


def _remedies(route: Route) -> tuple[Remedy, ...]:
    """Return what an admin can do about bodies that are too large to be signed; nothing where they are not signed."""
    formulas = route.formulas
    if formulas is None or formulas.needs is not Needs.BODY:
        return ()
    spares, external = route.slot.protocol.spares_bodies, route.decision.external_credential
    raised = Remedy("Start `callout serve` with a CALLOUT_FORMULA_BODY_LIMIT above the size of the body, in bytes")
    if external is None or not spares:
        return (Remedy("Send a smaller request"), raised)
    sparing = Remedy(f"Set {spares} for {external.name}: bodies of any size pass then", "callout apply -f FILE")
    return (Remedy("Send a smaller request"), sparing, raised)
