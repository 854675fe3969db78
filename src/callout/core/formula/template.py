"""Text in which `{!…}` are formulas: split once, evaluated for every callout.

`{!` always begins a formula, and the next `}` outside quotes and comments ends it. Any other brace is text.
To write `{!` itself, use a formula: `{!'{!'}`. The result is made for a header (RFC 9110 section 5.5): control
characters other than the tab are refused, where they come from the text, a formula or a secret. Bodies take them.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from callout.core.formula.errors import FormulaError, Place
from callout.core.formula.expressions import Expression, conversion, too_long
from callout.core.formula.scope import Names, Reads, Scope
from callout.core.formula.values import LONGEST_VALUE, Type, Use
from callout.core.secret import Redactable, reveal

#: Longest source, in characters, as in Salesforce.
LONGEST_SOURCE = 3900

BEGIN = "{!"
_MARK = re.compile(r"""(['"])(?:(?!\1)[^\\]|\\.?)*+(?:\1|(?P<text>\Z))|/\*.*?(?:\*/|(?P<comment>\Z))|\}""", re.DOTALL)
_FORBIDDEN = {
    Use.CUSTOM_HEADER: re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]"),
    Use.CALLER_HEADER: re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]"),
    Use.BODY: re.compile("[\ud800-\udfff]"),
}


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed text. `reads` is everything that its formulas read."""

    source: str
    pieces: tuple[Redactable | Expression, ...]
    reads: Reads
    use: Use = Use.CUSTOM_HEADER

    @property
    def names(self) -> Names:
        """Every (external credential, parameter) that its formulas read."""
        return self.reads.names

    def evaluate(self, scope: Scope) -> Redactable:
        """Return the text with every formula replaced by its value; secret parts stay secret.

        Raises `FormulaError` for an argument that a function cannot take and a result that no header may hold,
        and whatever the scope's look-ups raise for what they do not know.
        """
        parts = (p if isinstance(p, Redactable) else _valued(p, scope, self.use) for p in self.pieces)
        whole = Redactable.of(*parts)
        size = sum(map(len, map(reveal, whole.parts)))
        if size > LONGEST_VALUE:
            raise too_long(Place(self.source, 0), size, "characters")
        return whole


@functools.lru_cache(maxsize=1024)
def parse(text: str) -> Template:
    """Parse a custom header's text; raises `FormulaError`. Every type and name is judged here, not at the callout."""
    return _parsed(text, Use.CUSTOM_HEADER)


@functools.lru_cache(maxsize=256)
def parse_callers(text: str, use: Use) -> Template:
    """Parse what a caller sent; raises `FormulaError`. It is kept apart: callers push out no admin's formula."""
    return _parsed(text, use)


def _parsed(text: str, use: Use) -> Template:
    if len(text) > LONGEST_SOURCE:
        raise FormulaError(text, 0, f"{len(text)} characters", f"at most {LONGEST_SOURCE}")
    pieces: list[Redactable | Expression] = []
    position = 0
    while (begin := text.find(BEGIN, position)) >= 0:
        end = end_of(text, begin)
        pieces.append(_literal(text, position, begin, use))
        pieces.append(_string(text, begin + len(BEGIN), end, use))
        position = end + 1
    pieces.append(_literal(text, position, len(text), use))
    reads = Reads.of(piece.reads for piece in pieces if isinstance(piece, Expression))
    return Template(text, tuple(piece for piece in pieces if piece != Redactable(("",))), reads, use)


def end_of(text: str, begin: int) -> int:
    """Find the `}` that ends the formula; raises `FormulaError` where there is none."""
    for mark in _MARK.finditer(text, begin + len(BEGIN)):
        if mark["text"] is not None:
            raise FormulaError(text, mark.start(), "a text that is not closed", f"{mark[1]} at its end")
        if mark["comment"] is not None:
            raise FormulaError(text, mark.start(), "a comment that is not closed", "*/ at its end")
        if mark[0] == "}":
            return mark.start()
    raise FormulaError(text, begin, "a formula that is not closed", "} at its end")


def _literal(text: str, start: int, end: int, use: Use) -> Redactable:
    found = _FORBIDDEN[use].search(text, start, end)
    if found is not None:
        raise FormulaError(text, found.start(), _named(found[0]), _held_by(use))
    return Redactable((text[start:end],))


def _string(text: str, start: int, end: int, use: Use) -> Expression:
    from callout.core.formula.syntax import parse_expression  # loads lark, which plain text does without

    expression = parse_expression(text, start, end, use)
    if expression.type is not Type.STRING:
        raise expression.place.error(f"a {expression.type}", conversion(Type.STRING, expression.type))
    return expression


def _valued(expression: Expression, scope: Scope, use: Use) -> Redactable:
    value = expression.evaluate(scope)
    assert isinstance(value, Redactable)  # _string let no other type pass
    found = _FORBIDDEN[use].search(reveal(value))
    if found is not None:
        raise expression.place.error(f"{_named(found[0])} in the value", _held_by(use))
    return value


def _held_by(use: Use) -> str:
    return f"text that {'a body' if use is Use.BODY else 'a header'} may hold"


def _named(character: str) -> str:
    if "\ud800" <= character <= "\udfff":
        return "half of a surrogate pair"
    names = {"\x00": "a NUL", "\n": "a line feed", "\r": "a carriage return"}
    return names.get(character, f"control character U+{ord(character):04X}")
