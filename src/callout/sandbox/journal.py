"""What was received: the last requests, and how many there were of each kind. Bounded; holds no credential.

Requests are written down when their head has come, so that one that is never answered is there too; body and
status are added when they are known.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, deque
from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import Any

from callout.sandbox.redaction import Redaction
from callout.sandbox.wire import Exchange

#: Requests kept.
KEPT = 200
#: Largest body kept as text, in bytes; of a larger one only length and hash are kept.
LARGEST_TEXT = 8 * 1024


@dataclass(slots=True)
class Received:
    """One request as received, its credentials replaced, and the status it was answered with (None: not yet).

    `refresh_token` says of a refresh which token was spent, by its number and family, and whether that was reuse.
    """

    number: int
    kind: str
    method: str
    target: str
    http_version: str
    headers: tuple[tuple[str, str], ...]
    body_length: int = 0
    body_sha256: str | None = None
    body_text: str | None = None
    authenticated: dict[str, Any] | None = None
    refresh_token: dict[str, Any] | None = None
    status: int | None = None

    def members(self) -> dict[str, Any]:
        """Return the JSON members that the control API lists."""
        return {**self.echo(), "kind": self.kind, "status": self.status, "refresh_token": self.refresh_token}

    def echo(self) -> dict[str, Any]:
        """Return the JSON members that the external system answers with."""
        path, _, query = self.target.partition("?")
        return {
            "number": self.number,
            "method": self.method,
            "target": self.target,
            "path": path,
            "query": query,
            "http_version": self.http_version,
            "headers": [list(pair) for pair in self.headers],
            "body_length": self.body_length,
            "body_sha256": self.body_sha256,
            "body_text": self.body_text,
            "authenticated": self.authenticated,
        }


class Journal:
    """The last `KEPT` requests and the counts since the last reset.

    Kinds of requests: callout, token, introspection, revocation, metadata, other.
    """

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self._received: deque[Received] = deque(maxlen=KEPT)
        self._arrived = asyncio.Condition()
        self._number = 0
        self.counts: Counter[str] = Counter()
        self.answers: dict[str, Counter[int]] = {}

    async def note(self, kind: str, exchange: Exchange) -> Received:
        """Write down a request whose head has come."""
        head = exchange.head
        self._number += 1
        received = Received(
            number=self._number,
            kind=kind,
            method=head.method,
            target=self._redaction.target(head.target),
            http_version=head.http_version,
            headers=self._redaction.headers(head.headers),
        )
        self._received.append(received)
        await self.count(kind)
        return received

    async def count(self, kind: str) -> None:
        """Count one more of a kind: a request, or an answer that has come half-way (`half`)."""
        self.counts[kind] += 1
        async with self._arrived:
            self._arrived.notify_all()

    async def read_body(self, received: Received, pieces: AsyncIterable[bytes]) -> None:
        """Read a body to its end, whatever its size; hash it on the way and keep it where it is small text."""
        digest = hashlib.sha256()
        kept = bytearray()
        async for piece in pieces:
            digest.update(piece)
            received.body_length += len(piece)
            if len(kept) <= LARGEST_TEXT:
                kept += piece
        received.body_sha256 = digest.hexdigest()
        received.body_text = self._text(bytes(kept)) if received.body_length <= LARGEST_TEXT else None

    def note_body(self, received: Received, body: bytes) -> None:
        """Write down a body that was read already."""
        received.body_length = len(body)
        received.body_sha256 = hashlib.sha256(body).hexdigest()
        received.body_text = self._text(body) if len(body) <= LARGEST_TEXT else None

    def note_answer(self, received: Received, status: int | None) -> None:
        """Write down what was answered; None where the connection was cut instead."""
        received.status = status
        if status is not None:
            self.answers.setdefault(received.kind, Counter())[status] += 1

    def last(self, count: int = KEPT, kind: str | None = None) -> tuple[Received, ...]:
        """Return the newest `count` requests (of one kind), oldest first."""
        chosen = [r for r in self._received if kind is None or r.kind == kind]
        return tuple(chosen[-count:] if count > 0 else ())

    async def arrived(self, kind: str, count: int) -> None:
        """Wait until `count` requests of a kind have come since the last reset."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: self.counts[kind] >= count)

    def clear(self) -> None:
        """Forget the requests and begin to count at zero."""
        self._received.clear()
        self.counts.clear()
        self.answers.clear()

    def _text(self, body: bytes) -> str | None:
        try:
            return self._redaction.text(body.decode())
        except UnicodeDecodeError:
            return None
