"""Keeps a request's body in a spool while it passes: written beside the callout, read back when it is sent again.

What a file has not taken yet waits in memory, and when that is much, the caller waits too. A file that fails, or that
takes too long, costs the callout nothing but its replay.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine

from callout.core.errors import SpoolError
from callout.core.ports import Spool

#: Bytes that may wait for the file before the caller does.
MOST_WAITING = 256 * 1024
#: How long one write may take, in seconds, before the spool is given up.
SLOWEST = 5.0

log = logging.getLogger(__name__)


class Spooling:
    """One body on its way into a spool. `hold` and `release` stop the caller and let them go on.

    `flowing` is set while what is read back is taken.
    """

    __slots__ = (
        "_frames",
        "_frozen",
        "_held",
        "_hold",
        "_in_background",
        "_release",
        "_settled",
        "_size",
        "_spool",
        "_under_way",
        "_waiting",
        "flowing",
        "is_lost",
    )

    def __init__(
        self,
        spool: Spool,
        in_background: Callable[[Coroutine[None, None, None]], None],
        hold: Callable[[], None],
        release: Callable[[], None],
    ) -> None:
        self.is_lost = False
        self._spool = spool
        self._in_background = in_background
        self._hold, self._release = hold, release
        self._held = self._frozen = False
        self._waiting: list[bytes] = []
        self._size = 0  # of what waits
        self._under_way = b""
        self._frames = 0  # written for certain
        self._settled = asyncio.Event()
        self._settled.set()
        self.flowing = asyncio.Event()
        self.flowing.set()

    def add(self, piece: bytes) -> None:
        """Take more of the body."""
        if self.is_lost:
            return
        self._waiting.append(piece)
        self._size += len(piece)
        if self._settled.is_set():
            self._settled.clear()
            self._in_background(self._write())
        if self._size > MOST_WAITING and not self._held:
            self._held = True
            self._hold()

    def freeze(self) -> None:
        """The body is whole and will be sent again: what is not in the file yet stays in memory."""
        self._frozen = True

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Return the whole body, piece by piece. Raises `SpoolError`."""
        await self._settled.wait()
        for frame in range(self._frames):
            piece = await self._spool.read(frame)
            await self.flowing.wait()
            yield piece
        for piece in filter(None, (self._under_way, *self._waiting)):
            await self.flowing.wait()
            yield piece

    def drop(self) -> None:
        """Let go of the file and of what waits."""
        self.is_lost = True
        self._waiting.clear()
        self._under_way = b""
        self._let_caller_go_on()
        self.flowing.set()  # who waits to send it again finds that it is gone
        self._spool.close()

    async def _write(self) -> None:
        try:
            while self._waiting and not self._frozen:
                self._under_way = b"".join(self._waiting)
                self._waiting.clear()
                self._size = 0
                self._let_caller_go_on()
                async with asyncio.timeout(SLOWEST):
                    await self._spool.write(self._under_way)
                self._under_way = b""
                self._frames = self._spool.frames
        except (SpoolError, TimeoutError) as error:
            self._failed(error)
        finally:
            self._settled.set()

    def _failed(self, error: Exception) -> None:
        if self.is_lost or self._frozen:
            return
        because = str(error) or f"a write took more than {SLOWEST:g} seconds"
        log.warning("spool_lost: a request goes on without being kept for a replay: %s", because)
        self.drop()

    def _let_caller_go_on(self) -> None:
        if self._held:
            self._held = False
            self._release()
