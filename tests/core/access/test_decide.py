"""The ladder, rung by rung."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from callout.core.access.decide import Decision, decide, holder_of, required_names
from callout.core.access.sources import granting
from callout.core.model.credentials import (
    CustomHeader,
    ExternalCredential,
    NamedCredential,
    Principal,
    PrincipalReference,
    PrincipalType,
    UserExternalCredentialKey,
)
from callout.core.model.org import Org
from callout.core.model.people import (
    GUEST,
    Caller,
    ObjectPermission,
    Package,
    PermissionSet,
    PermissionSetGroup,
    Profile,
    User,
)
from callout.core.protocols import CATALOGUE

NOW = datetime(2026, 1, 1, tzinfo=UTC)
READ = frozenset({ObjectPermission.READ})
ALICE = Caller("alice", proof="key co_1")
NAMED = NamedCredential("Orders", "https://orders.example/v2", "Orders")
EXTERNAL = ExternalCredential("Orders", "basic", principals=(Principal("Service"),))
CLERKS = PermissionSet("Order Clerks", frozenset({PrincipalReference("Orders", "Service")}))
SERVICE = UserExternalCredentialKey("Orders", "Service")
SET = {SERVICE: frozenset({"username", "password"})}
USER = User("alice", permission_sets=("Order Clerks",))


def org_of(*definitions, configured=None) -> Org:
    """Build an org in which alice may call Orders, changed by these definitions."""
    return Org.of(NAMED, EXTERNAL, CLERKS, USER, *definitions, configured=SET if configured is None else configured)


def decided(
    *definitions, caller: Caller | None = ALICE, name: str = "Orders", principal=None, configured=None
) -> Decision:
    return decide(org_of(*definitions, configured=configured), CATALOGUE, caller, name, now=NOW, principal=principal)


def reason_of(decision: Decision) -> str | None:
    return decision.reason.code if decision.reason else None


def step_of(decision: Decision, name: str):
    return next(step for step in decision.explanation.steps if step.name == name)


def test_every_rung_is_a_step_that_says_what_held() -> None:
    decision = decided()
    assert decision.allowed
    assert decision.reason is None
    assert [(step.name, step.detail) for step in decision.explanation.steps] == [
        ("caller", "alice, profile Standard User, proven by key co_1"),
        ("named_credential", "Orders points to https://orders.example/v2"),
        ("enabled", "Orders is enabled for callouts"),
        ("namespace", "the caller is local code; no namespace is needed"),
        ("principal", "Orders/Service (named, sequence 1) by permission set Order Clerks"),
        ("user_external_credential", "read on User External Credential by profile Standard User"),
        ("configured", "Orders/Service has every value that basic needs"),
    ]


INSTALLED, MAKER = Package("acme"), replace(NAMED, created_by_namespace="acme")
PACKAGED = Caller("alice", "acme", proof="key co_2")
NOTHING = Profile("Nothing")

TABLE = {
    "a proof that was not accepted": ((), {"caller": None}, "caller_unknown"),
    "a user who is not defined": ((), {"caller": Caller("mallory")}, "caller_unknown"),
    "a user who is not active": ((replace(USER, active=False),), {}, "caller_unknown"),
    "a package that is not installed": ((), {"caller": PACKAGED}, "caller_unknown"),
    "an unknown name": ((), {"name": "Order"}, "named_credential_not_found"),
    "a name in other letters": ((), {"name": "orders"}, "named_credential_not_found"),
    "a missing external credential": (
        (replace(NAMED, external_credential="Gone"),),
        {},
        "named_credential_not_found",
    ),
    "disabled": ((replace(NAMED, enabled_for_callouts=False),), {}, "callouts_disabled"),
    "a namespace that is not allowed": ((INSTALLED,), {"caller": PACKAGED}, "namespace_not_allowed"),
    "an allowed namespace": ((INSTALLED, replace(NAMED, allowed_namespaces=("acme",))), {"caller": PACKAGED}, None),
    "its own package": ((INSTALLED, MAKER), {"caller": PACKAGED}, None),
    "another package's": (
        (INSTALLED, replace(NAMED, created_by_namespace="other")),
        {"caller": PACKAGED},
        "namespace_not_allowed",
    ),
    "a package's, called by local code": ((MAKER,), {}, None),
    "made by a package and still disabled": (
        (INSTALLED, replace(MAKER, enabled_for_callouts=False)),
        {"caller": PACKAGED},
        "callouts_disabled",
    ),
    "no grant": ((User("alice"),), {}, "principal_not_granted"),
    "a grant by profile": (
        (Profile("P", CLERKS.principals, READ), User("alice", "P")),
        {},
        None,
    ),
    "a grant by group": (
        (PermissionSetGroup("G", ("Order Clerks",)), User("alice", permission_set_groups=("G",))),
        {},
        None,
    ),
    "a group that is not defined": ((User("alice", permission_set_groups=("Gone",)),), {}, "principal_not_granted"),
    "a grant of another credential's principal of that name": (
        (PermissionSet("Order Clerks", frozenset({PrincipalReference("Other", "Service")})),),
        {},
        "principal_not_granted",
    ),
    "no read": ((NOTHING, replace(USER, profile="Nothing")), {}, "user_external_credential_denied"),
    "create alone is no read": (
        (
            Profile("Nothing", user_external_credential=frozenset({ObjectPermission.CREATE})),
            replace(USER, profile="Nothing"),
        ),
        {},
        "user_external_credential_denied",
    ),
    "view all is read": (
        (Profile("P", user_external_credential=frozenset({ObjectPermission.VIEW_ALL})), replace(USER, profile="P")),
        {},
        None,
    ),
    "a profile that is not defined": ((replace(USER, profile="Gone"),), {}, "user_external_credential_denied"),
    "nothing set": ((), {"configured": {}}, "principal_not_configured"),
    "a password that is not set": ((), {"configured": {SERVICE: frozenset({"username"})}}, "principal_not_configured"),
    "the guest": ((), {"caller": Caller(GUEST)}, "principal_not_granted"),
    "the guest with a grant alone": (
        (User(GUEST, "Guest User", ("Order Clerks",)),),
        {"caller": Caller(GUEST)},
        "user_external_credential_denied",
    ),
    "the guest with both grants": (
        (User(GUEST, "Guest User", ("Order Clerks", "External Credential User")),),
        {"caller": Caller(GUEST)},
        None,
    ),
    "an administrator without a grant": ((User("alice", "System Administrator"),), {}, "principal_not_granted"),
    "a principal that is asked for": ((), {"principal": "Service"}, None),
    "a principal that does not exist": ((), {"principal": "service"}, "principal_not_granted"),
    "a header whose formula is broken": (
        (replace(NAMED, headers=(CustomHeader("X", "{!oops"),)),),
        {},
        "formula_failed",
    ),
}


@pytest.mark.parametrize(("definitions", "asked", "reason"), TABLE.values(), ids=TABLE)
def test_who_may_call_what(definitions, asked, reason) -> None:
    decision = decided(*definitions, **asked)
    assert reason_of(decision) == reason
    assert decision.allowed is (reason is None)


def test_an_unknown_caller_still_learns_whether_the_name_exists_and_nothing_beyond() -> None:
    decision = decide(org_of(), CATALOGUE, None, "Orders", now=NOW, proof="got a key that expired")
    assert [(s.name, s.held, s.detail) for s in decision.explanation.steps] == [
        ("caller", False, "got a key that expired"),
        ("named_credential", True, "Orders points to https://orders.example/v2"),
    ]
    with pytest.raises(ValueError, match="has no holder"):
        _ = decision.holder


@pytest.mark.parametrize(("name", "nearest"), [("Order", "'Orders'"), ("ORDERS", "'Orders'"), ("Zzz", None)])
def test_an_unknown_name_is_told_the_nearest_one(name: str, nearest: str | None) -> None:
    detail = step_of(decided(name=name), "named_credential").detail
    assert f"got name {name!r}; expected one of 1 named credentials" in detail
    assert detail.endswith(f"; the nearest is {nearest}" if nearest else "credentials")


def test_a_missing_external_credential_is_named_and_the_other_rungs_are_judged() -> None:
    decision = decided(replace(NAMED, external_credential="Gone", enabled_for_callouts=False))
    assert "external credential 'Gone', which is not defined" in step_of(decision, "named_credential").detail
    assert [s.name for s in decision.explanation.steps if not s.held] == ["named_credential", "enabled"]


def test_all_that_is_missing_is_named_at_once_and_in_order() -> None:
    named = replace(NAMED, enabled_for_callouts=False)
    decision = decided(named, INSTALLED, NOTHING, User("alice", "Nothing"), caller=PACKAGED)
    assert [step.reason for step in decision.explanation.steps if not step.held] == [
        "callouts_disabled",
        "namespace_not_allowed",
        "principal_not_granted",
        "user_external_credential_denied",
    ]
    assert [remedy.command for remedy in decision.explanation.remedies] == [
        "callout named-credential enable Orders",
        "callout named-credential allow-namespace Orders acme",
        "callout permission-set assign 'Order Clerks' alice",
        "callout permission-set assign 'External Credential User' alice",
    ]


def test_who_made_a_disabled_credential_and_where_it_points_is_said_before_it_is_enabled() -> None:
    step = step_of(decided(replace(MAKER, enabled_for_callouts=False)), "enabled")
    assert "code of package acme made it" in step.detail
    assert step.remedies[0].text == "Judge https://orders.example/v2, then enable it for callouts"


# --- which principal -------------------------------------------------------------------------------------------


def two(first: int, second: int, *granted: str, **asked) -> Decision:
    """Decide among principals B (sequence `first`) and A (`second`), of which some are granted."""
    external = replace(EXTERNAL, principals=(Principal("B", sequence=first), Principal("A", sequence=second)))
    grants = frozenset(PrincipalReference("Orders", name) for name in granted)
    return decided(external, replace(CLERKS, principals=grants), **asked)


@pytest.mark.parametrize(
    ("first", "second", "granted", "asked", "chosen"),
    [
        (1, 2, "AB", None, "B"),
        (2, 1, "AB", None, "A"),
        (1, 1, "AB", None, "A"),
        (1, 2, "A", None, "A"),
        (1, 2, "AB", "A", "A"),
        (1, 2, "B", "A", None),
        (1, 2, "AB", "C", None),
        (1, 2, "", None, None),
    ],
)
def test_the_lowest_sequence_among_the_granted_is_used_or_the_one_asked_for(
    first: int, second: int, granted: str, asked: str | None, chosen: str | None
) -> None:
    decision = two(first, second, *granted, principal=asked)
    assert (decision.principal.name if decision.principal else None) == chosen
    assert step_of(decision, "principal").held is (chosen is not None)


def test_the_next_principal_is_named_with_how_to_pick_it_and_never_fallen_back_to() -> None:
    decision = two(1, 2, "A", "B", configured={UserExternalCredentialKey("Orders", "A"): SET[SERVICE]})
    assert step_of(decision, "principal").detail.endswith("next is A: pick it with Callout-Principal: A")
    assert reason_of(decision) == "principal_not_configured"


def test_a_principal_that_does_not_exist_is_answered_with_those_that_do() -> None:
    step = step_of(two(1, 2, "A", principal="C"), "principal")
    assert "no grant for principal 'C' of Orders; its principals: B, A" in step.detail
    assert step.remedies[0].text.startswith("Correct the name 'C'")


def test_an_empty_name_of_a_principal_is_not_taken_for_none() -> None:
    step = step_of(two(1, 2, "A", principal=""), "principal")
    assert "no grant for principal '' of Orders" in step.detail
    assert step.remedies[0].text.startswith("Correct the name ''")


def test_a_credential_without_principals_is_said_to_need_one() -> None:
    step = step_of(decided(replace(EXTERNAL, principals=())), "principal")
    assert step.detail.endswith("its principals: none")
    assert step.remedies[0].text == "Define the principal on Orders"


def test_the_remedy_names_the_set_that_grants_the_least() -> None:
    wide = PermissionSet("All", CLERKS.principals | {PrincipalReference("Bank", "Payer")})
    step = step_of(decided(wide, User("alice")), "principal")
    assert step.remedies[0].command == "callout permission-set assign 'Order Clerks' alice"
    step = step_of(decided(PermissionSet("Order Clerks"), User("alice")), "principal")
    assert step.remedies[0].command == (
        "callout permission-set create 'Orders Callers' --principal Orders/Service"
        " --user-external-credential read --assign alice"
    )


def test_the_remedy_for_a_missing_read_names_the_set_that_gives_the_least_else() -> None:
    readers = PermissionSet("Readers", user_external_credential=READ)
    poor = replace(USER, profile="Nothing")
    step = step_of(decided(NOTHING, poor, readers), "user_external_credential")
    assert step.remedies[0].command == "callout permission-set assign Readers alice"
    step = step_of(decided(NOTHING, poor, PermissionSet("External Credential User")), "user_external_credential")
    assert step.remedies[0].command == (
        "callout permission-set create 'External Credential Readers' --user-external-credential read --assign alice"
    )


# --- whose values ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "holder"),
    [
        (PrincipalType.NAMED, UserExternalCredentialKey("Orders", "Service")),
        (PrincipalType.PER_USER, UserExternalCredentialKey("Orders", "Service", "alice")),
        (PrincipalType.ANONYMOUS, UserExternalCredentialKey("Orders", "Service")),
    ],
)
def test_a_per_user_principal_has_values_for_each_user_and_others_one_set(kind: PrincipalType, holder) -> None:
    principal = Principal("Service", kind)
    assert holder_of(EXTERNAL, principal, "alice") == holder
    decision = decided(replace(EXTERNAL, principals=(principal,)), configured={holder: SET[SERVICE]})
    assert decision.allowed
    assert decision.holder == holder


def test_one_users_values_do_not_serve_another() -> None:
    external = replace(EXTERNAL, principals=(Principal("Service", PrincipalType.PER_USER),))
    bobs = UserExternalCredentialKey("Orders", "Service", "bob")
    decision = decided(external, configured={bobs: SET[SERVICE], SERVICE: SET[SERVICE]})
    assert reason_of(decision) == "principal_not_configured"
    command = step_of(decision, "configured").remedies[0].command
    assert command == "callout secret set Orders/Service password=- username=- --user alice"


def test_what_header_formulas_read_must_be_set_unless_a_parameter_says_it() -> None:
    headers = (CustomHeader("X-A", "{!$Credential.Orders.tenant & $Credential.Orders.region & $Credential.Other.x}"),)
    external = replace(EXTERNAL, protocol="custom", headers=headers, parameters={"tenant": "acme"})
    named = replace(NAMED, headers=(CustomHeader("X-B", "v={!$Credential.Orders.key}"),))
    assert required_names(CATALOGUE, external, Principal("Service")) == {"region"}
    assert required_names(CATALOGUE, external, Principal("Service", parameters={"region": "eu"}), named) == {"key"}
    step = step_of(decided(named, external, configured={}), "configured")
    assert step.detail == "Orders/Service lacks key, region; expected a value for each"


def test_a_parameter_does_not_stand_in_for_a_secret_of_the_protocol() -> None:
    external = replace(EXTERNAL, parameters={"password": "in the open"})
    assert required_names(CATALOGUE, external, Principal("Service")) == {"username", "password"}


def test_a_formula_that_cannot_be_parsed_is_named_with_its_place() -> None:
    step = step_of(decided(replace(NAMED, headers=(CustomHeader("X", "{!BLOB}"),))), "configured")
    assert "line 1, column 3" in step.detail
    assert step.remedies


def test_what_gives_a_user_anything_is_the_profile_then_each_set_then_those_of_groups() -> None:
    group = PermissionSetGroup("G", ("Order Clerks", "Extra"))
    user = User("alice", permission_sets=("Order Clerks",), permission_set_groups=("G",))
    org = org_of(group, PermissionSet("Extra"), user)
    assert [source.name for source in granting(org, "alice", NOW)] == [
        "Standard User",
        "Order Clerks",
        "Order Clerks",
        "Extra",
    ]
    assert list(granting(org, "nobody", NOW)) == []


@pytest.mark.parametrize(
    ("proof", "told"), [("name", True), ("diagnose", True), ("token of https://id.example.com", False)]
)
def test_who_asks_about_a_misspelt_user_is_told_the_nearest_and_a_caller_is_not(proof: str, told: bool) -> None:
    step = step_of(decided(caller=Caller("alcie", proof=proof)), "caller")
    assert ("the nearest is 'alice'" in step.detail) == told
    assert [remedy.command for remedy in step.remedies] == ["callout user set alcie --active"]


def test_a_name_that_no_user_can_have_is_no_command() -> None:
    step = step_of(decided(caller=Caller("Al Ice", proof="name")), "caller")
    assert [remedy.command for remedy in step.remedies] == [None]
