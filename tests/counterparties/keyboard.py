"""A person at the console who has a keyboard and nothing else: every place is reached by keys, as the focus goes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

#: More steps than any page of the journeys needs.
_MOST_STEPS = 80
_FOCUSED = "each => each === document.activeElement"
_OUTLINED = "each => getComputedStyle(each).outlineStyle !== 'none'"
#: Whether nothing lies over the middle of it (WCAG 2.2, 2.4.11), once the page is drawn.
_UNCOVERED = """async each => {
await new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)));
const at = each.getBoundingClientRect();
return each.contains(document.elementFromPoint(at.left + at.width / 2, at.top + at.height / 2)); }"""


class Keyboard:
    """Goes through pages by keys alone. What is reached is told by `Locator`s, which are looked at, never clicked."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.main = page.get_by_role("main")

    def arrive(self, title: str) -> None:
        """Expect a page with this heading, and go past the menu as a keyboard user does."""
        heading = self.page.get_by_role("heading", level=1)
        expect(heading).to_have_text(title)
        if not self.main.evaluate("each => each.contains(document.activeElement)"):
            self.press(self.page.get_by_role("link", name="Skip to the page"))
            expect(self.main).to_be_focused()
            assert heading.evaluate(_UNCOVERED), f"something lies over the heading {title}"

    def reach(self, target: Locator, key: str = "Tab") -> None:
        """Press a key until the focus is there, and is to be seen there."""
        expect(target).to_have_count(1)
        for _ in range(_MOST_STEPS):
            if target.evaluate(_FOCUSED):
                expect(target).to_be_in_viewport()
                assert target.evaluate(_OUTLINED), f"nothing shows that the focus is at {target}"
                assert target.evaluate(_UNCOVERED), (
                    f"something lies over {target}, which has the focus: {target.bounding_box()}"
                )
                return
            self.page.keyboard.press(key)
        pytest.fail(f"got the focus at {self.page.evaluate('document.activeElement.outerHTML')}; expected {target}")

    def fill(self, label: str, text: str) -> None:
        """Go to a field, and type over what stands there."""
        named = self.main.get_by_label(re.compile(rf"^{re.escape(label)}( required)?$"))
        self.reach(self.main.locator("input, textarea").and_(named).filter(visible=True))
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def press(self, target: Locator, key: str = "Enter") -> None:
        """Go to a link, a button or what unfolds, and press it."""
        self.reach(target)
        self.page.keyboard.press(key)

    def button(self, name: str) -> None:
        """Press a button of the page."""
        self.press(self.main.get_by_role("button", name=name, exact=True))

    def find(self, question: str, title: str) -> None:
        """Go by Quick Find to what it finds first."""
        expect(self.page.get_by_role("combobox", name="Quick Find")).to_be_visible()
        self.page.keyboard.press("/")
        expect(self.page.locator("#find")).to_be_focused()
        self.page.keyboard.type(question)
        expect(self.page.locator("#found").get_by_role("option").first).to_contain_text(title)
        self.page.keyboard.press("Enter")
