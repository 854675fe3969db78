"""The troubleshooting page of named credentials, row by row, as an admin with a browser walks it.

Each: the callout fails through the gateway; then from Setup by Quick Find to where a person looks; and it works.
"""

from __future__ import annotations

import re
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
    failed = setup.main.locator(".ladder li.failed")
    expect(failed).to_have_count(2)
    expect(failed.nth(0)).to_contain_text("Orders/Service")
    expect(failed.nth(1)).to_contain_text("User External Credential")
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


# --- the short way ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A row that Troubleshoot mends: who meets it, by which name, as what code, why, and with how many changes."""

    row: str
    user: str
    reason: str
    name: str = "Orders"
    namespace: str | None = None
    changes: int = 1


ROWS = [
    Row("T2", "ben", "principal_not_granted"),
    Row("T3", "cleo", "user_external_credential_denied"),
    Row("T4", "dora", "principal_not_granted", changes=2),
    Row("T5", "alice", "namespace_not_allowed", namespace="beta"),
    Row("T6", "alice", "callouts_disabled", "BetaFeed", "beta"),
]


def mend(setup: Setup, name: str, user: str, row: str) -> int:
    """Apply what Troubleshoot offers for this row, each change shown before; returns how many there were."""
    changes = 0
    while True:
        setup.find("troubleshoot", "Troubleshoot")
        setup.main.get_by_label("Named Credential", exact=True).fill(name)
        setup.main.get_by_label("User", exact=True).fill(user)
        setup.press("Look")
        setup.page.wait_for_url(re.compile(f"user={user}"), wait_until="load")
        finding = setup.main.locator(".finding").filter(has=setup.page.locator(".pill", has_text=row))
        if changes and not finding.count():
            return changes
        finding.get_by_role("button", name="Show the change").first.click()
        expect(setup.page.get_by_role("heading", level=1)).to_have_text("What would change")
        expect(setup.main.locator("pre.diff")).to_contain_text("+")
        setup.press("Apply")
        expect(setup.main.locator(".said")).to_be_visible()
        changes += 1
        row = "T3" if row == "T4" else row  # what of the two is left


def test_t1_is_mended_from_troubleshoot_by_the_code_that_the_evidence_suggests(place: Place) -> None:
    key = place.api.key_of("alice")
    turn_stale(place.api, place.sandbox, "Invoices", key)
    assert mend(place.setup, "Invoices", "alice", "T1") == 1
    assert refreshed(place.api, "Invoices", key).status_code == 200


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.row)
def test_the_rows_about_access_are_mended_from_troubleshoot(place: Place, row: Row) -> None:
    key = place.api.key_of(row.user, row.namespace)
    place.refused(row.name, key, row.reason)
    assert mend(place.setup, row.name, row.user, row.row) == row.changes
    place.api.succeeds(row.name, key)
