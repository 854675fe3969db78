"""People sign in to Setup, over real processes: at a certified provider (npm oidc-provider), and by links and passwords."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from urllib.parse import urljoin

import httpx2
import pytest

from tests.counterparties.consent import MOST_PAGES, agree
from tests.counterparties.provider import Provider
from tests.journeys.processes import PATIENCE, Home, Server, callout_home

#: Canaries: none of these may ever show.
SECRET, PASSWORD, OTHER = "c4n4ry-sign-in-secret", "c4n4ry under nine moons", "c4n4ry lanterns on the river"
CLIENT = {
    "client_id": "setup",
    "client_secret": SECRET,
    "token_endpoint_auth_method": "client_secret_basic",
    "application_type": "native",
    "redirect_uris": ["http://127.0.0.1/setup/sign-in/callback"],
    "grant_types": ["authorization_code"],
    "response_types": ["code"],
    "resource": None,
}
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with Provider(tmp_path_factory.mktemp("provider"), [CLIENT]) as provider:
        yield provider


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Home]:
    issuer = {
        "issuer": provider.ready["issuer"],
        "audience": "callout",
        "allow_private_network": True,
        "users": {"alice-at-the-provider": "alice"},
        "label": "Example ID",
        "client_id": "setup",
        "secrets": {"client_secret": SECRET},
    }
    with callout_home(tmp_path_factory.mktemp("home") / "home") as home:
        home.apply({"trusted_issuers": {"Login": issuer}, "users": {"alice": {}, "bob": {}}})
        yield home


@pytest.fixture(scope="module")
def server(home: Home) -> Iterator[Server]:
    with home.serve() as server:
        yield server


class Person:
    """A browser without scripts, and who sits at it at the provider."""

    def __init__(self, server: Server, name: str) -> None:
        self.server, self.name = server, name
        self.browser = httpx2.Client(trust_env=False, timeout=PATIENCE)
        self.came = ""

    def open(self, path: str) -> httpx2.Response:
        return self.follow(self.browser.get(urljoin(self.server.setup, path)))

    def follow(self, answer: httpx2.Response) -> httpx2.Response:
        """Follow redirects; remembers the address with which the provider sent the browser back."""
        for _ in range(MOST_PAGES):
            if not answer.is_redirect:
                return answer
            to = urljoin(str(answer.url), answer.headers["location"])
            self.came = to if "/setup/sign-in/callback" in to else self.came
            answer = self.browser.get(to)
        raise AssertionError(f"got {MOST_PAGES} redirects; expected a page")

    def send(self, page: httpx2.Response, **more: str) -> httpx2.Response:
        filled = {name: html.unescape(value) for name, value in HIDDEN.findall(page.text)}
        return self.follow(self.browser.post(str(page.url.copy_with(query=None)), data=filled | more))

    def sign_on(self, wanted: str = "/setup/me") -> httpx2.Response:
        """Press the button of the issuer, sign in and agree there, and come back."""
        page = self.open(wanted)
        button = re.search(r'href="(/setup/sign-in/with/[^"]+)">Sign in with Example ID', page.text)
        assert button is not None, page.text
        answer = self.open(html.unescape(button[1]))
        for _ in range(MOST_PAGES):
            if str(answer.url).startswith(self.server.setup):
                return answer
            answer = self.follow(agree(self.browser, answer, self.name))
        raise AssertionError(f"got {MOST_PAGES} pages; expected the way back")


@pytest.fixture(scope="module")
def admin(server: Server, home: Home) -> Iterator[httpx2.Client]:
    """What asks the setup API as the administrator."""
    key = {"Callout-Key": home.create_key("admin")}
    with httpx2.Client(base_url=f"{server.setup}/api/v1", headers=key, trust_env=False, timeout=PATIENCE) as client:
        yield client


def answered(answer: httpx2.Response) -> dict:
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_who_the_provider_knows_signs_in_and_is_back_where_they_wanted(server):
    alice = Person(server, "alice-at-the-provider")
    page = alice.sign_on("/setup/me?a=b")
    assert str(page.url) == f"{server.setup}/setup/me?a=b"
    assert "signed in as alice, by single sign-on of Login" in page.text
    again = Person(server, "mallory")
    assert again.open(alice.came).status_code == 502, "the answer belongs to the browser that asked for it"
    replayed = alice.browser.get(alice.came)
    assert replayed.status_code == 502
    assert "signed in as alice" in alice.open("/setup/me").text, "what was replayed did no harm"


def test_whom_the_mapping_leads_nowhere_is_told_so_and_nobody_is_made(server, admin):
    mallory = Person(server, "mallory-at-the-provider")
    page = mallory.sign_on()
    assert page.status_code == 403
    assert "mallory-at-the-provider" in page.text
    assert "trusted_issuers.Login.users" in page.text
    assert "mallory" not in admin.get("/users").text
    assert str(mallory.open("/setup/me").url).startswith(f"{server.setup}/setup/sign-in")


def test_a_link_a_password_and_an_admin_who_ends_it(server, home, admin):
    link = answered(admin.post("/users/bob/invite", json={}))["link"]
    bob = Person(server, "bob")
    assert link.startswith(server.setup)
    welcome = bob.open(link)
    assert "Welcome, bob" in welcome.text
    page = bob.send(welcome, password=PASSWORD, again=PASSWORD)
    assert str(page.url) == f"{server.setup}/setup"
    elsewhere = Person(server, "bob")
    assert "sign-in" in str(elsewhere.send(elsewhere.open("/setup/sign-in"), user="bob", password=OTHER).url)
    assert elsewhere.send(elsewhere.open("/setup/sign-in"), user="bob", password=PASSWORD).status_code == 200
    assert len(answered(admin.get("/users/bob/sessions"))["sessions"]) == 2
    assert answered(admin.post("/users/bob/sign-out", json={}))["ended"] == 2
    assert "sign-in" in str(bob.open("/setup/me").url)
    home.run("user", "password", "bob", standard_input=f"{OTHER}\n")
    assert elsewhere.send(elsewhere.open("/setup/sign-in"), user="bob", password=PASSWORD).status_code == 403
    assert elsewhere.send(elsewhere.open("/setup/sign-in"), user="bob", password=OTHER).status_code == 200
    told = [row["act"] for row in answered(admin.get("/audit/acts"))["acts"]]
    wanted = {"invite user", "choose password", "sign in", "sign in failed", "end sessions", "set password"}
    assert wanted <= {*told}


def test_nothing_secret_is_shown_or_kept(server, home, admin):
    alice = Person(server, "alice-at-the-provider")
    page = alice.sign_on()
    code, state = (httpx2.URL(alice.came).params[name] for name in ("code", "state"))
    cookies = [each.value for each in alice.browser.cookies.jar if each.name.startswith("callout_")]
    assert len(cookies) == 2
    texts = [SECRET, PASSWORD, OTHER, code, state, *cookies]
    asked = ("/export", "/audit/acts", "/users/alice/sessions", "/trusted-issuers")
    shown = page.text + server.log + "".join(admin.get(each).text for each in asked)
    assert [each for each in texts if each in shown] == []
    stored = b"".join(file.read_bytes() for file in home.folder.glob("callout.db*"))
    assert [each for each in texts if each.encode() in stored] == []
    assert b"$argon2id$v=19$m=65536,t=3,p=4$" in stored
