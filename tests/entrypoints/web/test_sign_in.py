"""The pages of signing in, as a browser without scripts sees them; on a real store."""

import html
import re
from contextlib import asynccontextmanager
from urllib.parse import quote

import httpx2
import pytest
from starlette.applications import Starlette

from callout.core.model.people import User
from callout.entrypoints.web.app import Console
from callout.entrypoints.web.session import browser_name
from callout.entrypoints.web.sign_in import own_path, path_after
from tests.entrypoints.web.visitor import Page
from tests.signing_in import GOOD, HERE, OTHER, furnish, open_door

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
async def door(tmp_path):
    with open_door(tmp_path) as made:
        await furnish(made)
        yield made


@asynccontextmanager
async def browser_of(door, base: str = HERE):
    app = Starlette(routes=Console(door.operations, "1.2.3").routes())
    transport = httpx2.ASGITransport(app=app, client=("192.0.2.1", 5))
    async with httpx2.AsyncClient(transport=transport, base_url=base, headers={"User-Agent": FIREFOX}) as browser:
        yield browser


@pytest.fixture
async def browser(door):
    async with browser_of(door) as browser:
        yield browser


def token_in(page) -> str:
    return html.unescape(re.search(r'name="form_text" value="([^"]+)"', page.text)[1])


async def sent(browser, path: str, /, at: str = "/setup/sign-in", **fields):
    """Send a form with what the page at `at` gives a browser to prove that it is its own."""
    return await browser.post(path, data={"form_text": token_in(await browser.get(at)), **fields})


async def entered(door, browser, user: str = "alice", **more):
    await door.give_password(user)
    answer = await sent(browser, "/setup/sign-in", user=user, password=GOOD, **more)
    assert answer.status_code == 303, answer.text
    return answer


# --- the first run ----------------------------------------------------------------------------------------------


async def test_the_first_run_says_what_to_do_and_the_link_of_init_does_it(door, browser):
    page = Page(await browser.get("/setup/sign-in"))
    for told in ("Nobody has a password yet", "setup_url", "callout user invite admin", "Callout key"):
        assert told in page.words
    assert not page.tree.xpath('//input[@name="password"]')
    link = f"/setup/welcome?link={await door.invited('admin')}"
    welcome = Page(await browser.get(link))
    assert welcome.title == "Welcome, admin"
    wrong = await sent(browser, "/setup/welcome", at=link, **{**fields_of(welcome), "password": GOOD, "again": OTHER})
    assert (wrong.status_code, Page(wrong).problems_at("password")) == (422, "The two passwords differ.")
    short = await sent(browser, "/setup/welcome", at=link, **{**fields_of(welcome), "password": "a", "again": "a"})
    assert "expected at least 12" in Page(short).problems_at("password")
    done = await sent(browser, "/setup/welcome", at=link, **{**fields_of(welcome), "password": GOOD, "again": GOOD})
    assert (done.status_code, done.headers["location"]) == (303, "/setup")
    assert "Signed in as" in (await browser.get("/setup")).text
    again = Page(await browser.get(link))
    assert (again.status, "was used, replaced, or has ended" in again.words) == (403, True)


def fields_of(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in page.form("/setup/welcome").items() if name != "form_text"}


async def test_where_somebody_has_a_password_the_page_asks_for_it(door, browser):
    await door.give_password("alice")
    page = Page(await browser.get("/setup/sign-in"))
    assert page.tree.xpath('//input[@name="password"]/@autocomplete') == ["current-password"]
    assert "Nobody has a password" not in page.words


# --- in and out -------------------------------------------------------------------------------------------------


async def test_one_signs_in_goes_on_to_where_one_wanted_and_signs_out(door, browser):
    asked = await browser.get("/setup/named-credentials?q=a+b")
    assert asked.headers["location"] == "/setup/sign-in?next=" + quote("/setup/named-credentials?q=a+b", safe="")
    page = Page(await browser.get(asked.headers["location"]))
    await door.give_password("alice")
    wanted = page.form("/setup/sign-in")["next"][0]
    answer = await entered(door, browser, next=wanted)
    assert answer.headers["location"] == "/setup/named-credentials?q=a+b"
    assert (await browser.get("/setup/sign-in")).headers["location"] == "/setup", "who is signed in is not asked again"
    out = await sent(browser, "/setup/sign-out", at="/setup/me")
    assert out.headers["location"] == "/setup/sign-in"
    assert (await browser.get("/setup/me")).status_code == 303
    assert [act for _, act, _ in await door.acts()][-2:] == ["sign in", "sign out"]


