"""Who calls and what they were given: users, profiles, permission sets and groups of them, packages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from callout.core.model.credentials import ExternalCredential, NamedCredential, PrincipalReference


class ObjectPermission(StrEnum):
    """What may be done with User External Credential rows. Every one but create and delete includes read."""

    READ = "read"
    CREATE = "create"
    EDIT = "edit"
    DELETE = "delete"
    VIEW_ALL = "view_all"
    MODIFY_ALL = "modify_all"


INCLUDES_READ = frozenset(
    {ObjectPermission.READ, ObjectPermission.EDIT, ObjectPermission.VIEW_ALL, ObjectPermission.MODIFY_ALL}
)


class AdminPermission(StrEnum):
    """What an admin may do with Callout itself. None includes another."""

    VIEW_SETUP = "view_setup"  # look at every definition, at status and at others' callouts
    MANAGE_NAMED_CREDENTIALS = "manage_named_credentials"  # named and external credentials, and shared secret values
    CUSTOMIZE_APPLICATION = "customize_application"  # packages, and whatever has no permission of its own
    MANAGE_USERS = "manage_users"  # users, keys, permission sets and groups, profiles, assignments


EVERY_ADMIN_PERMISSION = frozenset(AdminPermission)


class UserKind(StrEnum):
    """What a user is. A background identity holds no key: the token of a trusted issuer proves what runs by itself."""

    HUMAN = "human"
    SERVICE = "service"
    GUEST = "guest"
    BACKGROUND = "background"


GUEST = "guest"
#: Before the name of a profile in `may_act_for`: its users.
PROFILE_PREFIX = "profile:"


@dataclass(frozen=True, slots=True)
class Assignment:
    """A permission set or group that a user has until a time. At `until` and later it grants nothing."""

    name: str
    until: datetime
    purpose: str = ""

    def __str__(self) -> str:
        purpose = f" ({self.purpose})" if self.purpose else ""
        return f"{self.name} until {self.until.isoformat()}{purpose}"


def assigned_name(entry: str | Assignment) -> str:
    """Return the name of what an entry of a user assigns."""
    return entry if isinstance(entry, str) else entry.name


@dataclass(frozen=True, slots=True)
class Muted:
    """Grants that do not come through a group, although its permission sets hold them."""

    principals: frozenset[PrincipalReference] = frozenset()
    user_external_credential: frozenset[ObjectPermission] = frozenset()
    admin_permissions: frozenset[AdminPermission] = frozenset()


@dataclass(frozen=True, slots=True)
class PermissionSet:
    """A named set of grants. `may_act_for`: users, or `profile:Name`, on whose behalf callouts may be made."""

    name: str
    principals: frozenset[PrincipalReference] = frozenset()
    user_external_credential: frozenset[ObjectPermission] = frozenset()
    label: str = ""
    standard: bool = False
    admin_permissions: frozenset[AdminPermission] = frozenset()
    may_act_for: frozenset[str] = frozenset()

    def lets_act_for(self, user: User) -> bool:
        """Say whether who has this set may make callouts on behalf of this user."""
        return user.name in self.may_act_for or PROFILE_PREFIX + user.profile in self.may_act_for


@dataclass(frozen=True, slots=True)
class PermissionSetGroup:
    """Permission sets that are assigned together; what is `muted` does not come through the group."""

    name: str
    permission_sets: tuple[str, ...] = ()
    label: str = ""
    muted: Muted = field(default_factory=Muted)


@dataclass(frozen=True, slots=True)
class Profile:
    """The base grants of a user; a user has exactly one profile."""

    name: str
    principals: frozenset[PrincipalReference] = frozenset()
    user_external_credential: frozenset[ObjectPermission] = frozenset()
    label: str = ""
    standard: bool = False
    admin_permissions: frozenset[AdminPermission] = frozenset()


@dataclass(frozen=True, slots=True)
class User:
    """A person or program known by name."""

    name: str
    profile: str = "Standard User"
    permission_sets: tuple[str | Assignment, ...] = ()
    permission_set_groups: tuple[str | Assignment, ...] = ()
    active: bool = True
    label: str = ""
    kind: UserKind = UserKind.HUMAN
    email: str = ""

    @property
    def set_names(self) -> tuple[str, ...]:
        """The names of the permission sets, also of those whose time has ended."""
        return tuple(map(assigned_name, self.permission_sets))

    @property
    def group_names(self) -> tuple[str, ...]:
        """The names of the permission set groups, also of those whose time has ended."""
        return tuple(map(assigned_name, self.permission_set_groups))


@dataclass(frozen=True, slots=True)
class Package:
    """Code that the admin did not write: a vendor's app, a plug-in, an agent.

    `named_credentials` and `external_credentials` are its defaults: what its manifest asks for. What is in force may
    differ: an admin overrode it. `uses` are named credentials of the admin's that its code asks to call. `rejected`
    holds the ids of the requests that an admin refused.
    """

    namespace: str
    label: str = ""
    version: str = ""
    uses: tuple[str, ...] = ()
    external_credentials: tuple[ExternalCredential, ...] = ()
    named_credentials: tuple[NamedCredential, ...] = ()
    rejected: tuple[str, ...] = ()

    @property
    def defaults(self) -> tuple[NamedCredential | ExternalCredential, ...]:
        """The credentials that its manifest asks for, external ones first."""
        return (*self.external_credentials, *self.named_credentials)


@dataclass(frozen=True, slots=True)
class CallerKey:
    """What is kept of a caller's key: the SHA-256 of its text, whose it is, and how long it holds.

    `named_credentials`: those that it is limited to; none named: it is not limited.
    """

    digest: bytes
    prefix: str
    user: str
    namespace: str | None
    created_at: datetime
    expires_at: datetime | None = None
    label: str = ""
    named_credentials: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Caller:
    """A user and the namespace of the package whose code calls; `proof` says how it was proven.

    `on_behalf_of` is the user whose grants the callout asks for, `key` the key that was used where that is limited.
    """

    user: str
    namespace: str | None = None
    proof: str = "none"
    on_behalf_of: str | None = None
    key: CallerKey | None = None

    @property
    def acting_user(self) -> str:
        """The user whose grants and own credentials count."""
        return self.user if self.on_behalf_of is None else self.on_behalf_of

    @property
    def is_guest(self) -> bool:
        """True for a caller that proved nothing."""
        return self.user == GUEST

    def __str__(self) -> str:
        return f"{self.user} (package {self.namespace})" if self.namespace else self.user


_OWN = frozenset({ObjectPermission.READ, ObjectPermission.CREATE, ObjectPermission.EDIT, ObjectPermission.DELETE})

STANDARD_PROFILES: tuple[Profile, ...] = (
    Profile(
        "System Administrator", user_external_credential=_OWN, standard=True, admin_permissions=EVERY_ADMIN_PERMISSION
    ),
    Profile("Standard User", user_external_credential=_OWN, standard=True),
    Profile("Minimum Access", user_external_credential=frozenset({ObjectPermission.READ}), standard=True),
    Profile("Guest User", standard=True),
)

STANDARD_PERMISSION_SETS: tuple[PermissionSet, ...] = (
    PermissionSet("External Credential User", user_external_credential=_OWN, standard=True),
)
