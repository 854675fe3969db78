"""A certified OAuth server (npm oidc-provider): client credentials both ways, expiry, refresh, refusal.

The external system asks the provider whether a bearer token is active (introspection, RFC 7662): two programs that we
did not write the same way must agree on every token.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from callout_client import Client, TokenEndpointRefused
from tests.counterparties.external_system import ExternalSystem
from tests.counterparties.orders import API, Orders
from tests.counterparties.provider import Provider
from tests.journeys.processes import Home, Server, callout_home, eventually

#: Everything that form-encoding and Basic headers get wrong, within what a client secret may hold (RFC 6749 A.2).
SPECIAL = 'a:b+c%2Bd&e=f g/h?i"j~'
SHORT_TTL = 3
CLIENTS = {
    "Basic": {"client_id": "basic", "client_secret": SPECIAL, "token_endpoint_auth_method": "client_secret_basic"},
    "Post": {"client_id": "post", "client_secret": SPECIAL, "token_endpoint_auth_method": "client_secret_post"},
    "Special": {"client_id": SPECIAL, "client_secret": SPECIAL, "token_endpoint_auth_method": "client_secret_basic"},
    "Short": {
        "client_id": "short",
        "client_secret": "short-secret-0123",
        "token_endpoint_auth_method": "client_secret_basic",
        "ttl": SHORT_TTL,
    },
    "Revoked": {
        "client_id": "revoked",
        "client_secret": "revoked-secret-0123",
        "token_endpoint_auth_method": "client_secret_post",
    },
    "Wrong": {
        "client_id": "wrong",
        "client_secret": "the-right-secret-0123",
        "token_endpoint_auth_method": "client_secret_basic",
    },
}
WRONG_SECRET = "not-the-right-secret-4567"


def manifest_for(provider: Provider, external: ExternalSystem) -> dict:
    secret_of = {"Wrong": WRONG_SECRET}
    return {
        "external_credentials": {
            name: {
                "protocol": "oauth2_client_credentials",
                "parameters": {
                    "token_endpoint": provider.ready["token_endpoint"],
                    "revocation_endpoint": provider.ready["revocation_endpoint"],
                    "introspection_endpoint": provider.ready["introspection_endpoint"],
                    "client_authentication": client["token_endpoint_auth_method"],
                    "scope": "orders.read",
                },
                "principals": {
                    "Service": {
                        "secrets": {
                            "client_id": client["client_id"],
                            "client_secret": secret_of.get(name, client["client_secret"]),
                        }
                    }
                },
            }
            for name, client in CLIENTS.items()
        },
        "named_credentials": {
            name: {"url": f"{external.url}/v2", "external_credential": name, "allow_private_network": True}
            for name in CLIENTS
        },
        "permission_sets": {"Clerks": {"principals": [f"{name}/Service" for name in CLIENTS]}},
        "users": {"alice": {"permission_sets": ["Clerks"]}},
    }


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with Provider(tmp_path_factory.mktemp("provider"), [*CLIENTS.values(), API]) as provider:
        yield provider


@pytest.fixture(scope="module")
def orders(provider: Provider) -> Orders:
    return Orders(provider.ready["introspection_endpoint"])


@pytest.fixture(scope="module")
def external(orders: Orders) -> Iterator[ExternalSystem]:
    with ExternalSystem(orders.answer) as external:
        yield external


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, provider: Provider, external: ExternalSystem) -> Iterator[Home]:
    with callout_home(tmp_path_factory.mktemp("oidc") / "home") as home:
        home.apply(manifest_for(provider, external))
        yield home


@pytest.fixture(scope="module")
def key(home: Home) -> str:
    return home.create_key("alice")


@pytest.fixture(scope="module")
def server(home: Home, key: str) -> Iterator[Server]:
    with home.serve() as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server, key: str) -> Iterator[Client]:
    with Client(server.gateway, key) as client:
        yield client


@pytest.fixture(autouse=True)
def forgotten(external: ExternalSystem) -> None:
    external.received.clear()


def last_token(external: ExternalSystem) -> str:
    header = external.received[-1][0].header("Authorization")
    assert header is not None
    return header.removeprefix("Bearer ")


@pytest.mark.parametrize("name", ["Basic", "Post", "Special"])
def test_client_credentials_are_accepted_by_a_certified_server(client, provider, name):
    answer = client.get(f"callout:{name}/orders/7")
    assert (answer.status_code, answer.json()) == (
        200,
        {"order": 7, "client": CLIENTS[name]["client_id"], "scope": "orders.read"},
    )
    assert client.get(f"callout:{name}/orders/8").status_code == 200
    assert provider.seen(CLIENTS[name]["client_id"]) == [200]


async def test_an_expired_token_is_replaced_by_exactly_one_token_request(client, provider, orders, external):
    assert client.get("callout:Short/orders/7").status_code == 200
    token = last_token(external)
    await orders.until_inactive(token)
    before = len(provider.seen("short"))
    assert client.get("callout:Short/orders/7").status_code == 200
    assert last_token(external) != token
    assert len(provider.seen("short")) == before + 1
    # The provider counts in whole seconds, so its tokens may end up to one second before `expires_in` has passed:
    # either Callout knew already, or the external system said so. Nobody but the two of them noticed.
    assert external.statuses() in ([200, 200], [200, 401, 200])


async def test_a_token_revoked_at_the_provider_is_refused_refreshed_once_and_the_callout_repeated(
    client, provider, orders, external
):
    assert client.get("callout:Revoked/orders/7").status_code == 200
    token = last_token(external)
    provider.revoke(CLIENTS["Revoked"], token)
    await orders.until_inactive(token)
    answer = client.post("callout:Revoked/orders", json={"amount": 1})
    assert answer.status_code == 200
    assert external.statuses() == [200, 401, 200]
    assert [request.body for request, _ in external.received[1:]] == [b'{"amount":1}'] * 2
    assert last_token(external) != token
    assert provider.seen("revoked") == [200, 200]


@pytest.mark.parametrize("name", ["Basic", "Post", "Special"])
async def test_a_token_is_asked_about_and_revoked_as_a_certified_server_understands_it(
    client, home, orders, external, name
):
    assert client.get(f"callout:{name}/orders/7").status_code == 200
    token = last_token(external)
    live = home.json("status", f"{name}/Service", "--live")
    assert (live["active"], live["client_id"], live["scope"]) == (True, CLIENTS[name]["client_id"], "orders.read")
    (receipt,) = home.json("revoke", f"{name}/Service")["revocations"]
    assert (receipt["revoked"], receipt["status"], receipt["token"]) == (True, 200, "access_token")
    assert not (await orders.introspect(token))["active"]
    assert token not in str((live, receipt))


def test_a_wrong_secret_is_explained_in_the_servers_words_and_without_the_secret(client, provider, home, external):
    with pytest.raises(TokenEndpointRefused) as caught:
        client.get("callout:Wrong/orders/7")
    error = caught.value
    assert (error.status, error.blame) == (502, "admin")
    assert "invalid_client" in str(error)
    explained = json.dumps(home.explained(error.callout_id))
    assert "token_endpoint_refused" in explained
    assert "invalid_client" in explained
    for told in (str(error), error.response.text, explained):
        assert WRONG_SECRET not in told
    assert external.received == []
    assert provider.seen("wrong") == [401]


def test_a_wrong_secret_is_mended_by_setting_the_right_one(client, home, external):
    with pytest.raises(TokenEndpointRefused):
        client.get("callout:Wrong/orders/7")
    home.set_secrets("Wrong/Service", client_secret=CLIENTS["Wrong"]["client_secret"])
    answer = eventually(lambda: client.get("callout:Wrong/orders/7"), instead_of=TokenEndpointRefused)
    assert answer.status_code == 200


def test_no_secret_is_in_the_logs_of_the_server(server, client):
    client.get("callout:Basic/orders/7")
    assert not [each["client_secret"] for each in CLIENTS.values() if each["client_secret"] in server.log]
    assert WRONG_SECRET not in server.log
