"""Every authentication protocol set up through the form: chosen, filled in where the form asks for it, saved, and seen."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from callout.core.protocols import CATALOGUE
from tests.counterparties.setup_browsing import Setup, signed_in
from tests.furnished import Api
from tests.journeys.processes import callout_home

#: So often a form may say what it still wants.
MOST_ROUNDS = 4


@pytest.fixture(scope="module")
def admin(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setup]:
    with callout_home(tmp_path_factory.mktemp("protocols") / "home") as home, home.serve() as server:
        api = Api(server, home.create_key("admin"))
        api.ask("POST", "/certificates", name="Signer", algorithm="RSA-2048", subject="CN=signer")
        with signed_in(browser, server.setup, api.key) as setup:
            yield setup


def fill(field: Locator) -> None:
    """Fill a field that is empty with something of its kind, as its type asks for it."""
    kind = field.evaluate("each => each.tagName === 'SELECT' ? 'select' : each.type")
    if kind == "select":
        if not field.input_value():
            field.select_option(index=1)
    elif not field.input_value():
        field.fill("https://id.example.com/token" if kind == "url" else "example")


def complete(setup: Setup) -> None:
    """Fill in what the form says is required, save it, and fill in what it then says is missing."""
    form = setup.main.locator("form[data-form]")
    for _ in range(MOST_ROUNDS):
        for label in form.locator("label:visible:has(.needed)").all():
            fill(form.locator(f"[id='{label.get_attribute('for')}']"))
        setup.press("Save")
        expect(setup.main.get_by_role("alert").or_(setup.main.locator(".said"))).to_be_visible()
        if setup.main.locator(".said").count():
            return
        for link in setup.main.get_by_role("alert").get_by_role("link").all():
            fill(form.locator(f"[id='{(link.get_attribute('href') or '').removeprefix('#')}']"))
    pytest.fail(f"got {setup.main.get_by_role('alert').inner_text()}; expected the form to be complete")


@pytest.mark.parametrize("protocol", CATALOGUE)
def test_a_protocol_is_set_up_by_its_form(admin: Setup, protocol: str) -> None:
    title, name = CATALOGUE[protocol].title, "By" + protocol.title().replace("_", "")
    admin.open("/setup/new/external-credential")
    admin.main.get_by_label("Name", exact=True).or_(admin.main.get_by_label("Name required")).first.fill(name)
    with admin.page.expect_response(lambda answer: answer.request.method == "POST"):
        admin.field("Authentication Protocol").select_option(protocol)
    expect(admin.field("Authentication Protocol")).to_be_focused()
    expect(admin.field("Name")).to_have_value(name)
    complete(admin)
    expect(admin.page).to_have_url(re.compile(f"/setup/external-credentials/{name}$"))
    expect(admin.main.get_by_text(title, exact=False).first).to_be_visible()
    expect(admin.main.locator("dd code", has_text=re.compile(f"^{protocol}$"))).to_be_visible()
