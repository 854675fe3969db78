"""Follows a body to its end and touches nothing: the bytes that were read are the bytes that are written on.

`feed(data)` returns how many bytes of `data` belong to the body; `ended` says whether it is whole. A follower never
holds body bytes, except an unfinished chunk-size or trailer line.
"""

from __future__ import annotations

import re
from typing import Protocol

#: Longest chunk-size line, and most bytes of trailer lines.
LONGEST_SIZE_LINE = 1024
LARGEST_TRAILER = 8 * 1024

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")
_TRAILER_LINE = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n")

_SIZE, _CHUNK, _CHUNK_END, _TRAILER = range(4)


class MalformedBody(ValueError):
    """A chunked body whose framing is not accepted. The text says what came and what was expected."""


class Body(Protocol):
    """What every follower offers."""

    ended: bool

    def feed(self, data: bytes) -> int:
        """Take the next bytes; returns how many belong to the body. Raises `MalformedBody`."""


class LengthBody:
    """A body of known length (RFC 9112 section 6.2)."""

    __slots__ = ("ended", "left")

    def __init__(self, length: int) -> None:
        self.left = length
        self.ended = length == 0

    def feed(self, data: bytes) -> int:
        """Take the next bytes; returns how many belong to the body."""
        size = len(data)
        if size < self.left:
            self.left -= size
            return size
        used, self.left, self.ended = self.left, 0, True
        return used


class UntilCloseBody:
    """A body that ends with its connection (RFC 9112 section 6.3, item 8). Whoever owns the connection ends it."""

    __slots__ = ("ended",)

    def __init__(self) -> None:
        self.ended = False

    def feed(self, data: bytes) -> int:
        """Take the next bytes, all of which belong to the body."""
        return len(data)


class ChunkedBody:
    """A chunked body (RFC 9112 section 7.1). With `content` a list, the unframed bytes are added to it."""

    __slots__ = ("_left", "_line", "_state", "_trailer", "content", "ended")

    def __init__(self, content: list[bytes] | None = None) -> None:
        self.ended = False
        self.content = content
        self._state = _SIZE
        self._left = 0
        self._line = b""
        self._trailer = 0

    def feed(self, data: bytes) -> int:
        """Take the next bytes; returns how many belong to the body. Raises `MalformedBody`."""
        position, size = 0, len(data)
        while position < size and not self.ended:
            step = self._chunk if self._state == _CHUNK else self._next_line
            position = step(data, position)
        return position

    def _chunk(self, data: bytes, position: int) -> int:
        end = min(len(data), position + self._left)
        if self.content is not None:
            self.content.append(data[position:end])
        self._left -= end - position
        if self._left == 0:
            self._state = _CHUNK_END
        return end

    def _next_line(self, data: bytes, position: int) -> int:
        found = data.find(b"\n", position)
        end = found + 1 if found >= 0 else len(data)
        line = self._line + data[position:end]
        if len(line) > (LARGEST_TRAILER if self._state == _TRAILER else LONGEST_SIZE_LINE):
            raise MalformedBody(
                f"got a line of more than {len(line) - 1} bytes in chunked framing; expected a short one"
            )
        if found < 0:
            self._line = line
            return end
        self._line = b""
        if self._state == _SIZE:
            self._size(line)
        elif self._state == _CHUNK_END:
            if line != b"\r\n":
                raise MalformedBody("got other bytes after a chunk; expected CRLF")
            self._state = _SIZE
        else:
            self._trailer_line(line)
        return end

    def _size(self, line: bytes) -> None:
        found = _SIZE_LINE.fullmatch(line)
        if found is None:
            raise MalformedBody(f"got chunk size {line[:40]!r}; expected hexadecimal digits and CRLF")
        self._left = int(found[1], 16)
        self._state = _CHUNK if self._left else _TRAILER

    def _trailer_line(self, line: bytes) -> None:
        self._trailer += len(line)
        if line == b"\r\n":
            self.ended = True
        elif _TRAILER_LINE.fullmatch(line) is None or self._trailer > LARGEST_TRAILER:
            raise MalformedBody(
                f"got trailer line {line[:40]!r}; expected a field line, {LARGEST_TRAILER} bytes in all"
            )
