"""Who calls and what they were given: users, profiles, permission sets and groups of them, packages."""

from __future__ import annotations

from dataclasses import dataclass
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

GUEST = "guest"
#: Before the name of a profile in `may_act_for`: its users.
PROFILE_PREFIX = "profile:"


@dataclass(frozen=True, slots=True)
class PermissionSet:
    """A named set of grants. `may_act_for`: users, or `profile:Name`, on whose behalf callouts may be made."""

    name: str
    principals: frozenset[PrincipalReference] = frozenset()
    user_external_credential: frozenset[ObjectPermission] = frozenset()
    label: str = ""
    standard: bool = False
    may_act_for: frozenset[str] = frozenset()

    def lets_act_for(self, user: User) -> bool:
        """Say whether who has this set may make callouts on behalf of this user."""
        return user.name in self.may_act_for or PROFILE_PREFIX + user.profile in self.may_act_for


@dataclass(frozen=True, slots=True)
class PermissionSetGroup:
    """Permission sets that are assigned together."""

    name: str
    permission_sets: tuple[str, ...] = ()
    label: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """The base grants of a user; a user has exactly one profile.

    Users of an `administrator` profile may define and change everything; System Administrator alone is one.
    """

    name: str
    principals: frozenset[PrincipalReference] = frozenset()
    user_external_credential: frozenset[ObjectPermission] = frozenset()
    label: str = ""
    standard: bool = False
    administrator: bool = False


@dataclass(frozen=True, slots=True)
class User:
    """A person or program known by name."""

    name: str
    profile: str = "Standard User"
    permission_sets: tuple[str, ...] = ()
    permission_set_groups: tuple[str, ...] = ()
    active: bool = True
    label: str = ""


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
    Profile("System Administrator", user_external_credential=_OWN, standard=True, administrator=True),
    Profile("Standard User", user_external_credential=_OWN, standard=True),
    Profile("Minimum Access", user_external_credential=frozenset({ObjectPermission.READ}), standard=True),
    Profile("Guest User", standard=True),
)

STANDARD_PERMISSION_SETS: tuple[PermissionSet, ...] = (
    PermissionSet("External Credential User", user_external_credential=_OWN, standard=True),
)
