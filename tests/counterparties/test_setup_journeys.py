"""What people come to Setup for, from its first page to what they came for, in Chromium against a running server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.counterparties.browsing import new_page
from tests.counterparties.external_system import Answer, ExternalSystem, Request
from tests.counterparties.keyboard import Keyboard
from tests.counterparties.setup_browsing import Setup, assert_usable, signed_in
from tests.furnished import Api
from tests.journeys.processes import Home, Server

PASSWORD, OTHER = "nine moons over the river", "lanterns on the water"
#: A canary: it may never show.
API_KEY = "c4n4ry-api-key-0123"


async def answered(_: Request) -> Answer:
    """Answer as any API does."""
    return Answer(200, (("Content-Type", "application/json"),), b'{"models": ["one"]}')


@dataclass(frozen=True)
class Place:
    """The running Callout, what `init` said of it, and the system that it calls."""

    home: Home
    server: Server
    api: Api
    system: ExternalSystem
    first_link: str

    def at(self, link: str) -> str:
        """Return a link as it is at the port that the server took."""
        to = urlsplit(link)
        return f"{self.server.setup}{to.path}?{to.query}"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = Home(tmp_path_factory.mktemp("journeys") / "home")
    made = home.json("init")
    with ExternalSystem(answered) as system, home.serve() as server:
        yield Place(home, server, Api(server, made["key"]), system, made["setup_url"])


def choose_password(page: Page, user: str, password: str) -> None:
    """Choose a password where an invite link leads."""
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Welcome, {user}")
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_label("Once more").fill(password)
    page.get_by_role("button", name="Set the password and sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Setup")


def sign_out(page: Page) -> None:
    page.locator("summary", has_text="Signed in as").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def sign_in(page: Page, user: str, password: str) -> None:
    page.get_by_label("User", exact=True).fill(user)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


# --- who comes in -------------------------------------------------------------------------------------------------


def test_the_first_admin_chooses_a_password_and_invites_a_colleague(browser: Browser, place: Place) -> None:
    place.api.apply({"users": {"alice": {"label": "Alice Miller"}}})
    with new_page(browser) as page, new_page(browser) as colleague:
        page.goto(place.server.setup)
        expect(page.get_by_role("heading", name="Nobody has a password yet")).to_be_visible()
        page.goto(place.at(place.first_link))
        choose_password(page, "admin", PASSWORD)
        sign_out(page)
        sign_in(page, "admin", OTHER)
        expect(page.get_by_role("alert")).to_contain_text("do not belong together")
        expect(page.get_by_label("User", exact=True)).to_have_value("admin")
        assert_usable(page)
        sign_in(page, "admin", PASSWORD)
        expect(page.get_by_role("heading", level=1)).to_have_text("Setup")
        setup = Setup(page, place.server.setup)
        setup.find("alice miller", "Alice Miller")
        setup.follow("Invite")
        setup.press("Make the link")
        link = setup.main.locator("#shown-once").inner_text()
        assert_usable(page)
        colleague.goto(link)
        choose_password(colleague, "alice", OTHER)
        expect(colleague.locator("summary", has_text="Signed in as")).to_contain_text("alice")
        expect(colleague.get_by_role("navigation", name="Setup", exact=True)).not_to_contain_text("Users")
        colleague.goto(f"{place.server.setup}/setup/users")
        expect(colleague.get_by_role("heading", level=1)).to_have_text("This was refused")
        sign_out(colleague)
        colleague.goto(link)
        expect(colleague.get_by_label("Once more")).to_have_count(0)


# --- by keyboard alone ----------------------------------------------------------------------------------------------


def come_in(keys: Keyboard, place: Place, user: str) -> None:
    """Choose a password, sign out, and sign in with it."""
    keys.page.goto(place.at(place.api.ask("POST", f"/users/{user}/invite")["link"]))
    keys.fill("Password", PASSWORD)
    keys.fill("Once more", PASSWORD)
    keys.page.keyboard.press("Enter")
    expect(keys.page.get_by_role("heading", level=1)).to_have_text("Setup")
    leave(keys)
    keys.page.keyboard.type(user)
    keys.fill("Password", PASSWORD)
    keys.page.keyboard.press("Enter")
    expect(keys.page.get_by_role("heading", level=1)).to_have_text("Setup")


def leave(keys: Keyboard) -> None:
    keys.press(keys.page.locator("summary", has_text="Signed in as"))
    keys.press(keys.page.get_by_role("button", name="Sign out"))
    expect(keys.page.get_by_label("User", exact=True)).to_be_focused()


def create(keys: Keyboard, url: str) -> None:
    """Find a preset, and fill in its form."""
    keys.find("quick create", "Quick Create")
    keys.arrive("Quick Create")
    keys.fill("Find a preset", "claude")
    keys.page.keyboard.press("Enter")
    expect(keys.main.get_by_role("status")).to_contain_text("1 preset")
    keys.arrive("Quick Create")
    keys.press(keys.main.get_by_role("link", name="Anthropic"))
    keys.arrive("New from preset: Anthropic")
    keys.fill("Name", "Models")
    keys.fill("ApiKey", API_KEY)
    keys.press(keys.main.locator("summary", has_text="More"), "Space")
    keys.press(keys.main.get_by_label("Allow private network"), "Space")
    keys.fill("URL", url)
    keys.button("Create")


def test_a_preset_is_created_tried_and_found_in_the_log_by_keyboard_alone(page: Page, place: Place) -> None:
    place.api.apply({"users": {"kim": {"profile": "System Administrator"}}})
    keys = Keyboard(page)
    come_in(keys, place, "kim")
    create(keys, place.system.url)
    keys.arrive("Models is made")
    assert_usable(page)
    keys.press(keys.main.get_by_role("link", name="Try it"))
    keys.arrive("Try it")
    keys.button("Send")
    picture = keys.main.locator(".picture")
    expect(picture).to_contain_text(f"GET {place.system.url}/v1/models")
    expect(picture).to_contain_text("x-api-key: …")
    expect(picture).to_contain_text('{"models": ["one"]}')
    assert API_KEY not in page.content()
    sent = [request.header("x-api-key") for request, _ in place.system.received if request.target == "/v1/models"]
    assert sent == [API_KEY]
    assert_usable(page)
    callout_id = keys.main.locator("a[href^='/setup/callouts/']").inner_text()
    place.api.logged(callout_id)
    keys.find("callout log", "Callout Log")
    keys.arrive("Callout Log")
    keys.press(keys.main.locator(f"a[href='/setup/callouts/{callout_id}']"))
    keys.arrive("GET Models")
    expect(keys.main).to_contain_text(callout_id)
    assert API_KEY not in page.content()
    leave(keys)


# --- packages -----------------------------------------------------------------------------------------------------


def test_what_the_code_of_a_package_asks_for_is_judged_and_approved(browser: Browser, place: Place) -> None:
    """The package asks to send an admin's own credential to an address of its choice."""
    api, system = place.api, place.system
    api.apply(
        {
            "external_credentials": {
                "Tills": {
                    "protocol": "custom",
                    "headers": [{"name": "X-Till", "value": "{!$Credential.Tills.Code}"}],
                    "principals": {"Service": {}},
                }
            },
            "packages": {"acme": {"label": "Acme Tools"}},
            "users": {"bob": {}},
        }
    )
    api.ask("PUT", "/external-credentials/Tills/principals/Service/secrets", values={"Code": "c4n4ry-till-code"})
    asked = {"url": f"{system.url}/acme", "external_credential": "Tills", "allow_private_network": True}
    Api(place.server, api.key_of("admin", "acme")).apply({"named_credentials": {"AcmeTills": asked}})
    key = api.key_of("bob", "acme")
    api.refused("AcmeTills", key, "callouts_disabled")
    with signed_in(browser, place.server.setup, api.key) as setup:
        setup.find("approvals", "Approvals")
        row = setup.main.get_by_role("row").filter(has_text="AcmeTills")
        for told in ("acme", "made it", f"{system.url}/acme", "Tills/Service", "nobody yet"):
            expect(row).to_contain_text(told)
        setup.follow("AcmeTills")
        expect(setup.main.locator(".note")).to_contain_text("Code of package acme made this")
        for told in (f"{system.url}/acme", "Tills", "Tills/Service", "nobody yet"):
            expect(setup.main.locator("dl")).to_contain_text(told)
        expect(setup.main.locator("#would .diff")).to_contain_text("enabled_for_callouts")
        setup.field("Permission Set").fill("Till Callers")
        setup.main.get_by_label("bob", exact=True).check()
        setup.press("Show what would change")
        expect(setup.main.locator("#would .diff")).to_contain_text("+ permission_sets.Till Callers")
        assert_usable(setup.page)
        api.refused("AcmeTills", key, "callouts_disabled")
        setup.press("Approve")
        setup.said("AcmeTills")
        api.succeeds("AcmeTills", key)
        assert system.received[-1][0].header("x-till") == "c4n4ry-till-code"
        setup.find("approvals", "Approvals")
        expect(setup.main).to_contain_text("Nothing waits for approval.")
