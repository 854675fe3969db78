"""Who gets into the console, in a browser: the first run, a password, an invitation, and single sign-on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.counterparties.browsing import accessibility_violations, new_page
from tests.counterparties.provider import Provider
from tests.counterparties.setup_browsing import Setup
from tests.counterparties.test_single_sign_on import CLIENT, SECRET
from tests.journeys.processes import Home, Server, callout_home

PASSWORD, OTHERS = "under nine c4n4ry moons", "lanterns on the c4n4ry river"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with callout_home(tmp_path_factory.mktemp("signing") / "home") as home:
        yield home


@pytest.fixture(scope="module")
def server(home: Home) -> Iterator[Server]:
    with home.serve() as server:
        yield server


@pytest.fixture
def setup(page: Page, server: Server) -> Setup:
    return Setup(page, server.setup)


def choose_password(setup: Setup, link: str, password: str) -> None:
    """Open the link of an invitation, and choose a password at it."""
    address = urlsplit(link)
    setup.open(f"{address.path}?{address.query}")
    assert accessibility_violations(setup.page) == []
    setup.page.get_by_label("Password", exact=True).fill(password)
    setup.page.get_by_label("Once more").fill(password)
    setup.page.get_by_role("button", name="Set the password and sign in").click()
    expect(setup.page.locator("#find")).to_be_visible()


def enter(setup: Setup, user: str, password: str) -> None:
    """Give a name and a password, by keyboard."""
    setup.open("/setup/sign-in")
    setup.page.get_by_label("User").fill(user)
    setup.page.get_by_label("Password", exact=True).fill(password)
    setup.page.keyboard.press("Enter")


def sign_out(setup: Setup) -> None:
    setup.page.locator("summary", has_text="Signed in as").click()
    setup.page.get_by_role("button", name="Sign out").click()
    expect(setup.page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_1_the_first_admin_chooses_a_password_and_signs_in_with_it(setup: Setup, home: Home) -> None:
    setup.open("/setup")
    expect(setup.main).to_contain_text("Nobody has a password yet")
    assert accessibility_violations(setup.page) == []
    choose_password(setup, json.loads(home.run("user", "invite", "admin", "--json"))["link"], PASSWORD)
    sign_out(setup)
    enter(setup, "admin", "not my password")
    expect(setup.page.get_by_role("alert")).to_be_visible()
    enter(setup, "admin", PASSWORD)
    expect(setup.page.locator("summary", has_text="Signed in as")).to_contain_text("admin")


def test_2_an_admin_invites_a_user_who_sees_their_own_alone(setup: Setup, browser: Browser, server: Server) -> None:
    enter(setup, "admin", PASSWORD)
    expect(setup.page.locator("summary", has_text="Signed in as")).to_be_visible()
    setup.find("new user", "New user")
    setup.main.get_by_label("Name", exact=False).first.fill("alice")
    setup.main.get_by_label("Profile", exact=False).first.select_option("Standard User")
    setup.save()
    setup.follow("Invite")
    setup.main.locator("button.main").first.click()
    link = setup.main.locator("#shown-once").inner_text().strip()
    with new_page(browser) as page:
        alice = Setup(page, server.setup)
        choose_password(alice, link, OTHERS)
        expect(page.get_by_role("navigation", name="Setup", exact=True)).not_to_contain_text("Users")
        alice.open("/setup/users")
        expect(page.get_by_role("heading", level=1)).to_have_text("This was refused")
        alice.open(f"{urlsplit(link).path}?{urlsplit(link).query}")  # good once
        expect(page.get_by_role("heading", level=1)).not_to_contain_text("Welcome")


def test_3_somebody_comes_in_from_a_trusted_issuer(
    setup: Setup, home: Home, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Provider(tmp_path_factory.mktemp("provider"), [CLIENT]) as provider:
        issuer = {
            "issuer": provider.ready["issuer"],
            "audience": "callout",
            "allow_private_network": True,
            "users": {"bob-there": "bob"},
            "label": "Example ID",
            "client_id": CLIENT["client_id"],
            "secrets": {"client_secret": SECRET},
        }
        home.apply({"trusted_issuers": {"Login": issuer}, "users": {"bob": {}}})
        setup.open("/setup/me")
        setup.main.get_by_role("link", name="Sign in with Example ID").click()
        setup.page.locator("input[name=login]").fill("bob-there")
        setup.page.locator("input[name=password]").fill("any")
        setup.page.locator("button[type=submit]").first.click()
        setup.page.locator("button[type=submit]").first.click()
        expect(setup.page.get_by_role("heading", level=1)).to_have_text("My Account")
        expect(setup.main).to_contain_text("bob")
        sign_out(setup)
