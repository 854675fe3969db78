"""Chromium (npm @sparticuz/chromium, unpacked by `make setup`), driven by Playwright, and axe-core for its pages.

It calls nothing but the loopback address: every other name is not found.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.counterparties.installed import npm_package
from tests.journeys.processes import PATIENCE

FOLDER = Path(__file__).parent / "browser"
UNPACKED = Path(sys.prefix) / "chromium"
#: What the package wants for AWS Lambda and a user's browser would not do. With the first it stops after one page.
_WITHOUT = {"--single-process", "--disable-web-security", "--allow-running-insecure-content"}
_LOOPBACK_ALONE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
#: How often it is started where it dies at once.
STARTS = 3
#: What axe-core holds pages to: WCAG 2.2, levels A and AA.
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}


@contextmanager
def chromium(home: Path) -> Iterator[Browser]:
    """Start Chromium, which keeps what it writes in the folder `home`.

    Playwright holds the event loop of the thread while it runs: a module that uses it has no async tests.
    """
    if not (UNPACKED / "arguments.json").is_file():
        pytest.fail(f"got no {UNPACKED}; expected `make setup`", pytrace=False)
    given = json.loads((UNPACKED / "arguments.json").read_text())
    environment = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "LD_LIBRARY_PATH": str(UNPACKED / "al2023" / "lib"),
        "FONTCONFIG_PATH": str(UNPACKED / "fonts"),
    }
    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        arguments = [*(each for each in given if each not in _WITHOUT), _LOOPBACK_ALONE]
        browser = _launched(playwright, arguments, environment)
        yield browser
        browser.close()


def _launched(
    playwright: Playwright, arguments: list[str], environment: dict[str, str], starts: int = STARTS
) -> Browser:
    """Start it, and again where it dies before it opened anything: it does so now and then, of itself."""
    try:
        return playwright.chromium.launch(
            executable_path=UNPACKED / "chromium", args=arguments, env=environment, timeout=PATIENCE * 1000
        )
    except PlaywrightError:
        if starts <= 1:
            raise
    return _launched(playwright, arguments, environment, starts - 1)


@contextmanager
def new_page(browser: Browser) -> Iterator[Page]:
    """Open a page in a profile of its own, that waits as long as a slow machine needs."""
    with browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 800}) as context:
        context.set_default_timeout(PATIENCE * 1000)
        yield context.new_page()


def accessibility_violations(page: Page, *, colours: bool = False) -> list[str]:
    """Return what axe-core finds wrong with the page as it stands: the rule, what is to be done, and where.

    `colours`: the rules about colours alone, for a page that was looked at in another theme.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate((npm_package(FOLDER, "axe-core") / "axe.min.js").read_text())
    options = {"runOnly": _COLOURS if colours else _RULES, "resultTypes": ["violations"]}
    found = page.evaluate("options => axe.run(options)", options)
    return [f"{each['id']}: {each['help']}: {node['html']}" for each in found["violations"] for node in each["nodes"]]
