"""Answers about packages, and what they ask to reach."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from callout.engine.operations.answers.definitions import AccessDifference, DefinitionChange, SecretChange
from callout.engine.operations.answers.shape import Answer, Done, Receipt


class AccessRequest(Answer):
    """What a package asks to reach, and waits for."""

    id: str
    namespace: str
    named_credential: str
    made_by_package: bool
    url: str
    host: str
    path: str
    external_credential: str
    protocol: str
    principals: list[str]
    could_call: list[str]
    approve: str


class AccessRequests(Answer):
    """Every request that waits."""

    requests: list[AccessRequest]


class Asked(Answer):
    """The two definitions of a request, as a manifest has them."""

    named_credential: dict[str, Any]
    external_credential: dict[str, Any]


class RequestPlanned(AccessRequest):
    """A request, and what approving it would change."""

    empty: bool
    changes: list[DefinitionChange]
    secrets: list[SecretChange]
    access: AccessDifference
    warnings: list[str]
    text: str


class RequestWhole(RequestPlanned, kw_only=True):
    """A request with the definitions that it is about."""

    asks: Asked


class RequestApproved(RequestPlanned, kw_only=True):
    """What an approval changed, or would change where it was a dry run: then `changed` and `message` are left out."""

    changed: bool | UnsetType = UNSET
    message: str | UnsetType = UNSET
    revocations: list[Receipt] | UnsetType = UNSET


class PackageBrief(Answer):
    """A package, and how much it is about."""

    namespace: str
    label: str
    version: str
    allowed_on: list[str]
    made: list[str]
    keys: int
    overrides: int
    requests: int


class Packages(Answer):
    """Every package."""

    packages: list[PackageBrief]


class Override(Answer):
    """A field of what a package made that an admin has set otherwise."""

    place: str
    package: Any
    local: Any


class PackageShown(Answer):
    """A package: what it asked for, and what was overridden here."""

    namespace: str
    label: str
    version: str
    uses: list[str]
    named_credentials: list[str]
    external_credentials: list[str]
    secrets: list[str]
    overrides: list[Override]
    requests: list[AccessRequest]
    what_becomes: dict[str, dict[str, str]]


class PackageInstalled(Done, kw_only=True):
    """A package that was installed or upgraded, and what it asks for."""

    namespace: str
    label: str
    version: str
    overrides: list[Override]
    requests: list[AccessRequest]


class PackageRemoved(Done, kw_only=True):
    """What went with a package, and what stays."""

    namespace: str
    keys_revoked: int
    disabled: list[str]
    still_defined: list[str]
    deleted: list[str]
    secrets_removed: int
