"""What the gateway needs of the way out. `app` hands it over: entrypoints never import an adapter."""

from __future__ import annotations

from typing import Any, Protocol

from callout.core.ports import Destination


class Connection(Protocol):
    """A connection to an external system, for one exchange at a time. `reused`: it has served another before."""

    reused: bool

    def send(self, receiver: Any, request: bytes, *, head_only: bool) -> None:
        """Send a request's head and the first of its body; the answer goes to the receiver."""

    def write(self, body: bytes) -> None:
        """Send more of the request's body."""

    def give_back(self, *, request_ended: bool) -> None:
        """Go back to the pool for the next request, or end where that cannot be."""

    def abort(self) -> None:
        """End it at once; the receiver hears nothing more."""

    def pause_reading(self) -> None:
        """Read no more for now."""

    def resume_reading(self) -> None:
        """Read again."""


class Outbound(Protocol):
    """The pool of connections."""

    def idle(self, destination: Destination) -> Connection | None:
        """Take an idle connection, or None."""

    async def dial(self, destination: Destination) -> Connection:
        """Make a connection; raises `Refused`."""
