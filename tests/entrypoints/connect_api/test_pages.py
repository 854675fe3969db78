"""The connect pages, as a browser without scripts sees them: who is asked for what, and what is refused."""

import html
import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from starlette.applications import Starlette

from callout.core.model.people import User
from callout.entrypoints.connect_api.app import LARGEST_FORM, ConnectPages
from tests.connecting import CREDENTIALS, HERE, PROVIDER, SECRET, SHARED, furnish, open_desk, own, token_of

HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
APP = "https://app.example"


@pytest.fixture
async def desk(tmp_path):
    with open_desk(tmp_path) as made:
        await furnish(made)
        yield made


def browser_of(desk, ancestors=(), **more):
    app = Starlette(routes=ConnectPages(desk.connecting, desk.setup, ancestors, **more).routes())
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=HERE)


@pytest.fixture
async def browser(desk):
    async with browser_of(desk) as browser:
        yield browser


def link(desk, user="alice", **more) -> str:
    return desk.connecting.links.link(own(user), user, **more)


def form_of(page) -> dict[str, str]:
    return {name: html.unescape(value) for name, value in HIDDEN.findall(page.text)}


async def gone_on(browser, address: str) -> str:
    """Open a page and go on; returns the state with which the authorization server is asked."""
    page = await browser.get(address)
    assert page.status_code == 200, page.text
    answer = await browser.post(urlsplit(address).path, data=form_of(page))
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith("https://id.example/authorize?")
    return parse_qs(urlsplit(answer.headers["location"]).query)["state"][0]


async def came_back(browser, state: str, **more: str):
    given = {"state": state, "code": "c4n4ry-code", "iss": "https://id.example", **more}
    answer = await browser.get("/connect/callback", params={k: v for k, v in given.items() if v})
    assert answer.status_code == 303
    return answer.headers["location"]


async def test_who_is_signed_in_to_setup_is_not_asked_again(desk) -> None:
    async def alice(request) -> str:
        return "alice" if request.cookies.get("setup") == "alice's" else ""

    async with browser_of(desk, signed_in=alice) as browser:
        assert "Callout key" in (await browser.get("/connect/Own/User")).text
        browser.cookies.set("setup", "alice's", domain="callout.example")
        assert "Callout user <strong>alice</strong>" in (await browser.get("/connect/Own/User")).text
        assert (await browser.get(link(desk, "bob"))).status_code == 400, (
            "a link of somebody else is not for this browser"
        )
        await gone_on(browser, "/connect/Own/User")


# --- the way through --------------------------------------------------------------------------------------------


async def test_the_confirm_page_says_who_which_system_and_which_scope(desk, browser) -> None:
    text = (await browser.get(link(desk))).text
    for told in ("Example ID", "id.example", "own.example", "Callout user <strong>alice</strong>", "files.read"):
        assert told in text


async def test_a_link_leads_through_the_authorization_server_to_a_connection(desk, browser) -> None:
    to = await came_back(browser, await gone_on(browser, link(desk)))
    assert to.startswith("/connect/done?result=")
    assert "c4n4ry" not in to
    done = await browser.get(to)
    assert "someone@id.example" in done.text
    assert await token_of(desk, own("alice")) is not None


async def test_a_key_signs_in_and_the_page_goes_on_as_its_user(desk, browser) -> None:
    await desk.world.put_key(b"co_alice", "alice")
    page = await browser.get("/connect/Own/User")
    assert "Who are you?" in page.text
    answer = await browser.post("/connect/Own/User", data={**form_of(page), "key": "co_alice"})
    assert answer.status_code == 303
    before = browser.cookies["callout_connect"]
    state = await gone_on(browser, "/connect/Own/User")
    assert browser.cookies["callout_connect"] != ""
    assert before
    await came_back(browser, state)
    assert await token_of(desk, own("alice")) is not None


async def test_signing_in_begins_another_session(desk, browser) -> None:
    await desk.world.put_key(b"co_alice", "alice")
    page = await browser.get("/connect/Own/User")
    old = form_of(page)["form_text"]
    await browser.post("/connect/Own/User", data={**form_of(page), "key": "co_alice"})
    assert form_of(await browser.get("/connect/Own/User"))["form_text"] != old


