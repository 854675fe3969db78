"""Definitions as JSON: how the body of a row is written and read.

A body is the JSON of the frozen dataclass, with every member and in a fixed order. It carries the format version
that wrote it: where a dataclass changes so that an older body no longer reads, `FORMAT_VERSION` rises and a function for
that one step upgrades older bodies on reading. A new member with a default needs no step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from callout.adapters.store.errors import StoreError
from callout.core.errors import DefinitionError, Problem
from callout.core.model.org import SECTIONS, Definition, name_of
from callout.core.model.people import EVERY_ADMIN_PERMISSION, GUEST, Profile, User, UserKind

FORMAT_VERSION = 2

_TYPES: dict[str, type[Definition]] = {section: kind for kind, section in SECTIONS.items()}


def refuse_unknown_section(section: str, name: str) -> None:
    """Raise `DefinitionError` for a section that is not in the manifest."""
    if section not in _TYPES:
        raise DefinitionError([Problem(f"{section}.{name}", "an unknown section", f"one of {', '.join(_TYPES)}")])


def encode(section: str, name: str, definition: Definition) -> str:
    """Write a definition; `DefinitionError` where it does not belong in this section under this name."""
    refuse_unknown_section(section, name)
    place = f"{section}.{name}"
    if SECTIONS[type(definition)] != section:
        problem = Problem(place, f"a definition of {SECTIONS[type(definition)]}", f"one of {section}")
        raise DefinitionError([problem])
    if name_of(definition) != name:
        raise DefinitionError([Problem(place, f"a definition named {name_of(definition)!r}", f"the name {name!r}")])
    return msgspec.json.encode(definition, enc_hook=_plain, order="deterministic").decode()


def decode(section: str, name: str, body: str, format_version: int) -> Definition:
    """Read a definition strictly: a wrong type, an unknown member or another name is a `StoreError`."""
    where = f"the definition {section}.{name}"
    if section not in _TYPES:
        raise _unreadable(where, "an unknown section", f"one of {', '.join(_TYPES)}")
    if format_version not in (1, FORMAT_VERSION):
        raise _unreadable(where, f"format version {format_version}", str(FORMAT_VERSION))
    try:
        stored = msgspec.json.decode(body)
        if format_version == 1 and isinstance(stored, dict):
            _upgrade_from_1(section, stored)
        definition = msgspec.json.decode(msgspec.json.encode(stored), type=_TYPES[section])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unreadable(where, f"a body that does not read ({error})", "the JSON of this kind") from error
    unknown = _unknown_member(stored, msgspec.to_builtins(definition, order="deterministic"))
    if unknown is not None:
        raise _unreadable(where, f"the unknown member {unknown!r}", "members of this kind alone")
    if name_of(definition) != name:
        raise _unreadable(where, f"a body named {name_of(definition)!r}", f"the name {name!r}")
    return definition


def _upgrade_from_1(section: str, stored: dict[str, Any]) -> None:
    """Version 2 has admin permissions instead of one flag on profiles, and kinds of users."""
    if section == SECTIONS[Profile] and stored.pop("administrator", False):
        stored["admin_permissions"] = sorted(EVERY_ADMIN_PERMISSION)
    if section == SECTIONS[User] and stored.get("name") == GUEST:
        stored.setdefault("kind", UserKind.GUEST.value)


def _plain(value: Any) -> dict[Any, Any]:
    """Parameters may be any mapping, such as one that cannot be changed; JSON is written from a dict."""
    if isinstance(value, Mapping):
        return dict(value)
    raise NotImplementedError(f"got a {type(value).__name__} in a definition; expected plain values")


def _unknown_member(stored: Any, understood: Any) -> str | None:
    """Return the path of a member that reading passed over, or None. Reading alone would ignore it in silence.

    Free mappings (parameters) are understood whole, so they never differ. Sets are written in a fixed order, so
    lists stand side by side; were a set not in order, its elements would still be of one kind.
    """
    if isinstance(stored, dict) and isinstance(understood, dict):
        for member, value in stored.items():
            if member not in understood:
                return str(member)
            below = _unknown_member(value, understood[member])
            if below is not None:
                return f"{member}.{below}"
    elif isinstance(stored, list) and isinstance(understood, list | tuple):
        for index, (value, read) in enumerate(zip(stored, understood, strict=False)):
            below = _unknown_member(value, read)
            if below is not None:
                return f"{index}.{below}"
    return None


def _unreadable(where: str, got: str, expected: str) -> StoreError:
    return StoreError(
        f"{got} in {where}",
        expected,
        "If a newer Callout wrote it, run that one; else bring the database back from a backup",
    )
