"""The way to token endpoints: few requests at once to each, and none to one that keeps failing.

A `Transport` around another. Requests to one endpoint (origin and path) take turns; who cannot get one in time is
refused, and nothing was sent. Transient failures (5xx, 408, 425, time-outs, cut connections, answers that cannot be
read) open the endpoint's breaker; a 429 or `slow_down` opens that of the one client whose allowance is spent. A
permanent refusal (invalid_grant, invalid_client) shows that the server is there: it opens nothing for the other principals.

What this raises is `TokenRefused`, which says whether asking again may help and whether anything was sent.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.message import HttpRequest, HttpResponse
from callout.core.oauth2 import TokenRefused, is_transient, retry_after_of
from callout.core.oauth2.refusal import members_of
from callout.core.ports import Clock, Entropy, Transport
from callout.core.refresh.breaker import Breaker

#: Requests to one endpoint at once, and those that may wait for their turn.
MOST_AT_ONCE, MOST_WAITING = 8, 1_000
#: Reasons that say something about the server's health; any other is about our side.
_FAILURES = frozenset({"external_system_unreachable", "timed_out"})
_TOO_MANY, _SLOW_DOWN = 429, "slow_down"


@dataclass(slots=True)
class Endpoint:
    """One token endpoint as this process sees it."""

    url: str
    turns: asyncio.Semaphore
    breakers: dict[str, Breaker] = field(default_factory=dict)
    waiting: int = 0
    failures: int = 0
    kept_back: int = 0

    @property
    def is_closed(self) -> bool:
        """True where its own breaker lets every request through."""
        return self.breakers.get("", Breaker()).is_closed


class TokenEndpoints:
    """Implements `core.ports.Transport` for token requests. One for each process."""

    def __init__(
        self,
        transport: Transport,
        clock: Clock,
        entropy: Entropy,
        *,
        most_at_once: int = MOST_AT_ONCE,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._transport = transport
        self._clock = clock
        self._entropy = entropy
        self._most_at_once = most_at_once
        self._most_waiting = most_waiting
        self._endpoints: dict[str, Endpoint] = {}

    @property
    def endpoints(self) -> Iterator[Endpoint]:
        """Every endpoint that was asked since the start, by its URL without a query."""
        return (self._endpoints[url] for url in sorted(self._endpoints))

    async def send(self, request: HttpRequest, *, allow_private_network: bool, timeout_seconds: float) -> HttpResponse:
        """Send a token request when it is its turn; waiting and answer together take at most `timeout_seconds`.

        Raises `TokenRefused(token_endpoint_unreachable)`, or what the transport raises for a reason of our side.
        """
        endpoint = self._endpoint(request.url)
        self._demand_closed(endpoint, request.client)  # before the queue: it is not for those who would be refused
        deadline = self._clock.monotonic() + timeout_seconds
        await self._turn(endpoint, timeout_seconds)
        try:
            self._demand_closed(endpoint, request.client)
            left = max(0.001, round(deadline - self._clock.monotonic(), 3))
            return await self._sent(endpoint, request, allow_private_network, left)
        finally:
            endpoint.turns.release()

    def _endpoint(self, url: str) -> Endpoint:
        parts = urlsplit(url)
        name = f"{parts.scheme}://{parts.netloc}{parts.path}"
        if name not in self._endpoints:
            self._endpoints[name] = Endpoint(name, asyncio.Semaphore(self._most_at_once))
        return self._endpoints[name]

    async def _turn(self, endpoint: Endpoint, seconds: float) -> None:
        if endpoint.waiting >= self._most_waiting:
            raise self._kept_back(endpoint, f"{endpoint.waiting} token requests wait for {endpoint.url} already", 1.0)
        endpoint.waiting += 1
        try:
            async with asyncio.timeout(seconds):
                await endpoint.turns.acquire()
        except TimeoutError:
            late = f"got no turn within {seconds:g} seconds: {self._most_at_once} token requests to {endpoint.url}"
            raise self._kept_back(endpoint, f"{late} are on their way", 1.0) from None
        finally:
            endpoint.waiting -= 1

    def _demand_closed(self, endpoint: Endpoint, client: str) -> None:
        now = self._clock.monotonic()
        for name in dict.fromkeys(("", client)):
            breaker = endpoint.breakers.get(name, Breaker())
            pause = breaker.pause(now)
            if pause > 0:
                whose = "this client has asked too often" if name else f"it failed {breaker.failures} times in a row"
                raise self._kept_back(endpoint, f"{endpoint.url} is left alone for {pause:.1f} s: {whose}", pause)

    def _kept_back(self, endpoint: Endpoint, detail: str, pause: float) -> TokenRefused:
        endpoint.kept_back += 1
        remedy = Remedy(
            "Wait as long as Retry-After says: then one request asks whether the authorization server is back"
        )
        wait = max(1, math.ceil(pause))
        code = "token_endpoint_unreachable"
        return TokenRefused(code, detail, remedy, transient=True, unsent=True, retry_after=wait)

    async def _sent(
        self, endpoint: Endpoint, request: HttpRequest, allow_private_network: bool, seconds: float
    ) -> HttpResponse:
        names = tuple(dict.fromkeys(("", request.client)))
        self._set(endpoint, {name: endpoint.breakers.get(name, Breaker()).entered() for name in names})
        try:
            response = await self._transport.send(
                request, allow_private_network=allow_private_network, timeout_seconds=seconds
            )
        except Refused as refused:
            if refused.reason.code not in _FAILURES:
                self._leave(endpoint, names)
                raise
            self._fail(endpoint, "")
            self._leave(endpoint, names[1:])
            detail = f"the token endpoint could not be reached: {refused.detail}"
            code = "token_endpoint_unreachable"
            raise TokenRefused(code, detail, transient=True, unsent=refused.unsent) from refused
        except BaseException:
            self._leave(endpoint, names)
            raise
        self._judge(endpoint, names, response)
        return response

    def _judge(self, endpoint: Endpoint, names: tuple[str, ...], response: HttpResponse) -> None:
        # a device that asks too often (RFC 8628 section 3.5) is its client's affair, like too many requests
        too_often = response.status == _TOO_MANY or members_of(response).get("error") == _SLOW_DOWN
        failing = names[-1] if too_often else ""
        if not is_transient(response):
            self._set(endpoint, {name: endpoint.breakers.get(name, Breaker()).answered() for name in names})
            return
        self._fail(endpoint, failing, retry_after_of(response, self._clock.now()))
        others = [name for name in names if name != failing]
        if failing:  # the server is there, and says so
            self._set(endpoint, {name: Breaker() for name in others})
        else:
            self._leave(endpoint, others)

    def _fail(self, endpoint: Endpoint, name: str, retry_after: float | None = None) -> None:
        endpoint.failures += 1
        jitter = int.from_bytes(self._entropy.bytes(4)) / 2**32
        breaker = endpoint.breakers.get(name, Breaker())
        failed = breaker.failed(self._clock.monotonic(), jitter=jitter, retry_after=retry_after)
        self._set(endpoint, {name: failed})

    def _leave(self, endpoint: Endpoint, names: tuple[str, ...] | list[str]) -> None:
        self._set(endpoint, {name: endpoint.breakers.get(name, Breaker()).left() for name in names})

    @staticmethod
    def _set(endpoint: Endpoint, breakers: dict[str, Breaker]) -> None:
        """Keep these breakers; one that is as new is forgotten, so that what is kept does not grow with the clients."""
        for name, breaker in breakers.items():
            if breaker == Breaker():
                endpoint.breakers.pop(name, None)
            else:
                endpoint.breakers[name] = breaker
