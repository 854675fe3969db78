"""The ways in which grants come to a user: muted in groups, ended in time boxes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from callout.core.access.decide import Decision, decide
from callout.core.access.sources import admin_permissions_of, sources_of
from callout.core.model.credentials import (
    ExternalCredential,
    NamedCredential,
    Principal,
    PrincipalReference,
    UserExternalCredentialKey,
)
from callout.core.model.org import Org
from callout.core.model.people import (
    AdminPermission,
    Assignment,
    Caller,
    Muted,
    ObjectPermission,
    PermissionSet,
    PermissionSetGroup,
    Profile,
    User,
)
from callout.core.protocols import CATALOGUE

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ONE, TWO = PrincipalReference("Orders", "One"), PrincipalReference("Orders", "Two")
READ = frozenset({ObjectPermission.READ})
BARE = Profile("Bare")
CLERKS = PermissionSet("Clerks", frozenset({ONE}), READ)
GROUP = PermissionSetGroup("Staff", ("Clerks",))
MUTING = replace(GROUP, muted=Muted(frozenset({ONE})))
ORDERS = (
    NamedCredential("Orders", "https://orders.example.com", "Orders"),
    ExternalCredential("Orders", "basic", principals=(Principal("One"), Principal("Two", sequence=2))),
)
SET = {UserExternalCredentialKey("Orders", p): frozenset({"username", "password"}) for p in ("One", "Two")}


def asked(*definitions, now: datetime = NOW, **alice) -> Decision:
    org = Org.of(*ORDERS, BARE, CLERKS, *definitions, User("alice", "Bare", **alice), configured=SET)
    return decide(org, CATALOGUE, Caller("alice", proof="key"), "Orders", now=now)


def detail_of(decision: Decision, name: str) -> str:
    return next(step.detail for step in decision.explanation.steps if step.name == name)


def test_what_a_group_mutes_does_not_come_through_it_and_the_explanation_says_so() -> None:
    assert asked(GROUP, permission_set_groups=("Staff",)).allowed
    muted = asked(MUTING, permission_set_groups=("Staff",))
    assert muted.reason.code == "principal_not_granted"
    assert "group Staff mutes what permission set Clerks has" in detail_of(muted, "principal")


def test_what_a_group_mutes_still_comes_another_way() -> None:
    decision = asked(MUTING, permission_sets=("Clerks",), permission_set_groups=("Staff",))
    assert decision.allowed
    assert "by permission set Clerks;" in detail_of(decision, "principal")


def test_muted_read_on_user_external_credential_is_named_too() -> None:
    group = replace(GROUP, muted=Muted(user_external_credential=READ))
    decision = asked(group, permission_set_groups=("Staff",))
    assert decision.reason.code == "user_external_credential_denied"
    assert "group Staff mutes" in detail_of(decision, "user_external_credential")


@pytest.mark.parametrize(("after", "allowed"), [(-HOUR, True), (timedelta(microseconds=-1), True), (0 * HOUR, False)])
def test_a_time_box_grants_until_its_end_and_not_at_it(after: timedelta, allowed: bool) -> None:
    box = Assignment("Clerks", NOW, "incident 7")
    decision = asked(now=NOW + after, permission_sets=(box,))
    assert decision.allowed is allowed
    if not allowed:
        assert "ended 2026-01-01T12:00:00+00:00 for incident 7" in detail_of(decision, "principal")
        assert decision.explanation.remedies[0].command == (
            "callout permission-set assign Clerks alice --until 8h --purpose 'incident 7'"
        )


def test_a_time_box_on_a_group_ends_what_comes_through_it() -> None:
    decision = asked(GROUP, permission_set_groups=(Assignment("Staff", NOW - HOUR),))
    assert decision.reason.code == "principal_not_granted"
    assert decision.explanation.remedies[0].command == "callout permission-set-group assign Staff alice --until 8h"


def test_a_decision_holds_until_the_first_end_that_it_relies_on() -> None:
    box = Assignment("Clerks", NOW + 2 * HOUR)
    readers = PermissionSet("Readers", user_external_credential=READ)
    assert asked(permission_sets=(box,)).until == NOW + 2 * HOUR
    assert asked(permission_sets=("Clerks",)).until is None
    assert asked(readers, permission_sets=(box, "Readers")).until == NOW + 2 * HOUR


def test_another_way_that_lasts_longer_is_relied_on() -> None:
    boxes = {"permission_sets": (Assignment("Clerks", NOW + HOUR),)}
    longer = asked(GROUP, **boxes, permission_set_groups=(Assignment("Staff", NOW + 3 * HOUR),))
    assert longer.until == NOW + 3 * HOUR
    assert asked(GROUP, **boxes, permission_set_groups=("Staff",)).until is None


def test_admin_permissions_come_by_every_way_and_to_active_users_alone() -> None:
    viewing = frozenset({AdminPermission.VIEW_SETUP})
    ops = PermissionSet("Ops", admin_permissions=viewing)
    user = User("alice", "Bare", permission_sets=(Assignment("Ops", NOW + HOUR),))
    org = Org.of(BARE, ops, user)
    assert admin_permissions_of(org, "alice", NOW) == viewing
    assert admin_permissions_of(org, "alice", NOW + HOUR) == frozenset()
    idle = Org.of(BARE, ops, replace(user, active=False))
    assert admin_permissions_of(idle, "alice", NOW) == frozenset()
    assert sources_of(org, "nobody", NOW) == ()
