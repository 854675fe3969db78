"""The gateway: listens, holds what all connections share, sweeps, drains."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Coroutine
from functools import partial

from callout.core.errors import Refused
from callout.core.http1.head import RequestParser
from callout.core.peer import is_this_machine
from callout.core.ports import Spools
from callout.engine.callout import Callouts
from callout.engine.routes import Route
from callout.engine.sending import Witness
from callout.entrypoints.gateway.caller import CallerConnection
from callout.entrypoints.gateway.limits import Limits
from callout.entrypoints.gateway.outbound import Outbound

#: Seconds between two sweeps: how exact timeouts are.
SWEEP_SECONDS = 0.1
BACKLOG = 4096
#: How long a TLS handshake may take, and the end of a TLS connection, in seconds.
HANDSHAKE_SECONDS, SHUTDOWN_SECONDS = 10.0, 5.0

JSON = "application/json"
#: Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/).
METRICS = "text/plain; version=0.0.4; charset=utf-8"
_METRICS_REFUSED = b'{"because":"got a caller on another machine; expected one on this, or CALLOUT_METRICS_OPEN=true"}'


class Gateway:
    """The data plane of one process. `well_known` is the JSON body of `/.well-known/callout`.

    `readiness` says in JSON members whether callouts can be served; `/readyz` answers 503 where `ready` is false.
    `metrics` is what `/metrics` shows: to callers on this machine, or to all where `metrics_open`.
    `monotonic` tells the time that every limit is measured in: seconds that never go back.
    `spools` keeps request bodies that are too large for memory; without it they are not kept. `witness`, where there is
    one, is told of every request that leaves.
    """

    def __init__(
        self,
        callouts: Callouts,
        outbound: Outbound,
        limits: Limits,
        well_known: bytes,
        readiness: Callable[[], tuple[bool, bytes]] = lambda: (True, b'{"ready":true}'),
        metrics: Callable[[], bytes] = bytes,
        *,
        metrics_open: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
        spools: Spools | None = None,
    ) -> None:
        self.callouts = callouts
        self.outbound = outbound
        self.limits = limits
        self.spools = spools
        self.heads = RequestParser(limits.head_limit)
        self.monotonic = monotonic
        self.draining = False
        self.secure = False
        self.witness: Witness | None = None
        self._well_known = well_known
        self._readiness = readiness
        self._metrics = metrics
        self._metrics_open = metrics_open
        self._connections: set[CallerConnection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._sweep: asyncio.TimerHandle | None = None
        self._empty = asyncio.Event()

    @property
    def port(self) -> int:
        """The port that is listened on; 0 before `start`."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server is not None else 0

    @property
    def open_connections(self) -> int:
        """How many connections of callers are open."""
        return len(self._connections)

    async def start(
        self,
        host: str,
        port: int,
        *,
        reuse_port: bool = False,
        sock: socket.socket | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Listen on an address, or on a socket that is bound already; with `tls`, for TLS alone."""
        loop = asyncio.get_running_loop()
        self.secure = tls is not None
        patience, ending = (HANDSHAKE_SECONDS, SHUTDOWN_SECONDS) if tls is not None else (None, None)
        create = partial(
            loop.create_server,
            lambda: CallerConnection(self),
            backlog=BACKLOG,
            ssl=tls,
            ssl_handshake_timeout=patience,
            ssl_shutdown_timeout=ending,
        )
        if sock is not None:
            self._server = await create(sock=sock)
        else:
            self._server = await create(host, port, reuse_port=reuse_port or None)
        self._sweep = loop.call_later(SWEEP_SECONDS, self._swept)

    async def stop(self, drain_seconds: float) -> None:
        """Accept no more, let callouts under way end for so long, then end the rest. Refreshes under way are awaited."""
        self.draining = True
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.close_if_idle()
        try:
            async with asyncio.timeout(drain_seconds):
                if self._connections:
                    await self._empty.wait()
                while self._tasks:
                    await asyncio.wait(self._tasks)
        except TimeoutError:
            for connection in tuple(self._connections):
                connection.abort()
            for task in self._tasks:
                task.cancel()
        if self._sweep is not None:
            self._sweep.cancel()

    def in_background(self, work: Coroutine[None, None, None]) -> None:
        """Run what takes time; it goes on where a caller hangs up."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def page(self, path: bytes, peer: str) -> tuple[int, bytes, str] | None:
        """Return status, body and type of a page of the gateway's own, or None. `peer` is the address that asks."""
        if path == b"/healthz":
            return 200, b'{"healthy":true}', JSON
        if path == b"/readyz":
            ready, body = self._readiness()
            return 200 if ready and not self.draining else 503, body, JSON
        if path == b"/metrics":
            if self._metrics_open or is_this_machine(peer):
                return 200, self._metrics(), METRICS
            return 403, _METRICS_REFUSED, JSON
        if path == b"/.well-known/callout":
            return 200, self._well_known, JSON
        return None

    def reconsider(self) -> None:
        """Decide again about every callout under way, because the definitions moved; end those that may not go on."""
        decided: dict[Route, Refused | None] = {}
        for connection in tuple(self._connections):
            connection.reconsider(decided)

    def retire_certificates(self) -> None:
        """Let callers who showed a certificate connect anew, because the authorities that judged it were replaced."""
        for connection in tuple(self._connections):
            connection.retire()

    def caller_came(self, connection: CallerConnection) -> bool:
        """Keep a connection that is made; returns whether it is one too many."""
        surplus = len(self._connections) >= self.limits.connection_limit
        self._connections.add(connection)
        return surplus

    def sweep(self) -> None:
        """End what takes too long by now, and callouts whose key or grant has ended."""
        now = self.monotonic()
        decided: dict[Route, Refused | None] = {}
        for connection in tuple(self._connections):
            connection.reconsider(decided, ended_at=now)
            connection.sweep(now)

    def caller_gone(self, connection: CallerConnection) -> None:
        """Forget a connection that is closed."""
        self._connections.discard(connection)
        if self.draining and not self._connections:
            self._empty.set()

    def _swept(self) -> None:
        self._sweep = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._swept)
        self.sweep()
