"""Answers about named and external credentials, their secret values and connections, and identity providers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import UNSET, UnsetType

from callout.core.model.credentials import LimitScope, PrincipalType
from callout.core.model.people import ObjectPermission
from callout.engine.operations.answers.callouts import PrincipalHealthShown
from callout.engine.operations.answers.shape import Answer, Done


class Header(Answer):
    """A custom header; its value may hold formulas."""

    name: str
    value: str


class RateLimitShown(Answer):
    """At most so many calls each so many seconds; one that observes refuses nothing."""

    calls: int
    seconds: int
    per: LimitScope
    observe: bool


class NamedCredentialShown(Answer):
    """A named credential."""

    name: str
    label: str
    description: str
    url: str
    external_credential: str
    enabled_for_callouts: bool
    allowed_namespaces: list[str]
    allow_private_network: bool
    generate_authorization_header: bool
    allow_merge_fields_in_header: bool
    allow_merge_fields_in_body: bool
    allowed_methods: list[str]
    allowed_paths: list[str]
    rate_limits: list[RateLimitShown]
    replay_methods: list[str]
    idempotency_header: str
    client_certificate: str | None
    headers: list[Header]
    created_by_namespace: str | None


class NamedCredentialWhole(NamedCredentialShown):
    """A named credential, and the principals that a callout by it could use."""

    principals: list[str]


class NamedCredentials(Answer):
    """Every named credential."""

    named_credentials: list[NamedCredentialShown]


class PrincipalShown(Answer):
    """A principal of an external credential."""

    name: str
    type: PrincipalType
    sequence: int
    parameters: dict[str, str]


class HeaderSignShown(Answer):
    """What a header says where credentials are stale."""

    name: str | UnsetType = UNSET
    contains: list[str] | UnsetType = UNSET
    matches: list[str] | UnsetType = UNSET


class BodySignShown(Answer):
    """What a body says where credentials are stale."""

    json_pointer: str | UnsetType = UNSET
    equals: list[str] | UnsetType = UNSET
    soap_fault_code: list[str] | UnsetType = UNSET
    text: list[str] | UnsetType = UNSET


class RefreshRuleShown(Answer):
    """A refresh rule, its number from 1, and its words."""

    number: int
    rule: str
    statuses: list[int]
    header: HeaderSignShown | None
    body: BodySignShown | None
    content_types: list[str]


class RefreshRulesShown(Answer):
    """The refresh rules of an external credential, and how many seconds they stay quiet; null: as the server is set up."""

    name: str
    refresh_rules: list[RefreshRuleShown]
    refresh_debounce: int | None


class ExternalCredentialShown(RefreshRulesShown):
    """An external credential with its principals."""

    label: str
    description: str
    protocol: str
    parameters: dict[str, str]
    additional_status_codes: list[int]
    headers: list[Header]
    allow_private_network: bool | None
    inactivity_limit: str
    created_by_namespace: str | None
    named_credentials: list[str]
    principals: list[PrincipalShown]


class ParameterShown(Answer):
    """What a protocol can be told."""

    name: str
    help: str
    secret: bool
    required: bool
    default: str | None
    choices: list[str]


class ExternalCredentials(Answer):
    """Every external credential."""

    external_credentials: list[ExternalCredentialShown]


class ValuesShown(Answer):
    """Which secret values a principal has, by name; the values are never shown."""

    external_credential: str
    principal: str
    user: str | None
    set: list[str]
    missing: list[str]


class ValuesRemoved(Done, kw_only=True):
    """How many values went."""

    reference: str
    removed: int


class ReferenceDone(Done, kw_only=True):
    """A change of one principal (and user)."""

    reference: str


class Introspected(Answer):
    """What the authorization server says of a token; `active` is null where none is kept."""

    reference: str
    endpoint: str
    at: datetime
    active: bool | None
    message: str
    scope: str | UnsetType | None = UNSET
    client_id: str | UnsetType | None = UNSET
    subject: str | UnsetType | None = UNSET
    expires_at: datetime | UnsetType | None = UNSET
    expected_until: datetime | UnsetType | None = UNSET


class Connection(Answer):
    """Whether a principal is connected, since when, by whom, and to whose account."""

    reference: str
    connected: bool
    connected_at: datetime | None
    connected_by: str | None
    account: str | None
    scope: str | None


class ConnectionShown(Connection):
    """A connection, and the callback URL that its provider has to know."""

    callback_url: str


class ConnectLinkMade(Connection):
    """An address at which a principal is connected once, and for how many seconds."""

    url: str
    expires_in: float
    changed: bool
    message: str


class DeviceCode(Answer):
    """What the user enters and where, and the handle to ask with whether it was."""

    reference: str
    handle: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str | None
    interval: float
    expires_at: datetime


class DevicePolled(Answer):
    """Whether the code was entered: `pending`, and after how many seconds to ask again; or `connected`."""

    state: str
    interval: float | UnsetType = UNSET
    expires_at: datetime | UnsetType = UNSET
    reference: str | UnsetType = UNSET
    account: str | UnsetType = UNSET


class IdentityProviderShown(Answer):
    """An external auth identity provider, and the callback URL to register there."""

    name: str
    label: str
    description: str
    parameters: dict[str, str]
    secrets_set: list[str]
    external_credentials: list[str]
    callback_url: str
    created_by_namespace: str | None


class IdentityProviders(Answer):
    """Every external auth identity provider."""

    external_auth_identity_providers: list[IdentityProviderShown]


class PrincipalWhole(Answer):
    """A principal: its definition as a manifest has it, which values it has and needs, what grants it and to whom."""

    external_credential: str
    name: str
    protocol: str
    type: PrincipalType
    sequence: int
    parameters: dict[str, str]
    definition: dict[str, Any]
    generation: int
    version: int
    secrets_set: list[str]
    secrets_needed: list[str]
    used_by: list[str]
    granted_to: list[str]


class System(Answer):
    """A named credential, and the host that it points to."""

    name: str
    label: str
    host: str


class OwnConnection(PrincipalHealthShown, kw_only=True):
    """A per-user principal that a user was granted: what it is for, whose account it is, how it fares."""

    external_credential: str
    label: str
    description: str
    interactive: bool
    systems: list[System]
    granted_by: list[str]
    reference: str
    connected: bool
    connected_at: datetime | None
    connected_by: str | None
    account: str | None
    scope: str | None


class OwnConnections(Answer):
    """What a user connects for themselves, and the object permissions on User External Credential that they have."""

    user: str
    may: list[ObjectPermission]
    connections: list[OwnConnection]
