"""One external credential and three people in Chromium: each connects an account at a certified provider and acts with it.

Everything secret that goes over the wire meanwhile is kept by relays in between, and is looked for wherever Callout writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from callout_client import Client
from tests.counterparties.browsing import new_page
from tests.counterparties.connected_world import ConnectedWorld
from tests.counterparties.connecting import CLIENT, manifest_for
from tests.counterparties.provider import Provider
from tests.counterparties.relay import Relay
from tests.journeys.processes import callout_home

USERS = ("alice", "bob", "carol")


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with Provider(tmp_path_factory.mktemp("provider"), [CLIENT]) as provider:
        yield provider


@pytest.fixture(scope="module")
def relay(provider: Provider) -> Iterator[Relay]:
    at = urlsplit(provider.ready["issuer"])
    with Relay(f"{at.scheme}://{at.netloc}") as relay:
        yield relay


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, provider: Provider, relay: Relay) -> Iterator[ConnectedWorld]:
    with callout_home(tmp_path_factory.mktemp("home") / "home") as home:
        home.apply(through(relay, manifest_for(provider)))
        with home.serve("--workers", "2") as server:
            yield ConnectedWorld(home, server, USERS, asks="me")


def through(relay: Relay, manifest: dict) -> dict:
    """Let Callout reach the provider through the relay, but the browser as the provider says."""
    parameters = manifest["external_auth_identity_providers"]["Id"]["parameters"]
    for name in ("token_endpoint", "userinfo_endpoint", "revocation_endpoint", "introspection_endpoint"):
        parameters[name] = relay.to(parameters[name])
    for named in manifest["named_credentials"].values():
        named["url"] = relay.to(named["url"])
    return manifest


def connect(page: Page, url: str, person: str) -> list[str]:
    """Open a connect page, go on, sign in and agree; returns the code and the state that the browser came back with."""
    seen: list[str] = []
    page.on("request", lambda request: seen.extend(codes(request.url)))
    page.goto(url)
    page.get_by_role("button", name="Continue").click()
    page.locator("input[name=login]").fill(person)
    page.locator("input[name=password]").fill("any")
    page.locator("button[type=submit]").first.click()
    page.locator("button[type=submit]").first.click()
    expect(page.get_by_role("heading", name="Connected")).to_be_visible()
    expect(page.get_by_text(person)).to_be_visible()
    return seen


def codes(url: str) -> list[str]:
    at = urlsplit(url)
    query = parse_qs(at.query)
    return [query[name][0] for name in ("code", "state")] if at.path == "/connect/callback" else []


def test_each_sees_only_their_own_account_and_nothing_secret_is_written_anywhere(browser: Browser, world, relay):
    came: list[str] = []
    for user in ("alice", "bob"):
        url = world.refusal(user, "Own", "authorization_required").connect_url
        with new_page(browser) as page:
            came += connect(page, url, f"{user}-at-the-provider")
    for user in ("alice", "bob", "alice"):
        assert world.connected_account(user, "Own") == f"{user}-at-the-provider"
    refused = world.refusal("carol", "Own", "authorization_required")
    with new_page(browser) as page:
        came += connect(page, refused.connect_url, "carol-at-the-provider")
    for user in ("carol", "alice"):
        assert world.connected_account(user, "Own") == f"{user}-at-the-provider"
    assert set(came[::2]) | {CLIENT["client_secret"]} < relay.secrets, "the relay sees what goes over the wire"
    assert secrets_shown({*came, *relay.secrets}, world, refused.problem.callout_id, *callouts(world)) == []


def secrets_shown(secrets: set[str], world: ConnectedWorld, *callout_ids: str) -> list[str]:
    """Return which secrets stand in what Callout wrote: logs, commands, the audit trail, any file of the home."""
    written = [world.everything_shown(*callout_ids).encode()]
    written += [file.read_bytes() for file in world.home.folder.rglob("*") if file.is_file()]
    return [each for each in secrets if any(each.encode() in text for text in written)]


def callouts(world: ConnectedWorld) -> list[str]:
    """Make a callout for each user, and return their ids."""
    answers = [Client(world.server.gateway, world.keys[user]).get("callout:Own/me") for user in USERS]
    assert [answer.json()["sub"] for answer in answers] == [f"{user}-at-the-provider" for user in USERS]
    return [answer.headers["Callout-Id"] for answer in answers]
