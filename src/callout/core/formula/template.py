"""Text in which `{!…}` are formulas: split once, evaluated for every callout.

`{!` always begins a formula, and the next `}` outside quotes and comments ends it. Any other brace is text.
To write `{!` itself, use a formula: `{!'{!'}`. The result is made for a header (RFC 9110 section 5.5): control
characters other than the tab are refused, where they come from the text, a formula or a secret.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from callout.core.formula.errors import FormulaError, Place
from callout.core.formula.expressions import Expression, too_long
from callout.core.formula.values import LONGEST_VALUE, Lookup, Type
from callout.core.secret import Redactable, reveal

#: Longest source, in characters, as in Salesforce.
LONGEST_SOURCE = 3900

_BEGIN = "{!"
_MARK = re.compile(r"""(['"])(?:(?!\1)[^\\]|\\.?)*+(?:\1|(?P<text>\Z))|/\*.*?(?:\*/|(?P<comment>\Z))|\}""", re.DOTALL)
_FORBIDDEN = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed text. `names` is every (external credential, parameter) that its formulas read."""

    source: str
    pieces: tuple[Redactable | Expression, ...]
    names: frozenset[tuple[str, str]]

    def evaluate(self, lookup: Lookup) -> Redactable:
        """Return the text with every formula replaced by its value; secret parts stay secret.

        Raises `FormulaError` for an argument that a function cannot take and a result that no header may hold,
        and whatever `lookup` raises for a parameter that it does not know.
        """
        whole = Redactable.of(*(p if isinstance(p, Redactable) else _valued(p, lookup) for p in self.pieces))
        size = sum(map(len, map(reveal, whole.parts)))
        if size > LONGEST_VALUE:
            raise too_long(Place(self.source, 0), size, "characters")
        return whole


@functools.lru_cache(maxsize=1024)
def parse(text: str) -> Template:
    """Parse text; raises `FormulaError`. Every type and name of a function is judged here, not at the callout."""
    if len(text) > LONGEST_SOURCE:
        raise FormulaError(text, 0, f"{len(text)} characters", f"at most {LONGEST_SOURCE}")
    pieces: list[Redactable | Expression] = []
    names: frozenset[tuple[str, str]] = frozenset()
    position = 0
    while (begin := text.find(_BEGIN, position)) >= 0:
        end = _end(text, begin)
        pieces.append(_literal(text, position, begin))
        expression = _string(text, begin + len(_BEGIN), end)
        pieces.append(expression)
        names |= expression.names
        position = end + 1
    pieces.append(_literal(text, position, len(text)))
    return Template(text, tuple(piece for piece in pieces if piece != Redactable(("",))), names)


def _end(text: str, begin: int) -> int:
    """Find the `}` that ends the formula; raises `FormulaError` where there is none."""
    for mark in _MARK.finditer(text, begin + len(_BEGIN)):
        if mark["text"] is not None:
            raise FormulaError(text, mark.start(), "a text that is not closed", f"{mark[1]} at its end")
        if mark["comment"] is not None:
            raise FormulaError(text, mark.start(), "a comment that is not closed", "*/ at its end")
        if mark[0] == "}":
            return mark.start()
    raise FormulaError(text, begin, "a formula that is not closed", "} at its end")


def _literal(text: str, start: int, end: int) -> Redactable:
    found = _FORBIDDEN.search(text, start, end)
    if found is not None:
        raise FormulaError(text, found.start(), _named(found[0]), "text that a header may hold")
    return Redactable((text[start:end],))


def _string(text: str, start: int, end: int) -> Expression:
    from callout.core.formula.syntax import parse_expression  # loads lark, which plain text does without

    expression = parse_expression(text, start, end)
    if expression.type is not Type.STRING:
        raise expression.place.error(f"a {expression.type}", "a String: wrap it in BASE64ENCODE or HEX")
    return expression


def _valued(expression: Expression, lookup: Lookup) -> Redactable:
    value = expression.evaluate(lookup)
    assert isinstance(value, Redactable)  # _string let no other type pass
    found = _FORBIDDEN.search(reveal(value))
    if found is not None:
        raise expression.place.error(f"{_named(found[0])} in the value", "text that a header may hold")
    return value


def _named(character: str) -> str:
    if "\ud800" <= character <= "\udfff":
        return "half of a surrogate pair"
    names = {"\x00": "a NUL", "\n": "a line feed", "\r": "a carriage return"}
    return names.get(character, f"control character U+{ord(character):04X}")
