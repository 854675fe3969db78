"""A whole project: each file read once, then what depends on others, in the order of dependence.

Providers first, then external credentials, named credentials, permission sets, groups and profiles. A definition
whose dependence is refused is refused too, and says so; what is left is consistent and keeps every rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from callout.core.model.credentials import ExternalCredential, NamedCredential
from callout.core.model.org import Definition
from callout.core.model.people import Muted, PermissionSet
from callout.core.protocols.custom import Custom
from callout.engine.importers.salesforce.asking import ask_for_values
from callout.engine.importers.salesforce.auth_providers import read_auth_provider, tell_of_auth_provider
from callout.engine.importers.salesforce.definitions import certificates_named, judge_token_names
from callout.engine.importers.salesforce.external_credentials import ExternalReading, read_external_credential
from callout.engine.importers.salesforce.files import ROOTS, Kind, file_name
from callout.engine.importers.salesforce.grants import (
    Credentials,
    meaning_of,
    read_group,
    read_muting,
    read_permission_set,
    read_profile,
)
from callout.engine.importers.salesforce.legacy import LegacyReading, read_legacy_credential
from callout.engine.importers.salesforce.markup import Element, NotMetadata, parse
from callout.engine.importers.salesforce.named_credentials import NamedReading, is_legacy, read_named_credential
from callout.engine.importers.salesforce.providers import IdentityProvider, read_identity_provider
from callout.engine.importers.salesforce.report import Draft, Imported
from callout.engine.importers.salesforce.schema import NAMED_CREDENTIAL, Judgement, nearest

_PROFILE_NOTE = (
    "grants of principals to profiles are not in Salesforce's metadata: where a profile had one, list it under "
    "profiles.NAME.principals of a manifest"
)


@dataclass(slots=True)
class File:
    """One file of the project. `top` is None where it was refused before its content was looked at."""

    kind: Kind
    name: str
    judgement: Judgement
    draft: Draft
    top: Element | None = None


@dataclass(slots=True)
class Project:
    """The files of a project by kind, and what was read of them so far."""

    files: dict[Kind, list[File]]
    providers: dict[str, dict[str, IdentityProvider]] = field(default_factory=dict)
    externals: dict[str, ExternalReading] = field(default_factory=dict)
    named: list[NamedReading] = field(default_factory=list)
    definitions: list[Definition] = field(default_factory=list)

    def readable(self, kind: Kind) -> list[tuple[File, Element]]:
        """Return the files of a kind that are XML and alone under their name."""
        return [(file, file.top) for file in self.files[kind] if file.top is not None]


def read_project(files: Iterable[tuple[str, bytes]]) -> Imported:
    """Read (path inside the project, content) pairs; files that are not `wanted` are passed over.

    Never raises for what a file holds: everything is told in the report.
    """
    everything = sorted((f for f in (_opened(path, content) for path, content in files) if f), key=_path)
    _set_duplicates_apart(everything)
    project = Project({kind: [f for f in everything if f.kind is kind] for kind in Kind})
    _read_providers(project)
    _read_externals(project)
    _read_named(project)
    imported = _close_credentials(project)
    _read_grants(project, imported)
    notes = (_PROFILE_NOTE,) if imported.imported else ()
    return Imported(tuple(project.definitions), tuple(file.draft.entry() for file in everything), notes)


def _path(file: File) -> str:
    return file.judgement.path


def _opened(path: str, content: bytes) -> File | None:
    known = file_name(path)
    if known is None:
        return None
    shown = "".join(c if c.isprintable() else "�" for c in path.replace("\\", "/"))
    judgement = Judgement(shown)
    file = File(known.kind, known.name, judgement, Draft(known.kind, known.name, judgement))
    try:
        file.top = parse(content, ROOTS[known.kind])
    except NotMetadata as error:
        file.draft.line = error.line
        judgement.add(error.line, ROOTS[known.kind], error.got, error.expected)
        return file
    file.draft.line = file.top.line
    full_name = file.top.value("fullName")
    if full_name not in ("", known.name) and known.kind is not Kind.PROFILE and "{{" not in full_name:
        file.draft.warnings.append(f"the file's name {known.name!r} was taken, not its <fullName> {full_name[:80]!r}")
    return file


def _set_duplicates_apart(files: list[File]) -> None:
    """Of equal files under one name keep the first; refuse different ones, since none of them is certain."""
    by_name: dict[tuple[Kind, str], list[File]] = {}
    for file in files:
        by_name.setdefault((file.kind, file.name.lower()), []).append(file)
    for same in by_name.values():
        first = same[0]
        if all(_says(file) == _says(first) for file in same[1:]) and first.top is not None:
            for file in same[1:]:
                file.top = None
                file.draft.needed = False
                file.draft.reasons.append(f"the same as {first.draft.place}")
        elif len(same) > 1:
            places = " and ".join(file.draft.place for file in same)
            for file in same:
                file.top = None
                file.draft.reasons.append(f"different files have one name: {places}; expected one of them")


def _says(file: File) -> object:
    if file.top is None:
        return None
    grants = file.kind in (Kind.PERMISSION_SET, Kind.MUTING_PERMISSION_SET, Kind.PERMISSION_SET_GROUP, Kind.PROFILE)
    return file.name, meaning_of(file.top) if grants else file.top


def _read_providers(project: Project) -> None:
    """Read providers of both kinds; of the older kind those alone that a credential names: most let people sign in."""
    identity_providers = {
        file.name: read_identity_provider(file.name, top, file.judgement, file.draft)
        for file, top in project.readable(Kind.EXTERNAL_AUTH_IDENTITY_PROVIDER)
    }
    taken = {name.lower() for name in identity_providers}
    auth_providers = {}
    for file, top in project.readable(Kind.AUTH_PROVIDER):
        tell_of_auth_provider(top, file.draft)
        if not _is_named(project, file.name):
            file.draft.needed = False
            file.draft.reasons.append("no credential of the project names it")
            continue
        name = file.name if file.name.lower() not in taken else f"{file.name}_AuthProvider"
        taken.add(name.lower())
        auth_providers[file.name] = read_auth_provider(name, top, file.judgement, file.draft)
    project.providers = {"ExternalAuthIdentityProvider": identity_providers, "AuthProvider": auth_providers}
    read = (*identity_providers.values(), *auth_providers.values())
    project.definitions += [each.definition for each in read if each.definition is not None]


def _is_named(project: Project, auth_provider: str) -> bool:
    files = (*project.readable(Kind.EXTERNAL_CREDENTIAL), *project.readable(Kind.NAMED_CREDENTIAL))
    elements = (element for _, top in files for element in (top, *top.children))
    return any(element.value("authProvider") == auth_provider for element in elements)


def _read_externals(project: Project) -> None:
    for file, top in project.readable(Kind.EXTERNAL_CREDENTIAL):
        reading = read_external_credential(file.name, top, file.judgement, file.draft, project.providers)
        project.externals[file.name] = reading


def _read_named(project: Project) -> None:
    taken = {file.name.lower() for file in project.files[Kind.EXTERNAL_CREDENTIAL]}
    for file, top in project.readable(Kind.NAMED_CREDENTIAL):
        file.judgement.judge(top, NAMED_CREDENTIAL)
        if is_legacy(top):
            auth_providers = project.providers["AuthProvider"]
            project.named.append(
                read_legacy_credential(file.name, top, file.judgement, file.draft, taken, auth_providers)
            )
            continue
        reading = read_named_credential(file.name, top, file.judgement, file.draft)
        project.named.append(reading)
        if reading.definition is not None and reading.definition.external_credential in project.externals:
            file.draft.protocol = project.externals[reading.definition.external_credential].draft.protocol


def _close_credentials(project: Project) -> Credentials:
    """Judge the credentials by the rules, each beside those that it needs; returns the external ones."""
    refused = {
        file.name: "; ".join(file.draft.refusals)
        for file in project.files[Kind.EXTERNAL_CREDENTIAL]
        if file.top is None and file.draft.needed
    }
    imported: dict[str, ExternalCredential] = {}
    for name, external_reading in project.externals.items():
        external = external_reading.definition
        if external is not None:
            provider = external_reading.provider
            known = [provider.definition] if provider is not None and provider.definition is not None else []
            external_reading.origins.judge(external, *_users(project, name), *known)
        if external is None or external_reading.draft.refused:
            refused[name] = "; ".join(external_reading.draft.refusals)
        else:
            imported[name] = external
    for reading in project.named:
        _close_named(reading, imported, refused, project)
    for name, external_reading in project.externals.items():
        if name in imported:
            _ask_for_secrets(external_reading, imported[name], _users(project, name))
            project.definitions.append(imported[name])
    project.definitions += [r.definition for r in project.named if r.definition is not None]
    project.definitions += certificates_named(*project.definitions)
    return Credentials(imported, refused)


def _users(project: Project, external_credential: str) -> list[NamedCredential]:
    named = [reading.definition for reading in project.named if reading.definition is not None]
    return [definition for definition in named if definition.external_credential == external_credential]


def _close_named(
    reading: NamedReading, imported: dict[str, ExternalCredential], refused: Mapping[str, str], project: Project
) -> None:
    named, draft = reading.definition, reading.draft
    if named is None:
        return
    made = reading.external if isinstance(reading, LegacyReading) else None
    if isinstance(reading, LegacyReading) and made is not None and reading.external_origins is not None:
        known = [reading.provider] if reading.provider is not None else []
        reading.external_origins.judge(made, named, *known)
    external = made or imported.get(named.external_credential)
    if external is not None:
        reading.origins.judge(named, external)
        judge_token_names(named.headers, external.protocol, reading.origins)
    elif named.external_credential in refused:
        draft.reasons.append(
            f"its external credential {named.external_credential} is refused: {refused[named.external_credential]}"
        )
    elif named.external_credential:
        hint = nearest(named.external_credential, tuple(imported))
        near = f"; did you mean {hint!r}?" if hint else ""
        draft.reasons.append(f"its external credential {named.external_credential!r} is not in the project{near}")
    if external is None or draft.refused:
        reading.definition = None
    elif made is not None:
        imported[made.name] = made
        project.definitions.append(made)
        ask_for_values(draft, made, reading.provider if isinstance(reading, LegacyReading) else None, [named], {})


def _ask_for_secrets(reading: ExternalReading, external: ExternalCredential, users: list[NamedCredential]) -> None:
    draft = reading.draft
    provider = reading.provider.definition if reading.provider is not None else None
    ask_for_values(draft, external, provider, users, reading.extra_names)
    if not external.principals:
        draft.by_hand_too("add a principal: the file has none, so no caller can use it")
    elif external.protocol == Custom.name and not any((external.headers, *(n.headers for n in users))):
        draft.by_hand_too(
            "define the headers that authenticate, and set the values that they read: no header is in metadata, "
            "so in Salesforce the calling program wrote them"
        )


def _read_grants(project: Project, credentials: Credentials) -> None:
    sets: dict[str, PermissionSet | str] = {}
    for file in project.files[Kind.PERMISSION_SET]:
        permission_set = None
        if file.top is not None:
            permission_set = read_permission_set(file.name, file.top, file.judgement, file.draft, credentials)
        if permission_set is not None:
            sets[file.name] = permission_set
            project.definitions.append(permission_set)
        elif file.draft.needed:
            sets[file.name] = "it is refused"
        else:
            sets.setdefault(file.name, "")
    mutings: dict[str, Muted] = {}
    for file, top in project.readable(Kind.MUTING_PERMISSION_SET):
        muting = read_muting(top, file.judgement, file.draft, credentials)
        mutings |= {file.name: muting} if muting is not None else {}
    for file, top in project.readable(Kind.PERMISSION_SET_GROUP):
        group = read_group(file.name, top, file.judgement, file.draft, sets, mutings, credentials)
        project.definitions += [group] if group is not None else []
    for file, top in project.readable(Kind.PROFILE):
        profile = read_profile(file.name, top, file.judgement, file.draft, credentials)
        project.definitions += [profile] if profile is not None else []
