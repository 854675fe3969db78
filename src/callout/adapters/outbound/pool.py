"""Connections to external systems, kept alive and used again, the latest first.

A name is resolved, every address it has is judged, and a judged address is dialled: what a name means cannot change
between the judgement and the dialling. One address that is not allowed refuses the name.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any

from callout.adapters.outbound.address import Allowed, Judgement, judge, judge_name
from callout.adapters.outbound.connection import Connection
from callout.adapters.outbound.tls import TlsContexts, tls_refusal
from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.http1.head import ResponseParser
from callout.core.ports import Destination

#: Seconds for resolving, dialling and the TLS handshake together.
CONNECT_SECONDS = 10.0
#: Seconds between two sweeps, and after how many an idle connection is closed.
SWEEP_SECONDS = 5.0
IDLE_SWEEPS = 12

_SocketAddress = tuple[socket.AddressFamily, tuple[Any, ...]]


class Outbound:
    """The pool of every destination. `trusted_ca_file` replaces the system's authorities where it is given."""

    def __init__(self, *, trusted_ca_file: str | None = None, connect_seconds: float = CONNECT_SECONDS) -> None:
        self._pools: dict[Destination, list[Connection]] = {}
        self._last_destination: Destination | None = None
        self._last_pool: list[Connection] = []
        self._connections: set[Connection] = set()
        self._parser = ResponseParser()
        self._connect_seconds = connect_seconds
        self._tls = TlsContexts(trusted_ca_file or None)
        self._sweep: asyncio.TimerHandle | None = None

    def idle(self, destination: Destination) -> Connection | None:
        """Take the connection that was used last, or None where none is idle."""
        if destination is not self._last_destination:
            self._last_destination = destination
            self._last_pool = self._pools.setdefault(destination, [])
        while self._last_pool:
            connection = self._last_pool.pop()
            if connection.is_open:
                return connection
        return None

    async def dial(self, destination: Destination) -> Connection:
        """Make a new connection.

        Raises `Refused`: `address_not_allowed`, `tls_verification_failed`, `certificate_not_accepted`,
        `external_system_unreachable`.
        """
        try:
            async with asyncio.timeout(self._connect_seconds):
                connection = await self._dial(destination, await self._resolve(destination))
        except TimeoutError:
            raise _unreachable(destination, f"no connection within {self._connect_seconds:g} seconds") from None
        if not connection.is_open:
            raise connection.failed or _unreachable(destination, "the connection was closed as soon as it was made")
        connection.pool = self._pools.setdefault(destination, [])
        self._connections.add(connection)
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._swept)
        return connection

    async def close(self) -> None:
        """End every connection."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for connection in tuple(self._connections):
            connection.abort()

    def _forget(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if connection in connection.pool:
            connection.pool.remove(connection)

    def _swept(self) -> None:
        running = asyncio.get_running_loop()
        self._sweep = running.call_later(SWEEP_SECONDS, self._swept) if self._connections else None
        used = {connection.destination for connection in self._connections}
        for destination, pool in tuple(self._pools.items()):
            for connection in tuple(pool):
                connection.idle_sweeps += 1
                if connection.idle_sweeps > IDLE_SWEEPS:
                    pool.remove(connection)
                    connection.abort()
            if destination not in used:
                del self._pools[destination]
                self._last_destination = None
        self._tls.keep({destination.client_certificate for destination in used})

    async def _resolve(self, destination: Destination) -> list[_SocketAddress]:
        _permit(destination, destination.host, judge_name(destination.host))
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(destination.host, destination.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise _unreachable(destination, f"the name could not be resolved: {error}") from None
        for *_, address in found:
            _permit(destination, str(address[0]), judge(str(address[0])))
        return [(family, address) for family, *_, address in found]

    async def _dial(self, destination: Destination, addresses: list[_SocketAddress]) -> Connection:
        failed: list[str] = []
        for family, address in addresses:
            try:
                return await self._dial_one(destination, family, address)
            except ssl.SSLError as error:
                raise tls_refusal(destination, error) from None
            except OSError as error:
                failed.append(f"{address[0]}: {error.strerror or error}")
        raise _unreachable(destination, "; ".join(failed) or "the name has no address")

    async def _dial_one(
        self, destination: Destination, family: socket.AddressFamily, address: tuple[Any, ...]
    ) -> Connection:
        loop = asyncio.get_running_loop()
        raw = socket.socket(family, socket.SOCK_STREAM)
        try:
            raw.setblocking(False)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(raw, address)
        except BaseException:
            raw.close()
            raise
        connection = Connection(destination, self._parser, self._forget)
        secure = destination.scheme == "https"
        await loop.create_connection(  # from here on the socket is the event loop's to close
            lambda: connection,
            sock=raw,
            ssl=self._tls.of(destination.client_certificate) if secure else None,
            server_hostname=destination.host.rstrip(".") if secure else None,
        )
        return connection


def _permit(destination: Destination, address: str, judgement: Judgement) -> None:
    """Raise `Refused(address_not_allowed)` unless the address may be dialled for this destination."""
    if judgement.allowed is Allowed.ALWAYS:
        return
    if judgement.allowed is Allowed.IF_PRIVATE_NETWORK_ALLOWED:
        if destination.allow_private_network:
            return
        remedy = "If that is meant, set allow_private_network: true on the named credential"
    else:
        remedy = "Point the URL to the external system itself; such an address is never allowed"
    where = destination.host if address == destination.host else f"{destination.host}, which is {address}"
    raise Refused("address_not_allowed", f"got {where}: {judgement.what}; expected a public address", Remedy(remedy))


def _unreachable(destination: Destination, why: str) -> Refused:
    return Refused("external_system_unreachable", f"{destination.host}:{destination.port}: {why}")
