"""Users: who may prove who they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from callout.core.errors import DefinitionError, Problem
from callout.core.model.org import Org
from callout.core.model.people import GUEST, User
from callout.core.ports import Change
from callout.engine.leaving import Leaving, leaving
from callout.engine.setup import Edit, Result, Setup, found, is_administrator, put


def _shown_user(org: Org, user: User) -> Result:
    return {
        "name": user.name,
        "label": user.label,
        "profile": user.profile,
        "administrator": is_administrator(org, user),
        "permission_sets": list(user.permission_sets),
        "permission_set_groups": list(user.permission_set_groups),
        "active": user.active,
    }


async def list_users(setup: Setup) -> Result:
    """List every user, the guest too."""
    org = await setup.org()
    return {"users": [_shown_user(org, org.users[name]) for name in sorted(org.users)]}


async def set_user(
    setup: Setup,
    who: str,
    name: str,
    *,
    profile: str | None = None,
    permission_sets: Iterable[str] | None = None,
    permission_set_groups: Iterable[str] | None = None,
    active: bool | None = None,
    label: str | None = None,
) -> Result:
    """Define a user, or change one: what is None stays (a new user is active and has profile Standard User)."""

    def edit(org: Org) -> Edit:
        known = org.users.get(name)
        base = known or User(name)
        sets = _named(org.permission_sets, permission_sets, base.permission_sets, "permission_sets", "a permission set")
        groups = _named(
            org.permission_set_groups,
            permission_set_groups,
            base.permission_set_groups,
            "permission_set_groups",
            "a permission set group",
        )
        if profile is not None:
            found(org.profiles, profile, "profiles", "a profile")
        wanted = replace(
            base,
            profile=base.profile if profile is None else profile,
            permission_sets=sets,
            permission_set_groups=groups,
            active=base.active if active is None else active,
            label=base.label if label is None else label,
        )
        state = "active" if wanted.active else "not active"
        return Edit(
            put(wanted), "define user" if known is None else "change user", f"{name}: {wanted.profile}, {state}"
        )

    org, moved = await setup.write(who, edit)
    shown = _shown_user(org, org.users[name])
    state = "active" if shown["active"] else "not active"
    message = f"User {name} is {state} and has profile {shown['profile']}"
    return {**shown, "changed": moved, "message": message}


def _named(
    section: Mapping[str, object], wanted: Iterable[str] | None, now: tuple[str, ...], place: str, noun: str
) -> tuple[str, ...]:
    if wanted is None:
        return now
    names = tuple(dict.fromkeys(wanted))
    for name in names:
        found(section, name, place, noun)
    return names


async def remove_user(setup: Setup, who: str, name: str) -> Result:
    """Remove a user with their keys and their own sealed values, so that a later user of this name gets neither."""
    gone = Leaving()

    def edit(org: Org) -> Edit:
        nonlocal gone
        found(org.users, name, "users", "a user")
        if name == GUEST:
            raise DefinitionError([Problem(f"users.{GUEST}", "the guest user", "another; the guest always exists")])
        changes = (Change("users", name, None),)
        gone = leaving(org, changes)
        return Edit(changes, "remove user", name)

    await setup.write(who, edit)
    revoked, removed = len(gone.keys), gone.count
    message = f"User {name} is gone, with {revoked} keys and {removed} secret values"
    return {"name": name, "keys_revoked": revoked, "secrets_removed": removed, "changed": True, "message": message}
