"""Parses the heads of requests and answers, strictly; bodies never come here (RFC 9112 sections 2 to 6).

Field lines are judged by llhttp (httptools), start lines here. Every head is shown to llhttp as one that no body
follows, so that a parser serves one head after another and is made anew only after an error or a `close`.
What is read in two ways by others is refused: bare LF, obs-fold, two framings, two hosts, white space before a colon.
"""

from __future__ import annotations

import re

import httptools

from callout.core.http1.lines import (
    AUTHORIZATION,
    CALLOUT_KEY,
    CALLOUT_ON_BEHALF_OF,
    CALLOUT_PRINCIPAL,
    CALLOUT_TIMEOUT,
    CHUNKED,
    DROP,
    EXPECT,
    HOST,
    LENGTH,
    MEMO_SIZE,
    PASS,
    WATCHED,
    Kinds,
    Shape,
    name_of,
    request_kinds,
    response_kinds,
    value_of,
)

#: Largest head, in bytes, and most lines in one.
LARGEST_HEAD = 64 * 1024
MOST_LINES = 256
#: A Content-Length that was not sent.
UNKNOWN = -1

_END = b"\r\n\r\n"
_BODILESS = b"HTTP/1.1 204 \r\n"
_AFTER_LENGTH = len(b"content-length:")
_AFTER_KEY = len(b"callout-key:")
_METHOD = re.compile(rb"[A-Z][A-Z0-9_-]{0,31}")
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: [\t\x20-\x7e\x80-\xff]*)?")
_USUAL = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"})
_NOT_SERVED = frozenset({b"CONNECT", b"TRACE"})

_REQUEST_CARRIED = frozenset({PASS, LENGTH, CHUNKED, AUTHORIZATION, WATCHED})
_REQUEST_SINGLE = frozenset(
    {HOST, LENGTH, CHUNKED, CALLOUT_KEY, CALLOUT_PRINCIPAL, CALLOUT_TIMEOUT, CALLOUT_ON_BEHALF_OF, AUTHORIZATION}
)
_REQUEST_PLAIN = frozenset({PASS, DROP, HOST, CALLOUT_KEY, WATCHED})
_RESPONSE_CARRIED = frozenset({PASS, LENGTH, CHUNKED})
_RESPONSE_SINGLE = frozenset({LENGTH, CHUNKED})
_RESPONSE_PLAIN = frozenset({PASS, DROP, LENGTH})


Lines = tuple[bytes, ...] | list[bytes]


class MalformedHead(ValueError):
    """A head that is not accepted. The text says what came and what was expected."""


class HeadTooLarge(MalformedHead):
    """A head with more bytes or lines than allowed."""


class RequestHead:
    """One request's head. `lines` are those that may be carried on, as they were written, without CRLF.

    `content_length` is 0 where no body follows and `UNKNOWN` where it is chunked; `end` is the length of the head.
    """

    __slots__ = (
        "all_lines",
        "authorization",
        "callout_key",
        "callout_on_behalf_of",
        "callout_principal",
        "callout_timeout",
        "chunked",
        "content_length",
        "end",
        "expects_continue",
        "keep_alive",
        "lines",
        "method",
        "minor",
        "target",
        "watched",
    )

    def __init__(self, method: bytes, target: bytes, all_lines: list[bytes], lines: Lines, end: int) -> None:
        self.method = method
        self.target = target
        self.all_lines = all_lines
        self.lines = lines
        self.end = end
        self.minor = 1
        self.content_length = 0
        self.keep_alive = True
        self.watched = self.chunked = self.expects_continue = False
        self.callout_key: bytes | None = None
        self.callout_principal: bytes | None = None
        self.callout_on_behalf_of: bytes | None = None
        self.callout_timeout: bytes | None = None
        self.authorization: bytes | None = None

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return every header as name (as written) and value, in order."""
        return [(line[: line.find(b":")], value_of(line)) for line in self.all_lines]

    def lines_without(self, names: frozenset[bytes]) -> list[bytes]:
        """Return the lines that may be carried on, without those of these lower-case names."""
        return [line for line in self.lines if name_of(line) not in names]


class ResponseHead:
    """One answer's head. `start` is its status line as HTTP/1.1; `lines` may be passed on, as they were written.

    `content_length` is `UNKNOWN` where there is none; whether a body follows depends on the request too.
    """

    __slots__ = ("chunked", "content_length", "end", "keep_alive", "lines", "start", "status")

    def __init__(self, start: bytes, status: int, lines: Lines, end: int) -> None:
        self.start = start
        self.status = status
        self.lines = lines
        self.end = end
        self.content_length = UNKNOWN
        self.chunked = False
        self.keep_alive = True

    def lines_without(self, names: frozenset[bytes]) -> list[bytes]:
        """Return the lines that may be passed on, without those of these lower-case names."""
        return [line for line in self.lines if name_of(line) not in names]

    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Return every line that may be passed on as name and value, in order."""
        return tuple((line[: line.find(b":")], value_of(line)) for line in self.lines)


