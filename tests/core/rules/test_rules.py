"""`problems_of`: which definitions are judged, and what holds across a section."""

from callout.core.model.credentials import ExternalCredential, NamedCredential, Principal, PrincipalReference
from callout.core.model.org import Org
from callout.core.model.people import Package, PermissionSet, PermissionSetGroup, Profile, User
from callout.core.protocols import CATALOGUE
from callout.core.rules import LONGEST_DESCRIPTION, problems_of

HTTP = {"token_endpoint": "http://id.internal/token"}
GRANT = frozenset({PrincipalReference("Orders", "Service")})


def places(org, changed=None):
    return {problem.place for problem in problems_of(org, CATALOGUE, changed)}


def test_what_callout_ships_is_accepted():
    assert problems_of(Org.of(), CATALOGUE) == ()


def test_every_definition_is_judged_where_nothing_is_said_to_have_changed():
    org = Org.of(ExternalCredential("A", "x"), User("b", "x"), Package("-"), PermissionSetGroup("G", ("x",)))
    assert places(org) == {
        "external_credentials.A.protocol",
        "users.b.profile",
        "packages.-",
        "permission_set_groups.G.permission_sets[x]",
    }


def test_what_did_not_change_is_not_judged():
    org = Org.of(ExternalCredential("A", "x"), ExternalCredential("B", "x"))
    assert places(org, {("external_credentials", "A")}) == {"external_credentials.A.protocol"}


def test_what_names_a_removed_definition_is_judged():
    org = Org.of(
        NamedCredential("N", "https://n.example", "Orders"),
        PermissionSet("S", GRANT),
        Profile("P", GRANT),
        PermissionSet("Unconcerned", frozenset({PrincipalReference("X", "Y")})),
    )
    assert places(org, {("external_credentials", "Orders")}) == {
        "named_credentials.N.external_credential",
        "permission_sets.S.principals[Orders/Service]",
        "profiles.P.principals[Orders/Service]",
    }


def test_a_removed_permission_set_profile_or_group_is_missed_by_those_who_have_it():
    org = Org.of(User("a", "P", ("S",), ("G",)), PermissionSetGroup("H", ("S",)))
    gone = {("profiles", "P"), ("permission_sets", "S"), ("permission_set_groups", "G")}
    assert len(places(org, gone)) == 4
    assert places(org, {("profiles", "Q")}) == set()


def test_a_changed_named_credential_has_its_external_credential_judged_again():
    external = ExternalCredential("Orders", "oauth2_client_credentials", HTTP, principals=(Principal("Service"),))
    org = Org.of(external, NamedCredential("N", "https://n.example", "Orders"))
    assert places(org, {("named_credentials", "N")}) == {"external_credentials.Orders.parameters.token_endpoint"}


def test_names_that_differ_in_case_alone_are_refused_at_the_one_that_changed():
    org = Org.of(ExternalCredential("Orders", "none"), ExternalCredential("ORDERS", "none"))
    assert places(org, {("external_credentials", "ORDERS")}) == {"external_credentials.ORDERS"}
    assert places(org, {("external_credentials", "Orders")}) == {"external_credentials.Orders"}
    assert places(org, set()) == set()
    assert len(places(org)) == 1


def test_texts_for_people_are_bounded_and_printable():
    org = Org.of(
        ExternalCredential("A", "none", description="x" * (LONGEST_DESCRIPTION + 1)),
        ExternalCredential("B", "none", label="a\x1b[31mb"),
        ExternalCredential("C", "none", description="two\nlines", label="Über"),
    )
    assert places(org) == {"external_credentials.A.description", "external_credentials.B.label"}
