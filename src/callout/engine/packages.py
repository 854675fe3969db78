"""Packages: installed with what their manifest asks for, upgraded under the admin's overrides, removed as is chosen.

What a package's manifest asks for is never in force by itself: named credentials start disabled and wait in the inbox
(`engine.approvals`). A package's manifest carries no secret and defines nothing but its own credentials.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from callout.core.access.approvals import pending_requests
from callout.core.errors import DefinitionError, Problem
from callout.core.model.credentials import ExternalCredential, NamedCredential
from callout.core.model.org import SECTIONS, Definition, Org, name_of
from callout.core.model.people import Muted, Package, PermissionSet, Profile
from callout.core.ports import Change
from callout.engine.approvals import shown_request
from callout.engine.leaving import kept_without, leaving, without_package
from callout.engine.manifest import Manifest, read_manifest
from callout.engine.overrides import defaults_of_package, merged, overrides
from callout.engine.plan import Plan, make_plan
from callout.engine.setup import Edit, Result, Setup, changed, found, put

Granting = TypeVar("Granting", bound=PermissionSet | Profile | Muted)
_NAMED = SECTIONS[NamedCredential]

#: What each answer to `package remove` does.
WHAT_BECOMES: Mapping[str, Mapping[str, str]] = {
    "credentials": {
        "keep": "they stay as they are, for other callers",
        "disable": "they stay, disabled for callouts",
        "delete": "they go, with the grants of their principals",
    },
    "secrets": {
        "keep": "the sealed values and tokens stay, for a later credential of the same name that an admin makes",
        "delete": "the sealed values and tokens go for good",
    },
}


async def list_packages(setup: Setup) -> Result:
    """List installed packages, and where each namespace is allowed or has made a named credential."""
    org = await setup.org()
    waiting = [request.namespace for request in pending_requests(org)]
    rows = []
    for namespace, package in sorted(org.packages.items()):
        named = org.named_credentials.values()
        rows.append(
            {
                "namespace": namespace,
                "label": package.label,
                "version": package.version,
                "allowed_on": sorted(n.name for n in named if namespace in n.allowed_namespaces),
                "made": sorted(n.name for n in named if n.created_by_namespace == namespace),
                "keys": sum(key.namespace == namespace for key in org.keys.values()),
                "overrides": len(overrides(org, package)),
                "requests": waiting.count(namespace),
            }
        )
    return {"packages": rows}


async def show_package(setup: Setup, namespace: str) -> Result:
    """Show what a package made, asked for and waits for; each override with the package's default beside it."""
    org = await setup.org()
    package = found(org.packages, namespace, "packages", "an installed package")
    made = _Made.by(org, namespace)
    return {
        "namespace": namespace,
        "label": package.label,
        "version": package.version,
        "uses": list(package.uses),
        "named_credentials": [named.name for named in made.named],
        "external_credentials": [external.name for external in made.external],
        "secrets": [str(key) for key in made.holders(org)],
        "overrides": overrides(org, package),
        "requests": _requests(org, namespace, setup.now()),
        "what_becomes": {question: dict(answers) for question, answers in WHAT_BECOMES.items()},
    }


async def install_package(
    setup: Setup,
    who: str,
    namespace: str,
    *,
    label: str | None = None,
    version: str | None = None,
    manifest: str | None = None,
    source: str = "manifest",
) -> Result:
    """Install a package: its namespace becomes known. What its manifest asks for waits until an admin approves it."""

    def edit(org: Org) -> Edit:
        known = org.packages.get(namespace, Package(namespace))
        kept = kept_without(org, namespace)
        more = tuple(("take over named credential", f"{n.name}: package {namespace} had gone") for n in kept)
        org = changed(org, put(*kept))
        if manifest is not None:
            if defaults_of_package(known):
                got = f"a manifest for package {namespace}, which is installed with one"
                raise DefinitionError([Problem(f"packages.{namespace}", got, _upgrade_command(namespace))])
            made = _edit_with_manifest(setup, org, known, manifest, source, "install package", label, version)
            return replace(made, changes=(*put(*kept), *made.changes), more=(*more, *made.more))
        return Edit(put(*kept, _worded(known, label, version)), "install package", namespace, more=more)

    org, moved = await setup.write(who, edit)
    result = _installed(org, namespace, moved, setup.now())
    if not result["requests"]:
        message = f"Package {namespace} is installed; allow it with `callout named-credential allow-namespace`"
        return {**result, "message": message}
    return {**result, "message": f"Package {namespace} is installed; what it asks for waits: {_commands(result)}"}


