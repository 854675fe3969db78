"""Accounts at a certified OAuth server, connected in Setup: one that everybody shares, one of each user, and by a link."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.counterparties.browsing import new_page
from tests.counterparties.connected_world import ConnectedWorld
from tests.counterparties.connecting import CLIENT, manifest_for
from tests.counterparties.consent import approve_device
from tests.counterparties.provider import Provider
from tests.counterparties.setup_browsing import Setup, agree_as, assert_usable, signed_in
from tests.furnished import Api
from tests.journeys.processes import callout_home


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with Provider(tmp_path_factory.mktemp("provider"), [CLIENT]) as provider:
        yield provider


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[ConnectedWorld]:
    with callout_home(tmp_path_factory.mktemp("home") / "home") as home, home.serve() as server:
        world = ConnectedWorld(home, server, (), asks="me")
        api = Api(server, world.keys["admin"])
        api.apply(manifest_for(provider))
        world.keys |= {user: api.key_of(user) for user in ("alice", "bob", "carol")}
        yield world


@pytest.fixture(scope="module")
def admin(browser: Browser, world: ConnectedWorld) -> Iterator[Setup]:
    with signed_in(browser, world.server.setup, world.keys["admin"]) as setup:
        yield setup


@pytest.fixture(scope="module")
def alice(browser: Browser, world: ConnectedWorld) -> Iterator[Setup]:
    with signed_in(browser, world.server.setup, world.keys["alice"]) as setup:
        yield setup


@pytest.fixture(scope="module")
def bob(browser: Browser, world: ConnectedWorld) -> Iterator[Setup]:
    with signed_in(browser, world.server.setup, world.keys["bob"]) as setup:
        yield setup


def go_on(page: Page, label: str) -> None:
    """Go on at the page that says what would be connected."""
    expect(page.get_by_role("heading", name=f"Connect {label}")).to_be_visible()
    page.get_by_role("button", name="Continue").click()


def own(setup: Setup) -> Locator:
    """Return what My Connections shows of the one credential that each user connects."""
    return setup.main.locator(".connection").filter(has_text="Own/User")


def connect(setup: Setup, account: str) -> None:
    setup.find("my connections", "My Connections")
    expect(own(setup)).to_contain_text("not connected")
    own(setup).get_by_role("button", name="Connect Own/User").click()
    go_on(setup.page, "Example ID")
    agree_as(setup.page, account)
    setup.said(f"Connected as {account}")
    expect(own(setup)).to_contain_text(re.compile(f"Account\\s*{account}, since"))


def disconnect(setup: Setup) -> None:
    setup.find("my connections", "My Connections")
    own(setup).get_by_role("button", name="Disconnect Own/User").click()
    expect(setup.page.get_by_role("heading", level=1)).to_contain_text("Disconnect")
    expect(setup.main).to_contain_text("Callouts fail until it is connected again")
    assert_usable(setup.page)
    setup.press("Disconnect")
    expect(own(setup)).to_contain_text("not connected")


def test_an_admin_authenticates_what_everybody_shares_and_sees_as_whom(admin: Setup, world: ConnectedWorld) -> None:
    world.refusal("bob", "Shared", "authorization_required")
    admin.find("external credentials", "External Credentials")
    admin.follow("Shared")
    admin.main.get_by_role("link", name="Service", exact=True).first.click()
    expect(admin.main).to_contain_text(re.compile(r"Connected\s*No"))
    admin.press("Authenticate")
    go_on(admin.page, "Example ID")
    agree_as(admin.page, "robot-at-the-provider")
    admin.said("Connected as robot-at-the-provider")
    expect(admin.page.get_by_role("heading", level=1)).to_have_text("Service")
    expect(admin.main).to_contain_text(re.compile(r"as robot-at-the-provider, since .*, by admin"))
    assert "code=" not in admin.page.url
    assert world.connected_account("bob", "Shared") == "robot-at-the-provider"


def test_two_users_connect_their_own_and_one_disconnects(alice: Setup, bob: Setup, world: ConnectedWorld) -> None:
    accounts = {"alice": "alice-at-the-provider", "bob": "bob-at-the-provider"}
    connect(alice, accounts["alice"])
    connect(bob, accounts["bob"])
    assert {user: world.connected_account(user, "Own") for user in accounts} == accounts
    for setup, theirs, others in ((alice, "alice", "bob"), (bob, "bob", "alice")):
        setup.open("/setup/connections")
        expect(own(setup)).to_contain_text(accounts[theirs])
        assert accounts[others] not in setup.page.content()
    disconnect(alice)
    world.refusal("alice", "Own", "authorization_required")
    assert world.account("bob", "Own") == accounts["bob"]
    bob.open("/setup/connections")
    expect(own(bob)).to_contain_text(accounts["bob"])


def test_a_code_that_is_entered_elsewhere_connects_too(alice: Setup, world: ConnectedWorld) -> None:
    alice.find("my connections", "My Connections")
    own(alice).get_by_role("button", name="Use a device code for Own/User").click()
    expect(alice.main.locator(".code")).to_contain_text("-")
    assert_usable(alice.page)
    complete = alice.main.locator("a[href*='user_code=']").get_attribute("href")
    assert complete is not None
    approve_device(complete, "alice-by-device")
    alice.press("Look again")
    alice.said("Connected as alice-by-device")
    assert world.connected_account("alice", "Own") == "alice-by-device"


def test_a_link_that_the_admin_sends_connects_who_is_not_signed_in(
    browser: Browser, admin: Setup, world: ConnectedWorld
) -> None:
    admin.find("Own/User", "User")
    admin.main.get_by_label("For", exact=True).select_option("carol")
    admin.press("Make a link")
    link = admin.main.locator(".once").inner_text().split()[0]
    assert_usable(admin.page)
    admin.follow("Done")
    with new_page(browser) as page:
        page.goto(link)
        expect(page.locator(".note")).to_contain_text("admin sent this link")
        expect(page.locator(".note")).to_contain_text("carol")
        go_on(page, "Example ID")
        agree_as(page, "carol-at-the-provider")
        expect(page.get_by_role("heading", name="Connected")).to_be_visible()
        page.goto(link)
        expect(page.get_by_role("heading", name="Not connected")).to_be_visible()
        page.goto(f"{world.server.setup}/setup/connections")
        expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    admin.open("/setup/external-credentials/Own/principals/User?user=carol")
    expect(admin.main).to_contain_text("as carol-at-the-provider, since")
    assert world.connected_account("carol", "Own") == "carol-at-the-provider"
