"""The clock and the random bytes of the operating system: the only place that reads either."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime


class SystemClock:
    """The wall clock of this machine (port `Clock`)."""

    def now(self) -> datetime:
        """Return the present time, aware and in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back; the event loop's own scale."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return when so many seconds have passed."""
        await asyncio.sleep(seconds)


class SystemEntropy:
    """The operating system's random source, fit for keys and nonces (port `Entropy`)."""

    def bytes(self, count: int) -> bytes:
        """Return `count` random bytes; `ValueError` for a count below 1."""
        if count < 1:
            raise ValueError(f"got a count of {count} bytes; expected 1 or more")
        return os.urandom(count)
