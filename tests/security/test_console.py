"""The console against other sites, other people and its own mistakes: every route of it, taken from its routes."""

from __future__ import annotations

import pytest

from tests.furnished import SECRETS, Furnished
from tests.security.test_canary import forms_of
from tests.setup_console import Address, Person, fields_of, files, forms, pages

pytestmark = pytest.mark.journey

#: What every page says to a browser. Nothing from elsewhere, no script or style but our files, no frame around it.
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
SAID = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
}
#: Who may see a page without an admin permission, if only with their own on it. Every other answers 403.
EVERYONES = {
    "/setup",
    "/setup/find",
    "/setup/me",
    "/setup/connections",
    "/setup/try",
    "/setup/log",
}
#: What only others have: neither is to be seen by who may not look.
OTHERS = ("Payroll", "AcmeFeed", "c1ient-of-till", "quentin", "Platform")
ELSEWHERE = ("//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/setup\r\nX: y")


@pytest.fixture(scope="module")
def admin(furnished: Furnished) -> Person:
    return Person(furnished.server.setup, key=furnished.keys["admin"])


@pytest.fixture(scope="module")
def others(furnished: Furnished) -> str:
    """The text that another session's forms hold."""
    return Person(furnished.server.setup, key=furnished.keys["admin"]).form_text()


@pytest.fixture
def nobody(furnished: Furnished) -> Person:
    return Person(furnished.server.setup)


def names_of(each: Address) -> str:
    return each.path


def policy_of(answer) -> dict[str, str]:
    parts = [each.strip().partition(" ") for each in answer.headers["content-security-policy"].split(";")]
    return {name: value for name, _, value in parts}


def assert_guarded(answer) -> None:
    """Hold an answer to what every page says."""
    policy = policy_of(answer)
    assert {name: policy.get(name) for name in POLICY} == POLICY
    assert "form-action" in policy
    assert not any("unsafe" in value or "*" in value or "http:" in value for value in policy.values())
    assert {name: answer.headers.get(name) for name in SAID} == SAID
    assert answer.headers["referrer-policy"] in ("no-referrer", "same-origin")
    assert "server" not in answer.headers or "/" not in answer.headers["server"]


# --- what every page says ---------------------------------------------------------------------------------------


def test_every_page_is_served_and_says_what_a_browser_is_to_allow(
    furnished: Furnished, admin: Person, nobody: Person
) -> None:
    assert len(pages()) > 6
    for each in pages():
        path = furnished.names.fill(each)
        page = (nobody if each.open else admin).get(path)
        assert page.status_code == 200, f"{path}: {page.status_code} {page.text}"
        assert_guarded(page)
        assert len(page.content) < 200_000
        assert_guarded(nobody.get(path))
    for refused in ("/setup/named-credentials/Nowhere", "/setup/nowhere"):
        answer = admin.get(refused)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert_guarded(answer)


def test_no_page_holds_what_the_policy_would_stop(furnished: Furnished, admin: Person, nobody: Person) -> None:
    for each in pages():
        text = (nobody if each.open else admin).get(furnished.names.fill(each)).text
        for inline in (
            " style=",
            "<style",
            " onclick=",
            " onload=",
            " onsubmit=",
            "javascript:",
            "<script>",
            "http-equiv",
        ):
            assert inline not in text, f"{each.path} holds {inline}"
        for tag in text.split("<script")[1:]:
            assert tag.startswith((' src="/setup/files/', ' type="application/json"')), f"{each.path}: {tag[:80]}"


def test_what_pages_load_is_kept_and_nothing_else_is_served_as_a_file(admin: Person) -> None:
    for name in ("setup.css", "setup.js", "callout.svg"):
        answer = admin.get(f"/setup/files/{name}")
        assert (answer.status_code, answer.headers["x-content-type-options"]) == (200, "nosniff")
    for name in ("app.py", "..%2Fapp.py", "%2e%2e%2fapp.py", "..%5capp.py", ".", "setup.css%00.py"):
        assert admin.get(f"/setup/files/{name}").status_code == 404


# --- other sites ------------------------------------------------------------------------------------------------


def acts(furnished: Furnished) -> object:
    """What admins did: it changes with every change."""
    return furnished.api.ask("GET", "/audit/acts", limit=1)


@pytest.mark.parametrize("address", forms(), ids=names_of)
def test_a_form_of_another_site_or_session_is_refused_and_changes_nothing(
    furnished: Furnished, admin: Person, others: str, address: Address
) -> None:
    path, before = furnished.names.fill(address).partition("?")[0], acts(furnished)
    own = admin.form_text()
    form = {"do": "remove", "name": "Forged", "url": "https://forged.example", "enabled": "false", "theme": "dark"}
    assert own != others
    for text, headers in (
        (None, {}),
        ("0" * 64, {}),
        (others, {}),
        (own, {"Origin": "https://evil.example"}),
        (own, {"Origin": "null"}),
        (own, {"Origin": furnished.server.setup.replace("http://", "http://evil.")}),
        (own, {"Sec-Fetch-Site": "cross-site"}),
    ):
        sent = form if text is None else {**form, "form_text": text}
        answer = admin.browser.post(path, data=sent, headers=headers)
        assert answer.status_code == 400, f"{path} with {headers}: {answer.status_code} {answer.headers}"
        assert_guarded(answer)
    assert acts(furnished) == before
    assert admin.get("/setup").status_code == 200, "still signed in"


def test_looking_at_every_page_changes_nothing(furnished: Furnished, admin: Person) -> None:
    before = acts(furnished), furnished.api.ask("GET", "/export")
    for each in pages():
        admin.get(furnished.names.fill(each))
        admin.browser.head(furnished.names.fill(each))
    assert (acts(furnished), furnished.api.ask("GET", "/export")) == before


