"""From an org to the text of its manifest, for Git: stable order, defaults left out, no secret.

Read again and applied to the same org it changes nothing. What Callout ships is written only where it was changed.
The names of the secrets that are set stand in comments, so that a reader knows what another place needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from callout.core.model.credentials import ExternalCredential, UserExternalCredentialKey
from callout.core.model.org import SECTIONS, Definition, Org, name_of
from callout.engine.manifest.nodes import Kind, kind_of
from callout.engine.manifest.plain import plain_fields
from callout.engine.manifest.shape import standard_of

_HEAD = "# Definitions of Callout. Secrets are kept apart: set them with `callout secret set`.\n"
_INDENT = "  "


def write_manifest(org: Org) -> str:
    """Return the manifest of every definition that is not as Callout ships it."""
    lines = list(_section_lines(org))
    return _HEAD + "".join(f"{line}\n" for line in lines or ["{}"])


def _section_lines(org: Org) -> Iterator[str]:
    written: dict[str, list[Definition]] = {section: [] for section in SECTIONS.values()}
    for definition in org.definitions():
        section = SECTIONS[type(definition)]
        if definition != standard_of(section, name_of(definition)):
            written[section].append(definition)
    for section, definitions in written.items():
        if definitions:
            yield f"{section}:"
            for definition in definitions:
                maker = getattr(definition, "created_by_namespace", None)
                yield f"{_INDENT}{_scalar(name_of(definition))}:" + (f"  # made by package {maker}" if maker else "")
                yield from _definition_lines(org, definition)


def _definition_lines(org: Org, definition: Definition) -> Iterator[str]:
    fields = plain_fields(definition)
    if not isinstance(definition, ExternalCredential):
        yield from _map_lines(fields, 2)
        return
    fields.pop("principals", None)
    lines = list(_map_lines(fields, 2))
    position = _after(fields, "headers", lines)
    yield from lines[:position]
    yield from _principal_lines(org, definition)
    yield from lines[position:]


def _after(fields: Mapping[str, Any], last: str, lines: list[str]) -> int:
    """Return how many lines the fields up to `last` take: principals stand where the model has them."""
    later = [name for name in ("allow_private_network", "label", "description") if name in fields]
    assert last not in later
    return len(lines) - len(later)


def _principal_lines(org: Org, external: ExternalCredential) -> Iterator[str]:
    principals = plain_fields(external).get("principals", {})
    if principals:
        yield f"{_INDENT * 2}principals:"
    for name, fields in principals.items():
        yield f"{_INDENT * 3}{_scalar(name)}:"
        yield from _map_lines(fields, 4)
        names = org.configured.get(UserExternalCredentialKey(external.name, name))
        if names:
            yield f"{_INDENT * 4}# secrets set: {', '.join(sorted(names))}"


def _map_lines(fields: Mapping[str, Any], depth: int) -> Iterator[str]:
    for name, value in fields.items():
        start = f"{_INDENT * depth}{_scalar(name)}:"
        if isinstance(value, dict) and value:
            yield start
            yield from _map_lines(value, depth + 1)
        elif isinstance(value, list) and value:
            yield start
            for item in value:
                yield from _item_lines(item, depth + 1)
        else:
            yield f"{start} {_scalar(value)}"


def _item_lines(item: Any, depth: int) -> Iterator[str]:
    if not isinstance(item, dict):
        yield f"{_INDENT * depth}- {_scalar(item)}"
        return
    for index, line in enumerate(_map_lines(item, depth + 1)):
        yield f"{_INDENT * depth}- {line.lstrip()}" if index == 0 else line


def _scalar(value: Any) -> str:
    """Write one value on one line; text in quotes where it would be read as anything else."""
    if not isinstance(value, str):
        return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value or value == 0 and "0" or "")
    if kind_of(value) is Kind.TEXT and value != "<<":
        written: str = yaml.safe_dump(value, width=float("inf"), allow_unicode=True).removesuffix("...\n").rstrip("\n")
        if "\n" not in written:
            return written
    quoted: str = yaml.safe_dump(value, width=float("inf"), allow_unicode=True, default_style='"')
    return quoted.rstrip("\n")
