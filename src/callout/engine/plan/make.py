"""From the org and a manifest to a plan.

The manifest is the whole of each definition that it names: a field left out gets its default. Kept are secrets,
what is standard, and who made it. Definitions that it does not name stay, unless `prune` asks for them to go.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from callout.core.access.difference import access_difference
from callout.core.errors import DefinitionError, Problem
from callout.core.model.credentials import (
    ExternalCredential,
    NamedCredential,
    PrincipalType,
)
from callout.core.model.identity_providers import ExternalAuthIdentityProvider, provider_of_key
from callout.core.model.issuers import issuer_of_key
from callout.core.model.org import SECTIONS, Definition, Org, name_of
from callout.core.model.own_certificates import Certificate, is_of_certificate
from callout.core.model.people import Package, PermissionSet, Profile
from callout.core.ports import Change
from callout.core.protocol import Catalogue
from callout.core.rules import problems_of, secret_name_problems, users_of
from callout.core.rules.identity_providers import provider_secret_problems
from callout.core.rules.issuers import issuer_secret_problems
from callout.engine.leaving import kept_without, without_package
from callout.engine.manifest import Manifest, standard_of
from callout.engine.plan.diff import differences
from callout.engine.plan.packages import PackageWishes
from callout.engine.plan.plan import Action, Plan, PlannedChange, SecretState, SecretWrite
from callout.engine.plan.warnings import warnings_of
from callout.engine.setup import changed, has_administrator

Key = tuple[str, str]


def make_plan(
    org: Org,
    manifest: Manifest,
    catalogue: Catalogue,
    *,
    now: datetime,
    namespace: str | None = None,
    prune: bool = False,
    packages_read_only: bool = False,
) -> Plan:
    """Plan what makes the org as the manifest says. Raises `DefinitionError` with every rule that it would break.

    `namespace` is that of the package whose code asks; `packages_read_only`: what it makes reads only, unless it asks
    for other methods, which an admin then judges. `prune` plans to delete what the sections of the manifest
    leave out, never what Callout ships; a package deletes only what it made. Keys go with their user or package, a
    user's own secrets with the user; those that principals share are never deleted. `now` says who has access.
    """
    wanted, problems = _wanted(org, manifest)
    warnings: list[str] = []
    deletable = _deletable(org, manifest, wanted) if prune else {}
    if namespace is not None:
        wishes = PackageWishes(org, namespace, packages_read_only, catalogue)
        wishes.take(wanted)
        wanted = wishes.definitions
        deletable = {key: present for key, present in deletable.items() if wishes.owns(present)}
        problems += wishes.problems
        warnings += wishes.warnings
    else:
        gone = {name for section, name in deletable if section == SECTIONS[Package]}
        warnings += _disable_what_packages_leave(org, wanted, deletable, gone)
    planned = (*_puts(org, wanted), *_deletes(deletable))
    after = changed(org, [Change(p.section, p.name, p.definition) for p in planned])
    problems += problems_of(after, catalogue, set(_touched(org, planned)))
    problems += _secret_problems(after, manifest, catalogue)
    if has_administrator(org) and not has_administrator(after):
        expected = "at least one, or nobody could administer"
        problems.append(Problem("users", "no active user who has every admin permission without an end", expected))
    if problems:
        raise DefinitionError(manifest.located(dict.fromkeys(problems)))
    writes = tuple(_secret_writes(org, manifest))
    access = access_difference(org, after, catalogue, now=now)
    return Plan(planned, writes, (*warnings, *warnings_of(org, after, catalogue, planned, writes)), access)


def _wanted(org: Org, manifest: Manifest) -> tuple[dict[Key, Definition], list[Problem]]:
    """Return what is asked for, with what a manifest cannot change kept, and the names that are asked for twice."""
    wanted: dict[Key, Definition] = {}
    problems: list[Problem] = []
    makers = _makers(manifest)
    for definition in manifest.definitions:
        key = SECTIONS[type(definition)], name_of(definition)
        if key in wanted:
            problems.append(Problem(".".join(key), f"a second {key[1]!r}", "each name once"))
        present = getattr(org, key[0]).get(key[1])
        kept = _keeping(definition, present)
        if isinstance(kept, (NamedCredential, ExternalCredential)) and present is None:
            kept = replace(kept, created_by_namespace=makers.get(key))
        wanted[key] = kept
    return wanted, problems


def _makers(manifest: Manifest) -> dict[Key, str]:
    """Say which package made what: in an exported manifest, a package stands with the defaults of what it made."""
    packages = [definition for definition in manifest.definitions if isinstance(definition, Package)]
    return {(SECTIONS[type(made)], made.name): package.namespace for package in packages for made in package.defaults}


def _keeping(wanted: Definition, present: Definition | None) -> Definition:
    match wanted:
        case NamedCredential() | ExternalCredential() | ExternalAuthIdentityProvider():
            return replace(wanted, created_by_namespace=getattr(present, "created_by_namespace", None))
        case PermissionSet() | Profile():
            return replace(wanted, standard=getattr(present, "standard", False))
        case Package():
            return replace(wanted, rejected=getattr(present, "rejected", ()))
        case _:
            return wanted


def _disable_what_packages_leave(
    org: Org, wanted: dict[Key, Definition], deletable: Mapping[Key, Definition], gone: Collection[str]
) -> list[str]:
    """Take the packages that go off named credentials, and disable what they made, now and when planned again.

    One that an admin enabled by hand after its package had gone stays enabled.
    """
    section, warnings = SECTIONS[NamedCredential], list[str]()
    for arriving in [name for kind, name in wanted if kind == SECTIONS[Package]]:
        for own in kept_without(org, arriving):
            asked = wanted.get((section, own.name), own)
            if isinstance(asked, NamedCredential):
                wanted[section, own.name] = replace(asked, created_by_namespace=None)
                warnings.append(f"{section}.{own.name} is an admin's own from now on: package {arriving} had gone")
    left = (org.packages.keys() - gone) | {name for kind, name in wanted if kind == SECTIONS[Package]}
    for name, present in org.named_credentials.items():
        key, maker = (section, name), present.created_by_namespace
        asked = wanted.get(key, present)
        if key in deletable or not isinstance(asked, NamedCredential):
            continue
        kept = asked
        if key not in wanted:
            for namespace in gone:
                kept = without_package(kept, namespace)
        enabled_since = present.enabled_for_callouts and maker not in org.packages
        if maker is not None and maker not in left and not enabled_since:
            kept = replace(kept, enabled_for_callouts=False)
        if kept != asked:
            wanted[key] = kept
        if asked.enabled_for_callouts and not kept.enabled_for_callouts:
            command = f"callout named-credential enable {shlex.quote(name)}"
            warnings.append(f"{section}.{name} is disabled: package {maker}, which made it, is not there: {command}")
    return warnings


def _puts(org: Org, wanted: Mapping[Key, Definition]) -> Iterator[PlannedChange]:
    for section in SECTIONS.values():
        for (found, name), definition in wanted.items():
            if found == section:
                present = getattr(org, section).get(name)
                fields = differences(present, definition)
                if present is None:
                    yield PlannedChange(Action.CREATE, section, name, definition, fields)
                elif fields or _maker(present) != _maker(definition) or _rekeyed(present, definition):
                    yield PlannedChange(Action.UPDATE, section, name, definition, fields)


def _rekeyed(present: Definition, definition: Definition) -> bool:
    return isinstance(definition, Certificate) and present != definition


def _maker(definition: Definition) -> str | None:
    return getattr(definition, "created_by_namespace", None)


def _deletable(org: Org, manifest: Manifest, wanted: Mapping[Key, Definition]) -> dict[Key, Definition]:
    """Return what the sections of the manifest leave out and Callout does not ship; users of what comes first."""
    return {
        (section, name): present
        for section in reversed(list(SECTIONS.values()))
        if section in manifest.sections
        for name, present in sorted(getattr(org, section).items())
        if (section, name) not in wanted and standard_of(section, name) is None
    }


def _deletes(deletable: Mapping[Key, Definition]) -> Iterator[PlannedChange]:
    for (section, name), present in deletable.items():
        yield PlannedChange(Action.DELETE, section, name, None, differences(present, None))


def _touched(org: Org, planned: Iterable[PlannedChange]) -> Iterator[Key]:
    """Yield what changes, and the external credentials whose users change: their rules look at both."""
    for change in planned:
        yield change.section, change.name
        present = getattr(org, change.section).get(change.name)
        if isinstance(present, NamedCredential):
            yield SECTIONS[ExternalCredential], present.external_credential


def _secret_problems(after: Org, manifest: Manifest, catalogue: Catalogue) -> Iterator[Problem]:
    for key, secrets in manifest.secrets.items():
        provider = provider_of_key(key)
        if provider is not None:
            yield from provider_secret_problems(f"{SECTIONS[ExternalAuthIdentityProvider]}.{provider}", secrets)
            continue
        if is_of_certificate(key):
            continue
        if (issuer := issuer_of_key(key)) is not None:
            yield from issuer_secret_problems(f"trusted_issuers.{issuer}", secrets)
            continue
        external = after.external_credentials.get(key.external_credential)
        principal = external.principal(key.principal) if external is not None else None
        place = f"external_credentials.{key.external_credential}.principals.{key.principal}"
        if external is None or principal is None:
            yield Problem(f"{place}.secrets", f"secrets of {key}", "those of a principal that is defined")
        elif principal.type is PrincipalType.PER_USER and not key.user:
            expected = f"none here: each user has their own; callout secret set {key} NAME=- --user USER"
            yield Problem(f"{place}.secrets", "secrets of a per-user principal", expected)
        else:
            using = users_of(after, external.name)
            yield from secret_name_problems(external, catalogue, using, principal.name, secrets)


def _secret_writes(org: Org, manifest: Manifest) -> Iterator[SecretWrite]:
    nothing: frozenset[str] = frozenset()
    for key, secrets in manifest.secrets.items():
        for name, value in secrets.items():
            known = name in org.configured.get(key, nothing)
            yield SecretWrite(key, name, value, SecretState.GIVEN if known else SecretState.SET)
