"""Principals are connected at a certified provider (npm oidc-provider), through Callout's own pages and by device code."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import httpx2
import pytest

from callout_client import AuthorizationRequired, Client
from tests.counterparties.connecting import CLIENT, SECRET, manifest_for
from tests.counterparties.consent import approve_device
from tests.counterparties.provider import Provider
from tests.counterparties.visitor import Visitor
from tests.journeys.processes import CALLOUT, PATIENCE, PROJECT, Home, Server, callout_home, environment_of, eventually

ENV = environment_of()


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with Provider(tmp_path_factory.mktemp("provider"), [CLIENT]) as provider:
        yield provider


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Home]:
    with callout_home(tmp_path_factory.mktemp("home") / "home") as home:
        home.apply(manifest_for(provider))
        yield home


@pytest.fixture(scope="module")
def server(home: Home) -> Iterator[Server]:
    with home.serve("--workers", "2") as server:
        yield server


@pytest.fixture(scope="module")
def keys(home: Home) -> dict[str, str]:
    return {user: home.create_key(user) for user in ("alice", "bob", "carol", "admin")}


def caller(server: Server, keys: dict[str, str], user: str) -> Client:
    return Client(server.gateway, keys[user])


def account(client: Client, name: str = "Own") -> str:
    answer = client.get(f"callout:{name}/me")
    assert answer.status_code == 200, answer.text
    return answer.json()["sub"]


def connect_url(client: Client, name: str = "Own") -> str:
    with pytest.raises(AuthorizationRequired) as refused:
        client.get(f"callout:{name}/me")
    assert refused.value.connect_url is not None
    return refused.value.connect_url


def test_two_users_each_see_their_own_account_and_a_third_is_told_where_to_connect(server, keys):
    for user in ("alice", "bob"):
        client = caller(server, keys, user)
        done = Visitor(f"{user}-at-the-provider").connect(connect_url(client))
        assert f"{user}-at-the-provider" in done.text
        assert eventually(lambda c=client: account(c), instead_of=AuthorizationRequired) == f"{user}-at-the-provider"
    assert account(caller(server, keys, "alice")) == "alice-at-the-provider"
    carol = caller(server, keys, "carol")
    page = Visitor("carol").open(connect_url(carol))
    assert page.status_code == 200
    assert "Callout user <strong>carol</strong>" in page.text


def test_a_link_is_good_once(server, keys, home):
    url = remotely(server, keys["admin"], "connect", "Own/User", "--link", "--for", "carol")["url"]
    done = Visitor("carol-at-the-provider").connect(url)
    assert "carol-at-the-provider" in done.text
    again = Visitor("mallory").open(url)
    assert again.status_code >= 400
    assert "was used" in again.text


def test_a_named_principal_is_connected_by_an_admin_who_waits_for_it(server, keys):
    with started(server, keys["admin"], "connect", "Shared/Service", "--no-browser", "--json") as waiting:
        assert waiting.stderr is not None
        url = waiting.stderr.readline().removeprefix("Open ").strip()
        Visitor("robot-at-the-provider").connect(url)
        told, _ = waiting.communicate(timeout=PATIENCE)
    assert json.loads(told)["account"] == "robot-at-the-provider"
    alice = caller(server, keys, "alice")
    assert eventually(lambda: account(alice, "Shared"), instead_of=AuthorizationRequired) == "robot-at-the-provider"


def test_a_user_cannot_connect_what_everybody_shares(server, keys):
    ended = attempted(server, keys["alice"], "connect", "Shared/Service", "--link")
    assert ended.returncode == 2, ended.stdout
    assert json.loads(ended.stdout)["reason"] == "administrator_required"


def test_a_device_code_connects_too(server, keys):
    with started(server, keys["bob"], "connect", "Own/User", "--device", "--json") as waiting:
        assert waiting.stderr is not None
        waiting.stderr.readline()
        approve_device(waiting.stderr.readline().removeprefix("or open ").strip(), "bob-by-device")
        told, _ = waiting.communicate(timeout=PATIENCE)
    assert json.loads(told)["account"] == "bob-by-device"
    bob = caller(server, keys, "bob")

    def connected_anew() -> None:
        assert account(bob) == "bob-by-device"

    eventually(connected_anew, instead_of=AssertionError)


def test_what_is_disconnected_is_revoked_and_asks_to_be_connected(server, keys, provider):
    alice = caller(server, keys, "alice")
    url = remotely(server, keys["alice"], "connect", "Own/User", "--link")["url"]
    Visitor("alice-at-the-provider").connect(url)
    told = remotely(server, keys["alice"], "disconnect", "Own/User")
    assert [receipt["revoked"] for receipt in told["revocations"]] == [True]
    eventually(lambda: connect_url(alice), instead_of=pytest.fail.Exception)


def test_nothing_secret_shows_anywhere(server, keys, home):
    visitor = Visitor("alice-at-the-provider")
    answer = visitor.send(visitor.open(remotely(server, keys["alice"], "connect", "Own/User", "--link")["url"]))
    state = httpx2.URL(answer.headers["location"]).params["state"]
    came = visitor.back_from_the_provider(answer)
    code = httpx2.URL(came).params["code"]
    page = visitor.open(came)
    assert "alice-at-the-provider" in page.text
    shown = page.text + str(page.url) + server.log + home.run("export") + home.run("status", "--json")
    shown += home.run("audit", "list", "--json") + home.run("identity-provider", "show", "Id", "--json")
    shown += httpx2.get(f"{server.setup}/metrics", trust_env=False).text
    assert [each for each in (SECRET, state, code) if each in shown] == []
    stored = b"".join(file.read_bytes() for file in home.folder.glob("callout.db*"))
    assert [each for each in (SECRET, state, code) if each.encode() in stored] == []


def command(server: Server, key: str, *arguments: str) -> list[str]:
    return [*CALLOUT, *arguments, "--url", server.setup, "--key", key]


def attempted(server: Server, key: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    whole = command(server, key, *arguments, "--json")
    return subprocess.run(whole, capture_output=True, text=True, check=False, cwd=PROJECT, timeout=PATIENCE, env=ENV)


def remotely(server: Server, key: str, *arguments: str) -> dict:
    ended = attempted(server, key, *arguments)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return json.loads(ended.stdout)


def started(server: Server, key: str, *arguments: str) -> subprocess.Popen[str]:
    whole = command(server, key, *arguments)
    pipe = subprocess.PIPE
    return subprocess.Popen(whole, stdout=pipe, stderr=pipe, text=True, cwd=PROJECT, env=ENV)
