"""What each operation is given. One declaration decodes the API's JSON and the command line's arguments alike."""

from __future__ import annotations

import msgspec

from callout.core.secret import Secret


class Request(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Base of the requests; fields that nobody declared are refused."""


class Nothing(Request):
    """No field."""


class Name(Request):
    """One definition by name."""

    name: str


class Manifest(Request):
    """A manifest in YAML or JSON. `references` are the values of its `{env: …}` and `{file: …}`, by `env:NAME`."""

    manifest: str
    source: str = "manifest"
    references: dict[str, Secret] = {}
    prune: bool = False
    namespace: str | None = None


class Values(Request):
    """Secret values of a principal, by name."""

    external_credential: str
    principal: str
    values: dict[str, Secret]
    user: str | None = None


class Held(Request):
    """The principal (and user) whose values are listed."""

    external_credential: str
    principal: str
    user: str | None = None


class HeldNames(Held):
    """The values of a principal that are to be removed; none named: all."""

    names: tuple[str, ...] | None = None


class UserDefinition(Request):
    """A user; a field that is left out stays as it is."""

    name: str
    profile: str | None = None
    permission_sets: tuple[str, ...] | None = None
    permission_set_groups: tuple[str, ...] | None = None
    active: bool | None = None
    label: str | None = None
    kind: str | None = None


class KeyOf(Request):
    """Whose key is made; `expires` is a life (`90d`) or a time (ISO 8601)."""

    user: str
    namespace: str | None = None
    label: str = ""
    expires: str | None = None


class KeysOf(Request):
    """Whose keys are listed; left out: everyone's."""

    user: str | None = None


class Prefix(Request):
    """A key by its visible start."""

    prefix: str


class KeyEnd(Prefix):
    """When a key ends; null: never."""

    expires: str | None


class PackageDefinition(Request):
    """A package."""

    namespace: str
    label: str | None = None


class Namespace(Request):
    """A package by namespace."""

    namespace: str


class Grants(Request):
    """Principals (`EC/Principal`), object permissions on User External Credential, admin permissions."""

    name: str
    principals: tuple[str, ...] = ()
    user_external_credential: tuple[str, ...] = ()
    admin_permissions: tuple[str, ...] = ()


class PermissionSetDefinition(Grants):
    """A permission set, and the users that it is assigned to."""

    label: str = ""
    assign: tuple[str, ...] = ()


class ProfileDefinition(Grants):
    """A custom profile."""

    label: str = ""


class Assignment(Request):
    """A permission set or group, and a user."""

    name: str
    user: str


class NewAssignment(Assignment):
    """With `until`, a life (`2h`) or a time (ISO 8601), the assignment ends then; `purpose` says what it is for."""

    until: str | None = None
    purpose: str = ""


class GroupDefinition(Request):
    """A permission set group, and the users that it is assigned to."""

    name: str
    permission_sets: tuple[str, ...] = ()
    label: str = ""
    assign: tuple[str, ...] = ()


class GroupMember(Request):
    """A permission set group, and one of its permission sets."""

    name: str
    permission_set: str


class NamespaceOn(Request):
    """A named credential, and the namespace of a package."""

    name: str
    namespace: str


class Question(Request):
    """A callout to diagnose. `user` left out: oneself (on a home: the first administrator)."""

    name: str
    user: str | None = None
    namespace: str | None = None
    method: str = "GET"
    path: str = ""
    principal: str | None = None


class CalloutId(Request):
    """A callout by its id."""

    callout_id: str


def given(grants: Grants) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the grants of a request: principals, object permissions, admin permissions."""
    return grants.principals, grants.user_external_credential, grants.admin_permissions
