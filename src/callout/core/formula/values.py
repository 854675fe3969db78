"""The types of the formula language and their values. What was computed from a secret is secret."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from callout.core.secret import REDACTED, Redactable, Secret

#: Longest text or blob that a formula may compute, in characters or bytes. Servers accept 8 to 16 KiB in a header.
LONGEST_VALUE = 32 * 1024

#: Finds the value of a parameter by external credential and name; raises where there is none.
Lookup = Callable[[str, str], str | Secret]


class Type(StrEnum):
    """What an expression gives."""

    STRING = "String"
    BLOB = "Blob"


@dataclass(frozen=True, slots=True, repr=False)
class Blob:
    """Bytes, and whether a secret went into them."""

    content: bytes
    is_secret: bool

    def __repr__(self) -> str:
        return f"Blob({REDACTED if self.is_secret else repr(self.content)})"


Value = Redactable | Blob


class UnfitError(Exception):
    """An argument that a function cannot take. `got` describes it without showing it."""

    def __init__(self, got: str, expected: str) -> None:
        super().__init__(f"got {got}; expected {expected}")
        self.got = got
        self.expected = expected
