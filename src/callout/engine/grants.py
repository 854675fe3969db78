"""Who may use which principal: permission sets, groups of them, profiles, and their assignment to users."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from callout.core.errors import DefinitionError, Problem
from callout.core.model.credentials import PrincipalReference
from callout.core.model.org import Org
from callout.core.model.people import (
    AdminPermission,
    Assignment,
    ObjectPermission,
    PermissionSet,
    PermissionSetGroup,
    Profile,
    assigned_name,
)
from callout.core.ports import Change
from callout.core.rules import nearest
from callout.engine.acting import judge_other
from callout.engine.keys import expiry
from callout.engine.setup import Edit, Result, Setup, found, put, unknown

Granting = TypeVar("Granting", bound=PermissionSet | Profile)
Choice = TypeVar("Choice", bound=StrEnum)
Holder = TypeVar("Holder")
#: Principals (`EC/Principal`), object permissions on User External Credential, and admin permissions, by name.
Given = tuple[Iterable[str], Iterable[str], Iterable[str]]
#: The methods and the patterns of paths to which added principals are narrowed; empty: any.
Rule = tuple[tuple[str, ...], tuple[str, ...]]


def references(org: Org, texts: Iterable[str], place: str) -> frozenset[PrincipalReference]:
    """Read texts `EC/Principal`; raises `DefinitionError` where one names no principal."""
    return frozenset(reference(org, text, place) for text in texts)


def reference(org: Org, text: str, place: str) -> PrincipalReference:
    """Read one text `EC/Principal`; raises `DefinitionError` where it names no principal."""
    credential, _, principal = text.partition("/")
    external = org.external_credentials.get(credential)
    if external is None or external.principal(principal) is None:
        known = [f"{e.name}/{p.name}" for e in org.external_credentials.values() for p in e.principals]
        raise DefinitionError([unknown(place, text, known, "a principal, as EXTERNAL_CREDENTIAL/PRINCIPAL")])
    return PrincipalReference(credential, principal)


def permissions(texts: Iterable[str], place: str) -> frozenset[ObjectPermission]:
    """Read object permissions by name; raises `DefinitionError` for another."""
    return frozenset(one_of(ObjectPermission, text, place) for text in texts)


def admin_permissions(texts: Iterable[str], place: str) -> frozenset[AdminPermission]:
    """Read admin permissions by name; raises `DefinitionError` for another."""
    return frozenset(one_of(AdminPermission, text, place) for text in texts)


def one_of(choices: type[Choice], text: str, place: str) -> Choice:
    """Read a value of an enumeration; raises `DefinitionError` with the nearest for another."""
    known = [choice.value for choice in choices]
    if text not in known:
        expected = f"one of {', '.join(known)}"
        raise DefinitionError([Problem(place, repr(text), expected, nearest(text, known))])
    return choices(text)


def shown_grants(source: PermissionSet | Profile) -> Result:
    """Show what a permission set or a profile grants."""
    return {
        "name": source.name,
        "label": source.label,
        "standard": source.standard,
        "principals": sorted(reference.worded for reference in source.principals),
        "grants": [
            {"principal": str(reference), "methods": list(reference.methods), "paths": list(reference.paths)}
            for reference in sorted(source.principals)
        ],
        "user_external_credential": sorted(p.value for p in source.user_external_credential),
        **({"may_act_for": sorted(source.may_act_for)} if isinstance(source, PermissionSet) else {}),
        "admin_permissions": sorted(p.value for p in source.admin_permissions),
    }


def _with(org: Org, source: Granting, given: Given, place: str, rule: Rule = ((), ())) -> Granting:
    methods, paths = (tuple(sorted(set(part))) for part in rule)
    wanted = references(org, given[0], f"{place}.principals")
    allowed = permissions(given[1], f"{place}.user_external_credential")
    administered = admin_permissions(given[2], f"{place}.admin_permissions")
    return replace(
        source,
        principals=source.principals | {replace(each, methods=methods, paths=paths) for each in wanted},
        user_external_credential=source.user_external_credential | allowed,
        admin_permissions=source.admin_permissions | administered,
    )


def _without(source: Granting, given: Given, place: str) -> Granting:
    gone = permissions(given[1], f"{place}.user_external_credential")
    no_longer = admin_permissions(given[2], f"{place}.admin_permissions")
    names, having = set(given[0]), {str(r) for r in source.principals}
    for name in sorted(names - having):
        raise DefinitionError([unknown(f"{place}.principals", name, having, f"a principal that {source.name} grants")])
    return replace(
        source,
        principals=frozenset(r for r in source.principals if str(r) not in names),
        user_external_credential=source.user_external_credential - gone,
        admin_permissions=source.admin_permissions - no_longer,
    )


def worded(given: Given) -> str:
    """Word grants for the audit trail and for messages."""
    principals, object_permissions, administered = given
    parts = [*sorted(principals)]
    if flags := sorted(object_permissions):
        parts.append(f"{', '.join(flags)} on User External Credential")
    if flags := sorted(administered):
        parts.append(f"admin permission {', '.join(flags)}")
    return " and ".join(parts) or "nothing"


# permission sets


async def list_permission_sets(setup: Setup) -> Result:
    """List every permission set: what it grants, and who has it."""
    org = await setup.org()
    having, grouped = holders(org.users, lambda u: u.set_names), holders(org.permission_set_groups, _members)
    rows = [
        {**shown_grants(org.permission_sets[name]), "users": having.get(name, []), "groups": grouped.get(name, [])}
        for name in sorted(org.permission_sets)
    ]
    return {"permission_sets": rows}


def _members(group: PermissionSetGroup) -> tuple[str, ...]:
    return group.permission_sets


def holders(holding: Mapping[str, Holder], names_of: Callable[[Holder], Iterable[str]]) -> dict[str, list[str]]:
    """Return who holds each name, in order; one pass over all, however many names there are."""
    found: dict[str, list[str]] = {}
    for holder in sorted(holding):
        for name in dict.fromkeys(names_of(holding[holder])):
            found.setdefault(name, []).append(holder)
    return found


def _having(org: Org, name: str) -> list[str]:
    return sorted(u.name for u in org.users.values() if name in u.set_names)


def _groups_of(org: Org, name: str) -> list[str]:
    return sorted(g.name for g in org.permission_set_groups.values() if name in g.permission_sets)


async def create_permission_set(
    setup: Setup,
    who: str,
    name: str,
    *,
    principals: Iterable[str] = (),
    object_permissions: Iterable[str] = (),
    admin_permissions: Iterable[str] = (),
    label: str = "",
    assign: Iterable[str] = (),
    may_act_for: Iterable[str] = (),
) -> Result:
    """Make a permission set and assign it. One that exists keeps what it grants, and gains these grants."""
    existed: list[str] = []
    given = (principals, object_permissions, admin_permissions)

    def edit(org: Org) -> Edit:
        known = org.permission_sets.get(name)
        existed.extend(_having(org, name) if known else ())
        base = known or PermissionSet(name)
        made = _with(org, base, given, f"permission_sets.{name}")
        others = frozenset(may_act_for)
        for other in others:
            judge_other(org, other, f"permission_sets.{name}.may_act_for")
        made = replace(made, label=label or made.label, may_act_for=made.may_act_for | others)
        users = [found(org.users, user, "users", "a user") for user in assign]
        having = [replace(u, permission_sets=assigned(u.permission_sets, name, setup.now())) for u in users]
        acting = "".join(f", acting for {other}" for other in sorted(others))
        what = f"{name}: {worded(given)}{acting}" + "".join(f", to {u.name}" for u in users)
        return Edit(put(made, *having), "create permission set" if known is None else "grant by permission set", what)

    org, moved = await setup.write(who, edit)
    others = sorted(set(existed) - set(assign))
    message = f"Permission set {name} grants {worded(_all(org.permission_sets[name]))}"
    if others:
        message += f"; it was there already, and these have it too: {', '.join(others)}"
    return {
        **shown_grants(org.permission_sets[name]),
        "users": _having(org, name),
        "changed": moved,
        "message": message,
    }


def _all(source: PermissionSet | Profile) -> Given:
    return [r.worded for r in source.principals], source.user_external_credential, source.admin_permissions


def joined(entries: tuple[str | Assignment, ...], entry: str | Assignment) -> tuple[str | Assignment, ...]:
    """Put an entry where the one of its name is, else last."""
    name = assigned_name(entry)
    if all(assigned_name(each) != name for each in entries):
        return (*entries, entry)
    return tuple(entry if assigned_name(each) == name else each for each in entries)


def assigned(entries: tuple[str | Assignment, ...], name: str, now: datetime) -> tuple[str | Assignment, ...]:
    """Assign a set or group beside something else: a time box that is still running keeps its end."""
    running = any(isinstance(e, Assignment) and e.name == name and e.until > now for e in entries)
    return entries if running else joined(entries, name)


def entry_of(setup: Setup, name: str, until: str | None, purpose: str, place: str) -> str | Assignment:
    """Make the entry of an assignment, in a time box where it has an end. Raises `DefinitionError`."""
    if until is not None:
        return Assignment(name, expiry(until, setup.now(), f"{place}.until"), purpose)
    if purpose:
        raise DefinitionError([Problem(f"{place}.until", "a purpose without an end", "an end too, such as --until 2h")])
    return name


async def remove_permission_set(setup: Setup, who: str, name: str) -> Result:
    """Remove a permission set that nobody has."""

    def edit(org: Org) -> Edit:
        known = found(org.permission_sets, name, "permission_sets", "a permission set")
        _refuse_standard(known, f"permission_sets.{name}")
        _refuse_used(f"permission_sets.{name}", _having(org, name), _groups_of(org, name))
        return Edit((Change("permission_sets", name, None),), "remove permission set", name)

    await setup.write(who, edit)
    return {"name": name, "changed": True, "message": f"Permission set {name} is gone"}


def _refuse_standard(source: PermissionSet | Profile, place: str) -> None:
    if source.standard:
        raise DefinitionError([Problem(place, f"the standard {source.name}", "a custom one; standard ones stay")])


def _refuse_used(place: str, users: list[str], others: list[str]) -> None:
    if users or others:
        named = ", ".join([*users, *others])
        raise DefinitionError(
            [Problem(place, f"one that is in use by {named}", "one that nobody has; unassign it first")]
        )


async def assign_permission_set(
    setup: Setup, who: str, name: str, user: str, *, until: str | None = None, purpose: str = ""
) -> Result:
    """Give a permission set to a user, until a time where one is given; instead of an earlier assignment of it."""
    entry = entry_of(setup, name, until, purpose, f"users.{user}.permission_sets[{name}]")

    def edit(org: Org) -> Edit:
        found(org.permission_sets, name, "permission_sets", "a permission set")
        person = found(org.users, user, "users", "a user")
        having = replace(person, permission_sets=joined(person.permission_sets, entry))
        return Edit(put(having), "assign permission set", f"{entry} to {user}")

    _, moved = await setup.write(who, edit)
    end = entry.until if isinstance(entry, Assignment) else None
    shown = {"name": name, "user": user, "until": end, "purpose": purpose}
    return {**shown, "changed": moved, "message": f"{user} has permission set {entry}"}


async def unassign_permission_set(setup: Setup, who: str, name: str, user: str) -> Result:
    """Take a permission set from a user. A group may still give it: the message says so."""

    def edit(org: Org) -> Edit:
        person = found(org.users, user, "users", "a user")
        if name not in person.set_names:
            found({n: n for n in person.set_names}, name, f"users.{user}.permission_sets", f"one that {user} has")
        left = tuple(e for e in person.permission_sets if assigned_name(e) != name)
        return Edit(put(replace(person, permission_sets=left)), "unassign permission set", f"{name} from {user}")

    org, moved = await setup.write(who, edit)
    still = sorted(set(_groups_of(org, name)) & set(org.users[user].group_names))
    message = f"{user} no longer has permission set {name}"
    if still:
        message += f" of their own; group {', '.join(still)} still gives it"
    return {"name": name, "user": user, "changed": moved, "message": message}


async def grant(
    setup: Setup,
    who: str,
    section: str,
    name: str,
    given: Given,
    *,
    methods: Iterable[str] = (),
    paths: Iterable[str] = (),
) -> Result:
    """Add grants to a permission set or profile (`section` as in the manifest), narrowed to methods and paths if given.

    What it grants already stays: grants of one principal add up.
    """
    return await _regrant(setup, who, section, name, given, adding=True, rule=(tuple(methods), tuple(paths)))


async def revoke(setup: Setup, who: str, section: str, name: str, given: Given) -> Result:
    """Take grants from a permission set or profile (`section` as in the manifest): of a principal, every one."""
    return await _regrant(setup, who, section, name, given, adding=False)


async def _regrant(
    setup: Setup, who: str, section: str, name: str, given: Given, *, adding: bool, rule: Rule = ((), ())
) -> Result:
    noun = section.removesuffix("s").replace("_", " ")
    place = f"{section}.{name}"

    def edit(org: Org) -> Edit:
        known: PermissionSet | Profile = found(getattr(org, section), name, section, f"a {noun}")
        wanted = _with(org, known, given, place, rule) if adding else _without(known, given, place)
        verb = "grant to" if adding else "revoke from"
        narrowed = "; ".join(", ".join(part) for part in rule if part)
        what = f"{name}: {worded(given)}" + (f" ({narrowed})" if narrowed else "")
        return Edit(put(wanted), f"{verb} {noun}", what)

    org, moved = await setup.write(who, edit)
    now: PermissionSet | Profile = getattr(org, section)[name]
    message = f"{noun.capitalize()} {name} grants {worded(_all(now))}"
    return {**shown_grants(now), "changed": moved, "message": message}


# profiles


async def list_profiles(setup: Setup) -> Result:
    """List every profile: what it grants, and who has it."""
    org = await setup.org()
    having = holders(org.users, lambda u: (u.profile,))
    rows = [{**shown_grants(org.profiles[name]), "users": having.get(name, [])} for name in sorted(org.profiles)]
    return {"profiles": rows}


async def create_profile(
    setup: Setup,
    who: str,
    name: str,
    *,
    principals: Iterable[str] = (),
    object_permissions: Iterable[str] = (),
    admin_permissions: Iterable[str] = (),
    label: str = "",
) -> Result:
    """Make a custom profile. It grants nothing that is not given here; not even read on User External Credential."""
    given = (principals, object_permissions, admin_permissions)

    def edit(org: Org) -> Edit:
        if name in org.profiles:
            raise DefinitionError(
                [Problem(f"profiles.{name}", "a name that is taken", "a new name, or `profile grant`")]
            )
        made = _with(org, Profile(name, label=label), given, f"profiles.{name}")
        return Edit(put(made), "create profile", f"{name}: {worded(given)}")

    org, moved = await setup.write(who, edit)
    message = f"Profile {name} grants {worded(_all(org.profiles[name]))}"
    return {**shown_grants(org.profiles[name]), "changed": moved, "message": message}


async def remove_profile(setup: Setup, who: str, name: str) -> Result:
    """Remove a custom profile that nobody has."""

    def edit(org: Org) -> Edit:
        known = found(org.profiles, name, "profiles", "a profile")
        _refuse_standard(known, f"profiles.{name}")
        _refuse_used(f"profiles.{name}", sorted(u.name for u in org.users.values() if u.profile == name), [])
        return Edit((Change("profiles", name, None),), "remove profile", name)

    await setup.write(who, edit)
    return {"name": name, "changed": True, "message": f"Profile {name} is gone"}