async def test_a_return_url_is_gone_back_to_with_what_was_connected(desk, browser) -> None:
    state = await gone_on(browser, link(desk) + f"&return_url={APP}/done%3Fx=1%23top")
    assert await came_back(browser, state) == f"{APP}/done?x=1&connected=Own%2FUser&user=alice#top"


# --- what is refused --------------------------------------------------------------------------------------------


async def test_another_browser_cannot_come_back_with_this_ones_state(desk, browser) -> None:
    state = await gone_on(browser, link(desk))
    async with browser_of(desk) as other:
        refused = await other.get(await came_back(other, state))
    assert "another browser" in refused.text
    assert await token_of(desk, own("alice")) is None


async def test_a_form_that_another_site_sends_is_refused(desk, browser) -> None:
    page = await browser.get(link(desk))
    form = form_of(page)
    async with browser_of(desk) as other:
        assert (await other.post("/connect/Own/User", data=form)).status_code == 400
    assert (await browser.post("/connect/Own/User", data={**form, "form_text": "0" * 64})).status_code == 400
    assert (await browser.post("/connect/Own/User", data={"link": form["link"]})).status_code == 400


async def test_a_link_for_another_user_is_refused_where_somebody_is_signed_in(desk, browser) -> None:
    await desk.world.put_key(b"co_bob", "bob")
    page = await browser.get("/connect/Own/User")
    await browser.post("/connect/Own/User", data={**form_of(page), "key": "co_bob"})
    refused = await browser.get(link(desk, "alice"))
    assert refused.status_code == 400
    assert "a link for alice in a browser in which bob is signed in" in refused.text


@pytest.mark.parametrize("query", ["link=forged", "return_url=https://evil.example/", "return_url=javascript:alert(1)"])
async def test_forged_links_and_addresses_elsewhere_are_refused(browser, query: str) -> None:
    page = await browser.get(f"/connect/Own/User?{query}")
    assert page.status_code == 400
    assert "Not connected" in page.text


async def test_a_link_opens_no_page_but_its_own(desk, browser) -> None:
    text = link(desk).partition("?link=")[2]
    assert "of another principal" in (await browser.get(f"/connect/Shared/Service?link={text}")).text


@pytest.mark.parametrize("key", ["", "co_nobody", "é", "co_acme", "co_limited"])
async def test_a_key_that_proves_no_user_signs_nobody_in(desk, browser, key: str) -> None:
    from callout.core.model.people import Package

    await desk.world.define(Package("acme"))
    await desk.world.put_key(b"co_acme", "alice", "acme")
    page = await browser.get("/connect/Own/User")
    answer = await browser.post("/connect/Own/User", data={**form_of(page), "key": key})
    assert answer.status_code == 403
    assert "not accepted" in answer.text
    assert "Who are you?" in (await browser.get("/connect/Own/User")).text


async def test_who_signed_in_with_a_key_that_has_expired_since_is_asked_again(desk, browser) -> None:
    await desk.world.put_key(b"co_alice", "alice", expires_at=desk.world.clock.now() + timedelta(seconds=60))
    page = await browser.get("/connect/Own/User")
    await browser.post("/connect/Own/User", data={**form_of(page), "key": "co_alice"})
    assert "Who are you?" not in (await browser.get("/connect/Own/User")).text
    desk.world.clock.move(61)
    assert "Who are you?" in (await browser.get("/connect/Own/User")).text


async def test_who_is_inactive_or_whose_key_was_revoked_is_signed_in_no_longer(desk, browser) -> None:
    await desk.world.put_key(b"co_alice", "alice")
    page = await browser.get("/connect/Own/User")
    await browser.post("/connect/Own/User", data={**form_of(page), "key": "co_alice"})
    await desk.world.define(User("alice", permission_sets=("Callers",), active=False))
    assert "Who are you?" in (await browser.get("/connect/Own/User")).text
    await desk.world.define(User("alice", permission_sets=("Callers",)))
    await desk.world.store.definitions.remove_key("co_alice", desk.world.act("revoke"))
    assert "Who are you?" in (await browser.get("/connect/Own/User")).text


