"""The connect pages in a real browser: named and per user, in a frame, on a phone, in the dark, by keyboard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from callout_client import AuthorizationRequired, Client
from tests.counterparties.browsing import accessibility_violations
from tests.counterparties.connecting import CLIENT, manifest_for
from tests.counterparties.provider import Provider
from tests.counterparties.wsgi import ServedApplication
from tests.journeys.processes import PATIENCE, Home, Server, callout_home, eventually

#: A page of somebody's own that shows a connect page in a frame and writes down what it is told.
HOST = """<!DOCTYPE html><html lang="en"><title>Desk</title><main><h1>Desk</h1><p id="told">nothing</p>
<iframe title="Connect" src="{src}" width="600" height="600"></iframe></main>
<script>addEventListener("message", event => document.getElementById("told").textContent =
event.origin + " " + JSON.stringify(event.data))</script></html>"""


@pytest.fixture(scope="module")
def host() -> Iterator[ServedApplication]:
    application = Flask("host")
    application.add_url_rule("/desk", "desk", lambda: HOST.replace("{src}", host_frame["src"]))
    application.add_url_rule("/back", "back", lambda: "<!DOCTYPE html><title>Back</title><h1>Back at the desk</h1>")
    with ServedApplication(application) as host:
        yield host


host_frame = {"src": ""}


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with Provider(tmp_path_factory.mktemp("provider"), [CLIENT]) as provider:
        yield provider


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, provider: Provider, host: ServedApplication) -> Iterator[Home]:
    environment = {"CALLOUT_CONNECT_FRAME_ANCESTORS": host.url, "CALLOUT_CONNECT_RETURN_ORIGINS": host.url}
    with callout_home(tmp_path_factory.mktemp("home") / "home", environment) as home:
        home.apply(manifest_for(provider))
        yield home


@pytest.fixture(scope="module")
def server(home: Home) -> Iterator[Server]:
    with home.serve() as server:
        yield server


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shots")


@pytest.fixture(scope="module")
def keys(home: Home) -> dict[str, str]:
    return {user: home.create_key(user) for user in ("alice", "bob", "carol", "admin")}


def sign_in(page: Page, person: str) -> None:
    """Sign in at the provider, and agree."""
    page.locator("input[name=login]").fill(person)
    page.locator("input[name=password]").fill("any")
    page.locator("button[type=submit]").first.click()
    page.locator("button[type=submit]").first.click()


def connect_url(server: Server, key: str, name: str = "Own") -> str:
    with pytest.raises(AuthorizationRequired) as refused:
        Client(server.gateway, key).get(f"callout:{name}/me")
    assert refused.value.connect_url is not None
    return refused.value.connect_url


def account(server: Server, key: str, name: str = "Own") -> str:
    return eventually(
        lambda: Client(server.gateway, key).get(f"callout:{name}/me").json()["sub"], instead_of=AuthorizationRequired
    )


@pytest.mark.parametrize("user", ["alice", "bob"])
def test_a_user_connects_an_account_by_keyboard_alone(page: Page, server, keys, shots, user: str) -> None:
    page.goto(connect_url(server, keys[user]))
    expect(page.get_by_role("heading", name="Connect Example ID")).to_be_visible()
    assert accessibility_violations(page) == []
    page.screenshot(path=shots / f"confirm-{user}.png", full_page=True)
    page.keyboard.press("Enter")
    sign_in(page, f"{user}-at-the-provider")
    expect(page.get_by_role("heading", name="Connected")).to_be_visible()
    assert "code=" not in page.url
    assert accessibility_violations(page) == []
    page.screenshot(path=shots / f"connected-{user}.png", full_page=True)
    assert account(server, keys[user]) == f"{user}-at-the-provider"


def test_an_admin_signs_in_with_a_key_and_connects_what_everybody_shares(page: Page, server, keys, host, shots):
    page.goto(f"{server.setup}/connect/Shared/Service?return_url={host.url}/back")
    assert accessibility_violations(page) == []
    page.screenshot(path=shots / "who.png", full_page=True)
    page.get_by_label("Callout key").fill("co_wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("not accepted")
    page.screenshot(path=shots / "who-wrong.png", full_page=True)
    page.get_by_label("Callout key").fill(keys["admin"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("shared by everybody")).to_be_visible()
    page.screenshot(path=shots / "confirm-named.png", full_page=True)
    page.get_by_role("button", name="Continue").click()
    sign_in(page, "robot-at-the-provider")
    expect(page.get_by_role("heading", name="Back at the desk")).to_be_visible()
    assert page.url == f"{host.url}/back?connected=Shared%2FService"
    assert account(server, keys["alice"], "Shared") == "robot-at-the-provider"


def test_a_page_in_a_frame_tells_the_page_around_it(page: Page, server, keys, host, shots):
    host_frame["src"] = connect_url(server, keys["carol"]) + "&embedded=1"
    page.goto(f"{host.url}/desk")
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="Connect Example ID")).to_be_visible()
    page.screenshot(path=shots / "framed.png", full_page=True)
    with page.context.expect_page() as opened:
        frame.get_by_role("link", name="Connect in a new window").click()
    window = opened.value
    window.get_by_role("button", name="Continue").click()
    sign_in(window, "carol-at-the-provider")
    expect(window.get_by_role("heading", name="Connected")).to_be_visible()
    expect(page.locator("#told")).to_contain_text("callout:connected")
    origin, _, told = (page.locator("#told").text_content() or "").partition(" ")
    assert origin == server.setup
    assert json.loads(told) == {"type": "callout:connected", "reference": "Own/User", "user": "carol"}
    page.screenshot(path=shots / "framed-connected.png", full_page=True)


def test_what_goes_wrong_says_what_helps(browser: Browser, server, shots):
    with browser.new_context(viewport={"width": 360, "height": 740}, color_scheme="dark") as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(f"{server.setup}/connect/Own/User?link=forged")
        expect(page.get_by_role("heading", name="Not connected")).to_be_visible()
        assert accessibility_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.screenshot(path=shots / "refused-phone-dark.png", full_page=True)


def test_a_phone_in_the_dark_shows_the_confirm_page(browser: Browser, server, keys, home, shots):
    url = json.loads(home.run("connect", "Shared/Service", "--link", "--json"))["url"]
    query = url.partition("/connect/")[2]
    with browser.new_context(viewport={"width": 360, "height": 740}, color_scheme="dark") as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(f"{server.setup}/connect/{query}")
        expect(page.get_by_role("heading", name="Connect Example ID")).to_be_visible()
        assert accessibility_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.screenshot(path=shots / "confirm-phone-dark.png", full_page=True)
