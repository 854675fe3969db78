"""The ways in which grants come to a user: the profile, permission sets, and permission sets through groups.

A time-boxed way that has ended is still a way, so that an explanation can name it; it grants nothing. What a group
mutes is taken from what comes through it, and from nothing that comes another way. `now` is an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from callout.core.model.credentials import PrincipalReference
from callout.core.model.org import Org
from callout.core.model.people import (
    AdminPermission,
    Assignment,
    Muted,
    ObjectPermission,
    PermissionSet,
    Profile,
    assigned_name,
)

#: Kinds of sources.
PROFILE, SET = "profile", "permission set"


@dataclass(frozen=True, slots=True)
class Source:
    """One way in which grants come to a user. `until` is its end, None: it has none; `over`: the end has come."""

    kind: str
    name: str
    principals: frozenset[PrincipalReference]
    user_external_credential: frozenset[ObjectPermission]
    admin_permissions: frozenset[AdminPermission]
    group: str | None = None
    muted: Muted = Muted()  # noqa: RUF009 - frozen, so it can be shared
    until: datetime | None = None
    purpose: str = ""
    over: bool = False

    def __str__(self) -> str:
        through = f" of group {self.group}" if self.group is not None else ""
        return f"{self.kind} {self.name}{through}"

    @property
    def worded(self) -> str:
        """The way with its end and purpose, as explanations say it."""
        if self.until is None:
            return str(self)
        purpose = f" for {self.purpose}" if self.purpose else ""
        return f"{self}, {'ended' if self.over else 'until'} {self.until.isoformat()}{purpose}"


def sources_of(org: Org, user: str, now: datetime) -> tuple[Source, ...]:
    """Return every way of a user: the profile first, then each permission set, then those of groups."""
    person = org.users.get(user)
    if person is None:
        return ()
    found: list[Source] = []
    if person.profile in org.profiles:
        found.append(_source(org.profiles[person.profile], PROFILE))
    for entry in person.permission_sets:
        found += _timed(_sets(org, [assigned_name(entry)]), entry, now)
    for entry in person.permission_set_groups:
        group = org.permission_set_groups.get(assigned_name(entry))
        if group is not None:
            through = (_muting(replace(s, group=group.name), group.muted) for s in _sets(org, group.permission_sets))
            found += _timed(through, entry, now)
    return tuple(found)


def granting(org: Org, user: str, now: datetime) -> Iterator[Source]:
    """Yield the ways that grant now."""
    return (source for source in sources_of(org, user, now) if not source.over)


def admin_permissions_of(org: Org, user: str, now: datetime) -> frozenset[AdminPermission]:
    """Return what a user may administer now; nothing where the user is not active."""
    person = org.users.get(user)
    if person is None or not person.active:
        return frozenset()
    return frozenset(p for source in granting(org, user, now) for p in source.admin_permissions)


def object_permissions_of(org: Org, user: str, now: datetime) -> frozenset[ObjectPermission]:
    """Return what a user may do with User External Credential rows now."""
    return frozenset(p for source in granting(org, user, now) for p in source.user_external_credential)


def principals_of(org: Org, user: str, now: datetime) -> frozenset[PrincipalReference]:
    """Return the principals that a user was granted and has now."""
    return frozenset(reference for source in granting(org, user, now) for reference in source.principals)


def end_of(sources: Iterable[Source]) -> datetime | None:
    """Return when the last of these ways ends, of which each alone is enough; None: never."""
    ends = [source.until for source in sources]
    lasting = [end for end in ends if end is not None]
    return max(lasting) if lasting and len(lasting) == len(ends) else None


def earliest(*ends: datetime | None) -> datetime | None:
    """Return the first of these ends; None: never."""
    return min((end for end in ends if end is not None), default=None)


def _sets(org: Org, names: Iterable[str]) -> Iterator[Source]:
    return (_source(org.permission_sets[name], SET) for name in names if name in org.permission_sets)


def _source(giving: Profile | PermissionSet, kind: str) -> Source:
    return Source(kind, giving.name, giving.principals, giving.user_external_credential, giving.admin_permissions)


def _timed(sources: Iterable[Source], entry: str | Assignment, now: datetime) -> Iterator[Source]:
    if isinstance(entry, str):
        yield from sources
        return
    for source in sources:
        yield replace(source, until=entry.until, purpose=entry.purpose, over=entry.until <= now)


def _muting(source: Source, muted: Muted) -> Source:
    """Take what a group mutes from what comes through it; `muted` keeps what was really taken."""
    taken = Muted(
        frozenset(each for each in source.principals if any(map(each.names_same, muted.principals))),
        source.user_external_credential & muted.user_external_credential,
        source.admin_permissions & muted.admin_permissions,
    )
    return replace(
        source,
        principals=source.principals - taken.principals,
        user_external_credential=source.user_external_credential - muted.user_external_credential,
        admin_permissions=source.admin_permissions - muted.admin_permissions,
        muted=taken,
    )
