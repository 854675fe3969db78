"""The one error of the store. Cheap to import: it knows no database library."""

from __future__ import annotations

from callout.core import errors


class StoreError(errors.StoreError):
    """The database cannot be used. The message says what was got, what was expected, and what mends it."""

    def __init__(self, got: str, expected: str, remedy: str) -> None:
        super().__init__(f"got {got}; expected {expected}. {remedy}")
        self.got = got
        self.expected = expected
        self.remedy = remedy
