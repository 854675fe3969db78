"""Rules over named credentials."""

import pytest

from callout.core.model.credentials import CustomHeader, ExternalCredential, NamedCredential
from callout.core.model.org import Org
from callout.core.protocols import CATALOGUE
from callout.core.rules.named_credentials import named_credential_problems

ORG = Org.of(ExternalCredential("Orders", "basic"), ExternalCredential("Open", "none"))


def found(name="Orders", url="https://orders.example.com/v2", external_credential="Orders", **fields):
    named = NamedCredential(name, url, external_credential, **fields)
    problems = named_credential_problems(ORG, CATALOGUE, named)
    return {p.place.removeprefix(f"named_credentials.{name}").removeprefix("."): p for p in problems}


def test_a_whole_named_credential_is_accepted():
    assert found(allowed_namespaces=("acme",), headers=(CustomHeader("X", "{!$Credential.Orders.username}"),)) == {}


def test_a_name_with_a_space_is_refused():
    assert "" in found(name="My Orders")


def test_a_url_with_a_query_is_refused_without_showing_it():
    problem = found(url="https://orders.example.com/?key=hunter2")["url"]
    assert "without a query" in problem.expected
    assert "hunter2" not in str(problem)


def test_http_follows_allow_private_network():
    assert "url" in found(url="http://127.0.0.1:9000")
    assert found(url="http://127.0.0.1:9000", allow_private_network=True) == {}


def test_an_external_credential_that_is_not_defined_is_refused_with_the_nearest():
    problem = found(external_credential="Order")["external_credential"]
    assert problem.nearest == "Orders"
    assert "Open, Orders" in problem.expected


@pytest.mark.parametrize("namespaces", [("9x",), ("acme", "acme"), ("a b",)])
def test_namespaces_are_well_formed_and_given_once(namespaces):
    assert f"allowed_namespaces[{namespaces[-1]}]" in found(allowed_namespaces=namespaces)


def test_an_impossible_maker_is_refused():
    assert "created_by_namespace" in found(created_by_namespace="no such")


def test_a_custom_authorization_header_needs_the_generated_one_to_be_off():
    header = (CustomHeader("Authorization", "x"),)
    assert "headers[0].name" in found(headers=header)
    assert found(headers=header, generate_authorization_header=False) == {}
    assert found(headers=header, external_credential="Open") == {}


def test_a_formula_reads_the_external_credential_that_is_used():
    header = (CustomHeader("X", "{!$Credential.Orders.username}"),)
    assert "headers[0].value" in found(headers=header, external_credential="Open")
