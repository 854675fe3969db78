"""Answers about one definition: shown whole, as a form needs it; set, previewed and removed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from callout.engine.operations.answers import credentials, definitions, packages, people
from callout.engine.operations.answers.shape import Answer, Done, Receipt


class Shown(Answer):
    """A definition of which nothing else is to be told."""

    name: str
    label: str
    standard: bool


_WHOLE: tuple[tuple[str, Any], ...] = (
    ("definition", dict[str, Any]),
    ("version", int),
    ("generation", int),
    ("used_by", list[str]),
)


def whole(kind: type[Answer]) -> type[msgspec.Struct]:
    """Return the shape of what is shown with its `definition` as a manifest has it, the `version` of it, what uses it."""
    name, own = f"{kind.__name__}AndDefinition", kind.__struct_fields__  # a package has a version of its own
    members = [each for each in _WHOLE if each[0] not in own]
    return msgspec.defstruct(name, members, bases=(kind,), module=__name__, kw_only=True, forbid_unknown_fields=True)


class PrincipalOfOne(credentials.PrincipalShown):
    """A principal, with the version of its definition, what is set and needed, and what grants it."""

    version: int
    secrets_set: list[str]
    secrets_needed: list[str]
    used_by: list[str]


class Condition(Answer):
    """Another parameter; with one of these values, or with any where none follow."""

    parameter: str
    values: list[str]


class ProtocolParameter(credentials.ParameterShown):
    """What a protocol can be told, and how a form asks for it."""

    url: bool
    pointer: bool
    formula: bool
    key_pair: bool
    key: str | None
    reserved: list[str]
    between: list[int] | None
    pattern: str | None
    when: Condition | None
    unless: Condition | None
    always_required: bool


class ExternalCredentialOfOne(credentials.ExternalCredentialShown):
    """An external credential, its principals, and what its protocol can be told."""

    principals: list[PrincipalOfOne]  # type: ignore[assignment]  # more of each than a list has
    protocol_parameters: list[ProtocolParameter]


class ProtocolShown(Answer):
    """An authentication protocol, and what it is told."""

    name: str
    title: str
    help: str
    docs: str
    principal_types: list[str]
    warning: str
    interactive: bool
    obtains: bool
    writes: list[str]
    parameters: list[ProtocolParameter]


class Protocols(Answer):
    """Every authentication protocol."""

    protocols: list[ProtocolShown]


class _Set(definitions.Planned, kw_only=True):
    """What setting something changed, or would change where it was a dry run: then there is no `generation`."""

    changed: bool
    message: str
    generation: int | UnsetType = UNSET
    #: There only where tokens went with the change.
    revocations: list[Receipt] | UnsetType = UNSET


class DefinitionSet(_Set, kw_only=True):
    """What setting a definition changed, or would change where it was a dry run: then there is no `generation`."""

    name: str


class PrincipalSet(_Set, kw_only=True):
    """What setting a principal changed, or would change where it was a dry run: then there is no `generation`."""

    external_credential: str
    principal: str


class ValuesGone(Answer):
    """Sealed values that would go, by name."""

    reference: str
    names: list[str]


class TokenGone(Answer):
    """A token that would be kept no longer, and where it would be revoked."""

    reference: str
    token: str
    revoked_at: str | None


class KeyMoved(Answer):
    """A key that would be made, changed or go; of a new one no part is shown."""

    action: str
    prefix: str | None
    user: str
    namespace: str | None


class ActForeseen(Answer):
    """An act that the audit trail would have."""

    act: str
    what: str


class Previewed(definitions.Planned, kw_only=True):
    """What an operation would change: as a plan, with the values, tokens and keys that go, and the acts."""

    operation: str
    arguments: dict[str, Any] | None
    values: list[ValuesGone]
    tokens: list[TokenGone]
    keys: list[KeyMoved]
    acts: list[ActForeseen]


class DefinitionRemoved(Done, kw_only=True):
    """What was removed; where it was a dry run, also what would go, as `preview` shows it."""

    name: str
    empty: bool | UnsetType = UNSET
    changes: list[definitions.DefinitionChange] | UnsetType = UNSET
    secrets: list[definitions.SecretChange] | UnsetType = UNSET
    access: definitions.AccessDifference | UnsetType = UNSET
    warnings: list[str] | UnsetType = UNSET
    text: str | UnsetType = UNSET
    values: list[ValuesGone] | UnsetType = UNSET
    tokens: list[TokenGone] | UnsetType = UNSET
    keys: list[KeyMoved] | UnsetType = UNSET
    acts: list[ActForeseen] | UnsetType = UNSET


_SHOWN = whole(Shown)
#: What the operations on one definition answer with, by their names.
DEFINED: Mapping[str, type[msgspec.Struct]] = {
    "named_credential.show": whole(credentials.NamedCredentialWhole),
    "external_credential.show": whole(ExternalCredentialOfOne),
    "identity_provider.show": whole(credentials.IdentityProviderShown),
    "user.show": whole(people.UserWhole),
    "permission_set.show": _SHOWN,
    "permission_set_group.show": _SHOWN,
    "profile.show": _SHOWN,
    "trusted_issuer.show": _SHOWN,
    "client_certificate.show": _SHOWN,
    "package.show": whole(packages.PackageShown),
    "protocol.list": Protocols,
    "protocol.show": ProtocolShown,
    "named_credential.set": DefinitionSet,
    "external_credential.set": DefinitionSet,
    "identity_provider.set": DefinitionSet,
    "permission_set.set": DefinitionSet,
    "permission_set_group.set": DefinitionSet,
    "profile.set": DefinitionSet,
    "trusted_issuer.set": DefinitionSet,
    "user.define": DefinitionSet,
    "client_certificate.define": DefinitionSet,
    "principal.set": PrincipalSet,
    "named_credential.remove": DefinitionRemoved,
    "external_credential.remove": DefinitionRemoved,
    "principal.remove": DefinitionRemoved,
    "preview": Previewed,
}
