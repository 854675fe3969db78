"""What admins, packages, callers and external systems write runs nowhere in the console: stored, and sent back at once.

Every page is read as a browser reads it (`scripts_in`), and opened in Chromium, where anything that ran would say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, expect

from tests.counterparties.external_system import Answer, ExternalSystem, Request
from tests.counterparties.setup_browsing import signed_in
from tests.counterparties.setup_payloads import PAYLOADS, define, definitions, names_of, scripts_in
from tests.furnished import Furnished, furnish
from tests.journeys.processes import Sandbox, callout_home
from tests.setup_console import FILES, Names, Person, addresses, forms, pages

#: What ends the session that the tests go on with.
_LEAVING = {"/setup/sign-out", "/setup/sign-in", "/setup/me/password", "/setup/me/sessions/end", "/setup/welcome"}
_ASKED = ("q", "page", "tag", "name", "user", "path", "method", "made", "link", "next", "error", "error_description")


@dataclass(frozen=True)
class Written:
    """The home, and what stands in it for the parameters of addresses, by payload."""

    furnished: Furnished
    names: tuple[Names, ...]
    person: Person


async def answered(request: Request) -> Answer:
    """Answer with every payload, in the body and in a header."""
    told = "\n".join(PAYLOADS).encode()
    return Answer(200, (("Content-Type", "text/html"), ("X-Why", PAYLOADS[0])), told)


def write(furnished: Furnished, number: int, url: str) -> Names:
    """Let everybody write one payload wherever they can: an admin, a caller, the external system."""
    api, payload, manifest = furnished.api, PAYLOADS[number], definitions(number, url)
    define(api, manifest)
    (user,), (permission_set,) = manifest["users"], manifest["permission_sets"]
    key = api.ask("POST", "/keys", user=user, label=payload)
    certificate = api.ask(
        "POST", "/certificates", name=f"X{number}", algorithm="P-256", subject=f"CN=x{number}", label=payload
    )
    assert certificate["name"] == f"X{number}"
    path = f"/permission-sets/{permission_set.replace('%', '%25').replace('?', '%3F').replace('#', '%23')}/users/alice"
    api.ask("PUT", path, until="2h", purpose=payload)
    callout = api.succeeds(f"X{number}", key["key"])
    api.call(f"X{number}", key["key"], "/<script>window.__xss=1<script>")
    api.call(re.sub(r"[\s/]", "", payload), key["key"])
    names = names_of(number, manifest, furnished.names)
    more = {"certificates": f"X{number}", "callouts": callout.headers["Callout-Id"], "keys": key["prefix"]}
    api.logged(callout.headers["Callout-Id"])
    return Names({**names.known, **more}, names.queries)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    folder = tmp_path_factory.mktemp("written")
    with (
        ExternalSystem(answered) as system,
        Sandbox(folder / "sandbox.log") as sandbox,
        callout_home(folder / "home") as home,
        home.serve() as server,
    ):
        furnished = furnish(home, server, sandbox)
        names = tuple(write(furnished, number, system.url) for number in range(len(PAYLOADS)))
        yield Written(furnished, names, Person(server.setup, key=furnished.keys["admin"]))


@pytest.mark.parametrize("number", range(len(PAYLOADS)))
def test_what_is_stored_stands_on_every_page_as_text(written: Written, number: int) -> None:
    shown = 0
    asked = [each for each in pages() if "{" in each.path or not number]  # a list shows what all of them wrote
    for address in asked:
        answer = written.person.get(written.names[number].fill(address))
        assert answer.status_code in (200, 303), address.path
        assert scripts_in(answer.text) == [], address.path
        shown += "__xss" in answer.text
    assert shown > len(asked) // 4, "the payload is to be seen, as text"


@pytest.mark.parametrize("number", [0, 2, 3, 6])
def test_what_is_asked_for_is_shown_as_text(written: Written, number: int) -> None:
    asked = dict.fromkeys(_ASKED, PAYLOADS[number])
    for address in (each for each in addresses() if "GET" in each.methods):
        path = written.furnished.names.fill(address)
        answer = written.person.get(path.partition("?")[0], params=asked)
        assert answer.status_code != 500, f"{path}: {answer.text}"
        if address.path in FILES:
            assert answer.headers["content-disposition"].startswith("attachment")
        else:
            assert scripts_in(answer.text) == [], path
        assert "__xss" not in answer.headers.get("location", "").partition("?")[0]
    missing = written.person.get(f"/setup/{PAYLOADS[number]}")
    assert (missing.status_code, scripts_in(missing.text)) == (404, [])


def test_what_a_form_sends_comes_back_as_text(written: Written) -> None:
    fields: set[str] = set()
    for address in pages():
        fields |= set(re.findall(r'\bname="([^"]+)"', written.person.get(written.furnished.names.fill(address)).text))
    fields -= {"form_text", "do", "viewport", "color-scheme", "version"}
    form = {"form_text": written.person.form_text(), **dict.fromkeys(sorted(fields), PAYLOADS[4])}
    for address in (each for each in forms() if each.path not in _LEAVING):
        path = written.furnished.names.fill(address).partition("?")[0]
        for do in ("redraw", "save"):
            answer = written.person.browser.post(path, data={**form, "do": do})
            assert answer.status_code != 500, f"{path}: {answer.text}"
            assert scripts_in(answer.text) == [], path


# --- in a browser -------------------------------------------------------------------------------------------------


class Watched:
    """A page of a browser that keeps everything that a script did, or was kept from doing."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.seen: list[str] = []
        page.on("dialog", self._dialog)
        page.on("console", self._message)
        page.on("pageerror", lambda error: self.seen.append(str(error)))

    def _dialog(self, dialog: Dialog) -> None:
        self.seen.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.seen.append(message.text)

    def assert_quiet(self, where: str) -> None:
        assert self.page.evaluate("window.__xss") is None, where
        assert self.seen == [], where


def test_nothing_runs_in_a_browser(written: Written, browser: Browser) -> None:
    furnished = written.furnished
    with signed_in(browser, furnished.server.setup, furnished.keys["admin"]) as setup:
        watched = Watched(setup.page)
        for at, address in enumerate(pages()):
            if not address.open:
                setup.open(written.names[at % len(PAYLOADS)].fill(address))
                watched.assert_quiet(address.path)
        for number, payload in enumerate(PAYLOADS):
            setup.open("/setup")
            setup.page.locator("#find").fill(payload[:20])
            setup.page.locator("#find").fill(f"X{number}")
            expect(setup.page.locator("#found").get_by_role("option").first).to_be_visible()
            watched.assert_quiet("Quick Find")
