"""Connecting from the console at the certified provider: each their own, one for everybody, by a link that was sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect

from callout_client import AuthorizationRequired, Client
from tests.counterparties.browsing import accessibility_violations, new_page
from tests.counterparties.connecting import CLIENT, manifest_for
from tests.counterparties.provider import Provider
from tests.counterparties.setup_browsing import Setup, signed_in
from tests.furnished import Api, made_by_package
from tests.journeys.processes import Sandbox, callout_home, eventually


@dataclass(frozen=True)
class Desk:
    """The running server, its admin at the console, and the keys of its users."""

    api: Api
    keys: dict[str, str]
    browser: Browser

    def account(self, user: str, name: str) -> str:
        """Return whose account callouts of a user are made with, as soon as it is connected."""
        client = Client(self.api.server.gateway, self.keys[user])
        return str(eventually(lambda: client.get(f"callout:{name}/me").json()["sub"], instead_of=AuthorizationRequired))

    def at(self, user: str):
        """Open the console as a user."""
        return signed_in(self.browser, self.api.server.setup, self.keys[user])


@pytest.fixture(scope="module")
def desk(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    with (
        Provider(folder, [CLIENT]) as provider,
        callout_home(folder / "home") as home,
        home.serve() as server,
    ):
        api = Api(server, home.create_key("admin"))
        api.apply(manifest_for(provider))
        api.ask("POST", "/permission-sets/Callers/grant", user_external_credential=["create", "edit", "delete"])
        keys = {user: str(api.ask("POST", "/keys", user=user)["key"]) for user in ("alice", "bob", "carol")}
        yield Desk(api, {**keys, "admin": api.key}, browser)


def agree(page: Page, person: str) -> None:
    """Sign in at the provider, and agree."""
    page.locator("input[name=login]").fill(person)
    page.locator("input[name=password]").fill("any")
    page.locator("button[type=submit]").first.click()
    page.locator("button[type=submit]").first.click()


def connect(setup: Setup, name: str, person: str) -> None:
    """Press the button that connects, and come back connected."""
    setup.main.get_by_role("button", name=name).first.click()
    setup.page.get_by_role("button", name="Continue").click()
    agree(setup.page, person)
    setup.page.wait_for_url(re.compile(re.escape(setup.base) + "/setup/"))


def test_two_users_connect_and_each_sees_and_takes_back_their_own(desk: Desk) -> None:
    with desk.at("alice") as alice, desk.at("bob") as bob:
        for setup, user in ((alice, "alice"), (bob, "bob")):
            setup.find("my connections", "My Connections")
            expect(setup.main).to_contain_text("not connected")
            connect(setup, "Connect Own/User", f"{user}-there")
            expect(setup.main).to_contain_text(f"{user}-there")
            assert accessibility_violations(setup.page) == []
            assert desk.account(user, "Own") == f"{user}-there"
        alice.open("/setup/connections")
        expect(alice.main).to_contain_text("alice-there")
        expect(alice.main).not_to_contain_text("bob")
        alice.main.get_by_role("button", name="Disconnect Own/User").click()
        expect(alice.page.get_by_role("heading", level=1)).to_contain_text("Disconnect")
        alice.main.get_by_role("button", name="Disconnect").click()
        expect(alice.main).to_contain_text("not connected")
        bob.open("/setup/connections")
        expect(bob.main).to_contain_text("bob-there")
    assert desk.account("bob", "Own") == "bob-there"
    with pytest.raises(AuthorizationRequired):
        eventually(lambda: refused(desk, "alice"), instead_of=AssertionError)


def refused(desk: Desk, user: str) -> None:
    """Raise AuthorizationRequired as soon as a user's callouts need a connection again."""
    answer = Client(desk.api.server.gateway, desk.keys[user]).get("callout:Own/me")
    raise AssertionError(f"got {answer.status_code}; expected that a connection is needed")


def test_an_admin_authenticates_a_principal_that_everybody_shares(desk: Desk) -> None:
    with desk.at("admin") as admin:
        admin.find("Shared", "Shared")
        admin.open("/setup/external-credentials/Shared")
        connect(admin, "Authenticate Service", "robot-there")
        expect(admin.main).to_contain_text("robot-there")
    assert desk.account("carol", "Shared") == "robot-there"


def test_a_link_that_an_admin_makes_connects_the_user_it_is_sent_to(desk: Desk) -> None:
    with desk.at("admin") as admin:
        admin.open("/setup/external-credentials/Own/principals/User")
        admin.main.get_by_label("For", exact=True).select_option("carol")
        admin.press("Make a link")
        link = admin.main.locator("code", has_text="/connect/").first.inner_text().strip()
        assert accessibility_violations(admin.page) == []
    with new_page(desk.browser) as page:  # nobody is signed in there
        page.goto(link)
        page.get_by_role("button", name="Continue").click()
        agree(page, "carol-there")
        expect(page.get_by_role("heading", name="Connected")).to_be_visible()
    assert desk.account("carol", "Own") == "carol-there"


def test_what_a_package_asks_is_judged_and_approved(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> None:
    api = desk.api
    with Sandbox(tmp_path_factory.mktemp("sandbox") / "sandbox.log", "--basic", "robot:any") as sandbox:
        api.apply({"packages": {"acme": {"label": "Acme Tools"}}})
        api.apply(made_by_package(sandbox), namespace="acme")
        values = {"username": "robot", "password": "any"}
        api.ask("PUT", "/external-credentials/AcmeFeed/principals/Service/secrets", values=values)
        key = str(api.ask("POST", "/keys", user="alice", namespace="acme")["key"])
        api.refused("AcmeFeed", key, "callouts_disabled")
        with desk.at("admin") as admin:
            admin.find("approvals", "Approvals")
            admin.follow("AcmeFeed")
            for told in ("acme", sandbox.url, "AcmeFeed/Service"):
                expect(admin.main).to_contain_text(told)
            admin.field("Permission Set").fill("Acme Callers")
            admin.main.get_by_role("checkbox", name="alice").check()
            admin.press("Show what would change")
            expect(admin.main.locator("pre.diff")).to_contain_text("alice")
            admin.press("Approve")
            expect(admin.main.locator(".said")).to_be_visible()
        assert api.succeeds("AcmeFeed", key).status_code == 200
