"""A gateway that speaks the contract in raw bytes: it records each request as it came, and answers what it was told."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from dataclasses import dataclass
from typing import Self

Part = bytes | threading.Event


@dataclass(frozen=True)
class Received:
    """One request, byte for byte."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        values = [v for n, v in self.headers if n.lower() == name.lower()]
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None


def answer(status_line: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status_line}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def refusal(reason: str, blame: str = "admin", status: int = 403, **members: object) -> bytes:
    """An answer that Callout itself makes (design 2.1)."""
    problem = {
        "type": f"urn:callout:reason:{reason}",
        "title": "A title",
        "status": status,
        "detail": "got this; expected that",
        "instance": "urn:callout:callout:c-1",
        "reason": reason,
        "blame": blame,
        "remedy": ["Do this"],
        "remedy_commands": ["callout do this"],
        "callout_id": "c-1",
    }
    return answer(
        f"{status} Refused",
        "Callout-Id: c-1",
        f"Callout-Error: {reason}",
        "Content-Type: application/problem+json",
        body=json.dumps({**problem, **members}).encode(),
    )


class RawGateway:
    """Runs in a thread of its own, so that blocking and asynchronous clients can be tried alike."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self._answers: deque[tuple[Part, ...]] = deque()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def last(self) -> Received:
        return self.received[-1]

    def will_answer(self, *parts: Part) -> None:
        """Queue one answer. An event between parts holds back what follows until it is set."""
        self._answers.append(parts)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop
        ).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        mine = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not mine]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self.received.append(await self._read(reader))
                parts = self._answers.popleft() if self._answers else (answer("200 OK", "Callout-Id: c-0"),)
                for part in parts:
                    if isinstance(part, threading.Event):
                        assert await asyncio.to_thread(part.wait, 10)
                        continue
                    writer.write(part)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionResetError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Received:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request_line, *lines = head.rstrip("\r\n").split("\r\n")
        method, target, _ = request_line.split(" ")
        headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
        length = next((int(v) for n, v in headers if n.lower() == "content-length"), 0)
        return Received(method, target, headers, await reader.readexactly(length))
