"""The answer of an external system whose status a refresh rule names: passed on, or held back for a second one.

An exchange makes one of these only where a rule names the status, so that every other answer costs nothing.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from callout.core.errors import Refused
from callout.core.http1.head import ResponseHead
from callout.core.refresh.replay import DONE, NOT_POSSIBLE
from callout.engine.routes import Ready, Route

if TYPE_CHECKING:
    from callout.entrypoints.gateway.exchange import Exchange
    from callout.entrypoints.gateway.server import Gateway

#: Most bytes of a held-back answer that are read to keep its connection.
MOST_DISCARDED = 64 * 1024

log = logging.getLogger(__name__)


class Screening:
    """One answer that may say that the credentials are stale."""

    __slots__ = ("_discarded", "_exchange", "_gateway", "_head", "_holding_back", "_ready", "_route")

    def __init__(self, exchange: Exchange, gateway: Gateway, route: Route, ready: Ready, head: ResponseHead) -> None:
        self._exchange = exchange
        self._gateway = gateway
        self._route = route
        self._ready = ready
        self._head = head
        self._discarded = 0
        self._holding_back = False

    def began(self, ended: bool) -> bool:
        """Refresh where that may help; returns whether the answer is held back for a second one."""
        exchange, callouts, status = self._exchange, self._gateway.callouts, self._head.status
        if exchange.was_sent_again or not callouts.is_stale(self._route, self._ready, status):
            callouts.answered(self._route, self._ready, status, exchange.replay is DONE)
            return False
        exchange.stale_status = status
        if not exchange.may_be_sent_again():
            exchange.replay = NOT_POSSIBLE
            self._gateway.in_background(self._refresh_unheard())
            callouts.answered(self._route, self._ready, status, False)
            return False
        self._holding_back = True
        self._discard(b"", ended)
        exchange.in_background(self._refresh())
        return True

    def went_on(self, body: bytes, ended: bool) -> bool:
        """Take more of the answer; returns whether it is held back."""
        if self._holding_back:
            self._discard(body, ended)
        return self._holding_back

    def failed(self) -> bool:
        """There will be no more of the answer; returns whether that matters to nobody."""
        return self._holding_back

    async def _refresh(self) -> None:
        fresh = await self._gateway.callouts.refresh(self._route, self._ready, self._head.status)
        if not self._exchange.is_over:
            self._holding_back = False
            self._exchange.send_again(fresh)

    async def _refresh_unheard(self) -> None:
        try:
            await self._gateway.callouts.refresh(self._route, self._ready, self._head.status)
        except Refused as refused:
            log.info("callout %s: refresh after an answer that was passed on: %s", self._exchange.callout_id, refused)
        except Exception as error:  # noqa: BLE001 - nobody waits for it
            self._exchange.log_error(error)

    def _discard(self, body: bytes, ended: bool) -> None:
        """Read the held-back answer to its end, to keep its connection, unless it is long."""
        self._discarded += len(body)
        if ended:
            self._exchange.release_connection()
        elif self._discarded > MOST_DISCARDED:
            self._exchange.abort_connection()
