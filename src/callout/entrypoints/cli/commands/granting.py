"""Commands on grants: permission sets, groups of them, profiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from cyclopts import App, Parameter

from callout.entrypoints.cli.errors import UsageError
from callout.entrypoints.cli.output import Lines, Result, message, table
from callout.entrypoints.cli.where import HERE, Given, Repeated, Where

Principals = Annotated[
    list[str] | None,
    Parameter(name="--principal", negative=(), metavar="EC/PRINCIPAL", help="A principal; may be given several times."),
]
ObjectPermissions = Annotated[
    list[str] | None,
    Parameter(
        name="--user-external-credential",
        negative=(),
        metavar="PERMISSION",
        help="read, create, edit, delete, view_all or modify_all on User External Credential; several times, if wanted.",
    ),
]
Methods = Annotated[
    list[str] | None,
    Parameter(name="--method", negative=(), metavar="METHOD", help="Only this method; may be given several times."),
]
Paths = Annotated[
    list[str] | None,
    Parameter(
        name="--path",
        negative=(),
        metavar="PATTERN",
        help="Only this path after the URL: * within a segment, ** for any segments; may be given several times.",
    ),
]
AdminPermissions = Annotated[
    list[str] | None,
    Parameter(
        name="--admin-permission",
        negative=(),
        metavar="PERMISSION",
        help="view_setup, manage_named_credentials, manage_users or customize_application; several times, if wanted.",
    ),
]
Until = Annotated[
    str | None,
    Parameter(metavar="LIFE|TIME", help="When it ends: a life such as 2h or 5d, or a time (ISO 8601). Default: never."),
]
Purpose = Annotated[str | None, Parameter(metavar="TEXT", help="What it is for; with --until.")]
Users = Annotated[
    list[str] | None,
    Parameter(name="--assign", negative=(), metavar="USER", help="A user to give it to; may be given several times."),
]
Others = Annotated[
    list[str] | None,
    Parameter(
        name="--may-act-for",
        negative=(),
        metavar="USER",
        help="A user, or profile:NAME, on whose behalf callouts may be made; may be given several times.",
    ),
]


def register(app: App) -> None:
    """Add these commands."""
    sets = App(name="permission-set", help="Permission sets: named sets of grants.")
    sets.command(list_permission_sets, name="list")
    sets.command(create_permission_set, name="create")
    sets.command(assign, name="assign")
    sets.command(unassign, name="unassign")
    sets.command(_granting("permission_set.grant", "permission set"), name="grant")
    sets.command(_revoking("permission_set.revoke", "permission set"), name="revoke")
    sets.command(remove_permission_set, name="remove")
    groups = App(name="permission-set-group", help="Permission set groups: permission sets assigned together.")
    groups.command(list_groups, name="list")
    groups.command(create_group, name="create")
    groups.command(include, name="include")
    groups.command(exclude, name="exclude")
    groups.command(_muting("permission_set_group.mute", "Keep grants from coming through"), name="mute")
    groups.command(_muting("permission_set_group.unmute", "Let muted grants come again through"), name="unmute")
    groups.command(assign_group, name="assign")
    groups.command(unassign_group, name="unassign")
    groups.command(remove_group, name="remove")
    profiles = App(name="profile", help="Profiles: the base grants of a user, who has exactly one.")
    profiles.command(list_profiles, name="list")
    profiles.command(create_profile, name="create")
    profiles.command(_granting("profile.grant", "profile"), name="grant")
    profiles.command(_revoking("profile.revoke", "profile"), name="revoke")
    profiles.command(remove_profile, name="remove")
    for group in (sets, groups, profiles):
        app.command(group)


async def list_permission_sets(*, where: Where = HERE, session: Given) -> int:
    """List permission sets: what they grant, and who has them.

    Example: `callout permission-set list`
    """
    return await session.show(where, "permission_set.list", {}, _permission_sets)


def _permission_sets(result: Result) -> Lines:
    members = ("principals", "user_external_credential", "admin_permissions", "may_act_for", "users", "groups")
    columns = ("permission set", *(member.replace("_", " ") for member in members))
    rows = ((s["name"], *(s[member] for member in members)) for s in result["permission_sets"])
    return table(columns, rows, empty="There is no permission set.")


async def create_permission_set(
    name: str,
    /,
    *,
    principals: Principals = None,
    user_external_credential: ObjectPermissions = None,
    admin_permissions: AdminPermissions = None,
    users: Users = None,
    may_act_for: Others = None,
    label: str | None = None,
    where: Where = HERE,
    session: Given,
) -> int:
    """Make a permission set and assign it. One that exists keeps what it grants, and gains these grants.

    Example: `callout permission-set create "Order Clerks" --principal Orders/Service --user-external-credential read
    --assign alice`
    """
    request = {
        "name": name,
        "principals": principals,
        "user_external_credential": user_external_credential,
        "admin_permissions": admin_permissions,
        "assign": users,
        "may_act_for": may_act_for,
        "label": label,
    }
    return await session.show(where, "permission_set.create", request, message)


async def assign(
    name: str,
    user: str,
    /,
    *,
    until: Until = None,
    purpose: Purpose = None,
    where: Where = HERE,
    session: Given,
) -> int:
    """Give a permission set to a user, for good or until a time.

    Example: `callout permission-set assign "Order Clerks" alice --until 2h --purpose "incident 7"`
    """
    request = {"name": name, "user": user, "until": until, "purpose": purpose}
    return await session.show(where, "permission_set.assign", request, message)


async def unassign(name: str, user: str, /, *, where: Where = HERE, session: Given) -> int:
    """Take a permission set from a user.

    Example: `callout permission-set unassign "Order Clerks" alice`
    """
    return await session.show(where, "permission_set.unassign", {"name": name, "user": user}, message)


async def remove_permission_set(name: str, /, *, where: Where = HERE, session: Given) -> int:
    """Remove a permission set that nobody has.

    Example: `callout permission-set remove "Order Clerks"`
    """
    return await session.show(where, "permission_set.remove", {"name": name}, message)


def _granting(operation: str, noun: str) -> Callable[..., object]:
    async def grant(
        name: str,
        /,
        *,
        principals: Principals = None,
        user_external_credential: ObjectPermissions = None,
        admin_permissions: AdminPermissions = None,
        methods: Methods = None,
        paths: Paths = None,
        where: Where = HERE,
        session: Given,
    ) -> int:
        if (methods or paths) and not principals:
            raise UsageError(
                "got --method or --path without a principal; expected --principal, whose grant they narrow"
            )
        request = _grants(name, principals, user_external_credential, admin_permissions)
        return await session.show(where, operation, {**request, "methods": methods, "paths": paths}, message)

    command = operation.replace("_", "-").replace(".", " ")
    grant.__doc__ = (
        f"Add grants to a {noun}. Grants of one principal add up: a request that one of them allows is allowed.\n\n"
        f"Example: `callout {command} NAME --principal Orders/Service --method GET --path '/items/**'`"
    )
    return grant


def _revoking(operation: str, noun: str) -> Callable[..., object]:
    async def revoke(
        name: str,
        /,
        *,
        principals: Principals = None,
        user_external_credential: ObjectPermissions = None,
        admin_permissions: AdminPermissions = None,
        where: Where = HERE,
        session: Given,
    ) -> int:
        request = _grants(name, principals, user_external_credential, admin_permissions)
        return await session.show(where, operation, request, message)

    command = operation.replace("_", "-").replace(".", " ")
    revoke.__doc__ = (
        f"Take grants from a {noun}: of a principal, every one.\n\n"
        f"Example: `callout {command} NAME --principal Orders/Service`"
    )
    return revoke


def _muting(operation: str, what: str) -> Callable[..., object]:
    async def mute(
        name: str,
        /,
        *,
        principals: Principals = None,
        user_external_credential: ObjectPermissions = None,
        admin_permissions: AdminPermissions = None,
        where: Where = HERE,
        session: Given,
    ) -> int:
        request = _grants(name, principals, user_external_credential, admin_permissions)
        return await session.show(where, operation, request, message)

    command = operation.replace("_", "-").replace(".", " ")
    mute.__doc__ = f"{what} a group.\n\nExample: `callout {command} NAME --principal Orders/Service`"
    return mute


def _grants(
    name: str,
    principals: list[str] | None,
    user_external_credential: list[str] | None,
    admin_permissions: list[str] | None,
) -> dict[str, object]:
    if not principals and not user_external_credential and not admin_permissions:
        raise UsageError("got no grant; expected --principal, --user-external-credential or --admin-permission")
    return {
        "name": name,
        "principals": principals,
        "user_external_credential": user_external_credential,
        "admin_permissions": admin_permissions,
    }


async def list_groups(*, where: Where = HERE, session: Given) -> int:
    """List permission set groups.

    Example: `callout permission-set-group list`
    """
    return await session.show(where, "permission_set_group.list", {}, _groups)


def _groups(result: Result) -> Lines:
    rows = ((g["name"], g["permission_sets"], _muted(g["muted"]), g["users"]) for g in result["permission_set_groups"])
    return table(("group", "permission sets", "muted", "users"), rows, empty="There is no permission set group.")


def _muted(muted: Result) -> list[str]:
    return [*muted["principals"], *muted["user_external_credential"], *muted["admin_permissions"]]


async def create_group(
    name: str,
    /,
    *,
    permission_set: Repeated = None,
    users: Users = None,
    label: str | None = None,
    where: Where = HERE,
    session: Given,
) -> int:
    """Make a permission set group and assign it.

    Example: `callout permission-set-group create Clerks --permission-set "Order Clerks" --assign alice`

    Parameters
    ----------
    name:
        Name of the group.
    permission_set:
        A permission set of the group; may be given several times.
    label:
        Text for people.
    """
    request = {"name": name, "permission_sets": permission_set, "assign": users, "label": label}
    return await session.show(where, "permission_set_group.create", request, message)


async def include(name: str, permission_set: str, /, *, where: Where = HERE, session: Given) -> int:
    """Put a permission set into a group: everyone who has the group gains it.

    Example: `callout permission-set-group include Clerks "Order Clerks"`
    """
    request = {"name": name, "permission_set": permission_set}
    return await session.show(where, "permission_set_group.include", request, message)


async def exclude(name: str, permission_set: str, /, *, where: Where = HERE, session: Given) -> int:
    """Take a permission set out of a group.

    Example: `callout permission-set-group exclude Clerks "Order Clerks"`
    """
    request = {"name": name, "permission_set": permission_set}
    return await session.show(where, "permission_set_group.exclude", request, message)


async def assign_group(
    name: str,
    user: str,
    /,
    *,
    until: Until = None,
    purpose: Purpose = None,
    where: Where = HERE,
    session: Given,
) -> int:
    """Give a permission set group to a user, for good or until a time.

    Example: `callout permission-set-group assign Clerks alice --until 2h`
    """
    request = {"name": name, "user": user, "until": until, "purpose": purpose}
    return await session.show(where, "permission_set_group.assign", request, message)


async def unassign_group(name: str, user: str, /, *, where: Where = HERE, session: Given) -> int:
    """Take a permission set group from a user.

    Example: `callout permission-set-group unassign Clerks alice`
    """
    return await session.show(where, "permission_set_group.unassign", {"name": name, "user": user}, message)


async def remove_group(name: str, /, *, where: Where = HERE, session: Given) -> int:
    """Remove a permission set group that nobody has.

    Example: `callout permission-set-group remove Clerks`
    """
    return await session.show(where, "permission_set_group.remove", {"name": name}, message)


async def list_profiles(*, where: Where = HERE, session: Given) -> int:
    """List profiles: what they grant, and who has them.

    Example: `callout profile list`
    """
    return await session.show(where, "profile.list", {}, _profiles)


def _profiles(result: Result) -> Lines:
    columns = ("profile", "principals", "user external credential", "admin permissions", "users")
    rows = (
        (p["name"], p["principals"], p["user_external_credential"], p["admin_permissions"], p["users"])
        for p in result["profiles"]
    )
    return table(columns, rows, empty="There is no profile.")


async def create_profile(
    name: str,
    /,
    *,
    principals: Principals = None,
    user_external_credential: ObjectPermissions = None,
    admin_permissions: AdminPermissions = None,
    label: str | None = None,
    where: Where = HERE,
    session: Given,
) -> int:
    """Make a custom profile. It grants only what is given here.

    Example: `callout profile create Contractors --principal Orders/Service --user-external-credential read`
    """
    request = {
        "name": name,
        "principals": principals,
        "user_external_credential": user_external_credential,
        "admin_permissions": admin_permissions,
        "label": label,
    }
    return await session.show(where, "profile.create", request, message)


async def remove_profile(name: str, /, *, where: Where = HERE, session: Given) -> int:
    """Remove a custom profile that nobody has.

    Example: `callout profile remove Contractors`
    """
    return await session.show(where, "profile.remove", {"name": name}, message)
