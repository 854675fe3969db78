"""The two ways in which a command ends early, beside what the engine raises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class UsageError(Exception):
    """Arguments that do not go together. The message says got and expected."""


class RemoteRefused(Exception):
    """A problem document that a running server answered with, or that says why it could not be asked."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        super().__init__(str(document.get("title", "refused")))
        self.document = document
