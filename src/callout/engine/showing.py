"""One definition as a form needs it: whole, with the number that a form hands back, and what uses it."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from callout.core.model.credentials import ExternalCredential, UserExternalCredentialKey
from callout.core.model.org import Definition, Org
from callout.engine.defining import NOUNS, version_of, version_of_principal
from callout.engine.manifest import plain_fields
from callout.engine.secret_values import names_needed
from callout.engine.setup import Result, Setup, found
from callout.engine.used_by import grants_of, used_by


async def with_definition(setup: Setup, section: str, name: str, showing: Awaitable[Result]) -> Result:
    """Return what is shown of a definition with its `definition` as a manifest has it, its `version`, what uses it.

    `generation` is that of everything that is defined; `version` moves only with this definition.
    """
    shown = await showing
    org = await setup.org()
    definition = found(getattr(org, section), name, section, NOUNS[section][0])
    whole = _members(org, section, name, definition)
    if isinstance(definition, ExternalCredential):
        rows = [{**row, **_of_principal(setup, org, definition, row["name"])} for row in shown["principals"]]
        whole["principals"] = rows
    return {**shown, **whole}


async def show_definition(setup: Setup, section: str, name: str) -> Result:
    """Show a definition of which nothing else is to be told."""
    org = await setup.org()
    definition = found(getattr(org, section), name, section, NOUNS[section][0])
    label = getattr(definition, "label", "")
    standard = getattr(definition, "standard", False)
    return {"name": name, "label": label, "standard": standard, **_members(org, section, name, definition)}


def _members(org: Org, section: str, name: str, definition: Definition) -> dict[str, Any]:
    return {
        "definition": plain_fields(definition, everything=True),
        "version": version_of(definition),
        "generation": org.generation,
        "used_by": used_by(org, section, name),
    }


def _of_principal(setup: Setup, org: Org, external: ExternalCredential, name: str) -> dict[str, Any]:
    principal = external.principal(name)
    if principal is None:
        return {}
    given = org.configured.get(UserExternalCredentialKey(external.name, name), frozenset())
    needed = names_needed(setup, org, external, principal)
    return {
        "version": version_of_principal(principal),
        "secrets_set": sorted(given),
        "secrets_needed": sorted(needed),
        "used_by": list(grants_of(org, external.name, name)),
    }
