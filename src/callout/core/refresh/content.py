"""What a refresh rule may look into: media types, and the beginning of a body as it was before it was encoded."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

#: How many bytes of a body are looked into, before and after decoding.
MOST_JUDGED = 64 * 1024

#: Media types that carry one message after the other for as long as they like: never held back.
STREAMS = frozenset(
    {
        "text/event-stream",
        "application/octet-stream",
        "application/x-ndjson",
        "application/ndjson",
        "application/stream+json",
        "application/json-seq",
        "application/grpc",
    }
)
_HEADER = 2  # bytes of RFC 1950 before the compressed ones
_STREAM_FAMILIES = ("multipart/", "audio/", "video/", "image/")


class Decoder(Protocol):
    """Undoes a content coding (RFC 9110 section 8.4.1), piece by piece."""

    def feed(self, encoded: bytes) -> bytes | None:
        """Return what these bytes stand for, `MOST_JUDGED` bytes in all at most; None where they are malformed."""


class _Identity:
    """Nothing was done to the body."""

    def feed(self, encoded: bytes) -> bytes | None:
        """Return it as it is."""
        return encoded


class _Inflate:
    """`gzip` (RFC 1952) or `deflate` (RFC 1950; the bare RFC 1951 that some systems send is taken as well)."""

    def __init__(self, bits: int) -> None:
        self._zlib = zlib.decompressobj(bits)
        self._left = MOST_JUDGED
        self._start = b"" if bits == zlib.MAX_WBITS else None  # until RFC 1950's two bytes are there

    def feed(self, encoded: bytes) -> bytes | None:
        """Return what these bytes stand for, within bounds: a small body cannot grow without end."""
        if not self._left or self._zlib.eof:
            return b""
        if self._start is not None:
            encoded = self._start + encoded
            if len(encoded) < _HEADER:
                self._start = encoded
                return b""
            self._start = None
            if encoded[0] & 15 != zlib.DEFLATED or int.from_bytes(encoded[:_HEADER], "big") % 31:
                self._zlib = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            plain = self._zlib.decompress(encoded, self._left)
        except zlib.error:
            return None
        self._left -= len(plain)
        return plain


_CODINGS: Mapping[str, Callable[[], Decoder]] = {
    "identity": _Identity,
    "gzip": lambda: _Inflate(16 + zlib.MAX_WBITS),
    "x-gzip": lambda: _Inflate(16 + zlib.MAX_WBITS),
    "deflate": lambda: _Inflate(zlib.MAX_WBITS),
}


def decoder_of(content_encoding: str) -> Decoder | None:
    """Return the decoder of a Content-Encoding; None for one that cannot be undone here (br, zstd, several)."""
    made = _CODINGS.get(content_encoding.strip().lower() or "identity")
    return made() if made is not None else None


def media_type_of(content_type: str) -> str:
    """Return the media type without its parameters, in lower case (RFC 9110 section 8.3.1)."""
    return content_type.partition(";")[0].strip().lower()


def is_stream(media_type: str) -> bool:
    """Say whether a body of this type may go on for as long as it likes."""
    return media_type in STREAMS or media_type.startswith(_STREAM_FAMILIES)


def is_json(media_type: str) -> bool:
    """Say whether a body of this type is JSON (RFC 8259, RFC 6839)."""
    return media_type in ("application/json", "text/json") or media_type.endswith("+json")


def is_xml(media_type: str) -> bool:
    """Say whether a body of this type is XML (RFC 7303)."""
    return media_type in ("application/xml", "text/xml") or media_type.endswith("+xml")


def is_text(media_type: str) -> bool:
    """Say whether a body of this type is text."""
    plain = media_type.startswith("text/") or media_type == "application/x-www-form-urlencoded"
    return plain or is_json(media_type) or is_xml(media_type)


def value_in(lines: Iterable[bytes], name: bytes) -> str:
    """Return the value of the first header line of this lower-case name; empty where there is none."""
    for line in lines:
        at = line.find(b":")
        if at == len(name) and line[:at].lower() == name:
            return line[at + 1 :].strip(b" \t").decode("latin-1")
    return ""