async def upgrade_package(
    setup: Setup,
    who: str,
    namespace: str,
    manifest: str,
    source: str,
    *,
    label: str | None = None,
    version: str | None = None,
) -> Result:
    """Take over a package's new manifest. Secrets, overrides, and approvals of what stays the same are kept."""
    kept: list[dict[str, Any]] = []

    def edit(org: Org) -> Edit:
        nonlocal kept
        known = found(org.packages, namespace, "packages", "an installed package")
        kept = overrides(org, known)
        return _edit_with_manifest(setup, org, known, manifest, source, "upgrade package", label, version)

    org, moved = await setup.write(who, edit)
    result = _installed(org, namespace, moved, setup.now())
    told = f"Package {namespace} is upgraded" if moved else f"Package {namespace} stays as it is"
    if kept:
        told += f"; overrides are kept: see `callout package show {shlex.quote(namespace)}`"
    if result["requests"]:
        told += f"; what it asks for waits: {_commands(result)}"
    return {**result, "message": told}


async def remove_package(
    setup: Setup, who: str, namespace: str, *, credentials: str | None = None, secrets: str | None = None
) -> Result:
    """Remove a package and its keys; its namespace leaves every named credential.

    Where it made credentials, or there are sealed values of them, what becomes of those has to be said.
    """
    result: Result = {}

    def edit(org: Org) -> Edit:
        nonlocal result
        found(org.packages, namespace, "packages", "an installed package")
        made = _Made.by(org, namespace)
        _refuse_unanswered(org, made, namespace, credentials, secrets)
        changes = (*_changes_of_removal(org, made, namespace, credentials), Change("packages", namespace, None))
        forgotten = tuple(e.name for e in made.external) if secrets == "delete" else ()
        holders = made.holders(org) if forgotten else {}
        disabled = [n.name for n in made.named if n.enabled_for_callouts] if credentials == "disable" else []
        result = {
            "namespace": namespace,
            "keys_revoked": len(leaving(org, changes).keys),
            "disabled": disabled,
            "still_defined": [] if credentials == "delete" else [n.name for n in made.named],
            "deleted": [definition.name for definition in made.all] if credentials == "delete" else [],
            "secrets_removed": sum(map(len, holders.values())),
        }
        what = f"{namespace}; disabled for callouts: {', '.join(disabled)}" if disabled else namespace
        more = tuple(_acts_of_removal(made, credentials, holders))
        return Edit(changes, "remove package", what, more=more, forget=forgotten)

    await setup.write(who, edit)
    return {**result, "changed": True, "message": _told_of_removal(result)}


@dataclass(frozen=True, slots=True)
class _Made:
    """The credentials that a package made, or its manifest brought."""

    named: tuple[NamedCredential, ...]
    external: tuple[ExternalCredential, ...]

    @classmethod
    def by(cls, org: Org, namespace: str) -> _Made:
        named = (n for _, n in sorted(org.named_credentials.items()) if n.created_by_namespace == namespace)
        external = (e for _, e in sorted(org.external_credentials.items()) if e.created_by_namespace == namespace)
        return cls(tuple(named), tuple(external))

    @property
    def all(self) -> tuple[NamedCredential | ExternalCredential, ...]:
        """Everything that was made."""
        return (*self.named, *self.external)

    def holders(self, org: Org) -> dict[str, list[str]]:
        """Return the names of the sealed values of what was made, by whose they are."""
        names = {external.name for external in self.external}
        held = sorted((key, values) for key, values in org.configured.items() if key.external_credential in names)
        return {str(key): sorted(values) for key, values in held if values}


