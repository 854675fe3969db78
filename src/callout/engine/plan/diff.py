"""What differs between two definitions, field by field. Definitions hold no secret, so both values are shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from callout.core.model.org import Definition
from callout.engine.manifest import plain_fields

Plain = str | int | bool


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field, or one item of a list, and its values; None where it is not there."""

    path: str
    old: Plain | None
    new: Plain | None

    def __str__(self) -> str:
        if self.old is None:
            return f"+ {self.path}: {_shown(self.new)}"
        if self.new is None:
            return f"- {self.path}: {_shown(self.old)}"
        return f"~ {self.path}: {_shown(self.old)} → {_shown(self.new)}"

    def to_dict(self) -> dict[str, Plain | None]:
        """Return the change as JSON has it."""
        return {"path": self.path, "old": self.old, "new": self.new}


def differences(old: Definition | None, new: Definition | None) -> tuple[FieldChange, ...]:
    """Return what differs, in the order of the model. A definition that is new is shown without its defaults."""
    if old is None and new is not None:
        given = plain_fields(new)
        before, after = {}, {k: v for k, v in _flat(new).items() if k[0].partition(".")[0].partition("[")[0] in given}
    else:
        before, after = _flat(old) if old else {}, _flat(new) if new else {}
    keys = dict.fromkeys((*before, *after))
    return tuple(
        FieldChange(key[0], before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)
    )


def _flat(definition: Definition) -> dict[tuple[str, Plain | None], Plain]:
    """Return each leaf by its path; an item of a list by its path and itself."""
    return dict(_leaves(plain_fields(definition, everything=True), ""))


def _leaves(value: Any, path: str) -> Iterator[tuple[tuple[str, Plain | None], Plain]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict):
                yield from _leaves(item, f"{path}[{index}]")
            else:
                yield (path, item), item
    elif value is not None:
        yield (path, None), value


def _shown(value: Plain | None) -> str:
    return value if isinstance(value, str) and value.isprintable() and value else json.dumps(value, ensure_ascii=False)
