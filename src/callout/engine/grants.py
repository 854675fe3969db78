"""Who may use which principal: permission sets, groups of them, profiles, and their assignment to users."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from callout.core.errors import DefinitionError, Problem
from callout.core.model.credentials import PrincipalReference
from callout.core.model.org import Org
from callout.core.model.people import ObjectPermission, PermissionSet, Profile
from callout.core.ports import Change
from callout.core.rules import nearest
from callout.engine.acting import judge_other
from callout.engine.setup import Edit, Result, Setup, found, put, unknown

Granting = TypeVar("Granting", bound=PermissionSet | Profile)


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
    return frozenset(_permission(text, place) for text in texts)


def _permission(text: str, place: str) -> ObjectPermission:
    known = [permission.value for permission in ObjectPermission]
    if text not in known:
        expected = f"one of {', '.join(known)}"
        raise DefinitionError([Problem(place, repr(text), expected, nearest(text, known))])
    return ObjectPermission(text)


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
    }


def _with(
    org: Org,
    source: Granting,
    principals: Iterable[str],
    object_permissions: Iterable[str],
    place: str,
    methods: Iterable[str] = (),
    paths: Iterable[str] = (),
) -> Granting:
    rule = tuple(sorted(set(methods))), tuple(sorted(set(paths)))
    wanted = references(org, principals, f"{place}.principals")
    granted = source.principals | {replace(each, methods=rule[0], paths=rule[1]) for each in wanted}
    allowed = permissions(object_permissions, f"{place}.user_external_credential")
    return replace(source, principals=granted, user_external_credential=source.user_external_credential | allowed)


def _without(source: Granting, principals: Iterable[str], object_permissions: Iterable[str], place: str) -> Granting:
    gone = permissions(object_permissions, f"{place}.user_external_credential")
    names, having = set(principals), {str(r) for r in source.principals}
    for name in sorted(names - having):
        raise DefinitionError([unknown(f"{place}.principals", name, having, f"a principal that {source.name} grants")])
    left = frozenset(r for r in source.principals if str(r) not in names)
    return replace(source, principals=left, user_external_credential=source.user_external_credential - gone)


def _worded(principals: Iterable[str], object_permissions: Iterable[str]) -> str:
    parts = [*sorted(principals)]
    if flags := sorted(object_permissions):
        parts.append(f"{', '.join(flags)} on User External Credential")
    return " and ".join(parts) or "nothing"


# permission sets


async def list_permission_sets(setup: Setup) -> Result:
    """List every permission set: what it grants, and who has it."""
    org = await setup.org()
    rows = [
        {**shown_grants(org.permission_sets[name]), "users": _having(org, name), "groups": _groups_of(org, name)}
        for name in sorted(org.permission_sets)
    ]
    return {"permission_sets": rows}


def _having(org: Org, name: str) -> list[str]:
    return sorted(u.name for u in org.users.values() if name in u.permission_sets)


def _groups_of(org: Org, name: str) -> list[str]:
    return sorted(g.name for g in org.permission_set_groups.values() if name in g.permission_sets)


async def create_permission_set(
    setup: Setup,
    who: str,
    name: str,
    *,
    principals: Iterable[str] = (),
    object_permissions: Iterable[str] = (),
    label: str = "",
    assign: Iterable[str] = (),
    may_act_for: Iterable[str] = (),
) -> Result:
    """Make a permission set and assign it. One that exists keeps what it grants, and gains these grants."""
    existed: list[str] = []

    def edit(org: Org) -> Edit:
        known = org.permission_sets.get(name)
        existed.extend(_having(org, name) if known else ())
        base = known or PermissionSet(name)
        made = _with(org, base, principals, object_permissions, f"permission_sets.{name}")
        others = frozenset(may_act_for)
        for other in others:
            judge_other(org, other, f"permission_sets.{name}.may_act_for")
        made = replace(made, label=label or made.label, may_act_for=made.may_act_for | others)
        users = [found(org.users, user, "users", "a user") for user in assign]
        having = [replace(u, permission_sets=_joined(u.permission_sets, name)) for u in users]
        acting = "".join(f", acting for {other}" for other in sorted(others))
        what = f"{name}: {_worded(principals, object_permissions)}{acting}" + "".join(f", to {u.name}" for u in users)
        return Edit(put(made, *having), "create permission set" if known is None else "grant by permission set", what)

    org, moved = await setup.write(who, edit)
    others = sorted(set(existed) - set(assign))
    message = f"Permission set {name} grants {_worded(*_all(org.permission_sets[name]))}"
    if others:
        message += f"; it was there already, and these have it too: {', '.join(others)}"
    return {
        **shown_grants(org.permission_sets[name]),
        "users": _having(org, name),
        "changed": moved,
        "message": message,
    }


def _all(source: PermissionSet | Profile) -> tuple[list[str], list[str]]:
    return [r.worded for r in source.principals], [p.value for p in source.user_external_credential]


def _joined(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return names if name in names else (*names, name)


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


async def assign_permission_set(setup: Setup, who: str, name: str, user: str) -> Result:
    """Give a permission set to a user."""

    def edit(org: Org) -> Edit:
        found(org.permission_sets, name, "permission_sets", "a permission set")
        person = found(org.users, user, "users", "a user")
        having = replace(person, permission_sets=_joined(person.permission_sets, name))
        return Edit(put(having), "assign permission set", f"{name} to {user}")

    _, moved = await setup.write(who, edit)
    return {"name": name, "user": user, "changed": moved, "message": f"{user} has permission set {name}"}


async def unassign_permission_set(setup: Setup, who: str, name: str, user: str) -> Result:
    """Take a permission set from a user. A group may still give it: the message says so."""

    def edit(org: Org) -> Edit:
        person = found(org.users, user, "users", "a user")
        if name not in person.permission_sets:
            found({n: n for n in person.permission_sets}, name, f"users.{user}.permission_sets", f"one that {user} has")
        left = tuple(n for n in person.permission_sets if n != name)
        return Edit(put(replace(person, permission_sets=left)), "unassign permission set", f"{name} from {user}")

    org, moved = await setup.write(who, edit)
    still = sorted(set(_groups_of(org, name)) & set(org.users[user].permission_set_groups))
    message = f"{user} no longer has permission set {name}"
    if still:
        message += f" of their own; group {', '.join(still)} still gives it"
    return {"name": name, "user": user, "changed": moved, "message": message}


async def grant(
    setup: Setup,
    who: str,
    section: str,
    name: str,
    principals: Iterable[str],
    object_permissions: Iterable[str],
    *,
    methods: Iterable[str] = (),
    paths: Iterable[str] = (),
) -> Result:
    """Add grants to a permission set or profile (`section` as in the manifest), narrowed to methods and paths if given.

    What it grants already stays: grants of one principal add up.
    """
    rule = tuple(methods), tuple(paths)
    return await _regrant(setup, who, section, name, principals, object_permissions, adding=True, rule=rule)


async def revoke(
    setup: Setup, who: str, section: str, name: str, principals: Iterable[str], object_permissions: Iterable[str]
) -> Result:
    """Take grants from a permission set or profile (`section` as in the manifest): of a principal, every one."""
    return await _regrant(setup, who, section, name, principals, object_permissions, adding=False)


async def _regrant(
    setup: Setup,
    who: str,
    section: str,
    name: str,
    principals: Iterable[str],
    object_permissions: Iterable[str],
    *,
    adding: bool,
    rule: tuple[tuple[str, ...], tuple[str, ...]] = ((), ()),
) -> Result:
    noun = section.removesuffix("s").replace("_", " ")
    place = f"{section}.{name}"

    def edit(org: Org) -> Edit:
        known: PermissionSet | Profile = found(getattr(org, section), name, section, f"a {noun}")
        if adding:
            wanted = _with(org, known, principals, object_permissions, place, *rule)
        else:
            wanted = _without(known, principals, object_permissions, place)
        verb = "grant to" if adding else "revoke from"
        narrowed = "; ".join(", ".join(part) for part in rule if part)
        what = f"{name}: {_worded(principals, object_permissions)}" + (f" ({narrowed})" if narrowed else "")
        return Edit(put(wanted), f"{verb} {noun}", what)

    org, moved = await setup.write(who, edit)
    now: PermissionSet | Profile = getattr(org, section)[name]
    message = f"{noun.capitalize()} {name} grants {_worded(*_all(now))}"
    return {**shown_grants(now), "changed": moved, "message": message}


# profiles


async def list_profiles(setup: Setup) -> Result:
    """List every profile: what it grants, and who has it."""
    org = await setup.org()
    rows = [
        {
            **shown_grants(org.profiles[name]),
            "administrator": org.profiles[name].administrator,
            "users": sorted(u.name for u in org.users.values() if u.profile == name),
        }
        for name in sorted(org.profiles)
    ]
    return {"profiles": rows}


async def create_profile(
    setup: Setup,
    who: str,
    name: str,
    *,
    principals: Iterable[str] = (),
    object_permissions: Iterable[str] = (),
    label: str = "",
) -> Result:
    """Make a custom profile. It grants nothing that is not given here; not even read on User External Credential."""

    def edit(org: Org) -> Edit:
        if name in org.profiles:
            raise DefinitionError(
                [Problem(f"profiles.{name}", "a name that is taken", "a new name, or `profile grant`")]
            )
        made = _with(org, Profile(name, label=label), principals, object_permissions, f"profiles.{name}")
        return Edit(put(made), "create profile", f"{name}: {_worded(principals, object_permissions)}")

    org, moved = await setup.write(who, edit)
    message = f"Profile {name} grants {_worded(*_all(org.profiles[name]))}"
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
