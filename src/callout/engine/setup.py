"""The admin's use cases stand on this: load the org, edit it, judge the result, write it with its audit rows.

Every mutation goes through `Setup.write`, one after the other: an edit sees the org as the last one left it, the
whole new org is judged by `core.rules`, and nothing is stored where a rule is broken.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from callout.core.access.sources import sources_of
from callout.core.errors import DefinitionError, Outdated, Problem
from callout.core.model.org import SECTIONS, Definition, Org, name_of
from callout.core.model.people import EVERY_ADMIN_PERMISSION, AdminPermission, User
from callout.core.ports import (
    AdminAct,
    Change,
    Clock,
    Definitions,
    Entropy,
    Sealed,
    Transport,
    UserExternalCredentials,
    Vault,
)
from callout.core.protocol import Catalogue
from callout.core.rules import nearest, problems_of
from callout.engine.authority import WHOLE, Authority
from callout.engine.leaving import leaving
from callout.engine.revocation import Orphan, drop_tokens, going, orphans_of
from callout.engine.scopes import Scopes

Result = dict[str, Any]
T = TypeVar("T")

_ANY_TIME = datetime.min.replace(tzinfo=UTC)
#: How often an edit is repeated because another process wrote first.
MOST_ATTEMPTS = 50


class NotDefined(DefinitionError):
    """A name that is not defined, with the nearest that is."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What a use case wants changed, and how the audit trail words it. No changes: nothing is written.

    `more` are further (act, what) of the same write; `forget` names external credentials, or principals (`EC/Principal`),
    whose sealed values go;
    `sealed` are values that are set with it.
    """

    changes: tuple[Change, ...]
    act: str
    what: str
    more: tuple[tuple[str, str], ...] = ()
    forget: tuple[str, ...] = ()
    sealed: Sealed = field(default_factory=dict)


class Setup:
    """The ports of the admin's use cases, and the one way to change definitions. One for each process."""

    def __init__(
        self,
        definitions: Definitions,
        user_external_credentials: UserExternalCredentials,
        vault: Vault,
        clock: Clock,
        entropy: Entropy,
        catalogue: Catalogue,
        transport: Transport,
        *,
        packages_read_only: bool = False,
        organization: Mapping[str, str] | None = None,
    ) -> None:
        self.definitions = definitions
        self.user_external_credentials = user_external_credentials
        self.vault = vault
        self.clock = clock
        self.entropy = entropy
        self.catalogue = catalogue
        self.transport = transport
        self.packages_read_only = packages_read_only
        self.scopes = Scopes(clock, entropy, organization or {})
        self.turn = asyncio.Lock()
        self.authority = WHOLE
        self.orphans: list[Orphan] = []  # tokens of which what was committed let go; the runner revokes them

    def acting_for(self, authority: Authority) -> Setup:
        """Return the same setup, in which no more is allowed than this authority allows."""
        narrower = copy.copy(self)
        narrower.authority = authority
        narrower.orphans = []
        return narrower

    async def org(self) -> Org:
        """Load everything that is defined."""
        return await self.definitions.load()

    def act(self, who: str, act: str, what: object) -> AdminAct:
        """Make the audit row of something that happens now."""
        return AdminAct(self.now(), who, act, str(what))

    def acts_of_leaving(self, who: str, org: Org, changes: Iterable[Change]) -> list[AdminAct]:
        """Make the audit rows of the keys and values that go with the users and packages that changes remove."""
        return [self.act(who, act, what) for act, what in leaving(org, changes).acts()]

    def now(self) -> datetime:
        """The time."""
        return self.clock.now()

    async def write(self, who: str, edit: Callable[[Org], Edit]) -> tuple[Org, bool]:
        """Edit the org and write it; returns the new org, and whether anything changed.

        Raises `DefinitionError` where the new org breaks a rule; nothing is stored then.
        """
        async with self.turn:
            return await self.repeating(lambda: self._edited(who, edit))

    async def _edited(self, who: str, edit: Callable[[Org], Edit]) -> tuple[Org, bool]:
        before = await self.org()
        wanted = edit(before)
        changes = moving(before, wanted.changes)
        lacking = [key for key in wanted.sealed if key not in before.configured]
        if not changes and not lacking:
            return before, False
        after = changed(before, changes)
        self.judge(before, after, changes)
        self.authority.demand_no_gain(before, after, self.now())
        more = (self.act(who, act, what) for act, what in wanted.more)
        acts = [self.act(who, wanted.act, wanted.what), *more, *self.acts_of_leaving(who, before, changes)]
        orphans = await orphans_of(self, before, await going(self, before, after, wanted.forget))
        await self.definitions.write(
            changes, acts, expects=before.generation, sealed=wanted.sealed, forget=wanted.forget
        )
        self.orphans += orphans
        await drop_tokens(self, who, orphans)
        return after, True

    async def repeating(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Repeat what another process was faster than, from what that one left. Raises `Outdated` in the end."""
        for _ in range(MOST_ATTEMPTS - 1):
            try:
                return await attempt()
            except Outdated:
                continue
        return await attempt()

    def judge(self, before: Org, after: Org, changes: Iterable[Change]) -> None:
        """Raise `DefinitionError` for every rule that the changes break."""
        problems = list(problems_of(after, self.catalogue, {(c.section, c.name) for c in changes}))
        if has_administrator(before) and not has_administrator(after):
            problems.append(
                Problem(
                    "users",
                    "no active user who has every admin permission without an end",
                    "at least one, or nobody could administer a running server",
                )
            )
        if problems:
            raise DefinitionError(problems)


def put(*definitions: Definition) -> tuple[Change, ...]:
    """Return the changes that put these definitions."""
    return tuple(Change(SECTIONS[type(d)], name_of(d), d) for d in definitions)


def moving(org: Org, changes: Iterable[Change]) -> tuple[Change, ...]:
    """Leave out changes that change nothing."""
    return tuple(c for c in changes if getattr(org, c.section).get(c.name) != c.definition)


def changed(org: Org, changes: Sequence[Change]) -> Org:
    """Return the org as it would be after these changes, at the generation that they were made from."""
    kept = {(SECTIONS[type(d)], name_of(d)): d for d in org.definitions()}
    for change in changes:
        if change.definition is None:
            kept.pop((change.section, change.name), None)
        else:
            kept[change.section, change.name] = change.definition
    gone = leaving(org, changes)
    return Org.of(
        *kept.values(),
        generation=org.generation,
        keys=tuple(key for key in org.keys.values() if key not in gone.keys),
        configured={key: names for key, names in org.configured.items() if key not in gone.values},
        secret_versions={key: version for key, version in org.secret_versions.items() if key not in gone.values},
    )


def found(section: Mapping[str, T], name: str, place: str, noun: str) -> T:
    """Return a definition by name; raises `NotDefined` with the nearest name."""
    try:
        return section[name]
    except KeyError:
        raise NotDefined([unknown(f"{place}.{name}", name, section, noun)]) from None


def unknown(place: str, name: str, known: Collection[str], noun: str) -> Problem:
    """Word the problem of a name that is not among the known ones."""
    names = ", ".join(sorted(known)[:10]) or "none is defined yet"
    more = f" and {len(known) - 10} more" if len(known) > 10 else ""
    return Problem(place, repr(name), f"the name of {noun} ({names}{more})", nearest(name, known))


def is_administrator(org: Org, user: User) -> bool:
    """True for an active user who has every admin permission, and not for a time only."""
    lasting = (s.admin_permissions for s in sources_of(org, user.name, _ANY_TIME) if s.until is None)
    return user.active and frozenset[AdminPermission]().union(*lasting) >= EVERY_ADMIN_PERMISSION


def has_administrator(org: Org) -> bool:
    """True where at least one active user is an administrator."""
    return any(is_administrator(org, user) for user in org.users.values())


def administrators(org: Org) -> tuple[str, ...]:
    """Return the names of the active administrators, sorted."""
    return tuple(sorted(user.name for user in org.users.values() if is_administrator(org, user)))
