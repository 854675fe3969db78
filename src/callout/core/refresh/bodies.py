"""Judges the beginning of a body by refresh rules, as it comes: decided as soon as it can be, and in bounded memory.

However a body was cut into pieces on its way, the decision is the same. A scan that cannot match any more, because the
body does not begin like one of its kind, says so at once: what streams is not waited for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Protocol

from callout.core.json_pointer import tokens_of
from callout.core.model.credentials import BodySign
from callout.core.refresh.content import MOST_JUDGED, Decoder
from callout.core.refresh.json_scan import PointerScan
from callout.core.refresh.soap import FaultScan

_BLANK = b" \t\r\n\xef\xbb\xbf"
_JSON_BEGINS = b"{["
_LONGEST_ESCAPE = 6
#: `<`, or how UTF-16 begins.
_XML_BEGINS = b"<\xfe\xff\x00"


class Scan(Protocol):
    """Looks for one sign. `found` is None until that is decided."""

    found: bool | None

    def feed(self, text: bytes) -> None:
        """Take more of the body."""

    def end(self) -> None:
        """The body ended, or no more of it is looked at."""


class TextScan:
    """Looks for one of some texts, byte for byte."""

    __slots__ = ("_longest", "_tail", "_texts", "found")

    def __init__(self, texts: Sequence[bytes]) -> None:
        self._texts = texts
        self._longest = max(map(len, texts))
        self._tail = b""
        self.found: bool | None = None

    def feed(self, text: bytes) -> None:
        """Take more of the body."""
        seen = self._tail + text
        if any(wanted in seen for wanted in self._texts):
            self.found = True
        self._tail = seen[max(0, len(seen) - self._longest + 1) :]

    def end(self) -> None:
        """No more of the body is looked at."""
        self.found = bool(self.found)


class Beginning:
    """Hands a body to a scan if it begins as bodies of its kind do."""

    __slots__ = ("_begins", "_begun", "_scan", "found")

    def __init__(self, scan: Scan, begins: bytes) -> None:
        self._scan = scan
        self._begins = begins
        self._begun = False
        self.found: bool | None = None

    def feed(self, text: bytes) -> None:
        """Take more of the body."""
        if self.found is None:
            if not self._begun and (start := text.lstrip(_BLANK)):
                self._begun = True
                if start[0] not in self._begins:
                    self.found = False
                    return
            self._scan.feed(text)
            self.found = self._scan.found

    def end(self) -> None:
        """No more of the body is looked at."""
        self._scan.end()
        self.found = bool(self.found or self._scan.found)


class Prefiltered:
    """Keeps a JSON body unread until it may hold a value: where none of them is in it, none is at the pointer.

    A value can be written with escapes, too (RFC 8259 section 7): the first that may be of one ends the waiting as well.
    """

    __slots__ = ("_escapes", "_reading", "_scan", "_tail", "_values", "_waiting", "found")

    def __init__(self, scan: PointerScan, values: Sequence[bytes], escapes: re.Pattern[bytes]) -> None:
        self._scan = scan
        self._values = values
        self._escapes = escapes
        self._tail = max(_LONGEST_ESCAPE, *map(len, values)) - 1
        self._waiting = bytearray()
        self._reading = False
        self.found: bool | None = None

    def feed(self, text: bytes) -> None:
        """Take more of the body."""
        if not self._reading:
            start = max(0, len(self._waiting) - self._tail)
            self._waiting += text
            holds = any(self._waiting.find(value, start) >= 0 for value in self._values)
            if not holds and self._escapes.search(self._waiting, start) is None:
                return
            self._reading, text, self._waiting = True, bytes(self._waiting), bytearray()
        self._scan.feed(text)
        self.found = self._scan.found

    def end(self) -> None:
        """No more of the body is looked at."""
        self._scan.end()
        self.found = self._scan.found


def _escapes_of(values: Sequence[str]) -> re.Pattern[bytes]:
    """Return what finds the escapes that one of these values can be written with: of its own characters, mostly."""
    characters = set("".join(values))
    if not all(" " <= c <= "~" and c not in '"\\/' for c in characters):
        return re.compile(rb"\\")
    return re.compile(rb"\\u00(?i:%b)" % b"|".join(b"%02x" % ord(c) for c in sorted(characters)))


def scan_maker(sign: BodySign) -> Callable[[], Scan]:
    """Compile a sign that was judged to be well-formed."""
    tokens = tokens_of(sign.json_pointer)
    if tokens is not None:
        values, encoded, escapes = frozenset(sign.equals), [v.encode() for v in sign.equals], _escapes_of(sign.equals)
        return lambda: Beginning(Prefiltered(PointerScan(tokens, values), encoded, escapes), _JSON_BEGINS)
    if sign.soap_fault_code:
        codes = frozenset(sign.soap_fault_code)
        return lambda: Beginning(FaultScan(codes), _XML_BEGINS)
    texts = [text.encode() for text in sign.text]
    return lambda: TextScan(texts)


class BodyJudge:
    """Judges one body by the scans of some rules. `sign` words the rule that matches; None until it is decided."""

    __slots__ = ("_decoder", "_left", "_scans", "_unread", "sign")

    def __init__(self, scans: Sequence[tuple[str, Scan]], decoder: Decoder) -> None:
        self._scans = list(scans)
        self._decoder = decoder
        self._left = self._unread = MOST_JUDGED
        self.sign: str | None = None

    def feed(self, body: bytes, *, ended: bool) -> None:
        """Take more of the body, without its framing. `ended`: this is the last of it."""
        if self.sign is not None:
            return
        piece = body[: self._unread]
        self._unread -= len(piece)
        text = self._decoder.feed(piece)
        if text is None:
            self.sign = ""  # not what its Content-Encoding says
            return
        text = text[: self._left]
        self._left -= len(text)
        for worded, scan in self._scans:
            if text:
                scan.feed(text)
            if scan.found:
                self.sign = worded
                return
        self._scans = [(worded, scan) for worded, scan in self._scans if scan.found is None]
        if ended or not self._left or not self._unread or not self._scans:
            self.end()

    def end(self) -> None:
        """Judge by what has come."""
        if self.sign is None:
            for _, scan in self._scans:
                scan.end()
            self.sign = next((worded for worded, scan in self._scans if scan.found), "")
