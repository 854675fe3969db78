"""The body of one request on its way: what waits for a connection, and what is kept for sending it again."""

from __future__ import annotations

from collections.abc import Sequence


class RequestBody:
    """The body of one request, of which `first` came with the head. `size` is how many bytes have come.

    `unsent` waits for a connection. Up to `limit` bytes are kept whole for sending the request again.
    """

    __slots__ = ("_kept", "_limit", "continued", "size", "unsent")

    def __init__(self, first: bytes, *, expected: int, limit: int) -> None:
        self.size = len(first)
        self.unsent: Sequence[bytes] = (first,)
        self.continued = False
        self._limit = limit
        self._kept: list[bytes] | None = [first] if max(expected, self.size) <= limit else None

    @property
    def is_kept(self) -> bool:
        """True while all that has come can be sent again."""
        return self._kept is not None

    def keep(self, piece: bytes) -> None:
        """Take more of the body, and keep it where there is room."""
        self.size += len(piece)
        if self._kept is not None:
            if self.size <= self._limit:
                self._kept.append(piece)
            else:
                self._kept = None

    def wait(self, piece: bytes) -> None:
        """Let a piece wait for a connection."""
        self.unsent = (*self.unsent, piece)

    def take_unsent(self) -> Sequence[bytes]:
        """Return what waits for a connection, which is about to be written."""
        unsent, self.unsent = self.unsent, ()
        return unsent

    def rewind(self) -> None:
        """Let all that is kept wait for another connection: it is sent again."""
        self.unsent = self._kept or ()
