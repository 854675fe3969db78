"""What each operation is given. One declaration decodes the API's JSON and the command line's arguments alike."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from callout.core.model.own_certificates import USUAL_ALGORITHM, USUAL_DAYS
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


class ConnectLink(Held):
    """The principal (and user) that is connected by a link; how long it is good, and whether it is sent to somebody."""

    expires: str = "1h"
    invited: bool = False


class DevicePoll(Request):
    """A device code that is waited for, by its handle."""

    external_credential: str
    principal: str
    handle: str


class ClientValues(Request):
    """The client id and secret of an external auth identity provider."""

    name: str
    values: dict[str, Secret]


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
    email: str | None = None


class KeyOf(Request):
    """Whose key is made; `expires` is a life (`90d`) or a time (ISO 8601)."""

    user: str
    namespace: str | None = None
    label: str = ""
    expires: str | None = None
    named_credentials: tuple[str, ...] = ()


class KeysOf(Request):
    """Whose keys are listed; left out: everyone's."""

    user: str | None = None


class Prefix(Request):
    """A key by its visible start."""

    prefix: str


class KeyEnd(Prefix):
    """When a key ends; null: never."""

    expires: str | None


class KeyRotation(Prefix):
    """How long the key that is replaced holds beside the new one, and when the new one ends."""

    overlap: str = "24h"
    expires: str | None = None


class KeyLimit(Prefix):
    """The named credentials that a key is limited to; none: it is not limited."""

    named_credentials: tuple[str, ...]


class PackageDefinition(Request):
    """A package, and what its own manifest asks for; left out: nothing, or what it asked for before."""

    namespace: str
    label: str | None = None
    version: str | None = None
    manifest: str | None = None
    source: str = "manifest"


class PackageUpgrade(Request):
    """The manifest of a newer version of a package."""

    namespace: str
    manifest: str
    source: str = "manifest"
    label: str | None = None
    version: str | None = None


class PackageRemoval(Request):
    """A package that goes, and what becomes of the credentials that it made and of their sealed values."""

    namespace: str
    credentials: Literal["keep", "disable", "delete"] | None = None
    secrets: Literal["keep", "delete"] | None = None


class RequestId(Request):
    """A request that waits for approval, by the digest of what it asks."""

    id: str


class Approval(RequestId):
    """How a request is approved: other packages let in, and a permission set that gets the grant, with its users.

    `dry_run`: show what would change, and change nothing.
    """

    namespaces: tuple[str, ...] = ()
    permission_set: str | None = None
    users: tuple[str, ...] = ()
    principal: str | None = None
    dry_run: bool = False


class Namespace(Request):
    """A package by namespace."""

    namespace: str


class Grants(Request):
    """Principals (`EC/Principal`), object permissions on User External Credential, admin permissions."""

    name: str
    principals: tuple[str, ...] = ()
    user_external_credential: tuple[str, ...] = ()
    admin_permissions: tuple[str, ...] = ()


class NewGrants(Grants):
    """Grants that are added; the principals may be narrowed to methods and to patterns of paths."""

    methods: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


class PermissionSetDefinition(Grants):
    """A permission set, and the users that it is assigned to."""

    label: str = ""
    assign: tuple[str, ...] = ()
    may_act_for: tuple[str, ...] = ()


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


class StatusCode(Request):
    """An external credential, and a status of 400 to 499 or 600 to 999."""

    name: str
    status: int


class RefreshRule(Request):
    """An external credential, and a refresh rule: statuses, and signs in header and body."""

    name: str
    statuses: tuple[int, ...]
    header: str = ""
    contains: tuple[str, ...] = ()
    matches: tuple[str, ...] = ()
    json_pointer: str = ""
    equals: tuple[str, ...] = ()
    soap_fault_code: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    content_types: tuple[str, ...] = ()


class RefreshRuleNumber(Request):
    """An external credential, and the number of one of its refresh rules, from 1."""

    name: str
    number: int


class RefreshDebounce(Request):
    """An external credential, and how many seconds its refresh rules stay quiet; null: as the server is set up."""

    name: str
    seconds: int | None = None


class Access(Request):
    """Who would make callouts by which name."""

    user: str
    name: str
    namespace: str | None = None


class Trouble(Request):
    """The callouts that are looked at: by this name, of this user; left out: all."""

    name: str | None = None
    user: str | None = None


