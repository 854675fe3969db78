"""What is wrong with a formula, and where in its text."""

from __future__ import annotations

from dataclasses import dataclass

from callout.core.errors import CalloutError
from callout.core.reasons import Blame

#: How much of the formula is shown at the place of an error, in characters.
SHOWN = 24
#: How much of the formula is shown around the place that a caret points to, in characters on either side.
AROUND = 60


class FormulaError(CalloutError):
    """A formula that cannot be read or evaluated.

    `line` and `column` count from 1 in `source`. `got` and `expected` never hold a value that a formula read.
    `lacking` is the global field that has no value, where that is what is wrong.
    """

    blame = Blame.ADMIN

    def __init__(self, source: str, offset: int, got: str, expected: str, *, lacking: str = "") -> None:
        self.source = source
        self.lacking = lacking
        self.line = source.count("\n", 0, offset) + 1
        self.column = offset - source.rfind("\n", 0, offset)
        self.got = got
        self.expected = expected
        self.pointed = _pointed(source, offset)
        rest = source[offset : offset + SHOWN + 1]
        shown = rest[:SHOWN] + "…" if len(rest) > SHOWN else rest
        at = f" (at {shown!r})" if shown else ""
        super().__init__(f"formula, line {self.line}, column {self.column}{at}: got {got}; expected {expected}")

    @property
    def whole(self) -> str:
        """The text with the line of the formula below it, and a caret below that."""
        return "\n".join((str(self), *(f"    {line}" for line in self.pointed.splitlines())))


def _pointed(source: str, offset: int) -> str:
    """Return the line of the place and below it a caret. Text before the formula is not shown: it may be anything."""
    start = max(source.rfind("\n", 0, offset) + 1, source.rfind("{!", 0, offset + 2), offset - AROUND, 0)
    end = source.find("\n", offset)
    closed = source.find("}", offset)
    ends = [len(source) if end < 0 else end, offset + AROUND]
    if closed >= 0:
        ends.append(closed + 1)
    shown = "".join(c if c.isprintable() else " " for c in source[start : min(ends)])
    return f"{shown}\n{' ' * (offset - start)}^"


@dataclass(frozen=True, slots=True)
class Place:
    """A position in the text of a formula; `offset` counts characters from 0."""

    source: str
    offset: int

    def error(self, got: str, expected: str) -> FormulaError:
        """Return the error that points here."""
        return FormulaError(self.source, self.offset, got, expected)
