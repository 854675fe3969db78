"""Quick create: endpoint, authentication, principal and grant in one act, from a preset or from a few words.

What is made is a manifest like any other: it is planned, judged by the same rules and written whole, with its secrets,
by `engine.applying`. A name that is taken is refused: nothing that is there is changed but the permission set and the
user that gain the grant.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from callout.core.access.approvals import callers_of
from callout.core.access.proposing import new_name
from callout.core.errors import DefinitionError, Problem
from callout.core.model.credentials import PrincipalReference, PrincipalType, UserExternalCredentialKey
from callout.core.model.org import Definition, Org
from callout.core.model.people import ObjectPermission, PermissionSet
from callout.core.protocol import declared_parameter
from callout.core.rules.names import developer_name_rule
from callout.core.secret import Secret
from callout.engine.applying import apply_made, plan_made, read_referring
from callout.engine.following import CLIENT, Made, next_steps, signs_in
from callout.engine.grants import assigned
from callout.engine.manifest import Manifest
from callout.engine.presets import Filled, Preset, Presets, fill
from callout.engine.setup import Result, Setup, found

EXTERNAL, NAMED = "external_credentials", "named_credentials"
PROVIDERS, CERTIFICATES = "external_auth_identity_providers", "certificates"
#: The parameter that stays with the external credential where the others are the identity provider's.
_OF_CREDENTIAL = "scope"
#: What a principal is called where nobody says.
PRINCIPAL_NAMES: Mapping[PrincipalType, str] = {
    PrincipalType.NAMED: "Service",
    PrincipalType.PER_USER: "Own",
    PrincipalType.ANONYMOUS: "Anonymous",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be made. Without a `preset`, `url` and `protocol` are given; with one, `url` takes the place of its own.

    `namespaces` are the packages whose code may call. `user` gets the grant, by `permission_set` or by a new one.
    """

    name: str
    preset: str | None = None
    url: str | None = None
    protocol: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    scope: str | None = None
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    principal: str | None = None
    principal_type: str | None = None
    permission_set: str | None = None
    user: str | None = None
    namespaces: tuple[str, ...] = ()
    label: str = ""
    allow_private_network: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class _Outline:
    """What is wanted, with the preset filled in and every default in its place."""

    wanted: Wanted
    preset: Preset | None
    filled: Filled
    protocol: str
    type: PrincipalType

    @property
    def reference(self) -> PrincipalReference:
        """The principal that is made."""
        principal = self.wanted.principal or PRINCIPAL_NAMES[self.type]
        return PrincipalReference(self.wanted.name, principal)

    @property
    def source(self) -> str:
        """What the audit trail calls this."""
        return f"preset {self.preset.id}" if self.preset is not None else "quick create"


async def create(setup: Setup, presets: Presets, who: str, wanted: Wanted) -> Result:
    """Make it all, or with `dry_run` show the plan. Raises `DefinitionError` with every problem; nothing is stored then."""
    outline = _outlined(setup, presets, wanted)
    made: list[Made] = []

    def make(org: Org) -> Manifest:
        manifest = _manifest(setup, org, outline)
        made.append(_made(org, outline, manifest))
        return manifest

    if wanted.dry_run:
        result = await plan_made(setup, make)
        result["message"] = "Nothing is changed: this is what would be."
    else:
        whole = ("quick create", f"{wanted.name} ({outline.source})")
        result = await apply_made(setup, who, outline.source, make, whole=whole)
    last = made[-1]
    return {
        **result,
        "named_credential": wanted.name,
        "external_credential": wanted.name,
        "principal": str(last.reference),
        "permission_set": last.permission_set,
        "preset": wanted.preset,
        "note": outline.preset.note if outline.preset is not None else "",
        "next": next_steps(setup.catalogue, last),
    }