class _Parser:
    """What requests and answers have in common: finding the head's end, judging its lines, knowing its shape."""

    def __init__(
        self, kinds: Kinds, carried: frozenset[int], single: frozenset[int], plain: frozenset[int], largest: int
    ) -> None:
        self._kinds = kinds
        self._kind_of = kinds.__getitem__
        self._shapes: dict[bytes, Shape] = {}
        self._rules = (carried, single, plain)
        self._largest = largest
        self._renew()

    def _renew(self) -> None:
        """Start anew: after an error, or a `Connection: close`, llhttp accepts nothing more."""
        self._judge = httptools.HttpResponseParser(self).feed_data

    def _split(self, data: bytes, end: int) -> tuple[bytes, list[bytes], Shape]:
        if end > self._largest:
            raise HeadTooLarge(f"got a head of {end} bytes; expected at most {self._largest}")
        lines = data[:end].split(b"\r\n")
        first = lines.pop(0)
        try:
            self._judge(_BODILESS + data[len(first) + 2 : end + 4])
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._renew()
            raise MalformedHead(f"got a malformed header ({error}); expected RFC 9112 field lines") from None
        if len(lines) > MOST_LINES:
            raise HeadTooLarge(f"got {len(lines)} headers; expected at most {MOST_LINES}")
        signature = bytes(map(self._kind_of, lines))
        shape = self._shapes.get(signature)
        if shape is None:
            if len(self._shapes) >= MEMO_SIZE:
                self._shapes.clear()
            shape = self._shapes[signature] = Shape(signature, *self._rules)
        if shape.last:
            self._renew()
        if shape.fault is not None:
            raise MalformedHead(shape.fault)
        return first, lines, shape

    def _incomplete(self, data: bytes) -> None:
        if len(data) > self._largest:
            raise HeadTooLarge(f"got more than {self._largest} bytes without the end of a head")
        if data.count(b"\n") != data.count(b"\r\n"):
            raise MalformedHead("got a bare LF; expected CRLF at the end of each line")


class RequestParser(_Parser):
    """Parses request heads. One serves all connections of a process: it keeps nothing between two heads."""

    def __init__(self, largest_head: int = LARGEST_HEAD) -> None:
        super().__init__(request_kinds(), _REQUEST_CARRIED, _REQUEST_SINGLE, _REQUEST_PLAIN, largest_head)
        self._watched: set[frozenset[bytes]] = set()

    def parse(self, data: bytes) -> RequestHead | None:
        """Return the head that `data` starts with, None where it is not whole yet; raises `MalformedHead`."""
        end = data.find(_END)
        if end < 0:
            self._incomplete(data)
            return None
        first, lines, shape = self._split(data, end)
        try:
            method, target, version = first.split(b" ")
        except ValueError:
            raise MalformedHead(f"got request line {_shown(first)}; expected METHOD /target HTTP/1.1") from None
        if version != b"HTTP/1.1" or method not in _USUAL:
            _judge_start(first, method, version)
        if target[:1] != b"/":
            raise MalformedHead(f"got target {_shown(target)}; expected one that starts with /")
        head = RequestHead(method, target, lines, shape.keep(lines), end + 4)
        where = shape.where
        if HOST not in where and version == b"HTTP/1.1":
            raise MalformedHead("got no Host header; expected one")
        if CALLOUT_KEY in where:
            head.callout_key = lines[where[CALLOUT_KEY]][_AFTER_KEY:].strip(b" \t")
        if not shape.plain or version != b"HTTP/1.1":
            self._unusual(head, lines, shape, int(version[-1:]))
        elif WATCHED in where:
            head.watched = True
        return head

    def _unusual(self, head: RequestHead, lines: list[bytes], shape: Shape, minor: int) -> None:
        where = shape.where
        head.watched = WATCHED in where or AUTHORIZATION in where
        head.minor = minor
        if LENGTH in where:
            head.content_length = int(lines[where[LENGTH]][_AFTER_LENGTH:])
        if CHUNKED in where:
            if not head.minor:
                raise MalformedHead("got Transfer-Encoding in an HTTP/1.0 request; expected Content-Length")
            head.chunked = True
            head.content_length = UNKNOWN
        head.expects_continue = EXPECT in where and head.minor == 1
        if CALLOUT_PRINCIPAL in where:
            head.callout_principal = value_of(lines[where[CALLOUT_PRINCIPAL]])
        if CALLOUT_ON_BEHALF_OF in where:
            head.callout_on_behalf_of = value_of(lines[where[CALLOUT_ON_BEHALF_OF]])
        if CALLOUT_TIMEOUT in where:
            head.callout_timeout = value_of(lines[where[CALLOUT_TIMEOUT]])
        if AUTHORIZATION in where:
            head.authorization = value_of(lines[where[AUTHORIZATION]])
        close = shape.close
        if shape.connections:
            close, head.lines = _without_named(head.lines, lines, shape)
        head.keep_alive = head.minor == 1 and not close

    def carried(self, head: RequestHead, drops: frozenset[bytes]) -> Lines:
        """Return the lines to carry on for a route that drops these lower-case names."""
        if drops not in self._watched:
            if len(self._watched) >= MEMO_SIZE:
                self._watched.clear()
            self._watched.add(drops)
            self._kinds.watch(drops)
            return head.lines_without(drops)
        return head.lines_without(drops) if head.watched else head.lines


