"""The types of the formula language and their values. What was computed from a secret is secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction

from callout.core.secret import REDACTED, Redactable

#: Longest text or blob that a formula may compute, in characters or bytes. Servers accept 8 to 16 KiB in a header.
LONGEST_VALUE = 32 * 1024
#: Most digits of a number, before and after its fraction bar. Arithmetic is exact, so that FLOOR is right.
MOST_DIGITS = 60


class Type(StrEnum):
    """What an expression gives."""

    STRING = "String"
    BLOB = "Blob"
    NUMBER = "Number"
    BOOLEAN = "Boolean"
    DATETIME = "DateTime"


class Use(StrEnum):
    """Where a formula stands. It decides what it may read and which functions it may call."""

    CUSTOM_HEADER = "a custom header"
    CALLER_HEADER = "a header that a caller sets"
    BODY = "a body"


@dataclass(frozen=True, slots=True, repr=False)
class Blob:
    """Bytes, and whether a secret went into them."""

    content: bytes
    is_secret: bool

    def __repr__(self) -> str:
        return f"Blob({REDACTED if self.is_secret else repr(self.content)})"


@dataclass(frozen=True, slots=True, repr=False)
class Scalar:
    """A Number, Boolean or DateTime, and whether a secret went into it."""

    content: Fraction | bool | datetime
    is_secret: bool

    def __repr__(self) -> str:
        return f"Scalar({REDACTED if self.is_secret else repr(self.content)})"


Value = Redactable | Blob | Scalar
#: What a function takes and gives: a value without the note whether it is secret.
Content = str | bytes | Fraction | bool | datetime


class UnfitError(Exception):
    """An argument that a function cannot take. `got` describes it without showing it."""

    def __init__(self, got: str, expected: str) -> None:
        super().__init__(f"got {got}; expected {expected}")
        self.got = got
        self.expected = expected


def bounded_number(number: Fraction) -> Fraction:
    """Return the number; raises `UnfitError` for one of more digits than are kept."""
    if max(abs(number.numerator), number.denominator) >= 10**MOST_DIGITS:
        raise UnfitError(f"a number of more than {MOST_DIGITS} digits", "a number of fewer digits")
    return number