def _outlined(setup: Setup, presets: Presets, wanted: Wanted) -> _Outline:
    rule = developer_name_rule(wanted.name)
    if rule is not None:  # formulas are made with the name: one that cannot be is named alone
        raise DefinitionError([Problem(f"{NAMED}.{wanted.name}", f"name {wanted.name!r}", rule)])
    preset = presets.find(wanted.preset) if wanted.preset is not None else None
    if preset is not None:
        problems = list(_preset_problems(preset, wanted))
        filled = fill(preset, wanted.name, wanted.inputs)
        protocol = preset.protocol
    else:
        problems = list(_own_problems(wanted))
        filled = Filled("", {}, {}, None)
        protocol = wanted.protocol or ""
    if problems:
        raise DefinitionError(problems)
    scope = {"scope": wanted.scope} if wanted.scope is not None else {}
    whole = Filled(
        wanted.url if wanted.url is not None else filled.url,
        {**filled.parameters, **wanted.parameters, **scope},
        _headers(filled.headers, wanted.headers),
        filled.test,
    )
    return _Outline(wanted, preset, whole, protocol, _type(setup, preset, protocol, wanted))


def _preset_problems(preset: Preset, wanted: Wanted) -> Iterator[Problem]:
    if wanted.protocol is not None:
        yield Problem("protocol", f"{wanted.protocol!r} beside preset {preset.id}", f"none: it is {preset.protocol}")


def _own_problems(wanted: Wanted) -> Iterator[Problem]:
    if wanted.url is None:
        yield Problem("url", "nothing", "--endpoint https://HOST[/PATH], or --preset ID (`callout presets` lists them)")
    if wanted.protocol is None:
        yield Problem("protocol", "nothing", "--protocol NAME (docs/reference/protocols.md), or --preset ID")
    for name in wanted.inputs:
        yield Problem(f"inputs.{name}", f"input {name!r} without a preset", "none, or --preset ID")


def _headers(headers: Mapping[str, str], instead: Mapping[str, str]) -> dict[str, str]:
    """Put headers beside others, and in the place of those of the same name."""
    replaced = {name.lower() for name in instead}
    return {**{name: value for name, value in headers.items() if name.lower() not in replaced}, **instead}


def _type(setup: Setup, preset: Preset | None, protocol: str, wanted: Wanted) -> PrincipalType:
    if wanted.principal_type is not None:
        return PrincipalType(wanted.principal_type)
    if preset is not None:
        return preset.principal
    known = setup.catalogue.get(protocol)
    types = known.principal_types if known is not None else ()
    return types[0] if types else PrincipalType.NAMED


def _manifest(setup: Setup, org: Org, outline: _Outline) -> Manifest:
    """Return the manifest of what is made, with the permission set and the user as they are with the grant."""
    sections = _sections(setup, outline)
    _expect_free(org, outline.wanted.name, sections)
    sections[CERTIFICATES] = {name: {} for name in _key_pairs(setup, outline) if name not in org.certificates}
    read = _read(outline, sections)
    return replace(
        read,
        definitions=(*read.definitions, *_granting(setup, org, outline)),
        secrets=_whose(org, outline, read.secrets),
        places={},  # its text was made here: no line of it says anything to anybody
    )


def _expect_free(org: Org, name: str, sections: Iterable[str]) -> None:
    taken = [section for section in sections if name in getattr(org, section)]
    if taken:
        expected = "a name that is free: what is there is changed by `callout apply`, or by commands of its own"
        raise DefinitionError([Problem(f"{section}.{name}", "a name that is taken", expected) for section in taken])


def _read(outline: _Outline, sections: Mapping[str, Any]) -> Manifest:
    """Read the text of the manifest; problems are told without their line, as it is not one that anybody wrote."""
    text = json.dumps(sections, ensure_ascii=False)
    references = {f"env:{name}": value for name, value in outline.wanted.secrets.items()}
    try:
        return read_referring(text, f"{outline.source}.json", references)
    except DefinitionError as error:
        raise DefinitionError([replace(problem, where=None) for problem in error.problems]) from None


def _sections(setup: Setup, outline: _Outline) -> dict[str, dict[str, Any]]:
    """Return the sections of the manifest. Where one signs in, the client is an identity provider's: users share it."""
    wanted, filled = outline.wanted, outline.filled
    secrets = {name: {"env": name} for name in wanted.secrets}
    external = _external(outline)
    sections: dict[str, dict[str, Any]] = {}
    if signs_in(setup.catalogue, outline.protocol):
        provider = {
            "label": external["label"],
            "parameters": {name: value for name, value in filled.parameters.items() if name != _OF_CREDENTIAL},
            "secrets": {name: secrets.pop(name) for name in CLIENT if name in secrets},
        }
        own = {name: value for name, value in filled.parameters.items() if name == _OF_CREDENTIAL}
        external["parameters"] = {"identity_provider": wanted.name, **own}
        sections[PROVIDERS] = {wanted.name: provider}
    external["principals"] = {outline.reference.principal: {"type": outline.type.value, "secrets": secrets}}
    return {**sections, EXTERNAL: {wanted.name: external}, NAMED: {wanted.name: _named(outline)}}