class ResponseParser(_Parser):
    """Parses answer heads. One serves all connections of a process: it keeps nothing between two heads."""

    def __init__(self, largest_head: int = LARGEST_HEAD) -> None:
        super().__init__(response_kinds(), _RESPONSE_CARRIED, _RESPONSE_SINGLE, _RESPONSE_PLAIN, largest_head)
        self._starts: dict[bytes, tuple[int, bytes, bool]] = {}

    def parse(self, data: bytes) -> ResponseHead | None:
        """Return the head that `data` starts with, None where it is not whole yet; raises `MalformedHead`."""
        end = data.find(_END)
        if end < 0:
            self._incomplete(data)
            return None
        first, lines, shape = self._split(data, end)
        status, start, persistent = self._starts.get(first) or self._start(first)
        head = ResponseHead(start, status, shape.keep(lines), end + 4)
        length = shape.where.get(LENGTH)
        if length is not None:
            head.content_length = int(lines[length][_AFTER_LENGTH:])  # llhttp has seen that it is digits
        if not shape.plain or not persistent:
            head.chunked = CHUNKED in shape.where
            if head.chunked and not persistent:
                raise MalformedHead("got Transfer-Encoding in an HTTP/1.0 answer; expected none")
            close = shape.close
            if shape.connections:
                close, head.lines = _without_named(head.lines, lines, shape)
            head.keep_alive = persistent and not close
        return head

    def _start(self, first: bytes) -> tuple[int, bytes, bool]:
        found = _STATUS_LINE.fullmatch(first)
        if found is None:
            raise MalformedHead(f"got status line {_shown(first)}; expected HTTP/1.1, a status of 100 to 999, a reason")
        start = int(found[2]), b"HTTP/1.1" + first[8:], found[1] == b"1"
        if len(self._starts) >= MEMO_SIZE:
            self._starts.clear()
        self._starts[first] = start
        return start


def _judge_start(first: bytes, method: bytes, version: bytes) -> None:
    if version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise MalformedHead(f"got request line {_shown(first)}; expected METHOD /target HTTP/1.1")
    if _METHOD.fullmatch(method) is None or method in _NOT_SERVED:
        raise MalformedHead(f"got method {_shown(method)}; expected one that is carried on, in capitals")


def _without_named(kept: Lines, lines: list[bytes], shape: Shape) -> tuple[bool, list[bytes]]:
    """Return whether `Connection` says close, and the lines without the fields it names (RFC 9110 section 7.6.1)."""
    named = {token.strip(b" \t").lower() for index in shape.connections for token in value_of(lines[index]).split(b",")}
    close = shape.close or b"close" in named
    named -= {b"content-length", b"transfer-encoding"}
    return close, [line for line in kept if name_of(line) not in named]


def _shown(raw: bytes) -> str:
    return repr(raw[:80].decode("latin-1"))
