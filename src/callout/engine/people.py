"""Users: who may prove who they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from callout.core.access.sources import Source, admin_permissions_of, sources_of
from callout.core.errors import DefinitionError, Problem
from callout.core.model.org import Org
from callout.core.model.people import EVERY_ADMIN_PERMISSION, GUEST, Assignment, Muted, User, UserKind, assigned_name
from callout.core.ports import Change
from callout.engine.grants import one_of
from callout.engine.leaving import Leaving, leaving
from callout.engine.setup import Edit, Result, Setup, found, is_administrator, put


def _shown_user(org: Org, user: User, now: datetime) -> Result:
    held = admin_permissions_of(org, user.name, now)
    return {
        "name": user.name,
        "kind": user.kind.value,
        "label": user.label,
        "email": user.email,
        "profile": user.profile,
        # who lastingly has every permission has it now: so nobody else is asked about, which counts in long lists
        "administrator": held >= EVERY_ADMIN_PERMISSION and is_administrator(org, user),
        "admin_permissions": sorted(held),
        "permission_sets": list(user.set_names),
        "permission_set_groups": list(user.group_names),
        "time_boxes": [
            {"name": e.name, "until": e.until, "purpose": e.purpose, "ended": e.until <= now}
            for e in (*user.permission_sets, *user.permission_set_groups)
            if isinstance(e, Assignment)
        ],
        "active": user.active,
    }


async def list_users(setup: Setup) -> Result:
    """List every user, the guest too."""
    org, now = await setup.org(), setup.now()
    return {"users": [_shown_user(org, org.users[name], now) for name in sorted(org.users)]}


async def show_user(setup: Setup, name: str) -> Result:
    """Show a user, and every way in which grants come to them: with its end, and with what a group mutes."""
    org, now = await setup.org(), setup.now()
    user = found(org.users, name, "users", "a user")
    ways = [
        {
            "from": str(source),
            "until": source.until,
            "purpose": source.purpose,
            "ended": source.over,
            **_grants(source),
            "muted": _grants(source.muted),
        }
        for source in sources_of(org, name, now)
    ]
    return {**_shown_user(org, user, now), "ways": ways}


def _grants(source: Source | Muted) -> Result:
    return {
        "principals": sorted(map(str, source.principals)),
        "user_external_credential": sorted(source.user_external_credential),
        "admin_permissions": sorted(source.admin_permissions),
    }


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
    kind: str | None = None,
    email: str | None = None,
) -> Result:
    """Define a user, or change one: what is None stays (a new user is active and has profile Standard User).

    An assignment that is named and is there keeps its end.
    """

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
            kind=base.kind if kind is None else one_of(UserKind, kind, f"users.{name}.kind"),
            email=base.email if email is None else email,
        )
        state = "active" if wanted.active else "not active"
        return Edit(
            put(wanted), "define user" if known is None else "change user", f"{name}: {wanted.profile}, {state}"
        )

    org, moved = await setup.write(who, edit)
    shown = _shown_user(org, org.users[name], setup.now())
    state = "active" if shown["active"] else "not active"
    message = f"User {name} is {state} and has profile {shown['profile']}"
    return {**shown, "changed": moved, "message": message}


def _named(
    section: Mapping[str, object],
    wanted: Iterable[str] | None,
    now: tuple[str | Assignment, ...],
    place: str,
    noun: str,
) -> tuple[str | Assignment, ...]:
    if wanted is None:
        return now
    there = {assigned_name(entry): entry for entry in now}
    names = tuple(dict.fromkeys(wanted))
    for name in names:
        found(section, name, place, noun)
    return tuple(there.get(name, name) for name in names)


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
