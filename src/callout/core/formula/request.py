"""Formulas in what a caller sends: header lines and bodies as bytes, of which only `{!…}` is replaced.

Everything else stays as the bytes came, invalid UTF-8 too. Formulas are looked for in text alone: in a body whose
`Content-Type` says text and which is not compressed, and of a multipart body (RFC 2046 section 5.1) in the parts that
are text. What would be sent must fit `longest`: a longer result is an error and is not cut short.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.formula.errors import FormulaError
from callout.core.formula.scope import Scope
from callout.core.formula.template import LONGEST_SOURCE, end_of, parse_callers
from callout.core.formula.values import Use
from callout.core.secret import reveal

#: What begins a formula, in bytes.
BEGIN = b"{!"
#: Most formulas in one request, most different ones, and the most that those have in characters: reading takes time.
MOST_FORMULAS = 1000
MOST_DIFFERENT = 100
LONGEST_SOURCES = 2 * LONGEST_SOURCE
#: Most parts of a multipart body in which formulas are looked for.
MOST_PARTS = 1000
#: Most bytes of a request's header lines when their formulas were replaced, as of any head.
LARGEST_HEADERS = 64 * 1024

_TEXT = re.compile(
    r"text/|application/(?:[\w.+-]+\+)?(?:json|xml|x-www-form-urlencoded|graphql|javascript|x-ndjson|soap\+xml|yaml)\s*(?:;|$)"
    r"|[\w.+-]+/[\w.+-]+\+(?:json|xml|yaml|text)\s*(?:;|$)",
    re.IGNORECASE,
)
_BOUNDARY = re.compile(
    r"""multipart/[\w.+-]+\s*;.*?\bboundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))""", re.IGNORECASE | re.DOTALL
)
_CORRECT = Remedy("Correct the formula in the request; the columns count from its beginning")


class _Counted:
    """How much was evaluated of one request."""

    def __init__(self) -> None:
        self._formulas = 0
        self._sources: set[str] = set()
        self._length = 0

    def count(self, source: str) -> None:
        """Count a formula; raises `Refused(formula_failed)` beyond what one request may have."""
        self._formulas += 1
        if source not in self._sources:
            self._sources.add(source)
            self._length += len(source)
        few = self._formulas <= MOST_FORMULAS and len(self._sources) <= MOST_DIFFERENT
        if not few or self._length > LONGEST_SOURCES:
            detail = f"got more formulas in one request; expected at most {MOST_FORMULAS}, {MOST_DIFFERENT} different "
            detail += f"ones, and {LONGEST_SOURCES} characters in those"
            raise Refused("formula_failed", detail, _CORRECT)


def evaluated_lines(lines: Sequence[bytes], scope: Scope) -> list[bytes]:
    """Return header lines with their formulas replaced. Raises `Refused(formula_failed)` with header and place."""
    counted = _Counted()
    evaluated = [_evaluated_line(line, scope, counted) if BEGIN in line else line for line in lines]
    size = sum(map(len, evaluated))
    if size > LARGEST_HEADERS:
        detail = f"got headers of {size} bytes from the formulas of the request; expected at most {LARGEST_HEADERS}"
        raise Refused("formula_failed", detail, _CORRECT)
    return evaluated


def _evaluated_line(line: bytes, scope: Scope, counted: _Counted) -> bytes:
    name, colon, value = line.partition(b":")
    shown = name.decode("latin-1")
    try:
        text = value.decode()
    except UnicodeDecodeError:
        detail = f"header {shown} of the request: got a formula among bytes that are not UTF-8; expected UTF-8"
        raise Refused("formula_failed", detail, _CORRECT) from None
    counted.count(text)
    try:
        return name + colon + reveal(parse_callers(text, Use.CALLER_HEADER).evaluate(scope)).encode()
    except FormulaError as error:
        detail = f"header {shown} of the request: {error.whole}"
        raise Refused("formula_failed", detail, _CORRECT) from error


def evaluated_body(body: bytes, scope: Scope, *, content_type: str, content_encoding: str, longest: int) -> bytes:
    """Return a body with the formulas in its text replaced. Raises `Refused(formula_failed)` with the place."""
    if BEGIN not in body or content_encoding.strip().lower() not in ("", "identity"):
        return body
    pieces: list[bytes] = []
    position = size = 0
    counted = _Counted()
    for start, end in _text_spans(body, content_type):
        while (begin := body.find(BEGIN, max(start, position), end)) >= 0:
            value, after = _evaluated_formula(body, begin, end, scope, counted)
            pieces += (body[position:begin], value)
            size += begin - position + len(value)
            position = after
            if size > longest:
                raise _too_long(size, longest)
    pieces.append(body[position:])
    if size + len(body) - position > longest:
        raise _too_long(size + len(body) - position, longest)
    return b"".join(pieces)


def _too_long(size: int, longest: int) -> Refused:
    detail = f"got a body of {size} bytes and more from its formulas; expected at most {longest}; it is not cut short"
    return Refused("formula_failed", detail, _CORRECT)


def _evaluated_formula(body: bytes, begin: int, end: int, scope: Scope, counted: _Counted) -> tuple[bytes, int]:
    """Return the value of the formula that begins at a place, and where the rest goes on."""
    window = body[begin : min(end, begin + 4 * LONGEST_SOURCE)].decode("utf-8", "surrogateescape")
    try:
        source = window[: end_of(window, 0) + 1]
        counted.count(source)
        value = reveal(parse_callers(source, Use.BODY).evaluate(scope)).encode()
    except FormulaError as error:
        line = body.count(b"\n", 0, begin) + 1
        column = begin - body.rfind(b"\n", 0, begin)
        detail = f"body of the request, line {line}, byte {column}: {error.whole}"
        raise Refused("formula_failed", detail, _CORRECT) from error
    return value, begin + len(source.encode("utf-8", "surrogateescape"))


def _text_spans(body: bytes, content_type: str) -> Iterator[tuple[int, int]]:
    """Yield where text stands in a body. One that no `Content-Type` describes is text where it is UTF-8."""
    boundary = _BOUNDARY.match(content_type.strip())
    if boundary is not None:
        yield from _parts(body, b"--" + (boundary[1] or boundary[2]).encode("latin-1", "replace"))
    elif _TEXT.match(content_type.strip()) or (not content_type and _is_utf_8(body)):
        yield 0, len(body)


def _parts(body: bytes, delimiter: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the content of those parts stands that are text (RFC 2046 section 5.1.1, RFC 7578)."""
    start = body.find(delimiter)
    count = 0
    while start >= 0:
        count += 1
        if count > MOST_PARTS:
            detail = f"got more than {MOST_PARTS} parts; expected at most that many where formulas are evaluated"
            raise Refused("formula_failed", detail, _CORRECT)
        end = body.find(b"\r\n" + delimiter, start)
        if end < 0:
            return
        head_end = body.find(b"\r\n\r\n", start, end)
        if head_end >= 0 and _is_text_part(body[start:head_end].decode("latin-1")):
            yield head_end + 4, end
        start = end + 2


def _is_text_part(head: str) -> bool:
    fields = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head.split("\r\n"))
    }
    if fields.get("content-transfer-encoding", "8bit").lower() not in ("7bit", "8bit"):
        return False
    kind = fields.get("content-type")
    if kind is None:
        return "filename" not in fields.get("content-disposition", "").lower()
    return _TEXT.match(kind) is not None


def _is_utf_8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
