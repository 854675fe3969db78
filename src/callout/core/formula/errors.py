"""What is wrong with a formula, and where in its text."""

from __future__ import annotations

from dataclasses import dataclass

from callout.core.errors import CalloutError
from callout.core.reasons import Blame

#: How much of the formula is shown at the place of an error, in characters.
SHOWN = 24


class FormulaError(CalloutError):
    """A formula that cannot be read or evaluated.

    `line` and `column` count from 1 in `source`. `got` and `expected` never hold a value that a formula read.
    """

    blame = Blame.ADMIN

    def __init__(self, source: str, offset: int, got: str, expected: str) -> None:
        self.source = source
        self.line = source.count("\n", 0, offset) + 1
        self.column = offset - source.rfind("\n", 0, offset)
        self.got = got
        self.expected = expected
        rest = source[offset : offset + SHOWN + 1]
        shown = rest[:SHOWN] + "…" if len(rest) > SHOWN else rest
        at = f" (at {shown!r})" if shown else ""
        super().__init__(f"formula, line {self.line}, column {self.column}{at}: got {got}; expected {expected}")


@dataclass(frozen=True, slots=True)
class Place:
    """A position in the text of a formula; `offset` counts characters from 0."""

    source: str
    offset: int

    def error(self, got: str, expected: str) -> FormulaError:
        """Return the error that points here."""
        return FormulaError(self.source, self.offset, got, expected)