def _refuse_unanswered(org: Org, made: _Made, namespace: str, credentials: str | None, secrets: str | None) -> None:
    holders = made.holders(org)
    whole = ", ".join(dict.fromkeys(definition.name for definition in made.all))
    asked = []
    if whole and credentials is None:
        asked.append(("credentials", f"no answer what becomes of what it made ({whole})"))
    if holders and secrets is None:
        asked.append(("secrets", f"no answer what becomes of the sealed values of {', '.join(holders)}"))
    if asked:
        raise DefinitionError([Problem(f"packages.{namespace}", got, _answers(question)) for question, got in asked])


def _answers(question: str) -> str:
    return "one of " + "; ".join(f"--{question} {answer} ({does})" for answer, does in WHAT_BECOMES[question].items())


def _changes_of_removal(org: Org, made: _Made, namespace: str, credentials: str | None) -> Iterator[Change]:
    """Yield what becomes of every named credential, and of what the package made."""
    own = {named.name for named in made.named}
    for named in org.named_credentials.values():
        if named.name not in own or credentials == "disable":
            yield from put(without_package(named, namespace))
        elif credentials == "keep":
            kept = tuple(allowed for allowed in named.allowed_namespaces if allowed != namespace)
            yield from put(replace(named, allowed_namespaces=kept))
        else:
            yield Change(_NAMED, named.name, None)
    if credentials != "delete":
        return
    gone = {external.name for external in made.external}
    sources: list[PermissionSet | Profile] = [*org.permission_sets.values(), *org.profiles.values()]
    for source in sources:
        yield from put(_without_grants(source, gone))
    for group in org.permission_set_groups.values():
        yield from put(replace(group, muted=_without_grants(group.muted, gone)))
    for external in made.external:
        yield Change(SECTIONS[ExternalCredential], external.name, None)


def _without_grants(source: Granting, gone: set[str]) -> Granting:
    return replace(source, principals=frozenset(r for r in source.principals if r.external_credential not in gone))


def _acts_of_removal(
    made: _Made, credentials: str | None, holders: Mapping[str, list[str]]
) -> Iterator[tuple[str, str]]:
    if credentials == "delete":
        for definition in made.all:
            yield "delete with package", f"{SECTIONS[type(definition)]}.{definition.name}"
    for holder, names in holders.items():
        yield "remove secrets", f"{holder}: {', '.join(names)}"


def _told_of_removal(result: Result) -> str:
    told = f"Package {result['namespace']} is gone, with {result['keys_revoked']} keys"
    if result["disabled"]:
        told += f"; what it made is disabled for callouts: {', '.join(result['disabled'])}"
    if result["deleted"]:
        told += f"; what it made is deleted: {', '.join(result['deleted'])}"
    if result["secrets_removed"]:
        told += f"; {result['secrets_removed']} secret values are removed"
    return told


def _installed(org: Org, namespace: str, moved: bool, now: datetime) -> Result:
    package = org.packages[namespace]
    return {
        "namespace": namespace,
        "label": package.label,
        "version": package.version,
        "overrides": overrides(org, package),
        "requests": _requests(org, namespace, now),
        "changed": moved,
    }


def _requests(org: Org, namespace: str, now: datetime) -> list[Result]:
    return [shown_request(org, request, now) for request in pending_requests(org) if request.namespace == namespace]


def _commands(result: Result) -> str:
    return ", ".join(f"callout approvals show {request['id']}" for request in result["requests"])


