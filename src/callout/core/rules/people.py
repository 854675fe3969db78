"""Rules over permission sets, groups, profiles, users and packages: names, and that what they name is there."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime

from callout.core.access.sources import sources_of
from callout.core.errors import Problem
from callout.core.model.credentials import NamedCredential, PrincipalReference
from callout.core.model.org import Org
from callout.core.model.people import (
    GUEST,
    PROFILE_PREFIX,
    STANDARD_PERMISSION_SETS,
    STANDARD_PROFILES,
    Assignment,
    Package,
    PermissionSet,
    PermissionSetGroup,
    Profile,
    User,
    UserKind,
)
from callout.core.rules.names import (
    developer_name_rule,
    namespace_of,
    namespace_rule,
    nearest,
    readable_name_rule,
    user_name_rule,
)
from callout.core.rules.requests import method_problems, path_problems

#: Of the version of a package, in characters.
LONGEST_VERSION = 64

LONGEST_PURPOSE = 255
_EMAIL = re.compile(r"[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+")
_BEFORE_EVERY_END = datetime.min.replace(tzinfo=UTC)
_STANDARD = {("profiles", p.name): p.admin_permissions for p in STANDARD_PROFILES} | {
    ("permission_sets", s.name): s.admin_permissions for s in STANDARD_PERMISSION_SETS
}


def permission_set_problems(org: Org, source: PermissionSet) -> Iterator[Problem]:
    """Judge one permission set."""
    yield from _grant_problems(org, source, "permission_sets")
    for other in sorted(source.may_act_for):
        profile = other.removeprefix(PROFILE_PREFIX)
        known = org.users.keys() - {GUEST} if profile == other else org.profiles
        if profile not in known:
            here, hint = f"permission_sets.{source.name}.may_act_for[{other}]", nearest(profile, known)
            yield Problem(here, repr(other), "a user, or profile:NAME of a profile", hint)


def profile_problems(org: Org, profile: Profile) -> Iterator[Problem]:
    """Judge one profile."""
    yield from _grant_problems(org, profile, "profiles")


def group_problems(org: Org, group: PermissionSetGroup) -> Iterator[Problem]:
    """Judge one permission set group."""
    place = f"permission_set_groups.{group.name}"
    yield from _name_problems(place, group.name, readable_name_rule(group.name))
    here = f"{place}.permission_sets"
    yield from _member_problems(here, "permission set", group.permission_sets, org.permission_sets)
    yield from _reference_problems(org, group.muted.principals, f"{place}.muted.principals")


def user_problems(org: Org, user: User) -> Iterator[Problem]:
    """Judge one user."""
    place = f"users.{user.name}"
    yield from _name_problems(place, user.name, user_name_rule(user.name))
    profile = org.profiles.get(user.profile)
    if profile is None:
        hint = nearest(user.profile, org.profiles)
        yield Problem(f"{place}.profile", repr(user.profile), f"a profile: {_listed(org.profiles)}", hint)
    if (user.kind is UserKind.GUEST) != (user.name == GUEST):
        expected = "guest" if user.name == GUEST else "human, service or background; guest is for the one guest user"
        yield Problem(f"{place}.kind", repr(user.kind.value), expected)
    if user.email and _EMAIL.fullmatch(user.email) is None:
        yield Problem(f"{place}.email", repr(user.email), "an email address: name@domain, without spaces")
    keys = sorted(key.prefix for key in org.keys.values() if key.user == user.name)
    if user.kind is UserKind.BACKGROUND and keys:
        expected = f"none: it holds no secret of its own; revoke them first: callout key revoke {keys[0]}"
        yield Problem(f"{place}.kind", f"a background identity that has {len(keys)} keys", expected)
    here = f"{place}.permission_sets"
    yield from _member_problems(here, "permission set", user.set_names, org.permission_sets)
    here = f"{place}.permission_set_groups"
    yield from _member_problems(here, "permission set group", user.group_names, org.permission_set_groups)

    for field, entries in (
        ("permission_sets", user.permission_sets),
        ("permission_set_groups", user.permission_set_groups),
    ):
        for entry in entries:
            if not isinstance(entry, str):
                yield from _box_problems(f"{place}.{field}[{entry.name}]", entry)


def _box_problems(place: str, entry: Assignment) -> Iterator[Problem]:
    if entry.until.tzinfo is None:
        yield Problem(f"{place}.until", "a time without its zone", "one with it, such as 2030-01-31T12:00:00Z")
    if not entry.purpose.isprintable() or len(entry.purpose) > LONGEST_PURPOSE:
        yield Problem(f"{place}.purpose", "another text", f"at most {LONGEST_PURPOSE} printable characters")


def guest_problems(org: Org) -> Iterator[Problem]:
    """Judge that the guest user never administers, not even in a time to come: everyone is the guest user."""
    for source in sources_of(org, GUEST, _BEFORE_EVERY_END):
        if source.admin_permissions:
            got = f"{', '.join(sorted(source.admin_permissions))} by {source}"
            yield Problem(f"users.{GUEST}", got, "no admin permission: every caller without proof is the guest user")


def package_problems(package: Package) -> Iterator[Problem]:
    """Judge one package."""
    rule = namespace_rule(package.namespace)
    place = f"packages.{package.namespace}"
    yield from _name_problems(place, package.namespace, rule)
    if len(package.version) > LONGEST_VERSION or not package.version.isprintable():
        yield Problem(
            f"{place}.version", "a version of another kind", f"at most {LONGEST_VERSION} printable characters"
        )
    for name in package.uses:
        yield from _name_problems(f"{place}.uses", name, developer_name_rule(name))
    for made in package.defaults:
        if namespace_of(made.name) not in (None, package.namespace):
            section = "named_credentials" if isinstance(made, NamedCredential) else "external_credentials"
            expected = f"a name without a namespace, or {package.namespace}__…"
            yield Problem(f"{place}.{section}.{made.name}", f"name {made.name!r}", expected)


def _grant_problems(org: Org, source: PermissionSet | Profile, section: str) -> Iterator[Problem]:
    place = f"{section}.{source.name}"
    yield from _name_problems(place, source.name, readable_name_rule(source.name))
    shipped = _STANDARD.get((section, source.name))
    if source.standard != (shipped is not None):
        yield Problem(place, "another standard flag", "the one that it was shipped with")
    if shipped is not None and shipped != source.admin_permissions:
        expected = f"those that it was shipped with: {', '.join(sorted(shipped)) or 'none'}; make one of your own"
        yield Problem(f"{place}.admin_permissions", "other admin permissions of a standard one", expected)
    yield from _reference_problems(org, source.principals, f"{place}.principals")


def _reference_problems(org: Org, references: Iterable[PrincipalReference], place: str) -> Iterator[Problem]:
    for reference in sorted(references):
        here = f"{place}[{reference}]"
        problem = _reference_problem(org, reference, here)
        if problem is not None:
            yield problem
        yield from method_problems(reference.methods, f"{here}.methods")
        yield from path_problems(reference.paths, f"{here}.paths")


def _reference_problem(org: Org, reference: PrincipalReference, place: str) -> Problem | None:
    external = org.external_credentials.get(reference.external_credential)
    if external is not None and external.principal(reference.principal) is not None:
        return None
    known = [f"{e.name}/{p.name}" for e in org.external_credentials.values() for p in e.principals]
    if external is None:
        expected = f"a principal of an external credential: {_listed(org.external_credentials)}"
    else:
        expected = f"a principal of {external.name}: {_listed([p.name for p in external.principals])}"
    return Problem(place, repr(str(reference)), expected, nearest(str(reference), known))


def _member_problems(place: str, kind: str, members: Iterable[str], known: Collection[str]) -> Iterator[Problem]:
    seen: set[str] = set()
    for member in members:
        here = f"{place}[{member}]"
        if member not in known:
            yield Problem(here, repr(member), f"a {kind}: {_listed(known)}", nearest(member, known))
        elif member in seen:
            yield Problem(here, f"{member!r} twice", f"each {kind} once")
        seen.add(member)


def _name_problems(place: str, name: str, rule: str | None) -> Iterator[Problem]:
    if rule is not None:
        yield Problem(place, f"name {name!r}", rule)


def _listed(names: Collection[str], most: int = 12) -> str:
    """List the known names, not more than a reader reads."""
    shown = sorted(names)
    rest = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + rest if shown else "none is defined"
