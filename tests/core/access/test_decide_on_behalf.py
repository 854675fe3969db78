"""Acting for another user, and keys that are limited: rungs of the ladder with a reason and a remedy that mends."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from callout.core.access.decide import decide
from callout.core.model.credentials import (
    ExternalCredential,
    NamedCredential,
    Principal,
    PrincipalReference,
    PrincipalType,
    UserExternalCredentialKey,
)
from callout.core.model.org import Org
from callout.core.model.people import GUEST, Caller, CallerKey, ObjectPermission, PermissionSet, User
from callout.core.protocols import CATALOGUE

NOW = datetime(2026, 1, 1, tzinfo=UTC)

BOBS = UserExternalCredentialKey("Files", "Own", "bob")
READERS = PermissionSet("Readers", frozenset({PrincipalReference("Files", "Own")}), frozenset({ObjectPermission.READ}))
AGENTS = PermissionSet("Agents", may_act_for=frozenset({"profile:Standard User"}))


def org(*more, service_sets: tuple[str, ...] = ("Agents",), bob: User | None = None) -> Org:
    return Org.of(
        ExternalCredential("Files", "basic", principals=(Principal("Own", PrincipalType.PER_USER),)),
        NamedCredential("Files", "https://files.example.com", "Files", allowed_namespaces=()),
        READERS,
        AGENTS,
        User("svc", "Minimum Access", permission_sets=service_sets),
        bob or User("bob", permission_sets=("Readers",)),
        *more,
        configured={BOBS: frozenset({"username", "password"})},
    )


def ask(where: Org, user: str = "svc", other: str = "bob", **more):
    return decide(where, CATALOGUE, Caller(user, proof="key co_x…", on_behalf_of=other, **more), "Files", now=NOW)


def test_the_ladder_is_climbed_for_the_user_named_with_their_own_credentials() -> None:
    decision = ask(org())
    assert decision.allowed
    assert decision.holder == BOBS
    assert (decision.caller.user, decision.caller.on_behalf_of) == ("svc", "bob")
    steps = {step.name: step.detail for step in decision.explanation.steps}
    assert "svc" in steps["caller"]
    assert "svc acts for bob" in steps["on_behalf_of"]
    assert "Agents" in steps["on_behalf_of"]


def test_the_service_itself_has_none_of_the_grants() -> None:
    assert not decide(org(), CATALOGUE, Caller("svc", proof="key"), "Files", now=NOW).allowed


def refused(decision) -> tuple[str, str, str | None]:
    step = decision.explanation.refused
    return step.name, step.reason, step.remedies[0].command


def test_who_no_permission_set_lets_act_is_refused_with_the_set_that_would() -> None:
    got = refused(ask(org(service_sets=())))
    assert got == ("on_behalf_of", "acting_not_allowed", "callout permission-set assign Agents svc")


def test_where_no_set_lets_anyone_act_for_the_user_the_remedy_makes_one() -> None:
    bob = User("bob", "System Administrator", permission_sets=("Readers",))
    command = "callout permission-set create 'svc for others' --may-act-for bob --assign svc"
    assert refused(ask(org(bob=bob)))[2] == command


@pytest.mark.parametrize("other", ["", "nobody", GUEST, "profile:Standard User"])
def test_nobody_acts_for_a_user_that_is_not_defined_or_proves_nothing(other) -> None:
    decision = ask(org(), other=other)
    assert refused(decision)[:2] == ("on_behalf_of", "acting_not_allowed")
    assert decision.principal is None


def test_nobody_acts_for_a_user_who_is_not_active() -> None:
    decision = ask(org(bob=User("bob", permission_sets=("Readers",), active=False)))
    assert refused(decision) == ("on_behalf_of", "caller_unknown", "callout user set bob --active")


def test_who_names_themselves_acts_with_their_own_grants_and_needs_no_permission_to() -> None:
    decision = ask(org(), user="bob", other="bob")
    assert (decision.allowed, decision.holder) == (True, BOBS)
    assert refused(ask(org(), other="svc"))[:2] == ("principal", "principal_not_granted")


@pytest.mark.parametrize("other", ["", "a b", "x/y"])
def test_what_no_user_is_called_is_not_proposed_to_be_defined(other) -> None:
    assert refused(ask(org(), other=other)) == ("on_behalf_of", "acting_not_allowed", None)


def test_a_guest_acts_for_nobody_whatever_it_was_assigned() -> None:
    decision = ask(org(User(GUEST, "Guest User", permission_sets=("Agents",))), user=GUEST)
    assert refused(decision)[:2] == ("on_behalf_of", "caller_unknown")


def test_the_namespace_stays_that_of_the_calling_code() -> None:
    from callout.core.model.people import Package

    decision = ask(org(Package("acme")), namespace="acme")
    assert refused(decision)[1] == "namespace_not_allowed"


KEY = CallerKey(b"", "co_12345678", "bob", None, datetime(2026, 1, 1, tzinfo=UTC), named_credentials=("Invoices",))


def test_a_limited_key_is_refused_elsewhere_and_the_remedy_names_the_whole_new_limit() -> None:
    decision = decide(org(), CATALOGUE, Caller("bob", proof="key co_12345678…", key=KEY), "Files", now=NOW)
    command = "callout key limit co_12345678 --named-credential Invoices --named-credential Files"
    assert refused(decision) == ("key_limit", "key_limited", command)


def test_a_limited_key_is_accepted_where_it_is_limited_to() -> None:
    wide = replace(KEY, named_credentials=("Files", "Invoices"))
    assert decide(org(), CATALOGUE, Caller("bob", proof="key co_1…", key=wide), "Files", now=NOW).allowed
