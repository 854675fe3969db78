from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from callout.core.access.decide import decide
from callout.core.access.request import judge_request, rules_of
from callout.core.access.target import join
from callout.core.errors import Refused
from callout.core.model.credentials import (
    ExternalCredential,
    NamedCredential,
    Principal,
    PrincipalReference,
    UserExternalCredentialKey,
)
from callout.core.model.org import Org
from callout.core.model.people import Caller, ObjectPermission, PermissionSet, Profile, User
from callout.core.protocols import CATALOGUE

NOW = datetime(2026, 1, 1, tzinfo=UTC)

READ = frozenset({ObjectPermission.READ})
SERVICE = PrincipalReference("Orders", "Service")
ALICE = Caller("alice", proof="key")


def org_of(*grants: PrincipalReference, profile: Profile | None = None, **rules) -> Org:
    return Org.of(
        ExternalCredential("Orders", "basic", principals=(Principal("Service"),)),
        NamedCredential("Orders", "https://orders.example.com/v2", "Orders", **rules),
        *(PermissionSet(f"Set {n}", frozenset({grant}), READ) for n, grant in enumerate(grants)),
        User("alice", permission_sets=tuple(f"Set {n}" for n in range(len(grants)))),
        configured={UserExternalCredentialKey("Orders", "Service"): frozenset({"username", "password"})},
    )


def narrowed(methods: tuple[str, ...] = (), paths: tuple[str, ...] = ()) -> PrincipalReference:
    return PrincipalReference("Orders", "Service", methods, paths)


def rules(org: Org):
    decision = decide(org, CATALOGUE, ALICE, "Orders", now=NOW)
    assert decision.allowed
    return rules_of(org, decision, NOW)


def judged(org: Org, method: str = "GET", path: bytes = b"/items/7", *overriding: str):
    return {step.name: step for step in judge_request(rules(org), method, path, overriding)}


def reasons(org: Org, method: str = "GET", path: bytes = b"/items/7", *overriding: str) -> list[str | None]:
    return [step.reason for step in judged(org, method, path, *overriding).values() if not step.held]


def test_without_rules_there_is_nothing_to_judge():
    assert rules(org_of(SERVICE)) is None


def test_a_grant_that_is_not_narrowed_lifts_those_that_are():
    assert rules(org_of(narrowed(("GET",)), SERVICE)) is None


def test_a_method_outside_the_named_credentials_rule_is_refused_with_its_remedy():
    step = judged(org_of(SERVICE, allowed_methods=("GET", "HEAD")), "DELETE")["method"]
    assert (step.held, step.reason) == (False, "method_not_allowed_here")
    assert step.detail == "got method DELETE; expected GET, HEAD, which Orders allows"
    assert step.remedies[0].command == "callout named-credential allow-method Orders DELETE"


def test_a_path_outside_the_named_credentials_rule_is_refused_with_its_remedy():
    step = judged(org_of(SERVICE, allowed_paths=("/items/**",)), "GET", b"/admin")["path"]
    assert (step.held, step.reason) == (False, "path_not_allowed")
    assert step.detail == "got path '/admin'; expected one that Orders allows: /items/**"
    assert step.remedies[0].command == "callout named-credential allow-path Orders /admin"


def test_an_allowed_request_is_explained_too():
    steps = judged(org_of(SERVICE, allowed_methods=("GET",), allowed_paths=("/items/*",)))
    assert [(s.name, s.held) for s in steps.values()] == [("method", True), ("path", True)]


def test_grants_of_one_principal_add_up_and_do_not_mix():
    org = org_of(narrowed(("GET",), ("/**",)), narrowed(("POST",), ("/items",)))
    assert reasons(org, "GET", b"/anything") == []
    assert reasons(org, "POST", b"/items") == []
    assert reasons(org, "POST", b"/anything") == ["path_not_allowed"]
    assert reasons(org, "DELETE", b"/items") == ["method_not_allowed_here"]


