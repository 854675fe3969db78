"""Who gains and who loses which named credential between two orgs, as `decide` says of both.

What is compared is what was granted: that a principal has no secret yet takes access from nobody. Users who are alike
in everything but their names are decided once; a pair that nothing touched, or that no grant concerns, is not decided
at all, so that an org of many thousand users is compared in a second or two. What is beyond `MOST_DECISIONS` is
counted, not compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from callout.core.access.decide import decide
from callout.core.access.sources import granting
from callout.core.model.credentials import NamedCredential
from callout.core.model.org import Org
from callout.core.model.people import Caller, User
from callout.core.protocol import Catalogue

#: Pairs of a named credential and a kind of user that are decided about, in both orgs.
MOST_DECISIONS = 20_000

#: The rung that says whether values are set: it is about secrets, not about who was given what.
_NOT_A_GRANT = "configured"


@dataclass(frozen=True, slots=True, order=True)
class AccessChange:
    """One named credential, the users (or the package's code) for whom it changes, and as which principal they call.

    `before` or `after` is None where they may not. For the code of a package both are empty texts where it may.
    """

    named_credential: str
    users: tuple[str, ...]
    before: str | None
    after: str | None
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class AccessDifference:
    """Every change of access between two orgs; `not_compared` counts the pairs of user and name that were too many."""

    changes: tuple[AccessChange, ...] = ()
    not_compared: int = 0


def access_difference(
    before: Org, after: Org, catalogue: Catalogue, *, now: datetime, most: int = MOST_DECISIONS
) -> AccessDifference:
    """Compare who may make callouts by which name, and the code of which package may; as it is now."""
    names = sorted(before.named_credentials.keys() | after.named_credentials.keys())
    same_name = {name: _of_name(before, name) == _of_name(after, name) for name in names}
    changes: list[AccessChange] = []
    decided, not_compared = 0, 0
    kinds = _kinds(before, after, now)
    for name in names:
        external = {_external_credential(before, name), _external_credential(after, name)}
        found: dict[tuple[str | None, str | None], list[str]] = {}
        for kind in kinds:
            if (kind.is_same and same_name[name]) or kind.granted.isdisjoint(external):
                continue
            if decided >= most:
                not_compared += len(kind.users)
                continue
            decided += 1
            way = (
                _way(before, catalogue, kind.users[0], name, now),
                _way(after, catalogue, kind.users[0], name, now),
            )
            if way[0] != way[1]:
                found.setdefault(way, []).extend(kind.users)
        changes += [AccessChange(name, tuple(sorted(users)), *way) for way, users in found.items()]
        changes += _of_packages(before, after, name)
    return AccessDifference(tuple(changes), not_compared)


@dataclass(frozen=True, slots=True)
class _Kind:
    """Users who are alike; the external credentials that either org grants them; whether nothing of that changed."""

    users: list[str]
    granted: frozenset[str]
    is_same: bool


def _of_name(org: Org, name: str) -> object:
    named = org.named_credentials.get(name)
    return named, org.external_credentials.get(named.external_credential) if named is not None else None


def _external_credential(org: Org, name: str) -> str | None:
    named = org.named_credentials.get(name)
    return named.external_credential if named is not None else None


def _kinds(before: Org, after: Org, now: datetime) -> list[_Kind]:
    kinds: dict[tuple[User | None, User | None], list[str]] = {}
    for user in sorted(before.users.keys() | after.users.keys()):
        kinds.setdefault((_nameless(before, user), _nameless(after, user)), []).append(user)
    made = []
    for (was, is_now), users in kinds.items():
        had, has = list(granting(before, users[0], now)), list(granting(after, users[0], now))
        granted = frozenset(r.external_credential for source in (*had, *has) for r in source.principals)
        made.append(_Kind(users, granted, was == is_now and had == has))
    return made


def _nameless(org: Org, user: str) -> User | None:
    person = org.users.get(user)
    return replace(person, name="", label="", email="") if person is not None else None


def _way(org: Org, catalogue: Catalogue, user: str, name: str, now: datetime) -> str | None:
    """Return the principal as which a user may call, or None."""
    if user not in org.users or name not in org.named_credentials:
        return None
    decision = decide(org, catalogue, Caller(user, proof="name"), name, now=now)
    if decision.principal is None or decision.external_credential is None:
        return None
    held = all(step.held for step in decision.explanation.steps if step.name != _NOT_A_GRANT)
    return f"{decision.external_credential.name}/{decision.principal.name}" if held else None


def _of_packages(before: Org, after: Org, name: str) -> Iterator[AccessChange]:
    was, now = _namespaces(before, name), _namespaces(after, name)
    for namespace in sorted(was ^ now):
        yield AccessChange(
            name, (), "" if namespace in was else None, "" if namespace in now else None, namespace=namespace
        )


def _namespaces(org: Org, name: str) -> frozenset[str]:
    """Return the packages whose code may call by this name, as a user who may."""
    named: NamedCredential | None = org.named_credentials.get(name)
    if named is None or not named.enabled_for_callouts:
        return frozenset()
    return frozenset(org.packages.keys() & {*named.allowed_namespaces, named.created_by_namespace})
