"""The troubleshooting page of named credentials, row by row, as an admin with a browser walks it.

Each: the callout fails through the gateway; then from Setup by Quick Find to where a person looks; and it works.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, expect

from tests.counterparties.setup_browsing import Setup, signed_in
from tests.counterparties.setup_failing import STALE, fail, refreshed, turn_stale
from tests.furnished import Api
from tests.journeys.processes import Sandbox, callout_home


@dataclass(frozen=True)
class Place:
    """The running Callout and the system that it calls; the admin at the console, and keys of users as they are needed."""

    api: Api
    sandbox: Sandbox
    setup: Setup

    def refused(self, name: str, key: str, reason: str) -> str:
        """Make a callout that is refused; returns its id, once it is in the log."""
        answer = self.api.refused(name, key, reason)
        callout_id = answer.headers["Callout-Id"]
        self.api.logged(callout_id)
        return callout_id


@pytest.fixture(scope="module")
def place(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("failing")
    with (
        Sandbox(folder / "sandbox.log") as sandbox,
        callout_home(folder / "home") as home,
        home.serve() as server,
    ):
        api = Api(server, home.create_key("admin"))
        fail(api, sandbox)
        with signed_in(browser, server.setup, api.key) as setup:
            yield Place(api, sandbox, setup)


# --- where Salesforce's page sends a person ------------------------------------------------------------------------


def test_t1_a_status_code_is_added_to_the_external_credential(place: Place) -> None:
    api, setup, key = place.api, place.setup, place.api.key_of("alice")
    turn_stale(api, place.sandbox, "Billing", key)
    setup.open("/setup")
    setup.find("named credentials", "Named Credentials")
    setup.follow("Billing")
    setup.main.locator("dd").get_by_role("link", name="Billing", exact=True).click()
    setup.follow("Edit")
    field = setup.field("Additional Status Codes for Token Refresh")
    field.fill("302")
    setup.press("Save")
    expect(setup.main.get_by_role("alert")).to_contain_text("Additional Status Codes")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill(str(STALE["Billing"]))
    setup.save()
    expect(setup.main.locator("#status-codes")).to_contain_text("400")
    assert refreshed(api, "Billing", key).status_code == 200


def test_t2_a_principal_is_enabled_on_a_permission_set(place: Place) -> None:
    setup, key = place.setup, place.api.key_of("bob")
    place.refused("Orders", key, "principal_not_granted")
    setup.find("permission sets", "Permission Sets")
    setup.follow("Readers")
    setup.main.get_by_label("Principal", exact=True).select_option("Orders/Service")
    setup.press("Enable principal")
    setup.said("Orders/Service")
    place.api.succeeds("Orders", key)


def test_t3_the_object_permission_is_given_by_hand(place: Place) -> None:
    setup, key = place.setup, place.api.key_of("carol")
    place.refused("Orders", key, "user_external_credential_denied")
    setup.find("permission sets", "Permission Sets")
    setup.follow("Order Callers")
    setup.follow("Edit")
    setup.main.get_by_label("Read", exact=True).check()
    setup.save()
    place.api.succeeds("Orders", key)


def test_t4_both_that_are_missing_are_named_in_order(place: Place) -> None:
    setup, key = place.setup, place.api.key_of("dave")
    callout_id = place.refused("Orders", key, "principal_not_granted")
    setup.open(f"/setup/callouts/{callout_id}")
    told = setup.main.inner_text().lower()
    assert 0 < told.index("principal") < told.index("user external credential")
    setup.find("new permission set", "New permission set")
    setup.field("Name").fill("Both")
    setup.main.get_by_label("Principal", exact=True).select_option("Orders/Service")
    setup.main.get_by_label("Read", exact=True).check()
    setup.save()
    setup.main.get_by_label("User", exact=True).select_option("dave")
    setup.press("Assign")
    place.api.succeeds("Orders", key)


def test_t5_a_namespace_is_allowed_on_the_named_credential(place: Place) -> None:
    setup, key = place.setup, place.api.key_of("alice", "acme")
    place.refused("Orders", key, "namespace_not_allowed")
    setup.find("named credentials", "Named Credentials")
    setup.follow("Orders")
    setup.follow("Edit")
    setup.main.get_by_role("group", name="Allowed Namespaces for Callouts").get_by_label("acme").check()
    setup.save()
    place.api.succeeds("Orders", key)


def test_t6_what_the_code_of_a_package_created_is_judged_and_enabled(place: Place) -> None:
    setup, key = place.setup, place.api.key_of("alice", "acme")
    place.refused("AcmeFeed", key, "callouts_disabled")
    setup.find("AcmeFeed", "AcmeFeed")
    for told in ("acme", place.sandbox.url, "AcmeFeed/Service", "alice"):
        expect(setup.main).to_contain_text(told)
    setup.press("Enable for Callouts")
    setup.said("AcmeFeed")
    place.api.succeeds("AcmeFeed", key)
