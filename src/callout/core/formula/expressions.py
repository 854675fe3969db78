"""The nodes of a parsed formula. Types are known when it is parsed; evaluation cannot meet a wrong one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from callout.core.formula.errors import FormulaError, Place
from callout.core.formula.functions import Function
from callout.core.formula.scope import (
    CALLOUT_FIELDS,
    ORGANIZATION_FIELDS,
    REQUEST_FIELDS,
    USER_FIELDS,
    Reads,
    Scope,
)
from callout.core.formula.values import (
    LONGEST_VALUE,
    Blob,
    Content,
    Scalar,
    Type,
    UnfitError,
    Value,
    bounded_number,
)
from callout.core.secret import Redactable, Secret, reveal

CONVERSIONS = {
    Type.STRING: "a String: wrap it in BASE64ENCODE or HEX",
    Type.BLOB: "a Blob: wrap it in BLOB, BASE64DECODE or HASH",
    Type.NUMBER: "a Number: wrap it in VALUE or LEN",
    Type.BOOLEAN: "a Boolean: a comparison, such as $Credential.X.Mode = 'live'",
    Type.DATETIME: "a DateTime: NOW() or DATETIMEVALUE('2030-01-31 12:00:00')",
}


def conversion(wanted: Type, given: Type) -> str:
    """Say what is expected of a type, and what makes it of the one that was given."""
    if wanted is Type.STRING and given in (Type.NUMBER, Type.DATETIME):
        return "a String: wrap it in TEXT"
    if wanted is Type.STRING and given is Type.BOOLEAN:
        return "a String: choose one with IF"
    return CONVERSIONS[wanted]


@dataclass(frozen=True, slots=True)
class Expression(ABC):
    """Something that gives a value of `type`. `reads` is what it reads."""

    place: Place
    type: Type
    reads: Reads

    @abstractmethod
    def evaluate(self, scope: Scope) -> Value:
        """Return the value. Raises `FormulaError`, and whatever the scope's look-ups raise."""


@dataclass(frozen=True, slots=True)
class Literal(Expression):
    """A text in quotes, a number, TRUE or FALSE."""

    content: str | Fraction | bool

    @classmethod
    def of(cls, place: Place, content: str | Fraction | bool) -> Literal:
        """Build a literal."""
        kind = Type.STRING if isinstance(content, str) else Type.NUMBER
        return cls(place, Type.BOOLEAN if isinstance(content, bool) else kind, Reads(), content)

    def evaluate(self, scope: Scope) -> Value:  # noqa: ARG002 - a literal reads nothing
        """Return it."""
        return as_value(self.content, secret=False)


@dataclass(frozen=True, slots=True)
class CredentialParameter(Expression):
    """`$Credential.ExternalCredential.Parameter`."""

    external_credential: str
    name: str

    @classmethod
    def of(cls, place: Place, external_credential: str, name: str) -> CredentialParameter:
        """Build a reference to a parameter."""
        reads = Reads(names=frozenset({(external_credential, name)}))
        return cls(place, Type.STRING, reads, external_credential, name)

    def evaluate(self, scope: Scope) -> Value:
        """Return the parameter's value."""
        return Redactable((scope.credential(self.external_credential, self.name),))


@dataclass(frozen=True, slots=True)
class RequestBody(Expression):
    """`$Credential.ExternalCredential.Body`: the request's body as it will be sent."""

    @classmethod
    def of(cls, place: Place, external_credential: str) -> RequestBody:
        """Build a reference to the body."""
        return cls(place, Type.BLOB, Reads(bodies=frozenset({external_credential})))

    def evaluate(self, scope: Scope) -> Value:
        """Return the body, however long."""
        return scope.body


@dataclass(frozen=True, slots=True)
class ShortField(Expression):
    """`$Credential.Username` and its like."""

    name: str

    @classmethod
    def of(cls, place: Place, name: str) -> ShortField:
        """Build a reference to a short field."""
        return cls(place, Type.STRING, Reads(short=frozenset({name})), name)

    def evaluate(self, scope: Scope) -> Value:
        """Return the field's value."""
        return Redactable((scope.short(self.name),))


