"""A plan: what would change, as values to apply, as text to read and as JSON. It shows no secret."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from callout.core.access.difference import AccessDifference
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.model.org import Definition
from callout.core.ports import Change
from callout.core.secret import Secret
from callout.engine.plan.access import access_lines, access_members
from callout.engine.plan.diff import FieldChange


class Action(StrEnum):
    """What happens to a definition; the value is what JSON says."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class SecretState(StrEnum):
    """What happens to a secret; the value is what JSON says. GIVEN: one is stored, and was not compared yet."""

    SET = "set"
    GIVEN = "given"
    CHANGED = "changed"
    KEPT = "kept"


_MARKS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.DELETE: "-",
    SecretState.SET: "+",
    SecretState.GIVEN: "~",
    SecretState.CHANGED: "~",
}
_SAID = {
    SecretState.SET: "set",
    SecretState.GIVEN: "replaced where it differs from the stored value",
    SecretState.CHANGED: "changed",
}


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One definition that changes, and its fields that do."""

    action: Action
    section: str
    name: str
    definition: Definition | None
    fields: tuple[FieldChange, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the change as JSON has it."""
        return {
            "action": str(self.action),
            "section": self.section,
            "name": self.name,
            "fields": [field.to_dict() for field in self.fields],
        }


@dataclass(frozen=True, slots=True)
class SecretWrite:
    """One secret that the manifest gives."""

    key: UserExternalCredentialKey
    name: str
    value: Secret
    state: SecretState

    def to_dict(self) -> dict[str, str]:
        """Return the write as JSON has it, without the value."""
        return {"principal": str(self.key), "name": self.name, "action": str(self.state)}


@dataclass(frozen=True, slots=True)
class Plan:
    """What would change. Made by `make_plan`, which judged it: it can be applied as it is."""

    planned: tuple[PlannedChange, ...] = ()
    secret_writes: tuple[SecretWrite, ...] = ()
    warnings: tuple[str, ...] = ()
    access: AccessDifference = field(default_factory=AccessDifference)

    @property
    def changes(self) -> tuple[Change, ...]:
        """The changes of definitions, as the store takes them."""
        return tuple(Change(p.section, p.name, p.definition) for p in self.planned)

    @property
    def secrets(self) -> Mapping[UserExternalCredentialKey, Mapping[str, Secret]]:
        """The secrets to be sealed, those that are kept left out."""
        found: dict[UserExternalCredentialKey, dict[str, Secret]] = {}
        for write in self._writes():
            found.setdefault(write.key, {})[write.name] = write.value
        return found

    @property
    def is_empty(self) -> bool:
        """True where nothing would change."""
        return not self.planned and not any(self._writes())

    def comparing(self, stored: Callable[[UserExternalCredentialKey, str], Secret | None]) -> Plan:
        """Return the plan in which secrets equal to the stored ones are kept, so that their tokens are too.

        `stored` opens one stored value, or returns None where none is set.
        """
        return replace(self, secret_writes=tuple(_compared(write, stored) for write in self.secret_writes))

    def render(self) -> str:
        """Return the plan as lines of text that begin with `+`, `~` or `-`; warnings begin with `!`."""
        return "\n".join(self._lines())

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as JSON has it."""
        return {
            "empty": self.is_empty,
            "changes": [change.to_dict() for change in self.planned],
            "secrets": [write.to_dict() for write in self.secret_writes],
            "access": access_members(self.access),
            "warnings": list(self.warnings),
        }

    def _writes(self) -> Iterator[SecretWrite]:
        return (write for write in self.secret_writes if write.state is not SecretState.KEPT)

    def _lines(self) -> Iterator[str]:
        for change in self.planned:
            yield f"{_MARKS[change.action]} {change.section}.{change.name}"
            if change.action is not Action.DELETE:
                yield from (f"    {field}" for field in change.fields)
        for write in self._writes():
            yield f"{_MARKS[write.state]} secret {write.key} {write.name}: {_SAID[write.state]}"
        yield from access_lines(self.access)
        yield from (f"! {warning}" for warning in self.warnings)
        yield self._summary()

    def _summary(self) -> str:
        if self.is_empty:
            return "Nothing to change."
        counts = Counter(change.action for change in self.planned)
        parts = [f"{counts[action]} to {action}" for action in Action if counts[action]]
        secrets = sum(1 for _ in self._writes())
        if secrets:
            parts.append(f"{secrets} secret{'s' if secrets > 1 else ''} to seal")
        return ", ".join(parts) + "."


def _compared(write: SecretWrite, stored: Callable[[UserExternalCredentialKey, str], Secret | None]) -> SecretWrite:
    present = stored(write.key, write.name)
    if present is None:
        return replace(write, state=SecretState.SET)
    return replace(write, state=SecretState.KEPT if present == write.value else SecretState.CHANGED)
