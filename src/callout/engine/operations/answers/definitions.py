"""Answers about definitions as a whole: plans and what came of them, quick create and its presets."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from callout.core.model.credentials import PrincipalType
from callout.engine.operations.answers.shape import Answer, Receipt


class FieldChange(Answer):
    """A field that changes; `widens` is there where more becomes possible by it."""

    path: str
    old: Any
    new: Any
    widens: bool | UnsetType = UNSET


class DefinitionChange(Answer):
    """A definition that is created, changed or deleted."""

    action: str
    section: str
    name: str
    fields: list[FieldChange]


class SecretChange(Answer):
    """A secret value that is set, changed or kept; never the value."""

    principal: str
    name: str
    action: str


class AccessChange(Answer):
    """A user, or the code of a package, whose access by a name changes."""

    named_credential: str
    user: str | UnsetType = UNSET
    principal_before: str | UnsetType | None = UNSET
    principal_after: str | UnsetType | None = UNSET
    namespace: str | UnsetType = UNSET


class AccessDifference(Answer):
    """Who gains access, who loses it, and who calls as another principal."""

    gains: list[AccessChange]
    loses: list[AccessChange]
    changes: list[AccessChange]
    not_compared: int


class Planned(Answer):
    """What would change. `text` is the whole of it in words."""

    empty: bool
    changes: list[DefinitionChange]
    secrets: list[SecretChange]
    access: AccessDifference
    warnings: list[str]
    text: str


class Applied(Planned, kw_only=True):
    """What changed, and the generation of the definitions that it led to."""

    changed: bool
    generation: int
    message: str
    revocations: list[Receipt] | UnsetType = UNSET


class Exported(Answer):
    """All definitions as a manifest (YAML)."""

    manifest: str


class NextStep(Answer):
    """What is left to be done after a creation, and the command that does it; `user`: who does it."""

    say: str
    command: str
    user: str | None


class Created(Planned, kw_only=True):
    """What a quick create made, or would make where it was a dry run: then `changed` and what follows it are left out."""

    named_credential: str
    external_credential: str
    principal: str
    permission_set: str | None
    preset: str | None
    note: str
    next: list[NextStep]
    changed: bool | UnsetType = UNSET
    generation: int | UnsetType = UNSET
    message: str | UnsetType = UNSET
    revocations: list[Receipt] | UnsetType = UNSET


class PresetBrief(Answer):
    """A provider preset."""

    id: str
    label: str
    description: str
    protocol: str
    tags: list[str]


class PresetList(Answer):
    """Provider presets, the best first."""

    presets: list[PresetBrief]


class PresetInput(Answer):
    """What differs from one customer of the API to the next; one with a `default` need not be given."""

    name: str
    help: str
    example: str
    default: str | None


class PresetSecret(Answer):
    """A value that is sealed, and where one gets it."""

    name: str
    help: str


class PresetTrial(Answer):
    """A request that changes nothing, by which one sees that it works."""

    path: str
    body: str


class PresetShown(PresetBrief):
    """A provider preset: what it makes, and what it asks for. `command` makes it."""

    docs: str
    url: str
    principal: PrincipalType
    parameters: dict[str, str]
    headers: dict[str, str]
    secrets: list[PresetSecret]
    additional_status_codes: list[int]
    refresh_rules: list[dict[str, Any]]
    inactivity_limit: str
    idempotency_header: str
    generate_authorization_header: bool
    imports_key: bool
    test: PresetTrial | None
    note: str
    inputs: list[PresetInput]
    signs_in: bool
    command: str
