"""How a child process ends: by SIGTERM, because its supervisor is gone, or because what it lives on has ended."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

from callout.app.log import described, log

#: Exit code of a process that Callout itself let down; the command line's for blame `callout`.
FAILED = 5


async def until_told_to_stop(*vital: asyncio.Future[None]) -> int:
    """Wait for SIGTERM, SIGINT or the end of standard input, whose other end the supervisor holds; returns 0.

    Where one of `vital` ends first, which none does while all is well, it is logged why, and `FAILED` is returned: a
    process that goes on without it would decide on what is no longer true.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    ended = asyncio.ensure_future(reader.read())
    stopped = asyncio.ensure_future(stop.wait())
    awaited: set[asyncio.Future[Any]] = {ended, stopped, *vital}
    await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
    ended.cancel()
    stopped.cancel()
    transport.close()
    failed = next((each for each in vital if each.done()), None)
    if failed is None:
        return 0
    error = asyncio.CancelledError() if failed.cancelled() else failed.exception()
    log("failed", because=described(error) if error is not None else "what this process lives on has ended")
    return FAILED
