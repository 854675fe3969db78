"""Credentials that go: named ones, external ones with everything that is sealed for them, single principals.

What something still uses does not go: it is named, with what it is. What is sealed goes with the definition, in the same
write, and tokens are revoked where they came from (`engine.revocation`).
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace

from callout.core.errors import DefinitionError, Problem
from callout.core.model.org import Org
from callout.core.ports import Change
from callout.engine.credentials import EXTERNAL, NOUN, SECTION
from callout.engine.defining import UNCHANGED
from callout.engine.leaving import goes_with
from callout.engine.recording import recording, shown
from callout.engine.setup import Edit, Result, Setup, found, put
from callout.engine.used_by import grants_of, used_by


async def remove_named_credential(setup: Setup, who: str, name: str, *, dry_run: bool = False) -> Result:
    """Remove a named credential that no key is limited to. Its external credential stays."""

    def edit(org: Org) -> Edit:
        named = found(org.named_credentials, name, SECTION, NOUN)
        _refuse_used(f"{SECTION}.{name}", name, used_by(org, SECTION, name))
        return Edit((Change(SECTION, name, None),), "remove named credential", f"{name} ({named.url})")

    return await _removed(setup, who, name, edit, f"Named credential {name} is gone", dry_run=dry_run)


async def remove_external_credential(setup: Setup, who: str, name: str, *, dry_run: bool = False) -> Result:
    """Remove an external credential that nothing uses, with every value and token that is sealed for its principals."""

    def edit(org: Org) -> Edit:
        found(org.external_credentials, name, *EXTERNAL)
        _refuse_used(f"{EXTERNAL[0]}.{name}", name, used_by(org, EXTERNAL[0], name))
        more = tuple(_acts_of_values(org, [name]))
        return Edit((Change(EXTERNAL[0], name, None),), "remove external credential", name, more=more, forget=(name,))

    return await _removed(setup, who, name, edit, f"External credential {name} is gone", dry_run=dry_run)


async def remove_principal(
    setup: Setup, who: str, external_credential: str, principal: str, *, dry_run: bool = False
) -> Result:
    """Remove a principal that nobody is granted, with every value and token that is sealed for it."""
    reference = f"{external_credential}/{principal}"

    def edit(org: Org) -> Edit:
        external = found(org.external_credentials, external_credential, *EXTERNAL)
        place = f"{EXTERNAL[0]}.{external_credential}.principals"
        found({p.name: p for p in external.principals}, principal, place, f"a principal of {external.name}")
        _refuse_used(f"{place}.{principal}", principal, grants_of(org, external_credential, principal))
        left = tuple(each for each in external.principals if each.name != principal)
        more = tuple(_acts_of_values(org, [reference]))
        return Edit(
            put(replace(external, principals=left)), "remove principal", reference, more=more, forget=(reference,)
        )

    return await _removed(setup, who, reference, edit, f"Principal {reference} is gone", dry_run=dry_run)


def _refuse_used(place: str, name: str, using: Iterable[str]) -> None:
    names = list(using)
    if not names:
        return
    revoking = [name.split()[1].removesuffix("…") for name in names if name.startswith("key ")]
    first = f"; first: callout key limit {shlex.quote(revoking[0])} --no-limit, or revoke it" if revoking else ""
    expected = f"one that nothing uses; it is used by {', '.join(names)}{first}"
    raise DefinitionError([Problem(place, f"{name!r}, which is in use", expected)])


def _acts_of_values(org: Org, forget: Collection[str]) -> Iterator[tuple[str, str]]:
    for key, names in sorted(org.configured.items()):
        if goes_with(key, forget) and names:
            yield "remove secrets", f"{key}: {', '.join(sorted(names))}"


async def _removed(
    setup: Setup, who: str, name: str, edit: Callable[[Org], Edit], told: str, *, dry_run: bool
) -> Result:
    if dry_run:
        pretending, recorded = await recording(setup)
        await pretending.write(who, edit)
        return {"name": name, **await shown(pretending, recorded), "changed": False, "message": UNCHANGED}
    await setup.write(who, edit)
    return {"name": name, "changed": True, "message": told}
