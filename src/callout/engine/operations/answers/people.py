"""Answers about users, keys, permission sets and groups, profiles, and who is believed to be whom."""

from __future__ import annotations

from datetime import datetime

from callout.core.model.people import AdminPermission, ObjectPermission, UserKind
from callout.engine.operations.answers.shape import Answer, Done


class TimeBox(Answer):
    """An assignment that ends."""

    name: str
    until: datetime
    purpose: str
    ended: bool


class UserShown(Answer):
    """A user."""

    name: str
    kind: UserKind
    label: str
    email: str
    profile: str
    administrator: bool
    admin_permissions: list[AdminPermission]
    permission_sets: list[str]
    permission_set_groups: list[str]
    time_boxes: list[TimeBox]
    active: bool


class Granted(Answer):
    """Principals, object permissions on User External Credential, admin permissions."""

    principals: list[str]
    user_external_credential: list[ObjectPermission]
    admin_permissions: list[AdminPermission]


class Way(Granted, rename={"source": "from"}):
    """One way in which grants come to a user."""

    source: str
    until: datetime | None
    purpose: str
    ended: bool
    muted: Granted


class UserWhole(UserShown):
    """A user, and every way in which grants come to them."""

    ways: list[Way]


class Users(Answer):
    """Every user."""

    users: list[UserShown]


class UserRemoved(Done, kw_only=True):
    """A user who went, with keys and secret values."""

    name: str
    keys_revoked: int
    secrets_removed: int


class KeyShown(Answer):
    """A key by its visible start. What it is limited to; none: it is not limited."""

    prefix: str
    user: str
    namespace: str | None
    label: str
    named_credentials: list[str]
    created_at: datetime
    expires_at: datetime | None
    expired: bool


class KeyMade(KeyShown):
    """A key, with its text: it is shown this once."""

    key: str


class KeyRotated(KeyMade):
    """A key in the place of another, which ends later."""

    replaces: str
    replaced_ends_at: datetime


class Keys(Answer):
    """Keys."""

    keys: list[KeyShown]


class KeyRevoked(Done, kw_only=True):
    """A key that proves nothing any more."""

    prefix: str
    user: str


class GrantShown(Answer):
    """A granted principal, narrowed to methods and patterns of paths; none of either: not narrowed."""

    principal: str
    methods: list[str]
    paths: list[str]


class ProfileShown(Granted):
    """What a profile grants."""

    name: str
    label: str
    standard: bool
    grants: list[GrantShown]


class ProfileWithUsers(ProfileShown):
    """What a profile grants, and to whom."""

    users: list[str]


class Profiles(Answer):
    """Every profile."""

    profiles: list[ProfileWithUsers]


class PermissionSetShown(ProfileShown):
    """What a permission set grants, and for whom it may act."""

    may_act_for: list[str]


class PermissionSetWithUsers(PermissionSetShown):
    """What a permission set grants, and to whom."""

    users: list[str]


class PermissionSetWhole(PermissionSetWithUsers):
    """What a permission set grants, to whom, and the groups that it is in."""

    groups: list[str]


class PermissionSets(Answer):
    """Every permission set."""

    permission_sets: list[PermissionSetWhole]


class ActingChanged(Done, kw_only=True):
    """For whom a permission set may act now."""

    name: str
    may_act_for: list[str]


class Assigned(Done, kw_only=True):
    """A permission set that a user has, and until when."""

    name: str
    user: str
    until: datetime | None
    purpose: str


class Unassigned(Done, kw_only=True):
    """A permission set that a user has no more."""

    name: str
    user: str


class GroupShown(Answer):
    """A permission set group: its sets, what does not come through it, and who has it."""

    name: str
    label: str
    permission_sets: list[str]
    muted: Granted
    users: list[str]


class Groups(Answer):
    """Every permission set group."""

    permission_set_groups: list[GroupShown]


class TrustedIssuerShown(Answer):
    """An issuer whose tokens prove a caller."""

    name: str
    issuer: str
    audience: str
    jwks_uri: str
    user_claim: str
    users: dict[str, str]
    users_by_name: bool
    namespace_claim: str
    namespaces: dict[str, str]
    algorithms: list[str]
    allow_private_network: bool
    label: str
    description: str
    client_id: str
    scope: str


class TrustedIssuers(Answer):
    """Every trusted issuer."""

    trusted_issuers: list[TrustedIssuerShown]


class ClientCertificateShown(Answer):
    """A client certificate that is mapped to a user, and what it is known by."""

    name: str
    user: str
    spiffe_id: str
    dns: str
    subject: str
    sha256: str
    namespace: str
    label: str
    description: str


class ClientCertificates(Answer):
    """Every client certificate that is mapped."""

    client_certificates: list[ClientCertificateShown]
