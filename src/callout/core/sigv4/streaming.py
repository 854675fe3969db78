"""A body that is signed while it passes: in chunks, each with a signature that follows from the one before.

Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Transferring Payload in Multiple
Chunks (Chunked Upload)". The first signature is that of the request's head; a chunk of no bytes ends the body.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from callout.core.secret import Secret, reveal
from callout.core.sigv4.signing import CredentialScope, payload_hash_of, signing_key, timestamp

#: Stands for the hash of a body that is signed so.
STREAMING = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
#: Bytes in each chunk but the last; S3 wants at least 8 KiB.
CHUNK = 64 * 1024

_ALGORITHM = "AWS4-HMAC-SHA256-PAYLOAD"
_BEFORE_SIGNATURE = b";chunk-signature="
_DIGITS = 64
_BREAKS = 4


@dataclass(frozen=True, slots=True)
class ChunkSigning:
    """Signs one body of `decoded_length` bytes, above 0. Implements `core.message.BodyEncoding`."""

    decoded_length: int
    secret_access_key: Secret = field(repr=False, hash=False)
    scope: CredentialScope
    now: datetime
    seed: Secret = field(repr=False, hash=False)

    @property
    def length(self) -> int:
        """How many bytes are sent."""
        return encoded_length(self.decoded_length)

    def begin(self) -> Callable[[bytes], bytes]:
        """Return what takes the body piece by piece, from its beginning, and returns what is sent of it."""
        return _Chunks(self).take


class _Chunks:
    """One passage of a body."""

    def __init__(self, signing: ChunkSigning) -> None:
        self._left = signing.decoded_length
        self._waiting = bytearray()
        self._key = signing_key(signing.secret_access_key, signing.scope, signing.now)
        self._start = "\n".join((_ALGORITHM, timestamp(signing.now), signing.scope.on(signing.now)))
        self._previous = reveal(signing.seed)

    def take(self, piece: bytes) -> bytes:
        """Return the chunks that have become whole with this piece; the last ones with the end of the body."""
        self._waiting += piece
        self._left -= len(piece)
        done: list[bytes] = []
        while len(self._waiting) >= CHUNK:
            done.append(self._chunk(bytes(self._waiting[:CHUNK])))
            del self._waiting[:CHUNK]
        if piece and self._left == 0:
            rest = (self._chunk(bytes(self._waiting)),) if self._waiting else ()
            done += (*rest, self._chunk(b""))
        return b"".join(done)

    def _chunk(self, content: bytes) -> bytes:
        text = "\n".join((self._start, self._previous, payload_hash_of(None), hashlib.sha256(content).hexdigest()))
        self._previous = hmac.digest(self._key, text.encode(), "sha256").hex()
        return b"%x%b%b\r\n%b\r\n" % (len(content), _BEFORE_SIGNATURE, self._previous.encode(), content)


def encoded_length(length: int) -> int:
    """Return how many bytes a body of so many bytes takes in signed chunks."""
    whole, rest = divmod(length, CHUNK)
    return whole * _chunk_length(CHUNK) + (_chunk_length(rest) if rest else 0) + _chunk_length(0)


def _chunk_length(size: int) -> int:
    return len(b"%x" % size) + len(_BEFORE_SIGNATURE) + _DIGITS + size + _BREAKS
