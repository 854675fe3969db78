"""Which files of a Salesforce project are read, and what their names say: the kind and the developer name.

A file is called `Name.kind-meta.xml` in a source project and `Name.kind` in the older metadata format.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from urllib.parse import unquote

#: Largest file that is read, in bytes; the profiles of large orgs have a few million.
LARGEST_FILE = 8 * 1024 * 1024

#: Directories of a project that hold copies or other people's files.
_SKIPPED = frozenset({".git", ".sf", ".sfdx", "node_modules"})


class Kind(StrEnum):
    """What a file defines; the value is what the report says."""

    AUTH_PROVIDER = "auth provider"
    EXTERNAL_AUTH_IDENTITY_PROVIDER = "external auth identity provider"
    EXTERNAL_CREDENTIAL = "external credential"
    NAMED_CREDENTIAL = "named credential"
    PERMISSION_SET = "permission set"
    MUTING_PERMISSION_SET = "muting permission set"
    PERMISSION_SET_GROUP = "permission set group"
    PROFILE = "profile"


@dataclass(frozen=True, slots=True)
class FileName:
    """What a file's name says. `name` is the developer name, percent-decoded as Salesforce's tools encode it."""

    kind: Kind
    name: str


#: The suffix of each kind, in small letters, and the root element of its files.
SUFFIXES: dict[str, tuple[Kind, str]] = {
    "authprovider": (Kind.AUTH_PROVIDER, "AuthProvider"),
    "externalauthidentityprovider": (Kind.EXTERNAL_AUTH_IDENTITY_PROVIDER, "ExternalAuthIdentityProvider"),
    "externalcredential": (Kind.EXTERNAL_CREDENTIAL, "ExternalCredential"),
    "namedcredential": (Kind.NAMED_CREDENTIAL, "NamedCredential"),
    "mutingpermissionset": (Kind.MUTING_PERMISSION_SET, "MutingPermissionSet"),
    "permissionset": (Kind.PERMISSION_SET, "PermissionSet"),
    "permissionsetgroup": (Kind.PERMISSION_SET_GROUP, "PermissionSetGroup"),
    "profile": (Kind.PROFILE, "Profile"),
}

ROOTS: dict[Kind, str] = dict(SUFFIXES.values())


def file_name(path: str) -> FileName | None:
    """Read kind and developer name from a relative path (either slash between its parts), or None for another file."""
    last = PurePosixPath(path.replace("\\", "/")).name
    if last.lower().endswith("-meta.xml"):
        last = last[: -len("-meta.xml")]
    name, dot, suffix = last.rpartition(".")
    known = SUFFIXES.get(suffix.lower())
    return FileName(known[0], unquote(name)) if dot and name and known else None


def wanted(path: str) -> bool:
    """Say whether a file, named by its path inside the project, is one to hand to `read_project`."""
    parts = PurePosixPath(path.replace("\\", "/")).parts
    return file_name(path) is not None and _SKIPPED.isdisjoint(parts[:-1])
