"""From an org to the text of its manifest, for Git: stable order, defaults left out, no secret.

Read again and applied to the same org it changes nothing. What Callout ships is written only where it was changed.
The names of the secrets that are set stand in comments, so that a reader knows what another place needs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from callout.core.model.credentials import ExternalCredential, UserExternalCredentialKey
from callout.core.model.identity_providers import ExternalAuthIdentityProvider
from callout.core.model.issuers import TrustedIssuer
from callout.core.model.org import SECTIONS, Definition, Org, name_of
from callout.engine.manifest.nodes import Kind, kind_of
from callout.engine.manifest.plain import plain_fields
from callout.engine.manifest.shape import standard_of

_HEAD = "# Definitions of Callout. Secrets are kept apart: set them with `callout secret set`.\n"
_INDENT = "  "
_ENDLESS = 1_000_000_000  # columns: one value, one line


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
                if isinstance(definition, ExternalAuthIdentityProvider | TrustedIssuer) and (
                    names := org.configured.get(definition.key)
                ):
                    yield f"{_INDENT * 2}# secrets set: {', '.join(sorted(names))}"


def _definition_lines(org: Org, definition: Definition) -> Iterator[str]:
    for name, value in plain_fields(definition).items():
        if isinstance(definition, ExternalCredential) and name == "principals":
            yield f"{_INDENT * 2}{name}:"
            yield from _principal_lines(org, definition.name, value)
        else:
            yield from _field_lines(name, value, 2)


def _principal_lines(org: Org, external_credential: str, principals: Mapping[str, Any]) -> Iterator[str]:
    for name, fields in principals.items():
        yield f"{_INDENT * 3}{_scalar(name)}:"
        for field, value in fields.items():
            yield from _field_lines(field, value, 4)
        names = org.configured.get(UserExternalCredentialKey(external_credential, name))
        if names:
            yield f"{_INDENT * 4}# secrets set: {', '.join(sorted(names))}"


def _field_lines(name: str, value: Any, depth: int) -> Iterator[str]:
    start = f"{_INDENT * depth}{_scalar(name)}:"
    if isinstance(value, dict) and value:
        yield start
        for key, item in value.items():
            yield from _field_lines(key, item, depth + 1)
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
    lines = [line for key, value in item.items() for line in _field_lines(key, value, depth + 1)]
    yield f"{_INDENT * depth}- {lines[0].lstrip()}"
    yield from lines[1:]


def _scalar(value: str | bool | int | list[Any] | dict[str, Any]) -> str:
    """Write one value on one line; text in quotes where it would be read as anything else."""
    if not isinstance(value, str):
        return json.dumps(value)
    if kind_of(value) is Kind.TEXT:
        written = yaml.safe_dump(value, width=_ENDLESS, allow_unicode=True).removesuffix("...\n").removesuffix("\n")
        if "\n" not in written:
            return written
    quoted = yaml.safe_dump(value, width=_ENDLESS, allow_unicode=True, default_style='"')
    return quoted.removesuffix("\n")
