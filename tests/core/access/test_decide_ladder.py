"""The ladder as a whole: whatever is broken, the first broken rung is the reason, and its remedy moves the ladder on."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from hypothesis import event, given
from hypothesis import strategies as st

from callout.core.access.decide import decide
from callout.core.model.credentials import (
    CustomHeader,
    ExternalCredential,
    NamedCredential,
    Principal,
    PrincipalReference,
    PrincipalType,
)
from callout.core.model.org import Org
from callout.core.model.people import (
    Caller,
    ObjectPermission,
    Package,
    PermissionSet,
    PermissionSetGroup,
    Profile,
    User,
)
from callout.core.protocols import CATALOGUE
from tests.core.access.remedies import applied

NOW = datetime(2026, 1, 1, tzinfo=UTC)
READ = frozenset({ObjectPermission.READ})
WAYS = ("none", "profile", "permission_set", "group")


@dataclass(frozen=True)
class Situation:
    """One state of each rung, as an admin may have left it."""

    defined: bool
    active: bool
    namespace: str | None
    installed: bool
    enabled: bool
    maker: str | None
    allowed: bool
    grant: str
    granted_set_exists: bool
    read: str
    configured: bool
    principal_type: PrincipalType
    asked: str | None
    standard_set_kept: bool
    asks_to_use: bool

    @property
    def caller(self) -> Caller:
        return Caller("bob&o'neil", self.namespace, proof="key co_1")

    def expected(self) -> str | None:
        """Return the reason, said once more in other words than `decide` says it."""
        rungs = [
            (self.defined and self.active, "caller_unknown"),
            (self.namespace is None or self.installed, "caller_unknown"),
            (self.enabled, "callouts_disabled"),
            (self.namespace is None or self.allowed or self.maker == self.namespace, "namespace_not_allowed"),
            (self.grant != "none", "principal_not_granted"),
            (self.read != "none", "user_external_credential_denied"),
            (self.configured, "principal_not_configured"),
        ]
        return next((reason for held, reason in rungs if not held), None)


SITUATIONS = st.builds(
    Situation,
    defined=st.integers(0, 9).map(bool),
    active=st.integers(0, 9).map(bool),
    namespace=st.sampled_from([None, "acme"]),
    installed=st.integers(0, 4).map(bool),
    enabled=st.booleans(),
    maker=st.sampled_from([None, "acme", "other"]),
    allowed=st.booleans(),
    grant=st.sampled_from(WAYS),
    granted_set_exists=st.booleans(),
    read=st.sampled_from(WAYS),
    configured=st.booleans(),
    principal_type=st.sampled_from([PrincipalType.NAMED, PrincipalType.PER_USER]),
    asked=st.sampled_from([None, "Main Service"]),
    standard_set_kept=st.booleans(),
    asks_to_use=st.booleans(),
)


def org_of(situation: Situation) -> Org:
    """Build the org of a situation: grants and reads come each by one of four ways."""
    reference = frozenset({PrincipalReference("Orders", "Main Service")})
    gives = {way: (reference if situation.grant == way else frozenset()) for way in WAYS}
    reads = {way: (READ if situation.read == way else frozenset()) for way in WAYS}
    definitions = [
        ExternalCredential("Orders", "basic", principals=(Principal("Main Service", situation.principal_type),)),
        NamedCredential(
            "Orders",
            "https://orders.example",
            "Orders",
            enabled_for_callouts=situation.enabled,
            allowed_namespaces=("acme",) if situation.allowed else ("third",),
            headers=(CustomHeader("X-Tenant", "{!$Credential.Orders.tenant}"),),
            created_by_namespace=situation.maker,
        ),
        Profile("P", gives["profile"], reads["profile"]),
        PermissionSet("Direct", gives["permission_set"], reads["permission_set"]),
        PermissionSet("Grouped", gives["group"], reads["group"]),
        PermissionSetGroup("G", ("Grouped", "No Such Set")),
    ]
    if situation.granted_set_exists:
        definitions.append(PermissionSet("Order Clerks", reference))
    if situation.installed:
        definitions.append(Package("acme", uses=("Orders",) if situation.asks_to_use else ()))
    if situation.defined:
        sets, groups = ("Direct", "No Such Set"), ("G", "No Such Group")
        definitions.append(User(situation.caller.user, "P", sets, groups, active=situation.active))
    org = Org.of(*definitions)
    if situation.configured:
        holder = situation.caller.user if situation.principal_type is PrincipalType.PER_USER else None
        whose = f" --user {holder!r}" if holder else ""
        org = applied(org, f"callout secret set 'Orders/Main Service' username=- password=- tenant=-{whose}")
    if not situation.standard_set_kept:
        org = replace(org, permission_sets={n: s for n, s in org.permission_sets.items() if not s.standard})
    return org


@given(SITUATIONS)
def test_the_first_rung_that_does_not_hold_is_the_reason(situation: Situation) -> None:
    decision = decide(org_of(situation), CATALOGUE, situation.caller, "Orders", now=NOW, principal=situation.asked)
    event(str(situation.expected()))
    assert (decision.reason.code if decision.reason else None) == situation.expected()
    assert decision.allowed is (situation.expected() is None)
    refused = [step for step in decision.explanation.steps if not step.held]
    assert (decision.explanation.refused in refused) if refused else decision.allowed
    assert all(step.remedies and step.reason for step in refused)


@given(SITUATIONS)
def test_applying_the_remedy_of_the_reason_moves_the_ladder_on_until_the_callout_is_allowed(
    situation: Situation,
) -> None:
    org, seen = org_of(situation), []
    while not (
        decision := decide(org, CATALOGUE, situation.caller, "Orders", now=NOW, principal=situation.asked)
    ).allowed:
        step = decision.explanation.refused
        assert step is not None
        command = step.remedies[0].command
        assert command is not None
        seen.append((step.reason, command))
        assert len(seen) == len(set(seen)) < 10, seen
        org = applied(org, command)
    order = ("caller", "enabled", "namespace", "principal", "user_external_credential", "configured")
    names = [step.name for step in decision.explanation.steps if step.name != "named_credential"]
    assert names == list(order)


@given(SITUATIONS)
def test_applying_every_remedy_that_is_named_at_once_leaves_at_most_what_could_not_be_judged(
    situation: Situation,
) -> None:
    org = org_of(situation)
    first = decide(org, CATALOGUE, situation.caller, "Orders", now=NOW)
    for remedy in first.explanation.remedies:
        assert remedy.command is not None
        org = applied(org, remedy.command)
    second = decide(org, CATALOGUE, situation.caller, "Orders", now=NOW)
    judged = {step.name for step in first.explanation.steps}
    if first.reason is not None and first.reason.code != "caller_unknown":
        assert not [step.name for step in second.explanation.steps if not step.held and step.name in judged]


@given(SITUATIONS)
def test_a_decision_is_the_same_twice_and_changes_nothing(situation: Situation) -> None:
    org, again = org_of(situation), org_of(situation)
    assert decide(org, CATALOGUE, situation.caller, "Orders", now=NOW) == decide(
        org, CATALOGUE, situation.caller, "Orders", now=NOW
    )
    assert org == again
