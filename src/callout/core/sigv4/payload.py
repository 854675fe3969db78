"""Bodies that an AWS SDK framed for a signature of its own: `Content-Encoding: aws-chunked` (Amazon S3).

Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Transferring Payload in Multiple
Chunks" and "… with trailing headers". Such a body is taken out of its chunks before it is signed anew; the checksums
that followed it become headers, as S3 takes them, too.
"""

from __future__ import annotations

import re

from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.sigv4.streaming import encoded_length

_ENCODING = b"content-encoding"
_CHUNKED = b"aws-chunked"
_TRAILER = b"x-amz-trailer"
_LENGTH = b"x-amz-decoded-content-length"
_CHECKSUM = b"x-amz-checksum-"
_OWN = frozenset({_ENCODING, _TRAILER, _LENGTH})
_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;[\x20-\x7e]*)?")
_TRAILER_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\x21-\x7e]*)[ \t]*")
_LONGEST_LINE = 1024

Lines = tuple[bytes, ...]


def is_chunked(lines: Lines) -> bool:
    """Say whether header lines speak of a body in the chunks of an AWS SDK."""
    return any(_CHUNKED in _codings(line) for line in lines if _name(line) == _ENCODING)


def names_trailer(lines: Lines) -> bool:
    """Say whether header lines announce checksums behind the body."""
    return any(_name(line) == _TRAILER for line in lines)


def unchunked(lines: Lines, body: bytes) -> tuple[Lines, bytes]:
    """Return lines and body without the chunks of an SDK. Raises `Refused(malformed_request)`."""
    content, trailer = _content(body)
    said = next((_value(line) for line in lines if _name(line) == _LENGTH), None)
    if said is not None and said != b"%d" % len(content):
        length = said[:20].decode("latin-1")
        raise _malformed(f"{len(content)} bytes in chunks", f"the {length} of X-Amz-Decoded-Content-Length")
    kept = (line for line in lines if _name(line) not in _OWN)
    codings = [c for line in lines if _name(line) == _ENCODING for c in _codings(line) if c != _CHUNKED]
    others = (b"Content-Encoding: " + b", ".join(codings),) if codings else ()
    return (*kept, *others, *trailer), content


def announced(lines: Lines) -> Lines:
    """Return lines for a body that is signed chunk by chunk; without any word of chunks where there is none.

    Raises `Refused(malformed_request)` for one whose length is not said beforehand.
    """
    if any(_name(line) == b"transfer-encoding" for line in lines):
        detail = "got a body without Content-Length; expected its length, which is signed before the body"
        raise Refused("malformed_request", detail, Remedy("Send the length of the body beforehand"))
    length = next((int(_value(line)) for line in lines if _name(line) == b"content-length"), 0)
    if not length:
        return tuple(line for line in lines if _name(line) != _LENGTH)
    kept = (line for line in lines if _name(line) not in _OWN | {b"content-length"})
    codings = b", ".join([_CHUNKED, *(c for line in lines if _name(line) == _ENCODING for c in _codings(line))])
    return (
        *kept,
        b"Content-Encoding: " + codings,
        b"X-Amz-Decoded-Content-Length: %d" % length,
        b"Content-Length: %d" % encoded_length(length),
    )


def decoded_length(lines: Lines) -> int:
    """Return what lines say of the length of a body before it was put into chunks; 0 where they say nothing."""
    return next((int(_value(line)) for line in lines if _name(line) == _LENGTH and _value(line).isdigit()), 0)


def _content(body: bytes) -> tuple[bytes, list[bytes]]:
    """Return what is in the chunks, and the lines of the checksums after them."""
    pieces: list[bytes] = []
    position = 0
    while True:
        end = body.find(b"\r\n", position, position + _LONGEST_LINE)
        found = _SIZE_LINE.fullmatch(body, position, end) if end >= 0 else None
        if found is None:
            raise _malformed("no chunk size", f"one at byte {position} of the body")
        size, position = int(found[1], 16), end + 2
        if size == 0:
            break
        pieces.append(body[position : position + size])
        position += size
        if body[position : position + 2] != b"\r\n":
            raise _malformed("a chunk cut short or too long", f"CRLF at byte {position} of the body")
        position += 2
    return b"".join(pieces), _checksums(body[position:])


def _checksums(end: bytes) -> list[bytes]:
    """Return the lines with checksums; a signature of theirs is the SDK's own, and goes."""
    kept = []
    for line in filter(None, re.split(rb"\r?\n", end)):
        found = _TRAILER_LINE.fullmatch(line)
        if found is None:
            raise _malformed("bytes after the last chunk", "checksums, one in a line")
        if found[1].lower().startswith(_CHECKSUM):
            kept.append(found[1] + b": " + found[2])
    return kept


def _malformed(got: str, expected: str) -> Refused:
    remedy = Remedy("Correct the body, or have the SDK send it without chunks of its own")
    return Refused("malformed_request", f"Content-Encoding is aws-chunked: got {got}; expected {expected}", remedy)


def _name(line: bytes) -> bytes:
    return line.partition(b":")[0].lower()


def _value(line: bytes) -> bytes:
    return line.partition(b":")[2].strip(b" \t")


def _codings(line: bytes) -> list[bytes]:
    return [coding.strip(b" \t").lower() for coding in _value(line).split(b",")]