@dataclass(frozen=True, slots=True)
class GlobalField(Expression):
    """`$User.Field`, `$Organization.Field`, `$Request.Field` or `$Callout.Field`; none is secret."""

    owner: str
    name: str

    @classmethod
    def user(cls, place: Place, name: str) -> GlobalField:
        """Build a reference to a field of the calling user."""
        return cls(place, Type.STRING, Reads(user=frozenset({name})), "$User", name)

    @classmethod
    def organization(cls, place: Place, name: str) -> GlobalField:
        """Build a reference to a field of the organization."""
        return cls(place, Type.STRING, Reads(organization=frozenset({name})), "$Organization", name)

    @classmethod
    def request(cls, place: Place, name: str) -> GlobalField:
        """Build a reference to a part of the request."""
        return cls(place, Type.STRING, Reads(request=frozenset({name})), "$Request", name)

    @classmethod
    def callout(cls, place: Place, name: str) -> GlobalField:
        """Build a reference to what names one callout."""
        return cls(place, Type.STRING, Reads(callout=frozenset({name})), "$Callout", name)

    def evaluate(self, scope: Scope) -> Value:
        """Return the field's value; one that is empty is an error, for it would be sent as nothing. A query may be empty."""
        values, fields = {
            "$User": (scope.user, USER_FIELDS),
            "$Organization": (scope.organization, ORGANIZATION_FIELDS),
            "$Request": (scope.request, REQUEST_FIELDS),
            "$Callout": (scope.callout, CALLOUT_FIELDS),
        }[self.owner]
        value = values.get(self.name, "")
        if not value and not (self.owner == "$Request" and self.name in values):
            shown = f"{self.owner}.{self.name}"
            known = fields[self.name]
            got, expected = f"{shown}, which has no value", f"a value: {known}"
            raise FormulaError(self.place.source, self.place.offset, got, expected, lacking=shown)
        return Redactable((value,))


@dataclass(frozen=True, slots=True)
class Concatenation(Expression):
    """Two or more texts, or blobs, joined. Each text keeps its own secrecy."""

    operands: tuple[Expression, ...]

    @classmethod
    def of(cls, place: Place, operands: tuple[Expression, ...]) -> Concatenation:
        """Join operands; raises `FormulaError` at the first that is of another type than the first."""
        kind = Type.BLOB if all(operand.type is Type.BLOB for operand in operands) else Type.STRING
        for operand in operands:
            if operand.type is not kind:
                raise operand.place.error(f"a {operand.type} to join", conversion(kind, operand.type))
        return cls(place, kind, reads_of(operands), operands)

    def evaluate(self, scope: Scope) -> Value:
        """Return the texts, joined."""
        values = [operand.evaluate(scope) for operand in self.operands]
        blobs = [value for value in values if isinstance(value, Blob)]
        if blobs:
            joined = Blob(b"".join(b.content for b in blobs), any(b.is_secret for b in blobs))
            return bounded(self.place, joined, len(scope.body.content))
        return bounded(self.place, Redactable.of(*(v for v in values if isinstance(v, Redactable))))


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """A function and its arguments. The result is secret where any argument that was looked at is."""

    function: Function
    arguments: tuple[Expression, ...]

    @classmethod
    def of(cls, place: Place, function: Function, arguments: tuple[Expression, ...]) -> Call:
        """Call a function; raises `FormulaError` for a wrong number, type or choice of arguments."""
        if not function.takes(len(arguments)):
            raise place.error(_counted(len(arguments)), f"{_counted_parameters(function)}: {function.signature}")
        first_alike = len(arguments) - function.alike
        for index, argument in enumerate(arguments):
            types = (arguments[first_alike].type,) if index >= first_alike else function.parameter(index).types
            if argument.type not in types:
                expected = conversion(types[0], argument.type)
                raise argument.place.error(f"a {argument.type} {_as_argument(function, index)}", expected)
            if isinstance(argument, Literal):
                _require_choice(argument.place, function, index, argument.content, secret=False)
        reads = Reads.of((reads_of(arguments), Reads(time=function.timed, keys=function.with_keys)))
        return cls(place, function.result or arguments[-1].type, reads, function, arguments)

    def evaluate(self, scope: Scope) -> Value:
        """Return what the function computes."""
        taken = _Taken(self, scope)
        arguments = [taken.later(i) if self.function.lazy else taken.now(i) for i in range(len(self.arguments))]
        time = (scope.now,) if self.function.timed else ()
        keys = (scope.private_key,) if self.function.with_keys else ()
        try:
            result = self.function.compute(*time, *keys, *arguments)
            if self.type is Type.NUMBER:
                assert isinstance(result, Fraction)  # the table says so
                result = bounded_number(result)
        except UnfitError as error:
            raise self.place.error(f"{error.got} as an argument of {self.function.name}", error.expected) from None
        longest = len(scope.body.content) if self.type is Type.BLOB and self.function.lazy else 0
        return bounded(self.place, as_value(result, secret=taken.secret or self.function.with_keys), longest)


