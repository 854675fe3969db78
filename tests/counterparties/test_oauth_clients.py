"""Callout's clients at the certified provider: known by a JWT or a certificate, with tokens that are bound to keys."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx2
import pytest

from callout.core.key_pair import KeyPair
from callout.core.protocol import Moment, Values
from callout.core.protocols.oauth2_client_credentials import OAuth2ClientCredentials
from callout.core.secret import Secret, reveal
from callout_client import Client
from tests.counterparties.external_system import Answer, ExternalSystem, Request
from tests.counterparties.proving import proof
from tests.counterparties.test_provider_features import BOUND, PROVEN, PROVING, SIGNING, Place
from tests.journeys.processes import PATIENCE, Home, callout_home

#: External credentials of clients that are known by something else than a secret.
BY_CLIENT = {
    "Signed": {"client_authentication": "private_key_jwt", "signing_certificate": "Signing"},
    "ByAuthority": {"client_authentication": "tls_client_auth", "client_certificate": "Orders_Client"},
    "ByItself": {"client_authentication": "self_signed_tls_client_auth", "client_certificate": "Orders_Client"},
}
CLIENT_IDS = {"Signed": "signed", "ByAuthority": "by-authority", "ByItself": "by-itself"}


@dataclass
class Connected:
    """The provider, a running Callout, and an external system that takes every bearer token."""

    place: Place
    home: Home
    client: Client
    external: ExternalSystem

    def asked(self, client_id: str) -> list[tuple[int, str | None]]:
        return [(each["status"], each.get("error")) for each in self.place.provider.requests(client_id)]


async def taking(request: Request) -> Answer:
    """Take every bearer token."""
    sent = (request.header("authorization") or "").partition(" ")
    return Answer(200 if sent[0] == "Bearer" and sent[2] else 401, body=b"{}")


def proven_refresh_token(place: Place) -> str:
    """Let alice authorize a client whose tokens are bound to a key (RFC 9449 5): its refresh token is, too."""
    at, (_, form) = place.ready["token_endpoint"], place.code(PROVEN)
    nonce = place.post("token_endpoint", data=form, headers={"DPoP": proof(PROVING, at)}).headers["DPoP-Nonce"]
    answer = place.post("token_endpoint", data=form, headers={"DPoP": proof(PROVING, at, nonce=nonce)})
    return answer.raise_for_status().json()["refresh_token"]


def bound_refresh_token(place: Place) -> str:
    """Let alice authorize a client whose tokens are bound to its certificate (RFC 8705 4)."""
    _, form = place.code(BOUND)
    return place.post("token_endpoint", place.orders, data=form).raise_for_status().json()["refresh_token"]


def manifest_for(place: Place, external: ExternalSystem) -> dict:
    issuer, secure = place.ready["issuer"], place.ready["mtls_endpoint_aliases"]["userinfo_endpoint"]
    credentials = {
        name: {
            "protocol": "oauth2_client_credentials",
            "parameters": {"issuer": issuer, "scope": "orders.read", **parameters},
            "principals": {"Service": {"secrets": {"client_id": CLIENT_IDS[name]}}},
        }
        for name, parameters in BY_CLIENT.items()
    }
    for name, bound, token in (
        ("Proven", {"dpop_certificate": "Device"}, proven_refresh_token(place)),
        ("Bound", {"client_certificate": "Orders_Client"}, bound_refresh_token(place)),
    ):
        credentials[name] = {
            "protocol": "oauth2_refresh_token",
            "parameters": {"issuer": issuer, "client_authentication": "none", **bound},
            "principals": {"Service": {"secrets": {"client_id": name.lower(), "refresh_token": token}}},
        }
    urls = dict.fromkeys(BY_CLIENT, external.url) | {"Proven": issuer, "Bound": secure.removesuffix("/me")}
    return {
        "external_credentials": credentials,
        "named_credentials": {
            name: {"url": url, "external_credential": name, "allow_private_network": True} for name, url in urls.items()
        },
        "permission_sets": {"Clerks": {"principals": [f"{name}/Service" for name in urls]}},
        "users": {"alice": {"permission_sets": ["Clerks"]}},
    }


@pytest.fixture(scope="module")
def connected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connected]:
    folder = tmp_path_factory.mktemp("clients")
    place = Place(folder)
    trusting = {"CALLOUT_TRUSTED_CA_FILE": str(folder / "authority.pem")}
    with place.provider, ExternalSystem(taking) as external, callout_home(folder / "home", trusting) as home:
        for name, key in (("Signing", SIGNING), ("Device", PROVING)):
            (folder / f"{name}.json").write_text(json.dumps(key.as_dict(private=True)))
            home.run("certificate", "import", name, str(folder / f"{name}.json"))
        home.run("certificate", "import", "Orders_Client", place.orders.write(folder / "orders.pem"))
        home.apply(manifest_for(place, external))
        home.run("named-credential", "present", "Bound", "Orders_Client")
        with home.serve("--workers", "1") as server, Client(server.gateway, home.create_key("alice")) as client:
            yield Connected(place, home, client, external)


@pytest.mark.parametrize("name", BY_CLIENT)
def test_a_client_without_a_secret_is_known_where_the_metadata_says(connected, name):
    assert connected.client.get(f"callout:{name}/orders/7").status_code == 200
    assert connected.client.get(f"callout:{name}/orders/8").status_code == 200
    assert connected.asked(CLIENT_IDS[name]) == [(200, None)]


def test_an_assertion_is_taken_once_so_each_of_ours_is_another(connected):
    issuer, now = connected.place.ready["issuer"], datetime.now(UTC)
    pair = KeyPair("Signing", "signing", Secret(SIGNING.as_pem(private=True).decode()))
    parameters = {"token_endpoint": connected.place.ready["token_endpoint"], "issuer": issuer, **BY_CLIENT["Signed"]}
    protocol = OAuth2ClientCredentials(
        Values({**parameters, "scope": "orders.read"}, {"client_id": Secret("signed")}, {"signing_certificate": pair})
    )

    def sent(request) -> tuple[int, str | None]:
        headers = {name: reveal(value) for name, value in request.headers}
        answer = httpx2.post(
            request.url, content=reveal(request.body), headers=headers, trust_env=False, timeout=PATIENCE
        )
        return answer.status_code, answer.json().get("error")

    first, other = (next(protocol.obtain(Moment(now, os.urandom(32)), None)) for _ in range(2))
    assert [sent(first), sent(first), sent(other)] == [(200, None), (401, "invalid_client"), (200, None)]


def test_a_token_that_is_bound_to_a_key_opens_userinfo_with_the_nonces_of_both_servers(connected):
    answer = connected.client.get("callout:Proven/me")
    assert (answer.status_code, answer.json()) == (200, {"sub": "alice"})
    answered = connected.asked("proven")[-2:]
    assert answered == [(400, "use_dpop_nonce"), (200, None)]
    assert connected.client.post("callout:Proven/me").json() == {"sub": "alice"}
    assert connected.client.get("callout:Proven/me?a=b").json() == {"sub": "alice"}
    assert connected.asked("proven")[-2:] == answered, "a nonce is no reason for another token"


def test_the_dry_run_shows_a_proof_and_no_secret(connected):
    shown = connected.home.json("diagnose", "Proven", "--as", "alice", "--path", "/me")
    headers = dict(map(tuple, shown["request"]["headers"]))
    assert (headers["Authorization"], headers["DPoP"]) == ("DPoP …", "…")


def test_a_token_that_is_bound_to_a_certificate_is_sent_over_connections_that_show_it(connected):
    answer = connected.client.get("callout:Bound/me")
    assert (answer.status_code, answer.json()) == (200, {"sub": "alice"})


def test_a_token_is_revoked_where_the_metadata_says(connected):
    told = connected.home.json("revoke", "Signed/Service")
    assert connected.client.get("callout:Signed/orders/9").status_code == 200
    (receipt,) = told["revocations"]
    assert (receipt["revoked"], receipt["endpoint"]) == (True, connected.place.ready["revocation_endpoint"])
