"""The browser opens pages, clicks, signs in at the certified provider, and axe-core finds what is wrong with a page."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from flask import Flask
from playwright.sync_api import Error, expect

from tests.counterparties.browsing import accessibility_violations
from tests.counterparties.consent import authorization_request
from tests.counterparties.provider import Provider
from tests.counterparties.wsgi import ServedApplication

GOOD = """<!DOCTYPE html><html lang="en"><title>Orders</title><main><h1>Orders</h1>
<button onclick="this.textContent = 'Clicked'">Click</button></main></html>"""
BAD = GOOD.replace('lang="en"', "").replace("<button", '<img src="/logo.png"><button')
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def pages() -> Iterator[ServedApplication]:
    application = Flask("pages")
    application.add_url_rule(
        "/good", "good", lambda: (GOOD, {"Content-Security-Policy": "default-src 'unsafe-inline'"})
    )
    application.add_url_rule("/bad", "bad", lambda: BAD)
    application.add_url_rule("/callback", "callback", lambda: "Back again")
    with ServedApplication(application) as pages:
        yield pages


def test_a_page_is_opened_clicked_and_shot(page, pages, tmp_path: Path):
    page.goto(f"{pages.url}/good")
    page.get_by_role("button", name="Click").click()
    expect(page.get_by_role("button", name="Clicked")).to_be_visible()
    page.screenshot(path=tmp_path / "page.png")
    assert (tmp_path / "page.png").read_bytes().startswith(PNG)


def test_axe_finds_nothing_wrong_with_a_good_page_and_names_what_is_wrong_with_a_bad_one(page, pages):
    page.goto(f"{pages.url}/good")
    assert accessibility_violations(page) == []
    page.goto(f"{pages.url}/bad")
    assert [each.split(":")[0] for each in accessibility_violations(page)] == ["html-has-lang", "image-alt"]


def test_a_profile_forgets_what_another_had(page, browser, pages):
    page.goto(f"{pages.url}/good")
    page.evaluate("document.cookie = 'seen=yes'")
    with browser.new_context() as other:
        again = other.new_page()
        again.goto(f"{pages.url}/good")
        assert again.evaluate("document.cookie") == ""


def test_no_page_calls_anything_but_this_machine(page):
    with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
        page.goto("http://callout.example.com/")


def test_a_person_signs_in_at_the_provider_and_comes_back(page, pages, tmp_path: Path):
    client = {
        "client_id": "browser",
        "application_type": "native",
        "token_endpoint_auth_method": "none",
        "redirect_uris": ["http://127.0.0.1/callback"],
        "response_types": ["code"],
        "grant_types": ["authorization_code"],
    }
    asked = authorization_request(client, secrets.token_urlsafe(48), "openid")
    asked["redirect_uri"] = f"{pages.url}/callback"
    with Provider(tmp_path, [client]) as provider:
        page.goto(f"{provider.ready['authorization_endpoint']}?{httpx2.QueryParams(asked)}")
        page.get_by_placeholder("Enter any login").fill("alice")
        page.get_by_placeholder("and password").fill("any")
        page.get_by_role("button", name="Sign-in").click()
        page.get_by_role("button", name="Continue").click()
        page.wait_for_url(re.compile(re.escape(f"{pages.url}/callback?code=")))
        expect(page.get_by_text("Back again")).to_be_visible()
