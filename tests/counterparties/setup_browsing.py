"""A person at the console in Chromium: signs in, finds by typing, fills fields by their labels, and saves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Locator, Page, expect

from tests.counterparties.browsing import accessibility_violations, new_page

PHONE = {"width": 375, "height": 740}
#: Wait until what changed is drawn.
_DRAWN = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


class Setup:
    """One browser page at the console."""

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base = page, base
        self.main = page.get_by_role("main")

    def sign_in(self, key: str) -> None:
        """Sign in with a key."""
        self.open("/setup/sign-in")
        folded = self.page.locator("details:not([open]) > summary", has_text="Callout key")
        if folded.count():
            folded.click()
        self.page.get_by_label("Callout key").fill(key)
        self.page.get_by_label("Callout key").press("Enter")
        expect(
            self.page.get_by_role("searchbox", name="Quick Find").or_(self.page.get_by_role("combobox"))
        ).to_be_visible()

    def open(self, path: str) -> None:
        """Open an address."""
        self.page.goto(self.base + path)

    def find(self, question: str, title: str) -> None:
        """Type into Quick Find, as somebody who has no mouse, and go to what it finds first."""
        named = re.compile(re.escape(title), re.IGNORECASE)
        expect(self.page.get_by_role("combobox", name="Quick Find")).to_be_visible()  # the script listens to keys
        self.page.keyboard.press("Control+K")
        expect(self.page.locator("#find")).to_be_focused()
        self.page.keyboard.type(question)
        first = self.page.locator("#found").get_by_role("option").first
        expect(first).to_contain_text(named)
        expect(first).to_have_attribute("aria-selected", "true")
        with self.page.expect_navigation(wait_until="load"):
            self.page.keyboard.press("Enter")
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(named)

    def follow(self, name: str) -> None:
        """Go where a link of the page leads."""
        self.main.get_by_role("link", name=name, exact=True).first.click()

    def press(self, name: str) -> None:
        """Press a button of the page."""
        self.main.get_by_role("button", name=name, exact=True).first.click()

    def field(self, label: str) -> Locator:
        """Return a field by its label."""
        return self.main.get_by_label(label, exact=False).first

    def save(self) -> None:
        """Save a form, which leads to what was saved."""
        before = self.page.url
        self.main.get_by_role("button", name="Save", exact=True).last.click()
        expect(self.page).not_to_have_url(before)
        expect(self.main.get_by_role("status").first).to_be_visible()

    def said(self, text: str) -> None:
        """Expect the page to say what was done."""
        expect(self.main.get_by_role("status").first).to_contain_text(text)


def assert_usable(page: Page) -> None:
    """Hold a page as it stands to what every page is held to: for answers to forms, which no address leads to."""
    wide, size = "document.documentElement.scrollWidth > innerWidth", page.viewport_size
    assert accessibility_violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert accessibility_violations(page, colours=True) == [], "in the dark"
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(PHONE)
    assert not page.evaluate(wide), "wider than a phone"
    assert size is not None
    page.set_viewport_size(size)
    page.evaluate(_DRAWN)  # the menu unfolds again


def agree_as(page: Page, person: str) -> None:
    """Sign in at the certified provider, and agree."""
    page.locator("input[name=login]").fill(person)
    page.locator("input[name=password]").fill("any")
    page.locator("button[type=submit]").first.click()
    expect(page.locator("input[name=login]")).to_have_count(0)
    page.locator("button[type=submit]").first.click()


@contextmanager
def signed_in(browser: Browser, base: str, key: str) -> Iterator[Setup]:
    """Open a page in a profile of its own, at which somebody is signed in."""
    with new_page(browser) as page:
        setup = Setup(page, base)
        setup.sign_in(key)
        yield setup
