"""Principals are connected at OpenBao, an issuer that others wrote in Go: what it proves, and what it refuses of us."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest

from tests.counterparties.connected_world import ConnectedWorld
from tests.counterparties.openbao import OpenBao
from tests.counterparties.visitor import Visitor
from tests.journeys.processes import callout_home

USERS = ("anna", "ben")
PEOPLE = {"alice": "c4n4ry-wonderland", "bob": "c4n4ry-builder"}
CALLBACK = "http://127.0.0.1/connect/callback"


class Issuer:
    """OpenBao with one client, and people who sign in there in a browser."""

    def __init__(self, openbao: OpenBao) -> None:
        self.openbao = openbao
        self.client = openbao.provide([CALLBACK], PEOPLE)
        self.metadata = openbao.metadata

    def agree(self, address: str, person: str) -> str:
        """Sign in at the address that Callout sent a browser to; returns where OpenBao sends it."""
        return self.openbao.authorize(address, person, PEOPLE[person])

    def subject(self, person: str) -> str:
        """Return what OpenBao calls this person in `sub`."""
        path = f"auth/userpass/login/{person}"
        return str(self.openbao.call("POST", path, {"password": PEOPLE[person]})["auth"]["entity_id"])

    def let_live(self, lifetime: str) -> None:
        """Say how long access tokens live that are made from now on."""
        self.openbao.call("POST", "identity/oidc/client/callout", {"access_token_ttl": lifetime})

    def manifest(self, secret: str = "") -> dict:
        """A principal that is shared and one for each user. Endpoints are discovered, but where accounts are told."""
        metadata = self.metadata
        known = {name: metadata[name] for name in ("issuer", "userinfo_endpoint")}
        provider = {
            "label": "Vault",
            "parameters": {**known, "scope": "openid"},
            "secrets": {"client_id": self.client["client_id"], "client_secret": secret or self.client["client_secret"]},
        }
        credentials = (("Shared", "Service", "named"), ("Own", "User", "per_user"))
        url = metadata["userinfo_endpoint"].removesuffix("/userinfo")
        return {
            "external_auth_identity_providers": {"Vault": provider},
            "external_credentials": {
                name: {
                    "protocol": "oauth2_authorization_code",
                    "parameters": {"identity_provider": "Vault"},
                    "principals": {principal: {"type": kind}},
                }
                for name, principal, kind in credentials
            },
            "named_credentials": {
                name: {"url": url, "external_credential": name, "allow_private_network": True}
                for name, _, _ in credentials
            },
            "permission_sets": {
                "Callers": {"principals": ["Shared/Service", "Own/User"], "user_external_credential": ["read"]}
            },
            "users": {name: {"permission_sets": ["Callers"]} for name in USERS},
        }


@pytest.fixture(scope="module")
def issuer(openbao: OpenBao) -> Issuer:
    return Issuer(openbao)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[ConnectedWorld]:
    with callout_home(tmp_path_factory.mktemp("home") / "home") as home:
        home.apply(issuer.manifest())
        with home.serve() as server:
            yield ConnectedWorld(home, server, USERS, asks="userinfo")


def authorizing(visitor: Visitor, url: str) -> str:
    """Open a connect page and go on; returns the address of the authorization request."""
    answer = visitor.send(visitor.open(url))
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def connect(issuer: Issuer, url: str, person: str) -> httpx2.Response:
    """Connect at OpenBao as this person; returns the page that says what came of it."""
    visitor = Visitor(person)
    return visitor.open(issuer.agree(authorizing(visitor, url), person))


def parameter(address: str, name: str) -> str:
    return parse_qs(urlsplit(address).query)[name][0]


def test_what_everybody_shares_is_connected_by_an_admin_and_openbao_tells_whose_it_is(world, issuer):
    alice = issuer.subject("alice")
    page = connect(issuer, world.link("Shared/Service"), "alice")
    assert page.status_code == 200, page.text
    assert alice in page.text
    assert [world.connected_account(user, "Shared") for user in USERS] == [alice, alice]


def test_each_user_acts_as_who_they_are_at_openbao(world, issuer):
    for user, person in zip(USERS, PEOPLE, strict=True):
        url = world.refusal(user, "Own", "authorization_required").connect_url
        assert connect(issuer, url, person).status_code == 200
    subjects = [issuer.subject(person) for person in PEOPLE]
    assert subjects[0] != subjects[1]
    assert [world.connected_account(user, "Own") for user in USERS] == subjects


def test_the_request_binds_the_code_to_who_asked_for_it(world):
    asked = authorizing(Visitor("alice"), world.link("Shared/Service"))
    assert parameter(asked, "code_challenge_method") == "S256"
    assert parameter(asked, "redirect_uri") == f"{world.server.setup}/connect/callback"
    assert "client_secret" not in asked


def test_a_code_of_another_attempt_is_refused_by_openbao(world, issuer):
    mallory, alice = Visitor("bob"), Visitor("alice")
    stolen = issuer.agree(authorizing(mallory, world.link("Shared/Service")), "bob")
    begun = issuer.agree(authorizing(alice, world.link("Shared/Service")), "alice")
    injected = urlencode({"code": parameter(stolen, "code"), "state": parameter(begun, "state")})
    page = alice.open(f"{world.server.setup}/connect/callback?{injected}")
    assert page.status_code == 400
    assert "invalid_grant" in page.text


def test_a_browser_that_did_not_begin_cannot_complete(world, issuer):
    came = issuer.agree(authorizing(Visitor("alice"), world.link("Shared/Service")), "alice")
    page = Visitor("mallory").open(came)
    assert page.status_code == 400
    assert "another browser" in page.text


def test_a_token_that_ended_without_one_to_refresh_it_has_to_be_connected_anew(world, issuer):
    issuer.let_live("1s")
    assert connect(issuer, world.link("Own/User", by="anna"), "alice").status_code == 200
    refused = world.refusal("anna", "Own", "reconnect_required")
    issuer.let_live("24h")
    assert connect(issuer, refused.connect_url or world.link("Own/User", by="anna"), "bob").status_code == 200
    assert world.connected_account("anna", "Own") == issuer.subject("bob")


def test_a_wrong_client_secret_is_refused_by_openbao_and_shown_nowhere(issuer, tmp_path):
    wrong = "hvo_secret_c4n4ry_wrong"
    with callout_home(tmp_path / "home") as home:
        home.apply(issuer.manifest(wrong))
        with home.serve() as server:
            world = ConnectedWorld(home, server, (), asks="userinfo")
            page = connect(issuer, world.link("Shared/Service"), "alice")
            assert page.status_code == 400
            assert "invalid_client" in page.text
            assert wrong not in page.text + world.everything_shown()