async def test_a_wrong_password_is_refused_in_the_same_words_for_whomever(door, browser):
    await door.give_password("alice")
    pages = [await sent(browser, "/setup/sign-in", user=user, password=OTHER) for user in ("alice", "nobody")]
    assert [page.status_code for page in pages] == [403, 403]
    texts = [re.sub(r'name="form_text" value="\w+"', "", page.text) for page in pages]
    assert texts[0].replace("alice", "nobody") == texts[1]
    assert OTHER not in texts[0]


async def test_too_many_attempts_are_answered_with_when_to_try_again(door, browser):
    await door.give_password("alice")
    for _ in range(11):
        answer = await sent(browser, "/setup/sign-in", user="alice", password=OTHER)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert "in 1 seconds" in Page(answer).words


async def test_a_key_signs_in_and_a_bad_one_does_not(door, browser):
    bad = await sent(browser, "/setup/sign-in", key="co_made_up")
    assert (bad.status_code, "co_made_up" in bad.text) == (403, False)
    key = (await door.run("key.create", user="alice"))["key"]
    assert (await sent(browser, "/setup/sign-in", key=key)).status_code == 303
    assert "by key co_" in Page(await browser.get("/setup/me")).words


# --- what protects it -------------------------------------------------------------------------------------------


async def test_signing_in_gives_the_browser_another_cookie_of_the_host_alone(door, browser):
    await browser.get("/setup/sign-in")
    before = browser.cookies["__Host-callout_setup"]
    answer = await entered(door, browser)
    cookies = {each.partition("=")[0]: each for each in answer.headers.get_list("set-cookie")}
    assert set(cookies) == {"__Host-callout_setup", "__Host-callout_known"}
    for each in cookies.values():
        assert "HttpOnly" in each
        assert "SameSite=lax" in each
        assert "Path=/;" in each
        assert "Secure" in each
        assert "Domain" not in each
    assert browser.cookies["__Host-callout_setup"] != before
    assert "Max-Age" not in cookies["__Host-callout_setup"]


@pytest.mark.parametrize("planted", ["A" * 43, "short", "", "x" * 5000])
async def test_a_cookie_that_somebody_planted_signs_nobody_in_afterwards(door, browser, planted):
    browser.cookies.set("__Host-callout_setup", planted, domain="callout.example", path="/")
    await entered(door, browser)
    async with browser_of(door) as thief:
        thief.cookies.set("__Host-callout_setup", planted, domain="callout.example", path="/")
        assert (await thief.get("/setup/me")).status_code == 303


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        ({}, {"form_text": ""}),
        ({}, {"form_text": "0" * 64}),
        ({"Origin": "https://evil.example"}, {}),
        ({"Sec-Fetch-Site": "cross-site"}, {}),
        ({"Sec-Fetch-Site": "same-site"}, {}),
    ],
)
async def test_no_other_site_signs_a_browser_in(door, browser, headers, fields):
    """CSRF of the sign-in itself: a victim who is signed in as the attacker would work in the attacker's account."""
    await door.give_password("alice")
    text = token_in(await browser.get("/setup/sign-in"))
    form = {"form_text": text, "user": "alice", "password": GOOD, **fields}
    answer = await browser.post("/setup/sign-in", data=form, headers=headers)
    assert answer.status_code == 400
    assert (await browser.get("/setup/me")).status_code == 303


async def test_the_form_of_one_browser_is_worth_nothing_in_another(door, browser):
    await door.give_password("alice")
    async with browser_of(door) as other:
        text = token_in(await other.get("/setup/sign-in"))
        await browser.get("/setup/sign-in")
        answer = await browser.post("/setup/sign-in", data={"form_text": text, "user": "alice", "password": GOOD})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/setup//evil.example",
        "/setup/../..//evil.example",
        "/setupevil",
        "javascript:alert(1)",
        "/setup/a\nLocation: https://evil.example",
        "/setup/\x00",
        "\t//evil.example",
        "/connect@evil.example",
        "setup",
        "",
    ],
)
async def test_one_is_sent_nowhere_but_to_an_own_path(door, browser, path):
    assert own_path(path) == "/setup"
    assert (await entered(door, browser, next=path)).headers["location"] == "/setup"


