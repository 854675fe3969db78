"""Commands on users and their keys."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from callout.entrypoints.cli.errors import UsageError
from callout.entrypoints.cli.output import Lines, Result, fields, message, table
from callout.entrypoints.cli.where import HERE, Given, Repeated, Switch, Where


def register(app: App) -> None:
    """Add these commands."""
    user = App(name="user", help="Users: the people and programs known by name.")
    user.command(list_users, name="list")
    user.command(show_user, name="show")
    user.command(set_user, name="set")
    user.command(remove_user, name="remove")
    key = App(name="key", help="Keys: how callers prove who they are.")
    key.command(list_keys, name="list")
    key.command(create_key, name="create")
    key.command(expire_key, name="expire")
    key.command(revoke_key, name="revoke")
    for group in (user, key):
        app.command(group)


async def list_users(*, where: Where = HERE, session: Given) -> int:
    """List users.

    Example: `callout user list`
    """
    return await session.show(where, "user.list", {}, _users)


def _users(result: Result) -> Lines:
    columns = ("user", "kind", "profile", "permission sets", "groups", "admin permissions", "active")
    rows = (
        (
            u["name"],
            u["kind"],
            u["profile"],
            _with_ends(u, "permission_sets"),
            _with_ends(u, "permission_set_groups"),
            u["admin_permissions"],
            u["active"],
        )
        for u in result["users"]
    )
    return table(columns, rows, empty="No user is defined.")


def _with_ends(user: Result, field: str) -> list[str]:
    """Name what is assigned, each with the end of its time box."""
    boxes = {box["name"]: f" ({'ended' if box['ended'] else 'until'} {box['until']})" for box in user["time_boxes"]}
    return [name + boxes.get(name, "") for name in user[field]]


async def show_user(name: str, /, *, where: Where = HERE, session: Given) -> int:
    """Show a user, every way in which grants come to them, what groups mute and which time boxes have ended.

    Example: `callout user show alice`
    """
    return await session.show(where, "user.show", {"name": name}, _user)


def _user(result: Result) -> Lines:
    yield from fields(result, "name", "kind", "profile", "active", "admin_permissions")
    columns = ("from", "grants", "muted", "until", "purpose")
    rows = (
        (
            way["from"],
            _granted(way),
            _granted(way["muted"]),
            f"{way['until']} (ended)" if way["ended"] else way["until"],
            way["purpose"],
        )
        for way in result["ways"]
    )
    yield from table(columns, rows, empty="Nothing grants this user anything.")


def _granted(grants: Result) -> list[str]:
    return [*grants["principals"], *grants["user_external_credential"], *grants["admin_permissions"]]


async def set_user(
    name: str,
    /,
    *,
    profile: str | None = None,
    permission_set: Repeated = None,
    permission_set_group: Repeated = None,
    active: Annotated[bool | None, Parameter(negative="--inactive", show_default=False)] = None,
    label: str | None = None,
    kind: str | None = None,
    email: str | None = None,
    where: Where = HERE,
    session: Given,
) -> int:
    """Define a user, or change one. What is not given stays as it is.

    Example: `callout user set alice --profile "Standard User" --permission-set "Order Clerks"`

    Parameters
    ----------
    name:
        Name of the user.
    profile:
        Its one profile; a new user has Standard User.
    permission_set:
        Its permission sets, all of them; may be given several times.
    permission_set_group:
        Its permission set groups, all of them; may be given several times.
    active:
        Whether its callouts are accepted.
    label:
        Text for people.
    kind:
        human (a new user is one), service, or background: one that holds no key.
    email:
        Email address, which formulas read as $User.Email.
    """
    request = {
        "name": name,
        "profile": profile,
        "permission_sets": permission_set,
        "permission_set_groups": permission_set_group,
        "active": active,
        "label": label,
        "kind": kind,
        "email": email,
    }
    return await session.show(where, "user.set", request, message)


async def remove_user(name: str, /, *, where: Where = HERE, session: Given) -> int:
    """Remove a user, with their keys and their own secret values.

    Example: `callout user remove alice`
    """
    return await session.show(where, "user.remove", {"name": name}, message)


async def list_keys(*, user: str | None = None, where: Where = HERE, session: Given) -> int:
    """List keys by their visible start.

    Example: `callout key list --user alice`

    Parameters
    ----------
    user:
        Only the keys of this user.
    """
    return await session.show(where, "key.list", {"user": user}, _keys)


def _keys(result: Result) -> Lines:
    columns = ("key", "user", "package", "limited to", "label", "made", "ends")
    rows = (
        (
            f"{k['prefix']}…",
            k["user"],
            k["namespace"],
            k["named_credentials"],
            k["label"],
            k["created_at"],
            f"{k['expires_at']} (over)" if k["expired"] else k["expires_at"],
        )
        for k in result["keys"]
    )
    return table(columns, rows, empty="There is no key.")


async def create_key(
    user: str,
    /,
    *,
    namespace: str | None = None,
    label: str | None = None,
    expires: str | None = None,
    named_credential: Repeated = None,
    where: Where = HERE,
    session: Given,
) -> int:
    """Make a key of a user. It is shown this once: standard output has the key and nothing else.

    Example: `callout key create alice --namespace acme --expires 90d`

    Parameters
    ----------
    user:
        Whose key it is.
    namespace:
        The package whose code will use it.
    label:
        Text for people.
    expires:
        When it ends: a life such as 12h, 90d or 4w, or a time (ISO 8601). Default: never.
    named_credential:
        A named credential that it is limited to; may be given several times. Default: every one.
    """
    request = {
        "user": user,
        "namespace": namespace,
        "label": label,
        "expires": expires,
        "named_credentials": named_credential,
    }
    result = await session.run(where, "key.create", request)
    if not session.output.machine:
        session.output.note(result["message"])
    session.output.result(result, lambda made: [made["key"]])
    return 0


async def expire_key(
    prefix: str,
    /,
    *,
    at: str | None = None,
    never: Switch = False,
    where: Where = HERE,
    session: Given,
) -> int:
    """Give a key another end, as when it is being replaced.

    Example: `callout key expire co_1a2B3c4D --at 24h`

    Parameters
    ----------
    prefix:
        The visible start of the key.
    at:
        A life such as 12h or 30d from now, or a time (ISO 8601).
    never:
        Let it hold without an end.
    """
    if (at is None) != never:
        raise UsageError("got --at and --never, or neither; expected one of them")
    async with session.operations(where) as run:
        result = await run("key.expire", {"prefix": prefix, "expires": at})
    session.output.result(result, message)
    return 0


async def revoke_key(prefix: str, /, *, where: Where = HERE, session: Given) -> int:
    """Revoke a key, named by its visible start.

    Example: `callout key revoke co_1a2B3c4D`
    """
    return await session.show(where, "key.revoke", {"prefix": prefix}, message)