def _upgrade_command(namespace: str) -> str:
    return f"its newer one: callout package upgrade {shlex.quote(namespace)} -f FILE"


def _worded(package: Package, label: str | None, version: str | None) -> Package:
    return replace(
        package,
        label=package.label if label is None else label,
        version=package.version if version is None else version,
    )


def _edit_with_manifest(
    setup: Setup, org: Org, known: Package, text: str, source: str, act: str, label: str | None, version: str | None
) -> Edit:
    """Take over a manifest: the package's new defaults, and what comes of them under the admin's overrides."""
    package, manifest = _read(known, text, source)
    package = _worded(package, label, version)
    there = changed(org, put(package))
    made = make_plan(
        there, _overridden(org, known, manifest), setup.catalogue, now=setup.now(), namespace=known.namespace
    )
    dropped = _dropped(org, known, package, made)
    what = f"{known.namespace} {package.version}".rstrip() + f" ({source})"
    more = [(f"{change.action} by package", f"{change.section}.{change.name}") for change in made.planned]
    more += [("disable named credential", f"{named.name}: the package asks for it no longer") for named in dropped]
    return Edit((*put(package, *dropped), *made.changes), act, what, more=tuple(more))


def _read(known: Package, text: str, source: str) -> tuple[Package, Manifest]:
    """Read a package's own manifest. Raises `DefinitionError` where it holds secrets or speaks of another package."""
    manifest = read_manifest(text, source, lambda _: "-")
    problems, own = [], [d for d in manifest.definitions if not isinstance(d, Package)]
    asked = known
    for key in manifest.secrets:
        place = f"external_credentials.{key.external_credential}.principals.{key.principal}.secrets"
        expected = f"none: an admin sets them: callout secret set {shlex.quote(str(key))} NAME=-"
        problems.append(Problem(place, "secrets in the manifest of a package", expected))
    for definition in manifest.definitions:
        if isinstance(definition, Package) and definition.namespace != known.namespace:
            got = f"package {definition.namespace} in the manifest of package {known.namespace}"
            problems.append(Problem(f"packages.{definition.namespace}", got, f"packages.{known.namespace} alone"))
        elif isinstance(definition, Package):
            asked = replace(
                known,
                label=definition.label or known.label,
                version=definition.version or known.version,
                uses=definition.uses,
            )
    if problems:
        raise DefinitionError(manifest.located(problems))
    package = replace(
        asked,
        external_credentials=tuple(d for d in own if isinstance(d, ExternalCredential)),
        named_credentials=tuple(d for d in own if isinstance(d, NamedCredential)),
    )
    return package, replace(manifest, definitions=tuple(own))


def _overridden(org: Org, known: Package, manifest: Manifest) -> Manifest:
    """Return the manifest with the fields that an admin changed since the installed version as the admin has them."""
    before = defaults_of_package(known)

    def kept(wanted: Definition) -> Definition:
        key = (SECTIONS[type(wanted)], name_of(wanted))
        base, local = before.get(key), getattr(org, key[0]).get(key[1])
        if getattr(local, "created_by_namespace", None) != known.namespace:
            return wanted
        if base is None or not isinstance(wanted, (NamedCredential, ExternalCredential)):
            return wanted
        asked: Definition = merged(base, local, replace(wanted, created_by_namespace=known.namespace))
        return asked

    return replace(manifest, definitions=tuple(map(kept, manifest.definitions)))


def _dropped(org: Org, known: Package, package: Package, made: Plan) -> list[NamedCredential]:
    """Return, disabled, the named credentials that the package asked for and asks for no longer."""
    asked = {named.name for named in package.named_credentials} | {change.name for change in made.planned}
    found_now = (org.named_credentials.get(named.name) for named in known.named_credentials)
    return [
        replace(named, enabled_for_callouts=False)
        for named in found_now
        if named is not None and named.name not in asked and named.created_by_namespace == known.namespace
    ]