class MethodOn(Request):
    """A named credential, and an HTTP method."""

    name: str
    method: str


class PathOn(Request):
    """A named credential, and a pattern of paths: `*` within a segment, `**` for any segments."""

    name: str
    path: str


class Question(Request):
    """A callout to diagnose. `user` left out: oneself (on a home: the first administrator)."""

    name: str
    user: str | None = None
    namespace: str | None = None
    method: str = "GET"
    path: str = ""
    principal: str | None = None
    on_behalf_of: str | None = None


class CalloutId(Request):
    """A callout by its id."""

    callout_id: str


#: How many entries of a list are asked for.
Limit = Annotated[int, msgspec.Meta(ge=1, le=1000)]
#: A row of the audit trail.
RowNumber = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]


class CalloutsWanted(Request):
    """Which callouts to list. `cursor`: those that were recorded after the list that it came with.

    `before`: those that are older than this callout id, as `older` of a list says it.
    """

    limit: Limit = 50
    name: str | None = None
    user: str | None = None
    reason: str | None = None
    since: str | None = None
    cursor: RowNumber | None = None
    before: str | None = None


class HealthSince(Request):
    """How far back health is looked at: how long ago (`24h`), or a time (ISO 8601)."""

    since: str = "24h"


class ActsWanted(Request):
    """Which acts of admins to list."""

    limit: Limit = 50
    who: str | None = None
    since: str | None = None


class ExportPage(Request):
    """A page of an export; `after` and `through` are those that the page before it came with."""

    format: Literal["jsonl", "cef", "ocsf"] = "jsonl"
    since: str | None = None
    until: str | None = None
    after: RowNumber | None = None
    through: RowNumber | None = None


class KeptHead(Request):
    """A head of the audit trail that was kept elsewhere: `SEQ:HASH`."""

    against: str | None = None


class Before(Request):
    """A time that is past, or how long ago. `dry_run` tells what would go, and removes nothing."""

    before: str
    dry_run: bool = False


def given(grants: Grants) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the grants of a request: principals, object permissions, admin permissions."""
    return grants.principals, grants.user_external_credential, grants.admin_permissions


class CertificateMapping(Request):
    """A client certificate, known by exactly one of four things, and whose it is; no namespace: the admin's own code."""

    name: str
    user: str
    spiffe_id: str = ""
    dns: str = ""
    subject: str = ""
    sha256: str = ""
    namespace: str = ""


class NewCertificate(Request):
    """A key that Callout makes, and the certificate that it signs for itself."""

    name: str
    algorithm: str = USUAL_ALGORITHM
    subject: str = ""
    dns: tuple[str, ...] = ()
    days: int = USUAL_DAYS
    label: str = ""


class CertificateFile(Request):
    """A key and its certificates as a file holds them: PEM or JWK as text, PKCS #12 in base64.

    `overlap` is how long a key whose place it takes stays published.
    """

    name: str
    content: Secret
    password: Secret | None = None
    overlap: str = "7d"
    label: str = ""


class CertificateRotation(Request):
    """Another key in the place of one; `overlap` is how long the one before stays published."""

    name: str
    algorithm: str | None = None
    days: int = USUAL_DAYS
    overlap: str = "7d"


class CertificateRequest(Request):
    """The subject and DNS names of a certificate that is asked for; left out: those of the one that is there."""

    name: str
    subject: str = ""
    dns: tuple[str, ...] = ()


class PresentedCertificate(Request):
    """A named credential, and the certificate that is presented to its external system; null: none."""

    name: str
    certificate: str | None = None


class PresetsWanted(Request):
    """The words that presets are found by; none: every preset."""

    words: str = ""


class PresetId(Request):
    """A preset by its id."""

    id: str


class Creation(Request):
    """What quick create makes; `engine.creating.Wanted` says what each field means. `dry_run`: show the plan alone."""

    name: str
    preset: str | None = None
    url: str | None = None
    protocol: str | None = None
    inputs: dict[str, str] = {}
    parameters: dict[str, str] = {}
    headers: dict[str, str] = {}
    scope: str | None = None
    secrets: dict[str, Secret] = {}
    principal: str | None = None
    principal_type: Literal["named", "per_user", "anonymous"] | None = None
    permission_set: str | None = None
    user: str | None = None
    namespaces: tuple[str, ...] = ()
    label: str = ""
    allow_private_network: bool = False
    dry_run: bool = False