@pytest.mark.parametrize("path", ["/setup/sign-out", "/setup/sign-in?next=/setup", "/setup/welcome?link=a"])
def test_nobody_who_has_signed_in_is_sent_to_sign_in(path):
    assert path_after(path) == "/setup"


@pytest.mark.parametrize(
    "path", ["/setup", "/setup/a/b?q=//x", "/setup?q=1", "/connect/Orders/Own?return_url=https://a/"]
)
def test_own_paths_are_kept(path):
    assert path_after(path) == path


@pytest.mark.parametrize("gone", ["removed", "deactivated", "signed out by an admin"])
async def test_who_is_gone_is_signed_out_at_the_next_page(door, browser, gone):
    await entered(door, browser)
    if gone == "removed":
        await door.run("user.remove", name="alice")
        await door.define(User("alice"))
    elif gone == "deactivated":
        await door.define(User("alice", active=False))
    else:
        await door.run("user.sign_out", name="alice")
    assert (await browser.get("/setup/me")).headers["location"].startswith("/setup/sign-in")
    assert (await sent(browser, "/setup/me/password", password=OTHER, again=OTHER)).status_code == 401


async def test_over_plain_http_the_cookies_are_sent_too(door):
    door.signing_in.links.public_url = "http://127.0.0.1:8471"
    async with browser_of(door, "http://127.0.0.1:8471") as browser:
        answer = await entered(door, browser)
        assert "Secure" not in "".join(answer.headers.get_list("set-cookie"))
        assert (await browser.get("/setup/me")).status_code == 200


# --- one's own account ------------------------------------------------------------------------------------------


async def test_one_changes_ones_password_and_is_told_what_is_wrong_where_it_is(door, browser):
    await entered(door, browser)
    change = {"at": "/setup/me", "password": OTHER, "again": OTHER}
    wrong = Page(await sent(browser, "/setup/me/password", **change, current="no, another"))
    assert (wrong.status, wrong.problems_at("current")) == (403, "This is not your current password.")
    bad = {**change, "password": "alicealicealice", "again": "alicealicealice", "current": GOOD}
    refused = Page(await sent(browser, "/setup/me/password", **bad))
    assert (refused.status, "the user's name" in refused.problems_at("password")) == (422, True)
    differ = Page(await sent(browser, "/setup/me/password", **{**change, "again": GOOD, "current": GOOD}))
    assert "differ" in differ.problems_at("password")
    done = await sent(browser, "/setup/me/password", **change, current=GOOD)
    assert (done.status_code, done.headers["location"]) == (303, "/setup/me")
    assert "your other sessions have ended" in (await browser.get("/setup/me")).text
    assert GOOD not in refused.text + wrong.text


async def test_one_sees_and_ends_ones_own_sessions_and_sees_ones_keys(door, browser):
    key = (await door.run("key.create", user="alice", label="laptop"))["key"]
    await entered(door, browser)
    async with browser_of(door) as other, browser_of(door) as third:
        for each in (other, third):
            await sent(each, "/setup/sign-in", user="alice", password=GOOD)
        page = Page(await browser.get("/setup/me"))
        assert len(page.tree.xpath('//th[contains(., "Firefox on Linux")]')) == 3
        assert f"{key[:11]}…" in page.words
        assert "laptop" in page.words
        first = page.tree.xpath('//input[@name="session"]/@value')[0]
        await sent(browser, "/setup/me/sessions/end", at="/setup/me", session=first)
        assert sorted(await statuses(other, third)) == [200, 303]
        await sent(browser, "/setup/me/sessions/end", at="/setup/me")
        assert await statuses(browser, other, third) == [200, 303, 303]


async def statuses(*browsers) -> list[int]:
    return [(await each.get("/setup/me")).status_code for each in browsers]


async def test_who_has_no_password_yet_chooses_one_in_their_account(door, browser):
    key = (await door.run("key.create", user="alice"))["key"]
    await sent(browser, "/setup/sign-in", key=key)
    page = Page(await browser.get("/setup/me"))
    assert "Choose a password" in page.words
    assert not page.tree.xpath('//input[@name="current"]')
    await sent(browser, "/setup/me/password", at="/setup/me", password=GOOD, again=GOOD)
    assert await door.who(await door.enter("alice")) == "alice"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        ("curl/8.5.0", "curl"),
        ("<script>alert(1)</script>", "another browser"),
    ],
)
def test_a_browser_is_named_in_words(agent, name):
    assert browser_name(agent) == name