def test_the_remedy_of_a_grant_is_as_narrow_as_the_request():
    org = org_of(narrowed(("GET",), ("/items/*",)))
    (remedy,) = judged(org, "DELETE", b"/admin")["method"].remedies
    assert remedy.command == (
        "callout permission-set grant 'Set 0' --principal Orders/Service --method DELETE --path /admin"
    )
    (remedy,) = judged(org, "GET", b"/admin/x y".replace(b" ", b"%20"))["path"].remedies
    assert remedy.command.endswith("--method GET --path /admin/x%20y")


def test_a_grant_of_a_profile_is_mended_on_the_profile():
    org = org_of()
    profile = Profile("Clerks", frozenset({narrowed(("GET",))}), READ)
    org = Org.of(*(d for d in org.definitions() if not isinstance(d, User)), profile, User("alice", "Clerks"))
    decision = decide(org, CATALOGUE, ALICE, "Orders", now=NOW)
    step, _ = judge_request(rules_of(org, decision, NOW), "PUT", b"/")
    assert step.remedies[0].command.startswith("callout profile grant Clerks ")


def test_what_the_named_credential_refuses_no_grant_allows():
    assert reasons(org_of(narrowed(("DELETE",)), allowed_methods=("GET",)), "DELETE") == ["method_not_allowed_here"]


def test_a_method_that_a_header_names_is_judged_too():
    org = org_of(SERVICE, allowed_methods=("GET", "POST"))
    assert reasons(org, "POST", b"/items/7", "DELETE") == ["method_not_allowed_here"]
    assert reasons(org, "POST", b"/items/7", "GET") == []


def test_a_path_that_can_be_read_in_two_ways_is_refused_without_widening_anything():
    step = judged(org_of(SERVICE, allowed_paths=("/items/**",)), "GET", b"/items//admin")["path"]
    assert step.reason == "path_not_allowed"
    assert [remedy.command for remedy in step.remedies] == [None]


def test_rules_of_methods_alone_judge_no_path():
    assert reasons(org_of(SERVICE, allowed_methods=("GET",)), "GET", b"/items//7") == []


def test_the_ladder_names_what_a_grant_is_narrowed_to():
    decision = decide(org_of(narrowed(("GET",), ("/items/*",))), CATALOGUE, ALICE, "Orders", now=NOW)
    assert any("permission set Set 0 (GET; /items/*)" in step.detail for step in decision.explanation.steps)


@pytest.mark.parametrize("wanted", [SERVICE, narrowed(("GET",))])
def test_a_user_without_the_grant_is_pointed_to_the_set_that_has_it(wanted):
    org = org_of(wanted)
    org = Org.of(*(d for d in org.definitions() if not isinstance(d, User)), User("bob"))
    decision = decide(org, CATALOGUE, Caller("bob", proof="key"), "Orders", now=NOW)
    assert decision.explanation.remedies[0].command == "callout permission-set assign 'Set 0' bob"


RESTS = st.text(st.sampled_from("/.%;aA7*?2fF41eE5c#\\"), max_size=14).map(lambda text: ("/" + text).encode())
OWN = org_of(SERVICE, allowed_paths=("/items/*", "/a/**"))


@given(RESTS, st.sampled_from([b"/items/", b"/a/", b"/"]))
def test_whatever_the_rule_allows_is_exactly_what_is_sent_and_inside_the_rule(rest: bytes, start: bytes):
    rest = start + rest.lstrip(b"/")
    try:
        target = join(b"/v2", rest)
    except Refused:
        assume(False)
    sent = target[len(b"/v2") :].partition(b"?")[0]
    assert sent == rest.partition(b"?")[0]
    if not reasons(OWN, "GET", sent):
        assert sent.startswith((b"/items/", b"/a/"))
        assert not {b"..", b"."} & set(sent.split(b"/"))


def test_a_decision_that_no_grant_holds_up_any_more_is_never_taken_for_one_without_rules():
    decision = decide(org_of(narrowed(("GET",))), CATALOGUE, ALICE, "Orders", now=NOW)
    with pytest.raises(ValueError, match="has a grant"):
        rules_of(org_of(), decision, NOW)
