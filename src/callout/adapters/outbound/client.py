"""Side calls (token requests): one request, one whole answer, over the same guarded connections.

Redirects are never followed: a credential does not leave for an address that an answer names. A pooled connection
is used only for requests that are safe to send twice, so that a stale one never loses a token request.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from callout.adapters.outbound.connection import Connection
from callout.adapters.outbound.pool import Outbound
from callout.core.access.target import origin_of
from callout.core.errors import Refused
from callout.core.http1.body import ChunkedBody
from callout.core.http1.head import ResponseHead
from callout.core.message import HttpRequest, HttpResponse, target_of
from callout.core.ports import Destination
from callout.core.secret import reveal

#: Largest answer that is read, in bytes.
LARGEST_ANSWER = 1024 * 1024
_SAFE = frozenset({"GET", "HEAD"})
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class OutboundTransport:
    """Implements `core.ports.Transport`."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound

    async def send(self, request: HttpRequest, *, allow_private_network: bool, timeout_seconds: float) -> HttpResponse:
        """Send a request and read the whole answer.

        Raises `Refused`: `address_not_allowed`, `tls_verification_failed`, `certificate_not_accepted`,
        `external_system_unreachable`, `timed_out`, `malformed_request` (a header that cannot be written). `unsent` is true where it never left.
        """
        origin = origin_of(request.url)
        destination = Destination(
            origin.scheme, origin.host, origin.port, allow_private_network, request.client_certificate
        )
        raw = _written(request, origin.authority)
        progress = _Progress()
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._exchange(destination, raw, request.method, progress)
        except TimeoutError:
            late = f"{origin.authority}: got no whole answer; expected one within {timeout_seconds:g} seconds"
            raise Refused("timed_out", late, unsent=not progress.sent) from None
        except Refused as refused:
            refused.unsent = not progress.sent
            raise

    async def _exchange(self, destination: Destination, raw: bytes, method: str, progress: _Progress) -> HttpResponse:
        if method in _SAFE:
            connection = self._outbound.idle(destination)
            if connection is not None:
                progress.sent = True
                try:
                    return await self._answer(connection, raw, method)
                except _Stale:
                    pass
        try:
            connection = await self._outbound.dial(destination)
            progress.sent = True
            return await self._answer(connection, raw, method)
        except _Stale as stale:
            raise stale.refused from None

    async def _answer(self, connection: Connection, raw: bytes, method: str) -> HttpResponse:
        collector = _Collector()
        connection.send(collector, raw, head_only=method == "HEAD")
        try:
            answer = await collector.answer
        except BaseException:
            connection.abort()
            raise
        connection.give_back(request_ended=True)
        return answer


@dataclass(slots=True)
class _Progress:
    """How far a request has come: whether anything of it may have left."""

    sent: bool = False


class _Stale(Exception):
    """The connection ended before a byte of the answer came."""

    def __init__(self, refused: Refused) -> None:
        super().__init__()
        self.refused = refused


class _Collector:
    """Receives an answer whole."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[HttpResponse] = asyncio.get_running_loop().create_future()
        self._head: ResponseHead | None = None
        self._chunks: ChunkedBody | None = None
        self._parts: list[bytes] = []
        self._size = 0

    def answer_began(self, head: ResponseHead, body: bytes, ended: bool) -> None:
        """Keep the head."""
        self._head = head
        if head.chunked and (body or not ended):
            self._chunks = ChunkedBody(self._parts)
        self.answer_went_on(body, ended)

    def answer_went_on(self, body: bytes, ended: bool) -> None:
        """Keep the body, without its framing."""
        self._size += len(body)
        if self._size > LARGEST_ANSWER:
            detail = f"got an answer of more than {LARGEST_ANSWER} bytes; expected a short one"
            self._fail(Refused("external_system_unreachable", detail))
        elif self._chunks is not None:
            self._chunks.feed(body)
        else:
            self._parts.append(body)
        if ended and self._head is not None and not self.answer.done():
            headers = tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in self._head.headers())
            reason = self._head.start[13:].decode("latin-1")
            self.answer.set_result(HttpResponse(self._head.status, reason, headers, b"".join(self._parts)))

    def answer_failed(self, refused: Refused, *, untouched: bool) -> None:
        """Pass the failure on."""
        self._fail(_Stale(refused) if untouched else refused)

    def outbound_blocked(self) -> None:
        """Nothing to do: the request was written whole."""

    def outbound_unblocked(self) -> None:
        """Nothing to do: the request was written whole."""

    def _fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


def _written(request: HttpRequest, authority: str) -> bytes:
    """Return the request as it goes over the wire."""
    target = target_of(request).decode("latin-1")
    body = request.body if isinstance(request.body, bytes) else reveal(request.body or "").encode()
    lines = [f"{request.method} {target} HTTP/1.1", f"Host: {authority}"]
    names = {name.lower() for name, _ in request.headers}
    lines += [f"{name}: {_value(name, reveal(text))}" for name, text in request.headers]
    if "user-agent" not in names:
        lines.append("User-Agent: callout")
    if "accept-encoding" not in names:
        lines.append("Accept-Encoding: identity")
    if body or request.method not in _SAFE:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join((*lines, "", "")).encode("latin-1") + body


def _value(name: str, value: str) -> str:
    if _TOKEN.fullmatch(name) is None or _VALUE.fullmatch(value) is None:
        raise Refused(
            "malformed_request",
            f"got header {name!r} with characters that cannot be sent; expected no line breaks or control characters",
            unsent=True,
        )
    return value
