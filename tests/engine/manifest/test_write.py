"""Writing a manifest: stable, without defaults and secrets, and read again it means the same."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from callout.core.model.credentials import (
    CustomHeader,
    ExternalCredential,
    NamedCredential,
    Principal,
    PrincipalReference,
    UserExternalCredentialKey,
)
from callout.core.model.org import Org
from callout.core.model.people import Package, PermissionSet, User
from callout.engine.manifest import plain_fields, read_manifest, write_manifest
from tests.engine.manifest.orgs import ORGS

HEAD = "# Definitions of Callout. Secrets are kept apart: set them with `callout secret set`.\n"

ORG = Org.of(
    ExternalCredential(
        "Orders",
        "oauth2_client_credentials",
        {"token_endpoint": "https://id.example.com/token"},
        (601, 400),
        (CustomHeader("X-Tenant", "{!$Credential.Orders.tenant}"),),
        (Principal("Second", sequence=2), Principal("First")),
        label="Orders",
    ),
    NamedCredential("Orders", "https://orders.example.com", "Orders", False, created_by_namespace="acme"),
    PermissionSet("Order Clerks", frozenset({PrincipalReference("Orders", "First")})),
    User("alice", permission_sets=("Order Clerks",)),
    Package("acme"),
    configured={UserExternalCredentialKey("Orders", "First"): frozenset({"client_secret", "client_id"})},
)

WRITTEN = (
    HEAD
    + """\
external_credentials:
  Orders:
    protocol: oauth2_client_credentials
    parameters:
      token_endpoint: https://id.example.com/token
    additional_status_codes:
      - 400
      - 601
    headers:
      - name: X-Tenant
        value: '{!$Credential.Orders.tenant}'
    principals:
      First:
        # secrets set: client_id, client_secret
      Second:
        sequence: 2
    label: Orders
named_credentials:
  Orders:  # made by package acme
    url: https://orders.example.com
    external_credential: Orders
    enabled_for_callouts: false
permission_sets:
  Order Clerks:
    principals:
      - Orders/First
packages:
  acme:
users:
  alice:
    permission_sets:
      - Order Clerks
"""
)


def read(text):
    return read_manifest(text, "m.yaml", pytest.fail)


def test_definitions_are_written_in_a_stable_order_without_defaults():
    assert write_manifest(ORG) == WRITTEN


def test_the_order_in_which_things_were_defined_does_not_show():
    definitions = ORG.definitions()
    again = Org.of(*reversed(definitions), configured=ORG.configured)
    assert write_manifest(again) == WRITTEN


def test_an_org_as_shipped_is_an_empty_manifest_that_can_be_read():
    assert write_manifest(Org.of()) == HEAD + "{}\n"
    assert read(HEAD + "{}\n").definitions == ()


def test_what_callout_ships_is_written_where_it_was_changed():
    standard = Org.of().profiles["Standard User"]
    taken = Org.of(replace(standard, user_external_credential=frozenset()))
    assert write_manifest(taken) == HEAD + "profiles:\n  Standard User:\n    user_external_credential: []\n"
    assert read(write_manifest(taken)).definitions == (taken.profiles["Standard User"],)


def test_a_text_of_several_lines_stays_on_one():
    org = Org.of(ExternalCredential("A", "none", description="one\ntwo: # three\n"))
    assert r'description: "one\ntwo: # three\n"' in write_manifest(org)


def by_name(definitions):
    """What each definition means, whatever it is ordered by; without who made it, which no manifest says."""
    return {(type(d), getattr(d, "name", "") or d.namespace): plain_fields(d, everything=True) for d in definitions}


@given(ORGS)
@settings(max_examples=100, deadline=None)
def test_what_is_written_reads_as_the_same_definitions(org):
    manifest = read(write_manifest(org))
    shipped = Org.of().definitions()
    assert by_name([*shipped, *manifest.definitions]) == by_name(org.definitions())


@given(ORGS)
@settings(max_examples=25, deadline=None)
def test_each_value_takes_one_line(org):
    lines = write_manifest(org).splitlines()
    assert all(line.lstrip().startswith(("#", "- ")) or ":" in line or line == "{}" for line in lines)
