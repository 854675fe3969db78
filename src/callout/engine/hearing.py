"""What an external system says that the next request has to repeat: the nonce of a proof (RFC 9449 sections 8 and 9).

It is kept for each origin beside the token, in memory alone: who has lost it is told it anew.
"""

from __future__ import annotations

from collections.abc import Sequence

from callout.engine.routes import Route


def hear(route: Route, status: int, headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Keep what an answer says; say whether its request is to be sent again with that, and nothing else is wrong."""
    protocol, slot = route.slot.protocol, route.slot
    told: dict[str, str] = {}
    for name, value in headers:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        told[key] = f"{told[key]}, {text}" if key in told else text
    said = protocol.heard(status, told)
    if said is not None:
        slot.heard[route.destination] = said
    return protocol.challenged(status, told)
