"""Permission set groups: permission sets that are assigned together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from callout.core.errors import DefinitionError, Problem
from callout.core.model.org import Org
from callout.core.model.people import Muted, PermissionSetGroup, assigned_name
from callout.core.ports import Change
from callout.engine.grants import Given, admin_permissions, entry_of, holders, joined, permissions, references, worded
from callout.engine.setup import Edit, Result, Setup, found, put

SECTION, NOUN = "permission_set_groups", "a permission set group"


def _shown(org: Org, group: PermissionSetGroup, users: list[str] | None = None) -> Result:
    return {
        "name": group.name,
        "label": group.label,
        "permission_sets": list(group.permission_sets),
        "muted": {
            "principals": sorted(map(str, group.muted.principals)),
            "user_external_credential": sorted(p.value for p in group.muted.user_external_credential),
            "admin_permissions": sorted(p.value for p in group.muted.admin_permissions),
        },
        "users": _having(org, group.name) if users is None else users,
    }


def _having(org: Org, name: str) -> list[str]:
    return sorted(u.name for u in org.users.values() if name in u.group_names)


async def list_groups(setup: Setup) -> Result:
    """List every group: its permission sets, and who has it."""
    org = await setup.org()
    having = holders(org.users, lambda user: user.group_names)
    groups = org.permission_set_groups
    return {SECTION: [_shown(org, groups[name], having.get(name, [])) for name in sorted(groups)]}


async def create_group(
    setup: Setup, who: str, name: str, *, permission_sets: Iterable[str], label: str = "", assign: Iterable[str] = ()
) -> Result:
    """Make a group of permission sets and assign it."""

    def edit(org: Org) -> Edit:
        if name in org.permission_set_groups:
            expected = "a new name, or `permission-set-group include`"
            raise DefinitionError([Problem(f"{SECTION}.{name}", "a name that is taken", expected)])
        sets = tuple(dict.fromkeys(permission_sets))
        for permission_set in sets:
            found(org.permission_sets, permission_set, "permission_sets", "a permission set")
        users = [found(org.users, user, "users", "a user") for user in assign]
        having = [replace(u, permission_set_groups=joined(u.permission_set_groups, name)) for u in users]
        group = PermissionSetGroup(name, sets, label)
        return Edit(put(group, *having), "create permission set group", f"{name}: {', '.join(sets) or 'empty'}")

    org, moved = await setup.write(who, edit)
    return {**_shown(org, org.permission_set_groups[name]), "changed": moved, "message": f"Group {name} is made"}


async def include(setup: Setup, who: str, name: str, permission_set: str) -> Result:
    """Put a permission set into a group: everyone who has the group gains it."""

    def edit(org: Org) -> Edit:
        group = found(org.permission_set_groups, name, SECTION, NOUN)
        found(org.permission_sets, permission_set, "permission_sets", "a permission set")
        sets = tuple(dict.fromkeys((*group.permission_sets, permission_set)))
        return Edit(put(replace(group, permission_sets=sets)), "include in group", f"{permission_set} in {name}")

    return await _written(setup, who, name, edit, f"Group {name} includes {permission_set}")


async def exclude(setup: Setup, who: str, name: str, permission_set: str) -> Result:
    """Take a permission set out of a group."""

    def edit(org: Org) -> Edit:
        group = found(org.permission_set_groups, name, SECTION, NOUN)
        place = f"{SECTION}.{name}.permission_sets"
        found({n: n for n in group.permission_sets}, permission_set, place, "a permission set of this group")
        sets = tuple(n for n in group.permission_sets if n != permission_set)
        return Edit(put(replace(group, permission_sets=sets)), "exclude from group", f"{permission_set} from {name}")

    return await _written(setup, who, name, edit, f"Group {name} no longer includes {permission_set}")


async def assign_group(
    setup: Setup, who: str, name: str, user: str, *, until: str | None = None, purpose: str = ""
) -> Result:
    """Give a group to a user, until a time where one is given; instead of an earlier assignment of it."""
    entry = entry_of(setup, name, until, purpose, f"users.{user}.permission_set_groups[{name}]")

    def edit(org: Org) -> Edit:
        found(org.permission_set_groups, name, SECTION, NOUN)
        person = found(org.users, user, "users", "a user")
        having = replace(person, permission_set_groups=joined(person.permission_set_groups, entry))
        return Edit(put(having), "assign group", f"{entry} to {user}")

    return await _written(setup, who, name, edit, f"{user} has permission set group {entry}")


async def mute(setup: Setup, who: str, name: str, given: Given) -> Result:
    """Keep grants from coming through a group. They still come to those who have them in another way."""

    def edit(org: Org) -> Edit:
        group = found(org.permission_set_groups, name, SECTION, NOUN)
        more, was = _muted(org, name, given), group.muted
        muted = Muted(
            was.principals | more.principals,
            was.user_external_credential | more.user_external_credential,
            was.admin_permissions | more.admin_permissions,
        )
        return Edit(put(replace(group, muted=muted)), "mute in group", f"{worded(given)} in {name}")

    return await _written(setup, who, name, edit, f"Group {name} mutes {worded(given)}")


async def unmute(setup: Setup, who: str, name: str, given: Given) -> Result:
    """Let grants come through a group again."""

    def edit(org: Org) -> Edit:
        group = found(org.permission_set_groups, name, SECTION, NOUN)
        less, was = _muted(org, name, given), group.muted
        muted = Muted(
            was.principals - less.principals,
            was.user_external_credential - less.user_external_credential,
            was.admin_permissions - less.admin_permissions,
        )
        return Edit(put(replace(group, muted=muted)), "unmute in group", f"{worded(given)} in {name}")

    return await _written(setup, who, name, edit, f"Group {name} no longer mutes {worded(given)}")


def _muted(org: Org, name: str, given: Given) -> Muted:
    place = f"{SECTION}.{name}.muted"
    return Muted(
        references(org, given[0], f"{place}.principals"),
        permissions(given[1], f"{place}.user_external_credential"),
        admin_permissions(given[2], f"{place}.admin_permissions"),
    )


async def unassign_group(setup: Setup, who: str, name: str, user: str) -> Result:
    """Take a group from a user."""

    def edit(org: Org) -> Edit:
        person = found(org.users, user, "users", "a user")
        place = f"users.{user}.permission_set_groups"
        found({n: n for n in person.group_names}, name, place, f"a group that {user} has")
        left = tuple(e for e in person.permission_set_groups if assigned_name(e) != name)
        return Edit(put(replace(person, permission_set_groups=left)), "unassign group", f"{name} from {user}")

    return await _written(setup, who, name, edit, f"{user} no longer has permission set group {name}")


async def remove_group(setup: Setup, who: str, name: str) -> Result:
    """Remove a group that nobody has."""

    def edit(org: Org) -> Edit:
        found(org.permission_set_groups, name, SECTION, NOUN)
        if users := _having(org, name):
            got = f"one that is in use by {', '.join(users)}"
            raise DefinitionError([Problem(f"{SECTION}.{name}", got, "one that nobody has; unassign it first")])
        return Edit((Change(SECTION, name, None),), "remove permission set group", name)

    await setup.write(who, edit)
    return {"name": name, "changed": True, "message": f"Group {name} is gone"}


async def _written(setup: Setup, who: str, name: str, edit: Callable[[Org], Edit], message: str) -> Result:
    org, moved = await setup.write(who, edit)
    return {**_shown(org, org.permission_set_groups[name]), "changed": moved, "message": message}
