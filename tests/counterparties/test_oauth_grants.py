"""Grants that need no person at Authlib's server: JWT bearer, token exchange, password, and the refresh tokens they bring."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from joserfc import jwk

from callout_client import Client, ReconnectRequired, TokenEndpointRefused
from tests.counterparties.authlib_server import AuthlibServer, RegisteredClient
from tests.journeys.processes import Home, callout_home

KEY = jwk.ECKey.generate_key("P-256", {"kid": "one"})
OTHER = jwk.ECKey.generate_key("P-256", {"kid": "two"})
ROBOT = RegisteredClient("robot", token_endpoint_auth_method="none", jwks={"keys": [KEY.as_dict(private=False)]})
BASIC = RegisteredClient("basic", client_secret="basic-secret-0123")
TRUSTED = "https://issuer.example.com"
GOOD = {"claims.iss": "robot", "claims.sub": "alice", "signing_certificate": "Robot", "scope": "orders.read"}
#: What is wrong with an assertion, by the name of the external credential.
ASSERTIONS = {
    "Good": {},
    "Several": {"claims.aud": '["https://other.example", "{ISSUER}"]'},
    "Expired": {"claims.exp": "1000000000"},
    "WrongKey": {"signing_certificate": "Stranger"},
    "WrongIssuer": {"claims.iss": "nobody"},
    "WrongAudience": {"claims.aud": "https://elsewhere.example.com"},
}
REFUSED = ("Expired", "WrongKey", "WrongIssuer", "WrongAudience")
PAIR = {"client_id": "basic", "client_secret": "basic-secret-0123"}
EXCHANGE = {"audience": "urn:callout:tests:orders", "scope": "orders.read"}
SIGNED = {
    "subject_token_from": "signed",
    "signing_certificate": "Robot",
    "claims.iss": TRUSTED,
    "claims.sub": "alice",
}


def credential(server: AuthlibServer, protocol: str, secrets: dict[str, str], **parameters: str) -> dict:
    texts = {name: text.replace("{ISSUER}", server.issuer) for name, text in parameters.items()}
    return {
        "protocol": protocol,
        "parameters": {"issuer": server.issuer, **texts},
        "principals": {"Service": {"secrets": secrets}},
    }


def manifest_for(server: AuthlibServer) -> dict:
    credentials = {
        name: credential(server, "oauth2_jwt_bearer", {}, **{**GOOD, **wrong}) for name, wrong in ASSERTIONS.items()
    }
    for name, word in (("Password", "wonderland"), ("WrongPassword", "guessed")):
        credentials[name] = credential(
            server, "oauth2_password", {**PAIR, "username": "alice", "password": word}, scope="orders.read"
        )
    exchange = "oauth2_token_exchange"
    credentials["Exchange"] = credential(server, exchange, PAIR, **EXCHANGE, **SIGNED)
    strange = {**SIGNED, "claims.iss": "https://stranger.example.com"}
    credentials["Strange"] = credential(server, exchange, PAIR, **EXCHANGE, **strange)
    return {
        "external_credentials": credentials,
        "named_credentials": {
            name: {"url": server.url, "external_credential": name, "allow_private_network": True}
            for name in credentials
        },
        "permission_sets": {"Clerks": {"principals": [f"{name}/Service" for name in credentials]}},
        "users": {"alice": {"permission_sets": ["Clerks"]}},
    }


@dataclass
class Granting:
    """Authlib's server, and a running Callout."""

    server: AuthlibServer
    home: Home
    client: Client

    def orders(self, name: str) -> dict:
        answer = self.client.get(f"callout:{name}/orders")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def asked_since(self, count: int) -> list[tuple[object, object]]:
        return [(str(each["grant_type"]).rpartition(":")[2], each["error"]) for each in self.server.seen[count:]]


@pytest.fixture(scope="module")
def granting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Granting]:
    folder = tmp_path_factory.mktemp("grants")
    with AuthlibServer([ROBOT, BASIC], users={"alice": "wonderland"}) as server, callout_home(folder / "home") as home:
        server.trusted[TRUSTED] = jwk.KeySet([KEY])
        for name, key in (("Robot", KEY), ("Stranger", OTHER)):
            (folder / f"{name}.json").write_text(json.dumps(key.as_dict(private=True)))
            home.run("certificate", "import", name, str(folder / f"{name}.json"))
        home.apply(manifest_for(server))
        with home.serve("--workers", "1") as served, Client(served.gateway, home.create_key("alice")) as client:
            yield Granting(server, home, client)


@pytest.mark.parametrize("name", ["Good", "Several"])
def test_an_assertion_that_callout_signs_is_worth_a_token_of_its_subject(granting, name):
    assert granting.orders(name)["sub"] == "alice"


@pytest.mark.parametrize("name", REFUSED)
def test_an_assertion_with_one_thing_wrong_is_refused_with_what_to_compare(granting, name):
    count = len(granting.server.seen)
    with pytest.raises(TokenEndpointRefused) as refused:
        granting.client.get(f"callout:{name}/orders")
    assert "invalid_grant" in refused.value.detail
    assert "claims.aud" in refused.value.remedy[0]
    assert granting.asked_since(count) == [("jwt-bearer", "invalid_grant")]


def test_a_subject_token_that_callout_signs_is_exchanged_for_one_of_the_audience(granting):
    told = granting.orders("Exchange")
    assert (told["sub"], told["aud"], told["client_id"]) == ("alice", ["urn:callout:tests:orders"], "basic")


def test_a_subject_token_of_a_stranger_is_refused_with_what_to_give(granting):
    with pytest.raises(TokenEndpointRefused, match="invalid_grant") as refused:
        granting.client.get("callout:Strange/orders")
    assert "subject token" in refused.value.remedy[0]


def test_the_refresh_token_of_a_password_is_spent_first_and_the_password_again_where_it_is_over(granting):
    count = len(granting.server.seen)
    granting.orders("Password")
    granting.server.tokens[-1].revoked = True
    granting.orders("Password")
    assert granting.asked_since(count) == [("password", None), ("refresh_token", None)]
    granting.server.tokens[-1].revoked = granting.server.tokens[-1].refresh_revoked = True
    granting.orders("Password")
    assert granting.asked_since(count)[2:] == [("refresh_token", "invalid_grant"), ("password", None)]


def test_a_wrong_password_is_sent_once_and_not_again_before_it_is_set_anew(granting):
    count = len(granting.server.seen)
    for _ in range(2):
        with pytest.raises(ReconnectRequired) as refused:
            granting.client.get("callout:WrongPassword/orders")
    assert granting.asked_since(count) == [("password", "invalid_grant")]
    (command,) = refused.value.remedy_commands
    assert command == "callout secret set WrongPassword/Service password=-"
    granting.home.run(*command.split()[1:], standard_input="wonderland\n")
    granting.orders("WrongPassword")


def test_its_tokens_are_active_as_the_server_says_at_the_endpoint_that_it_names(granting):
    granting.orders("Exchange")
    told = granting.home.json("status", "Exchange/Service", "--live")
    shown = json.dumps(told)
    assert granting.server.introspection_endpoint in shown