def _key_pairs(setup: Setup, outline: _Outline) -> Iterator[str]:
    """Yield the names of the certificates whose keys are used: one that is not there is defined, its key comes later."""
    protocol = setup.catalogue.get(outline.protocol)
    for name, value in outline.filled.parameters.items():
        declared = declared_parameter(protocol, name) if protocol is not None else None
        if declared is not None and declared.key_pair and value:
            yield value


def _external(outline: _Outline) -> dict[str, Any]:
    wanted, preset, filled = outline.wanted, outline.preset, outline.filled
    external: dict[str, Any] = {
        "label": wanted.label or (preset.label if preset is not None else ""),
        "protocol": outline.protocol,
        "parameters": dict(filled.parameters),
        "headers": [{"name": name, "value": value} for name, value in filled.headers.items()],
    }
    if preset is not None:
        external["additional_status_codes"] = list(preset.additional_status_codes)
        external["refresh_rules"] = list(preset.refresh_rules)
        external["inactivity_limit"] = preset.inactivity_limit
    return external


def _named(outline: _Outline) -> dict[str, Any]:
    wanted, preset = outline.wanted, outline.preset
    named: dict[str, Any] = {
        "label": wanted.label or (preset.label if preset is not None else ""),
        "url": outline.filled.url,
        "external_credential": wanted.name,
        "allowed_namespaces": list(wanted.namespaces),
        "allow_private_network": wanted.allow_private_network,
    }
    if preset is not None:
        named["description"] = preset.description
        named["idempotency_header"] = preset.idempotency_header
        named["generate_authorization_header"] = preset.generate_authorization_header
    return named


Secrets = Mapping[UserExternalCredentialKey, Mapping[str, Secret]]


def _whose(org: Org, outline: _Outline, secrets: Secrets) -> Secrets:
    """Return the secrets with whose they are: of a per-user principal those of the user who gets the grant."""
    mine = UserExternalCredentialKey(outline.reference.external_credential, outline.reference.principal)
    if outline.type is not PrincipalType.PER_USER or mine not in secrets:
        return secrets
    user = outline.wanted.user
    if user is None:
        expected = "the user whose values they are (--user USER): the principal is per-user"
        raise DefinitionError([Problem("user", "secrets of nobody", expected)])
    found(org.users, user, "users", "a user")
    return {replace(key, user=user) if key == mine else key: values for key, values in secrets.items()}


def _granting(setup: Setup, org: Org, outline: _Outline) -> Iterator[Definition]:
    """Yield the permission set that has the grant, and the user who has the set."""
    name = _set_name(org, outline)
    if name is None:
        return
    present = org.permission_sets.get(name)
    base = present or PermissionSet(name, user_external_credential=frozenset({ObjectPermission.READ}))
    yield replace(base, principals=base.principals | {outline.reference})
    if outline.wanted.user is not None:
        user = found(org.users, outline.wanted.user, "users", "a user; `callout user set NAME` defines one")
        yield replace(user, permission_sets=assigned(user.permission_sets, name, setup.now()))


def _set_name(org: Org, outline: _Outline) -> str | None:
    wanted = outline.wanted
    if wanted.permission_set is not None or wanted.user is None:
        return wanted.permission_set
    return new_name(org, callers_of(outline.reference))


def _made(org: Org, outline: _Outline, manifest: Manifest) -> Made:
    preset = outline.preset
    return Made(
        org,
        outline.reference,
        _set_name(org, outline),
        outline.wanted.user,
        outline.filled.test,
        manifest.definitions,
        {key: frozenset(values) for key, values in manifest.secrets.items()},
        frozenset(preset.secrets) if preset is not None else frozenset(),
        imports_key=preset is not None and preset.imports_key,
    )
