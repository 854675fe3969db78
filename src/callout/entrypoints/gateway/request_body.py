"""The body of one request on its way: what waits for a connection, and what is kept for sending it again."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TYPE_CHECKING

from callout.core.errors import Refused, SpoolError
from callout.core.refresh.replay import Obstacle, Room
from callout.engine.evaluating import Written
from callout.entrypoints.gateway.answers import too_large
from callout.entrypoints.gateway.spooling import Spooling

if TYPE_CHECKING:
    from callout.entrypoints.gateway.caller import CallerConnection
    from callout.entrypoints.gateway.server import Gateway


class RequestBody:
    """The body of one request, of which `first` came with the head. `size` is how many bytes have come.

    `unsent` waits for a connection. `lost` says why what has come cannot be sent again, None where it can.
    """

    __slots__ = (
        "_caller",
        "_encode",
        "_gateway",
        "_kept",
        "_lost",
        "_room",
        "_spooling",
        "continued",
        "is_rewound",
        "size",
        "unsent",
    )

    def __init__(self, gateway: Gateway, caller: CallerConnection, first: bytes) -> None:
        self._gateway = gateway
        self._caller = caller
        self.size = len(first)
        self.unsent: Sequence[bytes] = (first,)
        self.continued = False
        self.is_rewound = False
        self._encode: Callable[[bytes], bytes] | None = None
        self._room = Room.NONE
        self._kept: list[bytes] = []
        self._spooling: Spooling | None = None
        self._lost: Obstacle | None = Obstacle.METHOD_NOT_DECLARED

    @property
    def lost(self) -> Obstacle | None:
        """Return why not all that has come can be sent again, or None."""
        if self._spooling is not None and self._spooling.is_lost:
            return Obstacle.SPOOL_LOST
        return self._lost

    def expect(self, length: int, room: Room) -> None:
        """Keep the body for sending it again, in this room; it has at least so many bytes. Raises `Refused`."""
        length, most = max(length, self.size), self._gateway.limits.request_limit
        if most is not None and length > most:
            raise too_large(str(length), most)
        self._room = room
        self._lost = self._obstacle(length)
        if self._lost is None:
            self._keep(b"".join(self.unsent))

    def take(self, piece: bytes) -> None:
        """Take more of the body. Raises `Refused` where it becomes too large."""
        self.size += len(piece)
        most = self._gateway.limits.request_limit
        if most is not None and self.size > most:
            raise too_large(f"more than {most}", most)
        if self._lost is not None:
            return
        self._lost = self._obstacle(self.size)
        if self._lost is None:
            self._keep(piece)
        else:
            self.drop()

    def wait(self, piece: bytes) -> None:
        """Let a piece wait for a connection."""
        self.unsent = (*self.unsent, piece)

    def take_unsent(self) -> Sequence[bytes]:
        """Return what waits for a connection, which is about to be written."""
        unsent, self.unsent = self.unsent, ()
        return unsent if self._encode is None else [self._encode(piece) for piece in unsent]

    def become(self, written: Written) -> None:
        """Send what is written in place of what came, which was taken whole; it is at hand for sending it again.

        Where nobody looked at it, it is sent in the encoding of this sending, from its beginning.
        """
        self._encode = written.encoding.begin() if written.encoding is not None else None
        if written.body is not None:
            self.unsent = (written.body,)
            self._kept = [written.body]
            self._lost = None

    def encoded(self, piece: bytes) -> bytes:
        """Return what is sent of a piece of the body."""
        return piece if self._encode is None else self._encode(piece)

    def rewind(self) -> None:
        """Let all that is kept wait for another connection: it is sent again; from `pieces` where a file keeps it."""
        self.unsent = tuple(self._kept)
        if self._spooling is not None:
            self._spooling.freeze()
            self.is_rewound = True

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Return the body that a file keeps, piece by piece, while the external system takes it. Raises `Refused`."""
        if self._spooling is None:
            return  # dropped before it began: the callout has ended
        try:
            async for piece in self._spooling.pieces():
                yield self.encoded(piece)
        except SpoolError as error:
            detail = f"the request's body could not be read back: {error}; expected to send it again"
            raise Refused("overloaded", detail) from error

    def block(self) -> None:
        """The external system takes no more for now."""
        if self._spooling is not None:
            self._spooling.flowing.clear()

    def unblock(self) -> None:
        """The external system takes more."""
        if self._spooling is not None:
            self._spooling.flowing.set()

    def drop(self) -> None:
        """Keep nothing any more: nothing is sent again."""
        self._lost = self._lost or Obstacle.SPOOL_LOST
        self._kept.clear()
        if self._spooling is not None:
            self._spooling.drop()
            self._spooling = None

    def _obstacle(self, size: int) -> Obstacle | None:
        """Return why a body of this size is not kept, or None."""
        limits = self._gateway.limits
        if self._room is Room.NONE:
            return Obstacle.METHOD_NOT_DECLARED
        if size <= limits.replay_limit:
            return None
        if self._room is Room.MEMORY:
            return Obstacle.LARGE_BODY_NOT_DECLARED
        filed = self._gateway.spools is not None and size <= limits.replay_file_limit
        return None if filed else Obstacle.BODY_TOO_LARGE

    def _keep(self, piece: bytes) -> None:
        gateway, caller = self._gateway, self._caller
        if self._spooling is None and self.size > gateway.limits.replay_limit:
            assert gateway.spools is not None
            self._spooling = Spooling(
                gateway.spools.open(), gateway.in_background, caller.hold_for_spool, caller.release_for_spool
            )
            for kept in self._kept:
                self._spooling.add(kept)
            self._kept.clear()
        if self._spooling is not None:
            self._spooling.add(piece)
        else:
            self._kept.append(piece)
