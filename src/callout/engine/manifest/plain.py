"""From a definition to the plain values (text, numbers, lists, mappings) that stand for it in a manifest.

Equal plain values mean the same: the order of names, statuses and principals says nothing, so they are sorted.
The order of headers is the order in which they are sent, and is kept.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from callout.core.model.credentials import PrincipalReference
from callout.core.model.org import SECTIONS, Definition, name_of
from callout.core.model.own_certificates import PRIVATE_KEY
from callout.core.model.people import assigned_name
from callout.engine.manifest.shape import (
    SECRETS,
    EntryShape,
    ListShape,
    MapShape,
    RecordShape,
    Shape,
    defaults_of,
    shape_of_section,
)


def plain_fields(definition: Definition, *, everything: bool = False) -> dict[str, Any]:
    """Return the fields of a definition that differ from their defaults, or `everything`, in the order of the model."""
    section = SECTIONS[type(definition)]
    return _fields(shape_of_section(section), definition, section, name_of(definition), everything=everything)


def _fields(
    shape: RecordShape, value: object, section: str = "", name: str = "", *, everything: bool = False
) -> dict[str, Any]:
    defaults = {} if everything else defaults_of(shape, section, name)
    found: dict[str, Any] = {}
    for field, declared in shape.fields.items():
        if field in (SECRETS, PRIVATE_KEY):
            continue
        present = getattr(value, field)
        if field not in defaults or present != defaults[field]:
            found[field] = _plain(declared.shape, present, everything=everything)
    return found


def _plain(shape: Shape, value: Any, *, everything: bool) -> Any:
    match shape:
        case MapShape(RecordShape() as record):
            ordered = sorted(value, key=lambda item: (getattr(item, "sequence", 0), item.name))
            return {item.name: _fields(record, item, everything=everything) for item in ordered}
        case MapShape():
            return dict(sorted(value.items()))
        case ListShape(RecordShape() as record):
            return [_fields(record, item, everything=everything) for item in value]
        case ListShape(EntryShape(record)):
            ordered = sorted(value, key=assigned_name)
            return [e if isinstance(e, str) else _fields(record, e, everything=everything) for e in ordered]
        case RecordShape():
            return value and _fields(shape, value, everything=everything)
        case ListShape():
            return [_text(item) for item in sorted(value)]
        case _:
            return _text(value)


def _text(value: Any) -> Any:
    if isinstance(value, PrincipalReference) and value.is_narrowed:
        narrowed = {"methods": sorted(value.methods), "paths": sorted(value.paths)}
        return {"principal": str(value), **{name: texts for name, texts in narrowed.items() if texts}}
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value) if isinstance(value, (StrEnum, PrincipalReference)) else value
