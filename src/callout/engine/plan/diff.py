"""What differs between two definitions, field by field. Definitions hold no secret, so both values are shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from callout.core.model.org import Definition
from callout.engine.manifest import plain_fields
from callout.engine.plan.widening import widened_fields

Plain = str | int | bool


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field, or one item of a list, and its values; None where it is not there."""

    path: str
    old: Plain | None
    new: Plain | None
    widens: bool = False

    def __str__(self) -> str:
        mark = "  (widens)" if self.widens else ""
        if self.old is None:
            return f"+ {self.path}: {_shown(self.new)}{mark}"
        if self.new is None:
            return f"- {self.path}: {_shown(self.old)}{mark}"
        return f"~ {self.path}: {_shown(self.old)} → {_shown(self.new)}{mark}"

    def to_dict(self) -> dict[str, Plain | None]:
        """Return the change as JSON has it; `widens` is there where more may be done than before."""
        return {"path": self.path, "old": self.old, "new": self.new, **({"widens": True} if self.widens else {})}


def differences(old: Definition | None, new: Definition | None) -> tuple[FieldChange, ...]:
    """Return what differs, in the order of the model. A definition that is new is shown without its defaults."""
    if old is None and new is not None:
        given = plain_fields(new)
        before, after = {}, {k: v for k, v in _flat(new).items() if k[0].partition(".")[0].partition("[")[0] in given}
    else:
        before, after = _flat(old) if old else {}, _flat(new) if new else {}
    keys = dict.fromkeys((*before, *after))
    widened = widened_fields(old, new)
    return tuple(
        FieldChange(
            key[0],
            before.get(key),
            after.get(key),
            _root(key[0]) in widened and _lets_more(new, key[0], after.get(key)),
        )
        for key in keys
        if before.get(key) != after.get(key)
    )


def _lets_more(new: Definition | None, path: str, value: Plain | None) -> bool:
    """Say whether a change within a widened field is to be marked: what goes from a list widens only the last time.

    Of what a group mutes, it is what goes that lets more be done.
    """
    if _root(path) == "muted":
        return value is None
    return value is not None or _root(path) == "rate_limits" or not getattr(new, _root(path))


def _root(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]


def _flat(definition: Definition) -> dict[tuple[str, Plain | None], Plain]:
    """Return each leaf by its path; an item of a list by its path and itself."""
    return dict(_leaves(plain_fields(definition, everything=True), ""))


def _leaves(value: Any, path: str) -> Iterator[tuple[tuple[str, Plain | None], Plain]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict) and "principal" in item:
                narrowed = "; ".join(", ".join(item[part]) for part in ("methods", "paths") if part in item)
                yield (path, worded := f"{item['principal']} ({narrowed})"), worded
            elif isinstance(item, dict):
                yield from _leaves(item, f"{path}[{index}]")
            else:
                yield (path, item), item
    elif value is not None:
        yield (path, None), value


def _shown(value: Plain | None) -> str:
    return value if isinstance(value, str) and value.isprintable() and value else json.dumps(value, ensure_ascii=False)
