"""How a child process learns that it is to stop: by SIGTERM, or because its supervisor is gone."""

from __future__ import annotations

import asyncio
import signal
import sys


async def until_told_to_stop() -> None:
    """Return on SIGTERM or SIGINT, or when standard input ends: the supervisor holds its other end."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    ended = asyncio.ensure_future(reader.read())
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
    ended.cancel()
    stopped.cancel()
    transport.close()
