"""Finds a value in the beginning of a JSON text, as it comes: by a JSON pointer (RFC 6901), in linear time.

A text that is cut off is no error: what came before the cut is judged. How the text was cut into pieces on its way
changes nothing. Values that the pointer does not lead into are passed over without being read.
"""

from __future__ import annotations

import json
import re

#: The token of a pointer that stands for every element of an array. An object's member of that name is meant as well.
EVERY = "*"

_SPACE = re.compile(rb"[ \t\r\n]*")
_IN_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
#: All but brackets, and whole strings; it stops before a string that is not whole yet.
_WITHOUT_BRACKETS = re.compile(rb'[^"{}\[\]]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"{}\[\]]*+)*', re.DOTALL)
_SCALAR = re.compile(rb"[-+.0-9A-Za-z]*")
_NUMBER_OR_NAME = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_OBJECT, _ARRAY = b"{", b"["
_CLOSES = {b"}": _OBJECT, b"]": _ARRAY}


class _Level:
    """One object or array that is open, and that the pointer leads into."""

    __slots__ = ("index", "kind")

    def __init__(self, kind: bytes) -> None:
        self.kind = kind
        self.index = 0


class PointerScan:
    """Looks for one of some values at a pointer. `found` is None until that is decided."""

    __slots__ = ("_at", "_expected", "_from", "_levels", "_name", "_passing", "_text", "_tokens", "_values", "found")

    def __init__(self, tokens: tuple[str, ...], values: frozenset[str]) -> None:
        self._tokens = tokens
        self._values = values
        self._text = bytearray()
        self._at = self._from = 0  # where the next token begins, and how far an unfinished one was read
        self._levels: list[_Level] = []
        self._passing = 0  # how many brackets are open of a value that is passed over
        self._expected = "value"
        self._name = ""
        self.found: bool | None = None

    def feed(self, text: bytes) -> None:
        """Take more of the text."""
        self._text += text
        if self._at == 0 and self._text[:3] == _BYTE_ORDER_MARK:
            self._at = self._from = 3
        while self.found is None and (self._pass_over() if self._passing else self._step()):
            pass

    def end(self) -> None:
        """The text ended, or no more of it is looked at."""
        self.found = bool(self.found)

    def _step(self) -> bool:
        """Read one token; returns whether there may be another."""
        text, start = self._text, self._at
        space = _SPACE.match(text, start)
        self._at = start = space.end() if space is not None else start
        if start >= len(text) or (start == 0 and _BYTE_ORDER_MARK.startswith(text)):
            return False
        first = bytes(text[start : start + 1])
        if first == b'"':
            return self._string(start)
        if first in b"{}[],:":
            self._at = self._from = start + 1
            self._punctuation(first)
            return True
        return self._scalar(start)

    def _pass_over(self) -> bool:
        """Pass over more of a value that the pointer does not lead into."""
        if self._text[self._at : self._at + 1] == b'"':
            end = self._end_of_string(self._at)
            if end is None:
                return False
            self._at = end + 1
        passed = _WITHOUT_BRACKETS.match(self._text, self._at)
        self._at = self._from = end = passed.end() if passed is not None else self._at
        mark = self._text[end : end + 1]
        if mark == b'"':
            return self._end_of_string(end) is not None
        if mark:
            self._at = self._from = end + 1
            self._passing += 1 if mark in b"{[" else -1
            if not self._passing:
                self._after_value()
        return bool(mark)

    def _end_of_string(self, start: int) -> int | None:
        """Return where the string ends that begins at `start`; None where its end has not come yet."""
        inside = _IN_STRING.match(self._text, max(self._from, start + 1))
        end = inside.end() if inside is not None else start + 1
        if end >= len(self._text) or self._text[end : end + 1] != b'"':
            self._from = end  # the rest of it, or what an escape stands for, has not come yet
            return None
        return end

    def _string(self, start: int) -> bool:
        end = self._end_of_string(start)
        if end is None:
            return False
        is_name = self._expected in ("name", "name or end")
        try:
            value = json.loads(self._text[start : end + 1].decode(), strict=False)
        except ValueError:
            self.found = False
            return False
        self._at = self._from = end + 1
        if is_name:
            self._name, self._expected = value, "colon"
        else:
            self._value(value)
        return True

    def _scalar(self, start: int) -> bool:
        whole = _SCALAR.match(self._text, max(self._from, start))
        end = whole.end() if whole is not None else start
        if end >= len(self._text):
            self._from = end  # what ends it has not come yet
            return False
        token = bytes(self._text[start:end])
        self._at = self._from = end
        if _NUMBER_OR_NAME.fullmatch(token) is None:
            self.found = False
            return False
        self._value(token.decode())
        return True

    def _punctuation(self, mark: bytes) -> None:
        level = self._levels[-1] if self._levels else None
        if mark in (_OBJECT, _ARRAY):
            self._open(mark)
        elif level is not None and _CLOSES.get(mark) == level.kind and self._expected in _MAY_CLOSE:
            self._levels.pop()
            self._after_value()
        elif mark == b":" and self._expected == "colon":
            self._expected = "value"
        elif mark == b"," and self._expected == "comma or end" and level is not None:
            level.index += 1
            self._expected = "name" if level.kind == _OBJECT else "value"
        else:
            self.found = False

    def _open(self, kind: bytes) -> None:
        if self._expected not in ("value", "value or end"):
            self.found = False
        elif self._is_on_path() and len(self._levels) < len(self._tokens):
            self._levels.append(_Level(kind))
            self._expected = "name or end" if kind == _OBJECT else "value or end"
        else:
            self._passing = 1

    def _value(self, value: str) -> None:
        """Take a text, number, true, false or null."""
        if self._expected not in ("value", "value or end"):
            self.found = False
        elif len(self._levels) == len(self._tokens) and self._is_on_path() and value in self._values:
            self.found = True
        else:
            self._after_value()

    def _after_value(self) -> None:
        self._expected = "comma or end"
        if not self._levels:
            self.found = False

    def _is_on_path(self) -> bool:
        """Say whether the value that is read now stands where the pointer leads, or on the way there."""
        if not self._levels:
            return True
        level = self._levels[-1]
        token = self._tokens[len(self._levels) - 1]
        if level.kind == _OBJECT:
            return self._name == token
        return token in (EVERY, str(level.index))


_MAY_CLOSE = frozenset({"name or end", "value or end", "comma or end"})
