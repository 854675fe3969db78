"""Every page of the console in a real browser: accessible in both themes, usable on a phone, light, and from one host.

With PICTURES=folder it writes a picture of each there: `make screenshots` writes those of docs/setup.md.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.counterparties.browsing import accessibility_violations, new_page
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
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        setup.page.evaluate("document.activeElement.blur()")
        setup.page.screenshot(path=Path(PICTURES) / f"{name}.png")


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
