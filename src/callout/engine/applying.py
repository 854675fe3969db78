"""Manifests in use: plan what one would change, apply it, export what there is.

A manifest is read where the definitions are kept; the values of its `{env: …}` and `{file: …}` come with it, read
by whoever sent it. Nothing here reads a file or a variable, so a remote manifest cannot make a server read its own.
"""

from __future__ import annotations

from collections.abc import Mapping

from callout.core.errors import VaultError
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.model.org import Org
from callout.core.ports import AdminAct
from callout.core.secret import Secret, reveal  # noqa: TID251 - handed to the manifest's reader, which seals it in again
from callout.engine.manifest import SecretOrigin, SecretSource, read_manifest, write_manifest
from callout.engine.plan import Action, Plan, make_plan
from callout.engine.secret_values import store
from callout.engine.setup import Result, Setup, found
from callout.engine.tokens import secret_row

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
    made = await _planned(setup, await setup.org(), manifest, source, references, prune=prune, namespace=namespace)
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
    """Make the definitions as a manifest says, then seal its secrets. Applying it again changes nothing.

    Raises `DefinitionError` with every problem in it; nothing is stored then.
    """

    async def attempt() -> tuple[Plan, int]:
        org = await setup.org()
        made = await _planned(setup, org, manifest, source, references, prune=prune, namespace=namespace)
        if not made.changes:
            return made, org.generation
        acts = _acts(setup, who, made, source)
        return made, await setup.definitions.write(made.changes, acts, expects=org.generation)

    async with setup.turn:
        made, generation = await setup.repeating(attempt)
        for key, values in made.secrets.items():
            await store(setup, who, key, values)
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


async def _planned(
    setup: Setup,
    org: Org,
    manifest: str,
    source: str,
    references: Mapping[str, Secret],
    *,
    prune: bool,
    namespace: str | None,
) -> Plan:
    if namespace is not None:
        found(org.packages, namespace, "packages", "an installed package")

    def resolve(wanted: SecretSource) -> str:
        value = references.get(f"{wanted.origin.value}:{wanted.name}")
        if value is not None:
            return reveal(value)
        if wanted.origin is SecretOrigin.FILE:
            raise FileNotFoundError(2, "its value did not come with the manifest")
        raise LookupError(wanted.name)

    made = make_plan(org, read_manifest(manifest, source, resolve), setup.catalogue, namespace=namespace, prune=prune)
    sealed = {key: await setup.user_external_credentials.secrets(key) for key in made.secrets}

    def stored(key: UserExternalCredentialKey, name: str) -> Secret | None:
        try:
            return setup.vault.open(sealed[key][name], row=secret_row(key, name))
        except (KeyError, VaultError):
            return None  # one that cannot be opened is set anew

    return made.comparing(stored)


def _acts(setup: Setup, who: str, made: Plan, source: str) -> list[AdminAct]:
    return [
        setup.act(who, f"{_ACTS[change.action]} by manifest", f"{change.section}.{change.name} ({source})")
        for change in made.planned
    ]
