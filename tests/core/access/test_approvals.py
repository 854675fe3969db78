"""Requests of packages: when one waits, what its id covers, and what a refusal names."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from callout.core.access.approvals import pending_request, pending_requests, request_of, set_for
from callout.core.access.decide import decide
from callout.core.model.credentials import (
    CustomHeader,
    ExternalCredential,
    NamedCredential,
    Principal,
    PrincipalReference,
)
from callout.core.model.org import Org
from callout.core.model.people import Assignment, Caller, ObjectPermission, Package, PermissionSet, Profile, User
from callout.core.protocols import CATALOGUE

NOW = datetime(2026, 1, 1, tzinfo=UTC)

EXTERNAL = ExternalCredential("Partner", "basic", principals=(Principal("Service"), Principal("Other", sequence=2)))
NAMED = NamedCredential(
    "Partner", "https://partner.example", "Partner", enabled_for_callouts=False, created_by_namespace="acme"
)
ACME = Package("acme")
CODE = Caller("carol", "acme", proof="key co_1")


def org_of(*more) -> Org:
    return Org.of(EXTERNAL, NAMED, ACME, Profile("Bare"), User("carol", "Bare"), *more)


def id_of(*more) -> str:
    org = org_of(*more)
    request = request_of(org, "acme", org.named_credentials["Partner"])
    assert request is not None
    return request.id


def commands(org: Org, caller: Caller = CODE, principal: str | None = None) -> list[str | None]:
    return [
        r.command for r in decide(org, CATALOGUE, caller, "Partner", now=NOW, principal=principal).explanation.remedies
    ]


def test_what_a_package_made_waits_until_it_is_enabled() -> None:
    assert [r.id for r in pending_requests(org_of())] == [id_of()]
    assert list(pending_requests(org_of(replace(NAMED, enabled_for_callouts=True)))) == []


def test_what_a_package_asks_to_use_waits_until_its_namespace_is_allowed() -> None:
    admins = replace(NAMED, created_by_namespace=None, enabled_for_callouts=True)
    asking = replace(ACME, uses=("Partner",))
    assert [r.made for r in pending_requests(org_of(admins, asking))] == [False]
    assert list(pending_requests(org_of(replace(admins, allowed_namespaces=("acme",)), asking))) == []
    assert list(pending_requests(org_of(admins))) == []


def test_a_rejected_request_does_not_wait_until_something_else_is_asked() -> None:
    rejected = replace(ACME, rejected=(id_of(),))
    assert pending_request(org_of(rejected), "acme", NAMED) is None
    moved = replace(NAMED, url="https://elsewhere.example")
    assert pending_request(org_of(rejected, moved), "acme", moved) is not None


@pytest.mark.parametrize(
    "changed",
    [
        replace(NAMED, url="https://partner.example/other"),
        replace(NAMED, headers=(CustomHeader("X-A", "b"),)),
        replace(NAMED, allow_private_network=True),
        replace(NAMED, allowed_namespaces=("zeta",)),
        replace(EXTERNAL, parameters={"a": "b"}),
        replace(EXTERNAL, principals=(Principal("Service"),)),
        replace(EXTERNAL, headers=(CustomHeader("X-A", "b"),)),
    ],
    ids=["url", "headers", "network", "other packages", "parameters", "principals", "headers of the other"],
)
def test_the_id_moves_with_everything_that_an_admin_judges(changed) -> None:
    assert id_of(changed) != id_of()


@pytest.mark.parametrize(
    "changed",
    [
        replace(NAMED, label="L", description="D", enabled_for_callouts=True, allowed_namespaces=("acme",)),
        replace(EXTERNAL, label="L", principals=EXTERNAL.principals[::-1]),
    ],
    ids=["named credential", "external credential"],
)
def test_the_id_stays_where_only_words_change_or_what_approving_itself_changes(changed) -> None:
    assert id_of(changed) == id_of()


def test_one_approval_is_the_one_remedy_of_endpoint_and_both_grants() -> None:
    assert commands(org_of()) == [f"callout approvals approve {id_of()} --assign 'Partner Callers' carol"]


def test_a_principal_that_was_asked_for_is_the_one_that_is_granted() -> None:
    (command,) = commands(org_of(), principal="Other")
    assert command is not None
    assert command.endswith("--assign 'Partner Callers' carol --principal Other")


def test_a_caller_who_has_the_grants_needs_the_endpoint_alone() -> None:
    having = PermissionSet("Callers", frozenset({PrincipalReference("Partner", "Service")}))
    carol = User("carol", permission_sets=("Callers",))
    first = commands(org_of(having, carol))[0]
    assert first == f"callout approvals approve {id_of(having, carol)}"
    assert set_for(org_of(having), PrincipalReference("Partner", "Service")) == "Callers"


def test_an_unknown_principal_is_not_mended_by_an_approval() -> None:
    assert commands(org_of(), principal="Nobody") == [
        f"callout approvals approve {id_of()}",
        "callout apply -f FILE",
        "callout permission-set assign 'External Credential User' carol",
    ]


def test_local_code_and_a_rejected_package_are_told_the_switch_itself() -> None:
    local, rejected = replace(CODE, namespace=None), replace(ACME, rejected=(id_of(),))
    assert commands(org_of(), local)[0] == "callout named-credential enable Partner"
    assert commands(org_of(rejected))[0] == "callout named-credential enable Partner"


def test_a_grant_whose_time_has_ended_is_given_for_another_time_and_not_for_good_by_the_approval() -> None:
    grant = PermissionSet("Callers", frozenset({PrincipalReference("Partner", "Service")}))
    reading = PermissionSet("Readers", user_external_credential=frozenset({ObjectPermission.READ}))
    ended = User("carol", "Bare", permission_sets=("Readers", Assignment("Callers", NOW, "incident 7")))
    assert commands(org_of(grant, reading, ended)) == [
        f"callout approvals approve {id_of()}",
        "callout permission-set assign Callers carol --until 8h --purpose 'incident 7'",
    ]