async def test_a_user_without_a_grant_is_told_what_is_missing(desk, browser) -> None:
    page = await browser.get(link(desk, "carol"))
    assert page.status_code == 403
    assert "Not connected" in page.text


async def test_a_user_cannot_connect_what_everybody_shares(desk, browser) -> None:
    await desk.world.put_key(b"co_alice", "alice")
    page = await browser.get("/connect/Shared/Service")
    await browser.post("/connect/Shared/Service", data={**form_of(page), "key": "co_alice"})
    assert (await browser.get("/connect/Shared/Service")).status_code == 403


async def test_an_error_of_the_authorization_server_is_shown_with_what_helps(desk, browser) -> None:
    state = await gone_on(browser, link(desk) + f"&return_url={APP}/done")
    to = await came_back(browser, state, code="", error="access_denied", error_description="<script>alert(1)</script>")
    page = await browser.get(to)
    assert (page.status_code, "access_denied" in page.text) == (400, True)
    assert "agree at the authorization server" in page.text
    assert "<script>alert" not in page.text
    assert f'href="{APP}/done"' in page.text


async def test_a_form_that_is_too_large_or_no_form_is_refused(browser) -> None:
    assert (await browser.post("/connect/Own/User", content=b"x" * (LARGEST_FORM + 1))).status_code == 413
    assert (await browser.post("/connect/Own/User", content=b"\xff=\xfe")).status_code == 400


async def test_names_and_labels_are_text_and_never_markup(desk, browser) -> None:
    evil = "<script>alert('x')</script>"
    await desk.world.define(
        replace(PROVIDER, label=evil), replace(CREDENTIALS[1], description=evil, parameters={"identity_provider": "Id"})
    )
    text = (await browser.get(link(desk))).text
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text
    strange = await browser.get("/connect/%3Cscript%3Ealert(1)%3C/script%3E/x")
    assert "<script>alert" not in strange.text


# --- what every page bears --------------------------------------------------------------------------------------


async def test_no_page_may_be_framed_run_scripts_of_its_own_or_be_kept(desk, browser) -> None:
    for address in (link(desk), "/connect/Own/User", "/connect/Own/User?link=forged"):
        headers = (await browser.get(address)).headers
        policy = headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "'unsafe-inline'" not in policy
        assert "default-src 'none'" in policy
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"


async def test_only_the_embedded_page_may_be_framed_and_only_by_those_who_may(desk) -> None:
    async with browser_of(desk, (APP,)) as browser:
        embedded = await browser.get(link(desk) + "&embedded=1")
        assert f"frame-ancestors {APP}" in embedded.headers["content-security-policy"]
        assert "<form" not in embedded.text
        assert "frame-ancestors 'none'" in (await browser.get(link(desk))).headers["content-security-policy"]
    async with browser_of(desk) as browser:
        refused = await browser.get(link(desk) + "&embedded=1")
        assert "frame-ancestors 'none'" in refused.headers["content-security-policy"]


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(desk, browser) -> None:
    cookie = (await browser.get(link(desk))).headers["set-cookie"]
    for wanted in ("HttpOnly", "SameSite=lax", "Secure", "Path=/connect"):
        assert wanted in cookie


async def test_no_page_shows_a_secret(desk, browser) -> None:
    page = await browser.get(link(desk))
    state = await gone_on(browser, link(desk))
    done = await browser.get(await came_back(browser, state))
    for text in (page.text, done.text):
        assert [each for each in (SECRET, state, "c4n4ry", "access-1", "refresh-1") if each in text] == []


async def test_style_and_script_are_files_of_ours(browser) -> None:
    assert (await browser.get("/connect/files/connect.css")).headers["content-type"].startswith("text/css")
    assert (await browser.get("/connect/files/connect.js")).status_code == 200
    assert (await browser.get("/connect/files/..%2Fapp.py")).status_code == 404


async def test_an_invitation_says_who_sent_it_and_connects_as_they_may(desk, browser) -> None:
    address = desk.connecting.links.link(SHARED, "admin", invited=True)
    assert "admin sent this link" in (await browser.get(address)).text
    await came_back(browser, await gone_on(browser, address))
    assert await token_of(desk, SHARED) is not None
    assert "was used" in (await browser.get(address)).text
