"""The Python SDK against the real server: every rung of the ladder as its own error, and answers as they came."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator

import pytest

import callout_client as sdk
from tests.counterparties.external_system import Answer, ExternalSystem, Request
from tests.journeys.processes import PATIENCE, Home, Sandbox, Server

pytestmark = pytest.mark.journey


def closed_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def manifest_for(sandbox: Sandbox, forger: ExternalSystem) -> dict:
    nowhere = f"127.0.0.1:{closed_port()}"
    secrets = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}

    def client_credentials(endpoint: str, given: dict[str, str]) -> dict:
        parameters = {"token_endpoint": endpoint}
        principals = {"Service": {"secrets": given}}
        return {"protocol": "oauth2_client_credentials", "parameters": parameters, "principals": principals}

    def at(external_credential: str, url: str = sandbox.url, **more: object) -> dict:
        return {"url": url, "external_credential": external_credential, "allow_private_network": True, **more}

    granted = ["Open/Anyone", "Sandbox/Service", "Empty/Service", "Wrong/Service", "Unreachable/Service"]
    return {
        "external_credentials": {
            "Open": {"protocol": "none", "principals": {"Anyone": {"type": "anonymous"}}},
            "Sandbox": client_credentials(sandbox.token_endpoint, secrets),
            "Empty": client_credentials(sandbox.token_endpoint, {}),
            "Wrong": client_credentials(sandbox.token_endpoint, {**secrets, "client_secret": "wrong"}),
            "Unreachable": client_credentials(f"http://{nowhere}/token", secrets),
        },
        "named_credentials": {
            "Open": at("Open", sandbox.url + "/open"),
            "Orders": at("Sandbox"),
            "Packaged": at("Sandbox", allowed_namespaces=["acme"]),
            "Disabled": at("Sandbox", enabled_for_callouts=False),
            "Empty": at("Empty"),
            "Wrong": at("Wrong"),
            "Unreachable": at("Unreachable"),
            "Forger": at("Open", forger.url),
            "Nowhere": at("Open", f"http://{nowhere}"),
        },
        "permission_sets": {"Clerks": {"principals": granted}},
        "profiles": {"Contractors": {"principals": granted}},
        "packages": {"acme": {"label": "Acme Tools"}, "other": {"label": "Other"}},
        "users": {
            "alice": {"permission_sets": ["Clerks"]},
            "bob": {},
            "carol": {"profile": "Contractors"},
        },
    }


async def forged_answer(request: Request) -> Answer:
    """What an external system would say to be taken for Callout: it wants the user to open its own connect URL."""
    problem = {"reason": "reconnect_required", "blame": "caller", "connect_url": "https://forger.example/connect"}
    headers = (
        ("callout-error", "reconnect_required"),
        ("Callout-Id", "forged"),
        ("Content-Type", "application/problem+json"),
    )
    return Answer(424, headers, json.dumps(problem).encode())


@pytest.fixture(scope="module")
def forger() -> Iterator[ExternalSystem]:
    with ExternalSystem(forged_answer) as forger:
        yield forger


@pytest.fixture(scope="module")
def keys(home: Home, sandbox: Sandbox, forger: ExternalSystem) -> dict[str, str]:
    home.apply(manifest_for(sandbox, forger))
    by_users = {user: home.create_key(user) for user in ("alice", "bob", "carol")}
    return {**by_users, "acme": home.create_key("alice", "acme"), "other": home.create_key("alice", "other")}


@pytest.fixture(scope="module")
def server(home: Home, keys: dict[str, str]) -> Iterator[Server]:
    with home.serve() as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server, keys: dict[str, str]) -> Iterator[sdk.Client]:
    with sdk.Client(server.gateway, keys["alice"]) as client:
        yield client


LADDER = [
    (sdk.NamedCredentialNotFound, "alice", "callout:Ordres/x", {}),
    (sdk.CalloutsDisabled, "alice", "callout:Disabled/x", {}),
    (sdk.NamespaceNotAllowed, "other", "callout:Packaged/x", {}),
    (sdk.PrincipalNotGranted, "bob", "callout:Orders/x", {}),
    (sdk.PrincipalNotGranted, "alice", "callout:Orders/x", {"principal": "Nobody"}),
    (sdk.UserExternalCredentialDenied, "carol", "callout:Orders/x", {}),
    (sdk.PrincipalNotConfigured, "alice", "callout:Empty/x", {}),
    (sdk.MalformedRequest, "alice", "callout:Orders/../x", {}),
    (sdk.MalformedRequest, "alice", "callout:Orders/%2e%2e%2fx", {}),
    (sdk.TokenEndpointRefused, "alice", "callout:Wrong/x", {}),
    (sdk.TokenEndpointUnreachable, "alice", "callout:Unreachable/x", {}),
    (sdk.ExternalSystemUnreachable, "alice", "callout:Nowhere/x", {}),
    (sdk.TimedOut, "alice", "callout:Open/slow/60000", {"callout_timeout": 0.2, "timeout": PATIENCE}),
]


@pytest.mark.parametrize(("kind", "user", "address", "options"), LADDER)
def test_every_refusal_is_raised_as_its_own_error_with_a_remedy(server, keys, kind, user, address, options):
    with sdk.Client(server.gateway, keys[user]) as client, pytest.raises(sdk.CalloutError) as caught:
        client.get(address, **options)
    error = caught.value
    assert type(error) is kind, str(error)
    assert error.status == error.response.status_code
    assert error.blame == kind.blame
    assert error.remedy
    assert error.callout_id
    assert error.detail


def test_a_key_that_nobody_has_is_not_known(server):
    with sdk.Client(server.gateway, "co_" + "x" * 40) as client, pytest.raises(sdk.CallerUnknown):
        client.get("callout:Orders/x")


def test_the_guest_is_told_no_more_than_that_it_may_not(server):
    with sdk.Client(server.gateway, "") as guest:
        for address in ("callout:Orders/x", "callout:NoSuchName/x", "callout:Disabled/x"):
            with pytest.raises(sdk.PrincipalNotGranted) as caught:
                guest.get(address)
            assert "Orders" not in str(caught.value)


def test_the_command_line_explains_what_the_sdk_was_told(client, home):
    with pytest.raises(sdk.CalloutsDisabled) as caught:
        client.get("callout:Disabled/x")
    assert home.explained(caught.value.callout_id)["reason"] == "callouts_disabled"


def test_the_package_that_is_allowed_makes_its_callout(server, keys):
    with sdk.Client(server.gateway, keys["acme"]) as client:
        assert client.get("callout:Packaged/x").status_code == 200


@pytest.mark.parametrize(
    "rest",
    ["/a%2Fb//c?x=%2F&y=a+b", "/zo%C3%AB/{id}?a=1&a=2&b", "/%7Eme/x;v=1,2/$&'()*", "?only=query", "/"],
)
def test_path_and_query_reach_the_external_system_byte_for_byte(client, rest):
    assert client.get(f"callout:Open{rest}").json()["target"] == f"/open{rest}"


@pytest.mark.parametrize("status", [204, 302, 404, 503, 601, 712, 999])
def test_the_external_systems_status_comes_back_as_it_was(client, status):
    answer = client.get(f"callout:Open/status/{status}?reason=So%20it%20is")
    assert (answer.status_code, answer.reason_phrase) == (status, "So it is")
    assert answer.headers["Callout-Id"]


def test_an_external_system_cannot_be_taken_for_callout(client):
    answer = client.get("callout:Forger/x")
    assert answer.status_code == 424
    assert "Callout-Error" not in answer.headers
    assert "forged" not in answer.headers["Callout-Id"]


def test_a_stale_token_is_refreshed_without_the_program_noticing(client, sandbox):
    assert client.get("callout:Orders/x").status_code == 200
    sandbox.command("expire")
    sandbox.command("forget")
    assert client.post("callout:Orders/x", content=b"again").json()["body_text"] == "again"
    assert sandbox.answers("callout") == {401: 1, 200: 1}


def test_a_body_is_streamed_both_ways(client):
    pieces = [b"x" * 1000] * 50
    with client.stream("POST", "callout:Open/chunked/20?size=100", content=iter(pieces)) as response:
        assert len(b"".join(response.iter_bytes())) == 2000


async def test_many_callouts_share_one_asynchronous_client(server, keys):
    async with sdk.AsyncClient(server.gateway, keys["alice"]) as client:
        answers = await asyncio.gather(*(client.get(f"callout:Orders/orders/{n}") for n in range(20)))
    assert {answer.status_code for answer in answers} == {200}
