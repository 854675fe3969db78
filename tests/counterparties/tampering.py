"""A proxy on loopback that changes requests on their way: what a signature is to notice.

It reads each request whole, lets `change` have it, and passes it on; answers are passed back as they come. It listens
twice: `port` for plain HTTP, `tls_port` for TLS where it has a certificate. It runs in a thread of its own, so that
tests may block.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

Result = TypeVar("Result")
#: Is given head (with the empty line that ends it) and body; what it returns is sent on.
Change = Callable[[bytes, bytes], tuple[bytes, bytes]]

_PIECE = 65536
_PATIENCE = 30.0


def unchanged(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    """Change nothing."""
    return head, body


class Tampering:
    """Carries requests to a port. `seen` are those that came, before they were changed."""

    def __init__(self, upstream: int, tls: ssl.SSLContext | None = None) -> None:
        self.change: Change = unchanged
        self.seen: list[tuple[bytes, bytes]] = []
        self._upstream = upstream
        self._tls = tls

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        contexts = [None, *([self._tls] if self._tls is not None else [])]
        self._servers = [self._await(asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=c)) for c in contexts]
        self.port, self.tls_port = (each.sockets[0].getsockname()[1] for each in (self._servers * 2)[:2])
        return self

    def __exit__(self, *_: object) -> None:
        self._await(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _await(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_PATIENCE)

    async def _stop(self) -> None:
        for server in self._servers:
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream: asyncio.StreamWriter | None = None
        try:
            answers, upstream = await asyncio.open_connection("127.0.0.1", self._upstream)
            back = asyncio.ensure_future(_copy(answers, writer))
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await _body(head, reader)
                self.seen.append((head, body))
                upstream.writelines(self.change(head, body))
                await upstream.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # one side has gone
        finally:
            if upstream is not None:
                upstream.close()
                back.cancel()
            writer.close()


async def _body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    """Read the body that follows a head, with its framing."""
    fields = {n.lower(): v.strip() for n, _, v in (line.partition(b":") for line in head.split(b"\r\n")[1:])}
    if b"content-length" in fields:
        return await reader.readexactly(int(fields[b"content-length"]))
    body = b""
    if fields.get(b"transfer-encoding") == b"chunked":
        while not body.endswith(b"\r\n0\r\n") and body != b"0\r\n":
            size = await reader.readline()
            body += size + (await reader.readexactly(int(size, 16) + 2) if int(size, 16) else b"")
        body += await reader.readuntil(b"\r\n")
    return body


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass  # one side has gone
    finally:
        writer.close()