class _Taken:
    """The arguments of one call, evaluated as they are asked for."""

    def __init__(self, call: Call, scope: Scope) -> None:
        self._call = call
        self._scope = scope
        self.secret = False

    def now(self, index: int) -> Content:
        """Evaluate an argument."""
        argument = self._call.arguments[index]
        value = argument.evaluate(self._scope)
        self.secret = self.secret or value.is_secret
        content = content_of(value)
        _require_choice(argument.place, self._call.function, index, content, secret=value.is_secret)
        return content

    def later(self, index: int) -> object:
        """Return what evaluates an argument when it is called."""
        return lambda: self.now(index)


def as_value(content: Content, *, secret: bool) -> Value:
    """Note of a plain value whether it is secret."""
    if isinstance(content, bytes):
        return Blob(content, secret)
    if isinstance(content, str):
        return Redactable((Secret(content) if secret else content,))
    assert isinstance(content, Fraction | bool | datetime)
    return Scalar(content, secret)


def content_of(value: Value) -> Content:
    """Return a value without the note whether it is secret."""
    return reveal(value) if isinstance(value, Redactable) else value.content


def reads_of(expressions: Iterable[Expression]) -> Reads:
    """Return what several expressions read."""
    return Reads.of(expression.reads for expression in expressions)


def _counted(number: int) -> str:
    return "1 argument" if number == 1 else f"{number} arguments"


def _counted_parameters(function: Function) -> str:
    most = len(function.parameters)
    if function.repeats:
        return f"at least {_counted(most)}"
    return f"{most - function.optional} or {_counted(most)}" if function.optional else _counted(most)


def _as_argument(function: Function, index: int) -> str:
    return f"as argument {index + 1} ({function.parameter(index).name}) of {function.name}"


def _require_choice(place: Place, function: Function, index: int, content: Content, *, secret: bool) -> None:
    choices = function.parameter(index).choices
    if choices and content not in choices:
        shown = "another text" if secret else repr(content)
        raise place.error(f"{shown} {_as_argument(function, index)}", " or ".join(map(repr, choices)))


def bounded(place: Place, value: Value, more: int = 0) -> Value:
    """Return the value; raises `FormulaError` for a text or blob that is longer than `LONGEST_VALUE` and `more`."""
    if isinstance(value, Scalar):
        return value
    blob = isinstance(value, Blob)
    size = len(value.content) if isinstance(value, Blob) else len(reveal(value))
    if size > LONGEST_VALUE + more:
        raise too_long(place, size, "bytes" if blob else "characters")
    return value


def too_long(place: Place, size: int, unit: str) -> FormulaError:
    """Return the error of a value that is longer than `LONGEST_VALUE`."""
    return place.error(f"a value of {size} {unit}", f"at most {LONGEST_VALUE}; Callout cuts no value short")
