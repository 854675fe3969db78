"""Every page of the console in a real browser: accessible in both themes, usable on a phone, light, and from one host.

With PICTURES=folder it writes a picture of each there: `make screenshots` writes those of docs/setup.md.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.counterparties.browsing import accessibility_violations, new_page
from tests.counterparties.pictures import keep_picture
from tests.counterparties.setup_browsing import PHONE, Setup, signed_in
from tests.furnished import Furnished, furnish
from tests.journeys.processes import Sandbox, callout_home
from tests.setup_console import Address, pages

PICTURES = os.environ.get("PICTURES", "")
DESK = {"width": 1280, "height": 800}
#: Most bytes of a page with all that it loads, without images.
HEAVIEST = 200_000
_LOADED = """[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
.map(each => [each.name, each.initiatorType, each.decodedBodySize])"""
#: What is wider than the page, for the message of a failure.
_WIDE = """[...document.querySelectorAll("main *")].filter(each => each.getBoundingClientRect().right > innerWidth + 1)
.slice(0, 5).map(each => each.outerHTML.slice(0, 120))"""
#: Pages of which a phone and the dark are shown as well.
SHOWN_OTHERWISE = {"home", "named-credentials", "troubleshoot", "callouts-one", "health"}


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    folder = tmp_path_factory.mktemp("furnished")
    with (
        Sandbox(folder / "sandbox.log") as sandbox,
        callout_home(folder / "home") as home,
        home.serve() as server,
    ):
        yield furnish(home, server, sandbox)


@pytest.fixture(scope="module")
def admin(browser: Browser, furnished: Furnished) -> Iterator[Setup]:
    with signed_in(browser, furnished.server.setup, furnished.keys["admin"]) as setup:
        yield setup


@pytest.fixture(scope="module")
def nobody(browser: Browser, furnished: Furnished) -> Iterator[Setup]:
    with new_page(browser) as page:
        yield Setup(page, furnished.server.setup)


def shot(setup: Setup, name: str) -> None:
    """Keep a picture, where pictures are wanted."""
    browser = setup.page.context.browser
    if PICTURES and browser is not None:
        setup.page.evaluate("document.activeElement.blur()")
        setup.page.evaluate("document.querySelector('.ladder .failed')?.scrollIntoView({block: 'center'})")
        keep_picture(browser, setup.page, Path(PICTURES) / f"{name}.png")


def assert_light_and_from_one_host(setup: Setup) -> None:
    loaded = setup.page.evaluate(_LOADED)
    own = urlsplit(setup.base).netloc
    assert {urlsplit(name).netloc for name, *_ in loaded if not name.startswith("data:")} == {own}
    weight = sum(size for name, kind, size in loaded if kind != "img" and not name.endswith(".svg"))
    assert 0 < weight < HEAVIEST, loaded


def assert_good_in_both_themes_and_on_a_phone(setup: Setup, name: str) -> None:
    page = setup.page
    assert accessibility_violations(page) == []
    shot(setup, name)
    page.emulate_media(color_scheme="dark")
    assert accessibility_violations(page, colours=True) == [], "in the dark"
    if name in SHOWN_OTHERWISE:
        shot(setup, f"{name}-dark")
    page.set_viewport_size(PHONE)
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not wide, f"wider than a phone: {page.evaluate(_WIDE)}"
    page.emulate_media(color_scheme="light")
    if name in SHOWN_OTHERWISE:
        shot(setup, f"{name}-phone")
    page.set_viewport_size(DESK)


@pytest.mark.parametrize("address", pages(), ids=lambda each: each.picture)
def test_a_page_is_accessible_usable_on_a_phone_and_light(
    furnished: Furnished, admin: Setup, nobody: Setup, address: Address
) -> None:
    setup = nobody if address.open else admin
    errors: list[str] = []
    listener = lambda message: errors.append(message.text) if message.type == "error" else None  # noqa: E731
    setup.page.on("console", listener)
    setup.open(furnished.names.fill(address))
    expect(setup.page.get_by_role("heading", level=1)).to_have_count(1)
    assert_light_and_from_one_host(setup)
    assert_good_in_both_themes_and_on_a_phone(setup, address.picture)
    setup.page.remove_listener("console", listener)
    assert errors == []


def test_a_theme_that_is_chosen_stays_whatever_the_system_says(admin: Setup) -> None:
    def darkness() -> str:
        return str(admin.page.evaluate("getComputedStyle(document.body).backgroundColor"))

    admin.open("/setup")
    light = darkness()
    for name, same in (("Dark", False), ("Light", True)):
        admin.page.locator("summary", has_text="Signed in as").click()
        admin.page.get_by_role("button", name=name, exact=True).click()
        expect(admin.page.locator("html")).to_have_attribute("data-theme", name.lower())
        assert (darkness() == light) is same
        assert accessibility_violations(admin.page) == []
    admin.page.emulate_media(color_scheme="dark")
    assert darkness() == light
    admin.page.emulate_media(color_scheme="light")
    admin.page.locator("summary", has_text="Signed in as").click()
    admin.page.get_by_role("button", name="As the system", exact=True).click()
    expect(admin.page.locator("html")).to_have_attribute("data-theme", "auto")


# --- pages that only what was done leads to -----------------------------------------------------------------------


def assert_good(setup: Setup, name: str) -> None:
    assert_light_and_from_one_host(setup)
    assert_good_in_both_themes_and_on_a_phone(setup, name)


def test_quick_create_makes_all_of_it_and_says_what_is_next(admin: Setup) -> None:
    admin.find("stripe", "Stripe")
    for label in admin.main.locator("label:visible:has(.needed)").all():
        field = admin.main.locator(f"[id='{label.get_attribute('for')}']")
        if not field.input_value():
            field.fill("c4n4ry-typed")
    admin.press("Show what would change")
    expect(admin.main.locator("pre.diff")).to_contain_text("+")
    assert_good(admin, "create-preview")
    admin.main.get_by_role("button", name="Create", exact=True).last.click()
    expect(admin.page.get_by_role("heading", level=1)).to_contain_text("is made")
    assert "c4n4ry-typed" not in admin.page.content()
    assert_good(admin, "create-next")


def test_a_key_is_shown_once(admin: Setup) -> None:
    admin.open("/setup/new/key?user=alice")
    admin.main.locator("button.main").last.click()
    expect(admin.main.locator("#shown-once")).to_contain_text("co_")
    assert_good(admin, "key-shown-once")


def test_what_goes_with_a_definition_is_shown_before_it_goes(admin: Setup) -> None:
    admin.open("/setup/named-credentials/Mail")
    admin.main.get_by_role("button", name="Remove…").first.click()
    expect(admin.main.locator("pre.diff")).to_contain_text("-")
    assert_good(admin, "remove")


def test_a_callout_is_tried_and_its_picture_shown(admin: Setup) -> None:
    admin.open("/setup/try?name=Orders&user=alice&path=/orders/7")
    admin.press("Dry run")
    expect(admin.main.locator("#result")).to_contain_text("Nothing was sent")
    assert_good(admin, "try-result")


def test_a_remedy_shows_its_change(admin: Setup, furnished: Furnished) -> None:
    admin.open(f"/setup/callouts/{furnished.names.known['callouts']}")
    admin.main.get_by_role("button", name="Show the change").first.click()
    expect(admin.main.locator("pre.diff")).to_contain_text("+")
    assert_good(admin, "remedy")


# --- by keyboard alone --------------------------------------------------------------------------------------------

#: What a screen reader would call what has the focus, and whether one sees that it has it.
_FOCUSED = """() => { const e = document.activeElement, s = getComputedStyle(e);
const ring = s.outlineStyle !== "none" || s.boxShadow !== "none";
const name = e.getAttribute("aria-label") || (e.labels && e.labels[0] && e.labels[0].innerText) || e.innerText || "";
return [name.trim(), ring, e.tagName]; }"""


def tab_to(page: Page, name: str) -> None:
    """Press Tab until something of this name has the focus, which shows on every way point."""
    for _ in range(250):
        page.keyboard.press("Tab")
        called, ring, tag = page.evaluate(_FOCUSED)
        assert ring or tag == "BODY", f"nobody sees that {called or tag} has the focus"
        if called == name or called.startswith(tuple(name + each for each in " \n…:")):
            return
    pytest.fail(f"got no {name} by Tab; expected to reach it on {page.url}")


def test_an_external_credential_is_found_made_changed_and_left_by_keyboard(
    browser: Browser, furnished: Furnished
) -> None:
    with new_page(browser) as page:
        setup, keyboard = Setup(page, furnished.server.setup), page.keyboard
        setup.open("/setup/external-credentials")
        tab_to(page, "Sign in with a Callout key")
        if page.locator("#key").is_hidden():
            keyboard.press("Enter")
        tab_to(page, "Callout key")
        keyboard.type(furnished.keys["admin"])
        keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("External Credentials")
        keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
        keyboard.press("Enter")
        tab_to(page, "New")
        keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text("New")
        tab_to(page, "Name")
        keyboard.type("Typed")
        tab_to(page, "Authentication Protocol")
        with page.expect_response(lambda answer: answer.request.method == "POST"):
            keyboard.type("Basic")
        expect(page.locator("#f-protocol")).to_be_focused()
        tab_to(page, "Additional Status Codes")
        keyboard.type("601")
        keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Typed")
        tab_to(page, "Edit")
        keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Edit Typed")
        tab_to(page, "Label")
        keyboard.type("By keyboard")
        keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("By keyboard")
        setup.find("by keyb", "By keyboard")
        tab_to(page, "Signed in as")
        keyboard.press("Enter")
        tab_to(page, "Sign out")
        keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_remedy_is_applied_by_keyboard(browser: Browser, furnished: Furnished) -> None:
    with signed_in(browser, furnished.server.setup, furnished.keys["admin"]) as setup:
        page = setup.page
        setup.find("troubleshoot", "Troubleshoot")
        tab_to(page, "Show the change")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("What would change")
        tab_to(page, "Apply")
        page.keyboard.press("Enter")
        expect(setup.main.locator(".said")).to_be_visible()


def test_a_menu_that_escape_closes_gives_the_focus_back(admin: Setup) -> None:
    admin.open("/setup")
    menu = admin.page.locator("summary", has_text="Signed in as")
    menu.press("Enter")
    admin.page.keyboard.press("Tab")
    expect(admin.page.get_by_role("link", name="My Account").first).to_be_focused()
    admin.page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    expect(admin.page.locator("details.me")).not_to_have_attribute("open", "")
