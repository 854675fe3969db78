"""Operators between and before expressions: arithmetic, comparison, and what holds. `&` joins: see `expressions`.

Arithmetic is exact. A number of days is added to a time; two times differ by a number of days. Comparing texts tells
capitals from small letters, as Salesforce does.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from callout.core.formula import compute
from callout.core.formula.errors import Place
from callout.core.formula.expressions import Expression, as_value, content_of, conversion, reads_of
from callout.core.formula.scope import Scope
from callout.core.formula.values import MOST_DIGITS, Content, Scalar, Type, UnfitError, Value, bounded_number

#: Largest exponent, up and down: no number of two digits has a power beyond it that is kept.
LARGEST_EXPONENT = MOST_DIGITS * 4

_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "==": operator.eq,
    "<>": operator.ne,
    "!=": operator.ne,
}
_EQUALITY = ("=", "==", "<>", "!=")
_ORDERED = (Type.NUMBER, Type.DATETIME)


def _divided(left: Fraction, right: Fraction) -> Fraction:
    if not right:
        raise UnfitError("a division by zero", "another divisor")
    return left / right


def _raised(left: Fraction, right: Fraction) -> Fraction:
    if right.denominator != 1 or abs(right) > LARGEST_EXPONENT:
        raise UnfitError("an exponent of another kind", f"a whole number up to {LARGEST_EXPONENT}")
    if not left and right < 0:
        raise UnfitError("a division by zero", "another base")
    return Fraction(left ** int(right))


_Compute = Callable[[Any, Any], Content]

#: Operator and types, the type of the result, and how it is computed.
_ARITHMETIC: Mapping[tuple[str, Type, Type], tuple[Type, _Compute]] = {
    ("+", Type.NUMBER, Type.NUMBER): (Type.NUMBER, operator.add),
    ("-", Type.NUMBER, Type.NUMBER): (Type.NUMBER, operator.sub),
    ("*", Type.NUMBER, Type.NUMBER): (Type.NUMBER, operator.mul),
    ("/", Type.NUMBER, Type.NUMBER): (Type.NUMBER, _divided),
    ("^", Type.NUMBER, Type.NUMBER): (Type.NUMBER, _raised),
    ("+", Type.DATETIME, Type.NUMBER): (Type.DATETIME, compute.moved),
    ("-", Type.DATETIME, Type.NUMBER): (Type.DATETIME, lambda time, days: compute.moved(time, -days)),
    ("-", Type.DATETIME, Type.DATETIME): (Type.NUMBER, compute.days_between),
}


@dataclass(frozen=True, slots=True)
class Binary(Expression):
    """Two values and an operator between them. The result is secret where one of them is."""

    left: Expression
    right: Expression
    compute: _Compute

    @classmethod
    def arithmetic(cls, place: Place, symbol: str, left: Expression, right: Expression) -> Binary:
        """Compute with two values; raises `FormulaError` where their types do not fit the operator."""
        found = _ARITHMETIC.get((symbol, left.type, right.type))
        if found is None:
            wrong, wanted = _misfit(symbol, left, right)
            raise wrong.place.error(f"a {wrong.type} beside {symbol!r}", wanted)
        return cls(place, found[0], reads_of((left, right)), left, right, found[1])

    @classmethod
    def comparison(cls, place: Place, symbol: str, left: Expression, right: Expression) -> Binary:
        """Compare two values of one type; only numbers and times have an order."""
        if symbol not in _EQUALITY and left.type not in _ORDERED:
            raise left.place.error(f"a {left.type} beside {symbol!r}", "a Number or a DateTime, which have an order")
        if left.type is not right.type:
            expected = conversion(left.type, right.type)
            raise right.place.error(f"a {right.type} compared with a {left.type}", expected)
        return cls(place, Type.BOOLEAN, reads_of((left, right)), left, right, _ORDER[symbol])

    def evaluate(self, scope: Scope) -> Value:
        """Return what the operator makes of both."""
        values = self.left.evaluate(scope), self.right.evaluate(scope)
        try:
            result = self.compute(*map(content_of, values))
            if isinstance(result, Fraction):
                result = bounded_number(result)
        except UnfitError as error:
            raise self.place.error(error.got, error.expected) from None
        return as_value(result, secret=any(value.is_secret for value in values))


def _misfit(symbol: str, left: Expression, right: Expression) -> tuple[Expression, str]:
    """Return the operand that is of no use to the operator, and what would be."""
    firsts = [one for known, one, _ in _ARITHMETIC if known == symbol]
    if left.type not in firsts:
        text = " or a DateTime" if Type.DATETIME in firsts else ""
        return left, conversion(Type.NUMBER, left.type).replace("a Number:", f"a Number{text}:", 1)
    return right, conversion(Type.NUMBER, right.type)


@dataclass(frozen=True, slots=True)
class Unary(Expression):
    """`-` before a number, `!` before what may hold."""

    operand: Expression

    @classmethod
    def of(cls, place: Place, symbol: str, operand: Expression) -> Unary:
        """Negate; raises `FormulaError` for another type."""
        wanted = Type.NUMBER if symbol == "-" else Type.BOOLEAN
        if operand.type is not wanted:
            raise operand.place.error(f"a {operand.type} after {symbol!r}", conversion(wanted, operand.type))
        return cls(place, wanted, operand.reads, operand)

    def evaluate(self, scope: Scope) -> Value:
        """Return the opposite."""
        value = self.operand.evaluate(scope)
        content = content_of(value)
        assert isinstance(content, Fraction | bool)
        opposite = not content if isinstance(content, bool) else -content
        return as_value(opposite, secret=value.is_secret)


@dataclass(frozen=True, slots=True)
class Logical(Expression):
    """`&&` and `||`: looked at from the left, as far as it takes."""

    operands: tuple[Expression, ...]
    decisive: bool

    @classmethod
    def of(cls, place: Place, symbol: str, operands: tuple[Expression, ...]) -> Logical:
        """Join conditions; raises `FormulaError` at the first that is none."""
        for operand in operands:
            if operand.type is not Type.BOOLEAN:
                raise operand.place.error(f"a {operand.type} beside {symbol!r}", conversion(Type.BOOLEAN, operand.type))
        return cls(place, Type.BOOLEAN, reads_of(operands), operands, symbol == "||")

    def evaluate(self, scope: Scope) -> Value:
        """Return whether all hold, or one at least."""
        secret = False
        for operand in self.operands:
            value = operand.evaluate(scope)
            secret = secret or value.is_secret
            if content_of(value) is self.decisive:
                return Scalar(self.decisive, secret)
        return Scalar(not self.decisive, secret)
