"""What a manifest asks for: definitions, secrets, and where each was written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from callout.core.errors import Problem
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.model.org import Definition
from callout.core.secret import Secret


class SecretOrigin(StrEnum):
    """Where a secret that is not in the manifest itself is to be read."""

    ENV = "env"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class SecretSource:
    """`{env: NAME}` or `{file: PATH}`. The engine reads neither: its caller resolves a source to the value."""

    origin: SecretOrigin
    name: str


#: Returns the value of a source. Raises `LookupError` for a variable that is not set, `OSError` for a file that
#: cannot be read, `ValueError` for a value that is not text. One line end at the end of a file is not part of it.
Resolve = Callable[[SecretSource], str]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is wanted. Each definition is whole: a field that was left out has its default.

    `places` maps paths (`named_credentials.Orders.url`) to `file:line`; `sections` are those that were written,
    though they may be empty. An importer makes one too.
    """

    definitions: tuple[Definition, ...]
    secrets: Mapping[UserExternalCredentialKey, Mapping[str, Secret]] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    sections: frozenset[str] = frozenset()

    def where(self, place: str) -> str | None:
        """Return file and line of a place, or of the nearest thing around it."""
        while place:
            if place in self.places:
                return self.places[place]
            place = place[: max(place.rfind("."), place.rfind("["), 0)]
        return None

    def located(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        """Return the problems with file and line where the manifest has them, in the order of the lines."""
        found = [replace(problem, where=problem.where or self.where(problem.place)) for problem in problems]
        return tuple(sorted(found, key=_position))


def _position(problem: Problem) -> tuple[str, int]:
    source, _, line = (problem.where or "").rpartition(":")
    return source, int(line) if line.isdecimal() else 0