@pytest.mark.parametrize("to", ELSEWHERE)
def test_who_signs_in_or_chooses_is_sent_to_no_other_site(furnished: Furnished, admin: Person, to: str) -> None:
    person = Person(furnished.server.setup)
    page = person.get("/setup/sign-in", params={"next": to})
    hidden = fields_of(page)
    answer = person.browser.post("/setup/sign-in", data={**hidden, "next": to, "key": furnished.keys["alice"]})
    assert (answer.status_code, answer.headers["location"]) == (303, "/setup")
    assert hidden.get("next", "/setup") == "/setup"
    answer = admin.post("/setup/theme", {"theme": "light", "next": to})
    assert (answer.status_code, answer.headers["location"]) == (303, "/setup")


def test_a_foreign_host_header_is_nowhere_repeated(furnished: Furnished, admin: Person) -> None:
    for each in pages():
        answer = admin.get(
            furnished.names.fill(each), headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
        )
        assert "evil.example" not in answer.text + str(answer.headers), each.path


# --- sessions ---------------------------------------------------------------------------------------------------


def test_signing_in_begins_another_session_and_the_one_before_stays_nobodys(furnished: Furnished) -> None:
    person = Person(furnished.server.setup)
    before = person.form_text("/setup/sign-in")
    planted = dict(person.browser.cookies)
    person.sign_in(furnished.keys["admin"])
    assert {name: person.browser.cookies.get(name) for name in planted} != planted
    assert person.form_text() != before
    thief = Person(furnished.server.setup)
    thief.browser.cookies.update(planted)
    assert thief.get("/setup").status_code == 303
    refused = person.browser.post("/setup/theme", data={"form_text": before, "theme": "dark"})
    assert refused.status_code == 400


def test_no_script_and_no_other_site_gets_the_cookie(furnished: Furnished) -> None:
    person = Person(furnished.server.setup)
    page = person.get("/setup/sign-in")
    answer = person.browser.post("/setup/sign-in", data={**fields_of(page), "key": furnished.keys["admin"]})
    given = [each.lower() for each in answer.headers.get_list("set-cookie")]
    assert given
    for each in given:
        assert "httponly" in each
        assert "samesite=lax" in each or "samesite=strict" in each
        assert "domain=" not in each


def test_signing_out_ends_the_session_wherever_its_cookie_is(furnished: Furnished) -> None:
    person = Person(furnished.server.setup, key=furnished.keys["admin"])
    kept = dict(person.browser.cookies)
    assert person.post("/setup/sign-out").status_code == 303
    assert person.get("/setup").status_code == 303
    thief = Person(furnished.server.setup)
    thief.browser.cookies.update(kept)
    assert thief.get("/setup").status_code == 303


@pytest.mark.parametrize("forged", ["", "x", "0" * 64, "e30.e30.e30"])
def test_a_forged_cookie_is_nobody(furnished: Furnished, forged: str) -> None:
    made = Person(furnished.server.setup, key=furnished.keys["admin"])
    names = [name for name in made.browser.cookies if made.browser.cookies[name]]
    person = Person(furnished.server.setup)
    for name in names:
        person.browser.cookies.set(name, forged)
    assert person.get("/setup").status_code == 303


def test_who_is_not_signed_in_sees_no_page(furnished: Furnished, nobody: Person) -> None:
    for each in pages():
        path = furnished.names.fill(each)
        answer = nobody.get(path)
        if answer.status_code == 200:
            assert 'class="alone"' in answer.text, f"{path} is shown to nobody"
            assert not any(other in answer.text for other in OTHERS)
        else:
            assert answer.headers["location"].startswith("/setup/sign-in?next="), path


# --- secrets and rights ------------------------------------------------------------------------------------------


def test_no_page_shows_a_secret(furnished: Furnished, admin: Person, nobody: Person) -> None:
    for each in (*pages(), *files()):
        content = (nobody if each.open else admin).get(furnished.names.fill(each)).content
        for name, secret in {**SECRETS, **furnished.keys}.items():
            assert not any(form in content for form in forms_of(secret)), f"{each.path} shows {name}"


def test_who_may_nothing_sees_their_own_and_no_more(furnished: Furnished) -> None:
    bob = Person(furnished.server.setup, key=furnished.keys["bob"])
    for each in (*pages(), *files()):
        answer = bob.get(furnished.names.fill(each))
        if each.path in EVERYONES:
            assert answer.status_code == 200, each.path
            shown = [other for other in OTHERS if other in answer.text]
            assert shown == [], f"{each.path} shows {shown}"
        elif not each.open and each.path != "/setup/callouts/{callout_id}":  # the callout was bob's own
            assert answer.status_code == 403, f"{each.path}: {answer.status_code}"


@pytest.mark.parametrize("user", ["bob", "quentin"])
def test_who_may_only_look_or_nothing_changes_nothing(furnished: Furnished, user: str) -> None:
    person, before = Person(furnished.server.setup, key=furnished.keys[user]), furnished.api.ask("GET", "/export")
    text = person.form_text()
    form = {"name": "Made", "url": "https://made.example", "external_credential": "Orders", "enabled": "false"}
    for each in forms():
        if each.path in ("/setup/sign-out", "/setup/sign-in"):
            continue
        path = furnished.names.fill(each).partition("?")[0]
        for do in ("remove", "apply") if path.endswith(("/remove", "/remedy", "/manifest")) else ("save", "redraw"):
            answer = person.browser.post(path, data={**form, "form_text": text, "do": do})
            assert answer.status_code < 500, f"{path}: {answer.text}"
            shown = [other for other in OTHERS if other in answer.text and other not in path]
            assert shown == [] or user == "quentin", f"{path} with {do} shows {shown}"
    assert furnished.api.ask("GET", "/export") == before
