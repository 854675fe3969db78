"""One definition as a form needs it: whole, with the number that a form hands back, and what uses it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from callout.core.access.sources import principals_of
from callout.core.model.credentials import ExternalCredential, PrincipalReference, UserExternalCredentialKey
from callout.core.model.org import Definition, Org
from callout.engine.defining import EXTERNAL, NOUNS, PRINCIPALS, plain_principal, version_of, version_of_principal
from callout.engine.manifest import plain_fields
from callout.engine.recording import recording
from callout.engine.secret_values import names_needed
from callout.engine.setup import Result, Setup, found
from callout.engine.used_by import grants_of, used_by


async def with_definition(setup: Setup, section: str, name: str, show: Callable[[Setup], Awaitable[Result]]) -> Result:
    """Return what is shown of a definition with its `definition` as a manifest has it, its `version`, what uses it.

    `generation` is that of everything that is defined; `version` moves only with this definition. Both are read at one
    moment with what `show` shows. A package has a version of its own, which is shown instead.
    """
    setup, _ = await recording(setup)
    shown = await show(setup)
    org = await setup.org()
    definition = found(getattr(org, section), name, section, NOUNS[section][0])
    whole = _members(org, section, name, definition)
    if isinstance(definition, ExternalCredential):
        rows = [{**row, **_of_principal(setup, org, definition, row["name"])} for row in shown["principals"]]
        whole["principals"] = rows
    own = {"version": shown["version"]} if "version" in shown else {}
    return {**shown, **whole, **own}


async def show_definition(setup: Setup, section: str, name: str) -> Result:
    """Show a definition of which nothing else is to be told."""
    org = await setup.org()
    definition = found(getattr(org, section), name, section, NOUNS[section][0])
    label = getattr(definition, "label", "")
    standard = getattr(definition, "standard", False)
    return {"name": name, "label": label, "standard": standard, **_members(org, section, name, definition)}


async def show_principal(setup: Setup, external_credential: str, name: str) -> Result:
    """Show a principal: what it is told, which values it has and lacks by name, what grants it, and who was granted it.

    Of a per-user principal each user has values of their own; those are not shown here.
    """
    org = await setup.org()
    external = found(org.external_credentials, external_credential, EXTERNAL, NOUNS[EXTERNAL][0])
    place = f"{EXTERNAL}.{external_credential}.{PRINCIPALS}"
    principal = found({p.name: p for p in external.principals}, name, place, f"a principal of {external_credential}")
    wanted, now = PrincipalReference(external_credential, name), setup.now()
    granted = (u for u in sorted(org.users) if any(map(wanted.names_same, principals_of(org, u, now))))
    return {
        "external_credential": external_credential,
        "name": name,
        "protocol": external.protocol,
        "type": principal.type.value,
        "sequence": principal.sequence,
        "parameters": dict(principal.parameters),
        "definition": plain_principal(principal),
        "generation": org.generation,
        **_of_principal(setup, org, external, name),
        "granted_to": list(granted),
    }


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
