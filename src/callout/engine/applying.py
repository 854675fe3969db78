"""Manifests in use: plan what one would change, apply it, export what there is.

A manifest is read where the definitions are kept; the values of its `{env: …}` and `{file: …}` come with it, read
by whoever sent it. Nothing here reads a file or a variable, so a remote manifest cannot make a server read its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.model.issuers import issuer_of_key
from callout.core.model.org import Org
from callout.core.ports import AdminAct
from callout.core.secret import Secret, reveal  # noqa: TID251 - handed to the manifest's reader, which seals it in again
from callout.engine.manifest import Manifest, SecretOrigin, SecretSource, read_manifest, write_manifest
from callout.engine.manifest_keys import with_keys
from callout.engine.plan import Action, Plan, make_plan
from callout.engine.revocation import drop_tokens, going, orphans_of
from callout.engine.secret_values import act_of_setting, opened, orphans_of_setting, sealed
from callout.engine.setup import Result, Setup, changed, found

#: Makes what is wanted of the org as it is now: it is asked again where another edit was faster.
Making = Callable[[Org], Manifest]

_ACTS = {Action.CREATE: "create", Action.UPDATE: "change", Action.DELETE: "delete"}


async def plan(
    setup: Setup,
    manifest: str,
    source: str,
    references: Mapping[str, Secret],
    *,
    prune: bool = False,
    namespace: str | None = None,
) -> Result:
    """Show what applying a manifest would change. Raises `DefinitionError` with every problem in it."""
    reading = _reading(manifest, source, references, namespace)
    return await plan_made(setup, reading, prune=prune, namespace=namespace)


async def plan_made(setup: Setup, make: Making, *, prune: bool = False, namespace: str | None = None) -> Result:
    """Show what applying something made of the org would change. Raises `DefinitionError`."""
    org = await setup.org()
    made = await _planned(setup, org, make(org), prune=prune, namespace=namespace)
    return {**made.to_dict(), "text": made.render()}


async def apply(
    setup: Setup,
    who: str,
    manifest: str,
    source: str,
    references: Mapping[str, Secret],
    *,
    prune: bool = False,
    namespace: str | None = None,
) -> Result:
    """Make the definitions as a manifest says, and set its secrets, together. Applying it again changes nothing.

    Raises `DefinitionError` with every problem in it; nothing is stored then, nor where a secret cannot be sealed.
    """
    reading = _reading(manifest, source, references, namespace)
    return await apply_made(setup, who, source, reading, prune=prune, namespace=namespace)


async def apply_made(
    setup: Setup,
    who: str,
    source: str,
    make: Making,
    *,
    prune: bool = False,
    namespace: str | None = None,
    whole: tuple[str, str] | None = None,
) -> Result:
    """Apply something made of the org, as a manifest is.

    `source` is what the audit trail calls it, empty for a definition that stands alone; `whole` is the act that the
    changes are the parts of, if there is one.
    """

    async def attempt() -> tuple[Plan, int]:
        org = await setup.org()
        made = await _planned(setup, org, make(org), prune=prune, namespace=namespace, making=True)
        if made.is_empty:
            return made, org.generation
        envelopes = {key: sealed(setup, key, values) for key, values in made.secrets.items()}
        acts = [setup.act(who, *whole)] if whole is not None else []
        acts += _acts(setup, who, org, made, source)
        orphans = gone = await orphans_of(setup, org, await going(setup, org, changed(org, made.changes)))
        for key, values in made.secrets.items():
            orphans = [*orphans, *await orphans_of_setting(setup, org, key, values)]
        generation = await setup.definitions.write(made.changes, acts, expects=org.generation, sealed=envelopes)
        setup.orphans += orphans
        await drop_tokens(setup, who, gone)
        return made, generation

    async with setup.turn:
        made, generation = await setup.repeating(attempt)
    message = "Nothing to change." if made.is_empty else "Applied."
    return {
        **made.to_dict(),
        "text": "" if made.is_empty else made.render(),
        "changed": not made.is_empty,
        "generation": generation,
        "message": message,
    }


async def export(setup: Setup) -> Result:
    """Write all definitions as a manifest, without a secret."""
    return {"manifest": write_manifest(await setup.org())}


def read_referring(manifest: str, source: str, references: Mapping[str, Secret]) -> Manifest:
    """Read a manifest whose values that stand elsewhere came with it, by `env:NAME` and `file:PATH`."""

    def resolve(wanted: SecretSource) -> str:
        value = references.get(f"{wanted.origin.value}:{wanted.name}")
        if value is not None:
            return reveal(value)
        if wanted.origin is SecretOrigin.FILE:
            raise FileNotFoundError(2, "its value did not come with the manifest")
        raise LookupError(wanted.name)

    return read_manifest(manifest, source, resolve)


def _reading(manifest: str, source: str, references: Mapping[str, Secret], namespace: str | None) -> Making:
    def make(org: Org) -> Manifest:
        if namespace is not None:
            found(org.packages, namespace, "packages", "an installed package")
        return read_referring(manifest, source, references)

    return make


async def _planned(
    setup: Setup, org: Org, read: Manifest, *, prune: bool, namespace: str | None, making: bool = False
) -> Plan:
    setup.authority.demand_sections(org, map(_section_of, read.secrets), setup.now())
    read = await with_keys(setup, org, read, making=making)
    made = make_plan(
        org,
        read,
        setup.catalogue,
        now=setup.now(),
        namespace=namespace,
        prune=prune,
        packages_read_only=setup.packages_read_only,
    )
    setup.authority.demand_sections(org, (change.section for change in made.changes), setup.now())
    setup.authority.demand_no_gain(org, changed(org, made.changes), setup.now())
    stored = {key: await setup.user_external_credentials.secrets(key) for key in made.secrets}
    return made.comparing(lambda key, name: opened(setup, key, stored[key], name))


def _section_of(key: UserExternalCredentialKey) -> str:
    """Name the section that one has to manage to set what is sealed under a key."""
    return "external_credentials" if issuer_of_key(key) is None else "trusted_issuers"


def _acts(setup: Setup, who: str, org: Org, made: Plan, source: str) -> list[AdminAct]:
    by, of = ("by manifest", f" ({source})") if source else ("definition", "")
    changes = [
        setup.act(who, f"{_ACTS[change.action]} {by}", f"{change.section}.{change.name}{of}") for change in made.planned
    ]
    secrets = [act_of_setting(setup, who, key, values) for key, values in made.secrets.items()]
    return [*changes, *setup.acts_of_leaving(who, org, made.changes), *secrets]
