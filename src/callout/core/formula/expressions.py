"""The nodes of a parsed formula. Types are known when it is parsed; evaluation cannot meet a wrong one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

from callout.core.formula.errors import FormulaError, Place
from callout.core.formula.functions import Function, Parameter
from callout.core.formula.values import LONGEST_VALUE, Blob, Lookup, Type, UnfitError, Value
from callout.core.secret import Redactable, Secret, reveal

Names = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Expression(ABC):
    """Something that gives a value of `type`. `names` are the (external credential, parameter) pairs that it reads."""

    place: Place
    type: Type
    names: Names

    @abstractmethod
    def evaluate(self, lookup: Lookup) -> Value:
        """Return the value. Raises `FormulaError`, and whatever `lookup` raises."""


@dataclass(frozen=True, slots=True)
class Literal(Expression):
    """A text in quotes."""

    text: str

    @classmethod
    def of(cls, place: Place, text: str) -> Literal:
        """Build a literal."""
        return cls(place, Type.STRING, frozenset(), text)

    def evaluate(self, lookup: Lookup) -> Value:  # noqa: ARG002 - a literal reads nothing
        """Return the text."""
        return Redactable((self.text,))


@dataclass(frozen=True, slots=True)
class CredentialParameter(Expression):
    """`$Credential.ExternalCredential.Parameter`."""

    external_credential: str
    name: str

    @classmethod
    def of(cls, place: Place, external_credential: str, name: str) -> CredentialParameter:
        """Build a reference to a parameter."""
        return cls(place, Type.STRING, frozenset({(external_credential, name)}), external_credential, name)

    def evaluate(self, lookup: Lookup) -> Value:
        """Return the parameter's value."""
        return Redactable((lookup(self.external_credential, self.name),))


@dataclass(frozen=True, slots=True)
class Concatenation(Expression):
    """Two or more texts, joined. Each keeps its own secrecy."""

    operands: tuple[Expression, ...]

    @classmethod
    def of(cls, place: Place, operands: tuple[Expression, ...]) -> Concatenation:
        """Join operands; raises `FormulaError` at the first that is no text."""
        for operand in operands:
            if operand.type is not Type.STRING:
                raise operand.place.error(f"a {operand.type} to join", "a String: wrap it in BASE64ENCODE or HEX")
        return cls(place, Type.STRING, _names(operands), operands)

    def evaluate(self, lookup: Lookup) -> Value:
        """Return the texts, joined."""
        values = (operand.evaluate(lookup) for operand in self.operands)
        return _bounded(self.place, Redactable.of(*(v for v in values if isinstance(v, Redactable))))


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """A function and its arguments. The result is secret where any argument is."""

    function: Function
    arguments: tuple[Expression, ...]

    @classmethod
    def of(cls, place: Place, function: Function, arguments: tuple[Expression, ...]) -> Call:
        """Call a function; raises `FormulaError` for a wrong number, type or choice of arguments."""
        parameters = function.parameters
        if len(arguments) != len(parameters):
            raise place.error(_counted(len(arguments)), f"{_counted(len(parameters))}: {function.signature}")
        for number, (parameter, argument) in enumerate(zip(parameters, arguments, strict=True), 1):
            if argument.type is not parameter.type:
                expected = _CONVERSIONS[parameter.type]
                raise argument.place.error(f"a {argument.type} {_as_argument(function, number)}", expected)
            if isinstance(argument, Literal):
                _require_choice(argument.place, function, number, argument.text, secret=False)
        return cls(place, function.result, _names(arguments), function, arguments)

    def evaluate(self, lookup: Lookup) -> Value:
        """Return what the function computes."""
        values = [argument.evaluate(lookup) for argument in self.arguments]
        plain = [value.content if isinstance(value, Blob) else reveal(value) for value in values]
        for number, (argument, value, content) in enumerate(zip(self.arguments, values, plain, strict=True), 1):
            _require_choice(argument.place, self.function, number, content, secret=value.is_secret)
        try:
            result = self.function.compute(*plain)
        except UnfitError as error:
            raise self.place.error(f"{error.got} as an argument of {self.function.name}", error.expected) from None
        secret = any(value.is_secret for value in values)
        if isinstance(result, bytes):
            return _bounded(self.place, Blob(result, is_secret=secret))
        return _bounded(self.place, Redactable((Secret(result) if secret else result,)))


_CONVERSIONS = {
    Type.STRING: "a String: wrap it in BASE64ENCODE or HEX",
    Type.BLOB: "a Blob: wrap it in BLOB, BASE64DECODE or HASH",
}


def _names(expressions: Iterable[Expression]) -> Names:
    return frozenset[tuple[str, str]]().union(*(expression.names for expression in expressions))


def _counted(number: int) -> str:
    return "1 argument" if number == 1 else f"{number} arguments"


def _as_argument(function: Function, number: int) -> str:
    return f"as argument {number} ({function.parameters[number - 1].name}) of {function.name}"


def _require_choice(place: Place, function: Function, number: int, content: str | bytes, *, secret: bool) -> None:
    parameter: Parameter = function.parameters[number - 1]
    if parameter.choices and content not in parameter.choices:
        shown = "another text" if secret else repr(content)
        raise place.error(f"{shown} {_as_argument(function, number)}", " or ".join(map(repr, parameter.choices)))


def _bounded(place: Place, value: Value) -> Value:
    """Return the value; raises `FormulaError` for one that no header could hold."""
    blob = isinstance(value, Blob)
    size = len(value.content) if isinstance(value, Blob) else len(reveal(value))
    if size > LONGEST_VALUE:
        raise too_long(place, size, "bytes" if blob else "characters")
    return value


def too_long(place: Place, size: int, unit: str) -> FormulaError:
    """Return the error of a value that is longer than `LONGEST_VALUE`."""
    return place.error(f"a value of {size} {unit}", f"at most {LONGEST_VALUE}; Callout cuts no value short")
