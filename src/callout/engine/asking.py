"""Plays out what a protocol asks of an authorization server besides a token: revocation, introspection (RFC 7009, 7662)."""

from __future__ import annotations

from callout.core.message import HttpResponse
from callout.core.ports import Transport
from callout.core.protocol import Asking


async def ask(
    asking: Asking, transport: Transport, *, allow_private_network: bool, timeout_seconds: float
) -> tuple[HttpResponse | None, str]:
    """Send each request in turn, for so many seconds each. Raises `Refused`.

    Returns the last answer, and whom it is from; None where nobody is there to be asked.
    """
    answer: HttpResponse | None = None
    url = ""
    try:
        while True:
            request = next(asking) if answer is None else asking.send(answer)
            url = request.url
            answer = await transport.send(
                request, allow_private_network=allow_private_network, timeout_seconds=timeout_seconds
            )
    except StopIteration as stop:
        last: HttpResponse | None = stop.value
        return last, url
