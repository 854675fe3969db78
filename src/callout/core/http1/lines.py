"""What each header line means to a gateway, judged once for each distinct line.

Header lines repeat from message to message, so the kind of a whole line is kept in a bounded memo, and what a
sequence of kinds means (its `shape`) in another. Lines that carry credentials are not kept, except the caller's
Callout-Key: it is on every request, and the memo of routes holds it too.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter

from callout.core.message import HOP_BY_HOP

# Kinds of lines. Plain integers, because a head's kinds are one `bytes` object that is looked up whole.
PASS = 0  # carried as it is
DROP = 1  # belongs to one connection, or is Callout's own
HOST = 2
LENGTH = 3  # Content-Length
CHUNKED = 4  # Transfer-Encoding: chunked
OTHER_CODING = 5  # any other Transfer-Encoding
CLOSE = 6  # Connection: close
CONNECTION = 7  # Connection that names other fields
EXPECT = 8
UPGRADE = 9
CALLOUT_KEY = 10
CALLOUT_PRINCIPAL = 11
CALLOUT_TIMEOUT = 12
AUTHORIZATION = 13
WATCHED = 14  # carried unless the route says not to
CALLOUT_ON_BEHALF_OF = 15

#: How many lines and shapes a memo holds before it starts anew, and the longest line it holds, in bytes.
MEMO_SIZE = 2048
LONGEST_MEMOISED = 256

_HOP_BY_HOP = frozenset(name.encode() for name in HOP_BY_HOP)
_REQUEST = {
    **dict.fromkeys(_HOP_BY_HOP, DROP),
    b"host": HOST,
    b"content-length": LENGTH,
    b"transfer-encoding": OTHER_CODING,
    b"connection": CONNECTION,
    b"expect": EXPECT,
    b"upgrade": UPGRADE,
    b"callout-key": CALLOUT_KEY,
    b"callout-principal": CALLOUT_PRINCIPAL,
    b"callout-timeout": CALLOUT_TIMEOUT,
    b"callout-on-behalf-of": CALLOUT_ON_BEHALF_OF,
    b"authorization": AUTHORIZATION,
}
_RESPONSE = {
    **dict.fromkeys(_HOP_BY_HOP, DROP),
    b"content-length": LENGTH,
    b"transfer-encoding": OTHER_CODING,
    b"connection": CONNECTION,
}
_CALLOUTS_OWN = b"callout-"
_CREDENTIALS = (b"authorization", b"cookie", b"key", b"token", b"secret")


class Kinds(dict[bytes, int]):
    """Maps a header line to its kind; `kinds[line]` judges a line that is not known yet."""

    def __init__(self, names: dict[bytes, int]) -> None:
        super().__init__()
        self._names = dict(names)
        self._as_written: dict[bytes, tuple[int, bool]] = {}

    def __missing__(self, line: bytes) -> int:
        name = line[: line.find(b":")]
        kind, keep = self._as_written.get(name) or self._learn(name)
        if kind in (CONNECTION, OTHER_CODING):
            kind = _by_value(kind, value_of(line).lower())
        if keep and len(line) <= LONGEST_MEMOISED:
            if len(self) >= MEMO_SIZE:
                self.clear()
            self[line] = kind
        return kind

    def watch(self, names: frozenset[bytes]) -> None:
        """Make `WATCHED` of these lower-case names, where they would pass."""
        for name in names:
            self._names.setdefault(name, WATCHED)
        self._as_written.clear()
        self.clear()

    def _learn(self, name: bytes) -> tuple[int, bool]:
        """Judge a name as it is written: its kind, and whether lines of it may be kept."""
        lower = name.lower()
        kind = self._names.get(lower, DROP if lower.startswith(_CALLOUTS_OWN) else PASS)
        learnt = kind, kind == CALLOUT_KEY or not any(word in lower for word in _CREDENTIALS)
        if len(self._as_written) >= MEMO_SIZE:
            self._as_written.clear()
        self._as_written[name] = learnt
        return learnt


def request_kinds() -> Kinds:
    """Return a memo for the lines of requests."""
    return Kinds(_REQUEST)


def response_kinds() -> Kinds:
    """Return a memo for the lines of answers. An answer's own `Callout-*` lines are dropped: they are ours to write."""
    return Kinds(_RESPONSE)


def _by_value(kind: int, value: bytes) -> int:
    if kind == OTHER_CODING:
        return CHUNKED if value == b"chunked" else OTHER_CODING
    if value == b"keep-alive":
        return DROP
    return CLOSE if value == b"close" else CONNECTION


def name_of(line: bytes) -> bytes:
    """Return the field name of a line, in lower case."""
    return line[: line.find(b":")].lower()


def value_of(line: bytes) -> bytes:
    """Return the field value of a line, without the white space around it (RFC 9110 section 5.5)."""
    return line[line.find(b":") + 1 :].strip(b" \t")


def with_line(lines: tuple[bytes, ...] | list[bytes], name: bytes, value: bytes) -> tuple[bytes, ...] | list[bytes]:
    """Return the lines with one of this name: the one that is there, or else this value."""
    return lines if name.lower() in map(name_of, lines) else (*lines, name + b": " + value)


class Shape:
    """What a sequence of kinds means: where each special line stands, and which lines are carried (`keep`).

    `plain`: nothing needs a second look. `last`: the connection may end after this head. `fault`: why it is refused.
    """

    __slots__ = ("close", "connections", "fault", "keep", "last", "plain", "where")

    def __init__(self, kinds: bytes, carried: frozenset[int], single: frozenset[int], plain: frozenset[int]) -> None:
        self.where = {kind: index for index, kind in enumerate(kinds)}
        self.keep = _picker(tuple(index for index, kind in enumerate(kinds) if kind in carried))
        self.close = CLOSE in self.where
        self.connections = tuple(index for index, kind in enumerate(kinds) if kind == CONNECTION)
        self.last = self.close or bool(self.connections)
        self.plain = set(kinds) <= plain
        self.fault = _fault({kind: kinds.count(kind) for kind in self.where}, single)


def _picker(indices: tuple[int, ...]) -> Callable[[list[bytes]], tuple[bytes, ...]]:
    if len(indices) > 1:
        return itemgetter(*indices)
    return lambda lines: tuple(lines[index] for index in indices)


_NAMES = {
    HOST: "Host",
    LENGTH: "Content-Length",
    CHUNKED: "Transfer-Encoding",
    CALLOUT_KEY: "Callout-Key",
    CALLOUT_PRINCIPAL: "Callout-Principal",
    CALLOUT_TIMEOUT: "Callout-Timeout",
    CALLOUT_ON_BEHALF_OF: "Callout-On-Behalf-Of",
    AUTHORIZATION: "Authorization",
}


def _fault(counts: dict[int, int], single: frozenset[int]) -> str | None:
    for kind in single:
        if counts.get(kind, 0) > 1:
            return f"got {counts[kind]} {_NAMES[kind]} headers; expected one"
    if OTHER_CODING in counts:
        return "got a Transfer-Encoding other than chunked; expected chunked alone"
    if CHUNKED in counts and LENGTH in counts:
        return "got both Content-Length and Transfer-Encoding; expected one of them"
    if UPGRADE in counts:
        return "got an Upgrade header; expected plain HTTP/1.1"
    return None
