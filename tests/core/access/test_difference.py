"""The difference of access between two orgs is what `decide` says of every user and name, however it is sped up."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from callout.core.access.decide import decide
from callout.core.access.difference import AccessChange, access_difference
from callout.core.model.org import Org
from callout.core.model.people import Caller, User
from callout.core.protocols import CATALOGUE
from tests.core.access.test_decide_ladder import NOW, SITUATIONS, Situation, org_of

USERS = st.lists(st.sampled_from(["alice", "carol", "dave"]), unique=True)


def one_by_one(before: Org, after: Org) -> set[tuple[str, str, str | None, str | None]]:
    """Ask for each user and name, in both orgs."""
    users, names = {*before.users, *after.users}, {*before.named_credentials, *after.named_credentials}
    ways = {(u, n): (way(before, u, n), way(after, u, n)) for u in users for n in names}
    return {(n, u, *was_now) for (u, n), was_now in ways.items() if was_now[0] != was_now[1]}


def way(org: Org, user: str, name: str) -> str | None:
    decision = decide(org, CATALOGUE, Caller(user, proof="name"), name, now=NOW)
    lacking = {step.name for step in decision.explanation.steps if not step.held} - {"configured"}
    granted = decision.principal is not None and not lacking
    return f"{decision.external_credential.name}/{decision.principal.name}" if granted else None


def peopled(situation: Situation, users: list[str]) -> Org:
    org = org_of(situation)
    more = {user: User(user, "P", ("Direct",), ("G",)) for user in users}
    return replace(org, users={**org.users, **more})


@settings(deadline=None)
@given(SITUATIONS, USERS, SITUATIONS, USERS)
def test_it_is_that_of_asking_for_each_user(one: Situation, some: list[str], other: Situation, more: list[str]) -> None:
    before, after = peopled(one, some), peopled(other, more)
    found = access_difference(before, after, CATALOGUE, now=NOW)
    assert {(c.named_credential, u, c.before, c.after) for c in found.changes for u in c.users} == one_by_one(
        before, after
    )
    assert found.not_compared == 0


@settings(deadline=None)
@given(SITUATIONS, USERS)
def test_an_org_differs_in_nothing_from_itself(situation: Situation, users: list[str]) -> None:
    assert access_difference(peopled(situation, users), peopled(situation, users), CATALOGUE, now=NOW).changes == ()


def situation(**changes: object) -> Situation:
    open_to_all = Situation(
        defined=True,
        active=True,
        namespace=None,
        installed=True,
        enabled=True,
        maker=None,
        allowed=True,
        grant="profile",
        granted_set_exists=False,
        read="profile",
        configured=True,
        principal_type="named",
        asked=None,
        standard_set_kept=True,
        asks_to_use=False,
    )
    return replace(open_to_all, **changes)


def test_users_who_are_alike_are_decided_once_and_what_is_too_much_is_counted() -> None:
    alike = [f"user{number}" for number in range(5_000)]
    before, after = peopled(situation(), alike), peopled(situation(enabled=False), alike)
    (change, package) = access_difference(before, after, CATALOGUE, now=NOW, most=10).changes
    assert len(change.users) == 5_001
    assert package == AccessChange("Orders", (), "", None, namespace="acme")
    assert access_difference(before, after, CATALOGUE, now=NOW, most=0).not_compared == 5_001


def test_a_missing_secret_takes_access_from_nobody() -> None:
    bare = situation(configured=False)
    assert access_difference(peopled(situation(), []), peopled(bare, []), CATALOGUE, now=NOW).changes == ()
