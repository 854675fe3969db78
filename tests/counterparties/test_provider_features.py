"""What the certified provider demands and refuses, shown with requests that nothing of Callout has made.

The suites of the protocols stand on this: a provider that took everything would prove nothing.
"""

from __future__ import annotations

import base64
import secrets
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc import jwk, jwt

from tests.certificates import Authority, Issued
from tests.counterparties.consent import REDIRECT_URI, approve_device, authorization_request, code_grant, redirected
from tests.counterparties.provider import INVOICES, ORDERS, Provider
from tests.counterparties.proving import proof
from tests.journeys.processes import PATIENCE

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
SIGNING = jwk.ECKey.generate_key("P-256", {"kid": "signing", "alg": "ES256", "use": "sig"})
PROVING = jwk.ECKey.generate_key("P-256")
PERSONAL = {
    "application_type": "native",
    "token_endpoint_auth_method": "none",
    "redirect_uris": [REDIRECT_URI],
    "response_types": ["code"],
    "grant_types": ["authorization_code", "refresh_token"],
    "resource": None,
}
MINE = {**PERSONAL, "client_id": "mine"}
PROVEN = {**PERSONAL, "client_id": "proven", "dpop_bound_access_tokens": True}
BOUND = {**PERSONAL, "client_id": "bound", "tls_client_certificate_bound_access_tokens": True}
DEVICES = {**PERSONAL, "client_id": "devices", "redirect_uris": [], "response_types": [], "grant_types": [DEVICE]}
SIGNED = {
    "client_id": "signed",
    "token_endpoint_auth_method": "private_key_jwt",
    "jwks": {"keys": [SIGNING.as_dict(private=False)]},
}
BY_AUTHORITY = {
    "client_id": "by-authority",
    "token_endpoint_auth_method": "tls_client_auth",
    "tls_client_auth_subject_dn": "CN=orders",
    "tls_client_certificate_bound_access_tokens": True,
}
BY_ITSELF = {"client_id": "by-itself", "token_endpoint_auth_method": "self_signed_tls_client_auth"}


class Place:
    """The provider, and clients with one certificate or another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority, self.stranger = Authority(), Authority()
        self.orders = self.authority.issue(name="orders")
        own = jwk.ECKey.import_key(self.orders.key).as_dict(private=False)
        keys = {"keys": [{**own, "x5c": [base64.b64encode(self.orders.der).decode()]}]}
        self.provider = Provider(
            folder,
            [MINE, PROVEN, BOUND, DEVICES, SIGNED, BY_AUTHORITY, {**BY_ITSELF, "jwks": keys}],
            dpop_nonce=True,
            certificate=self.authority.issue(addresses=["127.0.0.1"]).write(folder / "server.pem"),
            authority=self.authority.write(folder / "authority.pem"),
        )
        self.ready = self.provider.ready

    def client(self, issued: Issued | None = None) -> httpx2.Client:
        context = ssl.create_default_context(cafile=str(self.folder / "authority.pem"))
        if issued is not None:
            context.load_cert_chain(issued.write(self.folder / "client.pem"))
        return httpx2.Client(verify=context, trust_env=False, timeout=PATIENCE)

    def post(self, endpoint: str, issued: Issued | None = None, /, **options: Any) -> httpx2.Response:
        """Post to an endpoint; over TLS where a certificate is presented."""
        with self.client(issued) as client:
            return client.post(
                (self.ready if issued is None else self.ready["mtls_endpoint_aliases"])[endpoint], **options
            )

    def userinfo(self, issued: Issued | None = None, /, *, tls: bool = False, **headers: str) -> httpx2.Response:
        with self.client(issued) as client:
            return client.get(
                (self.ready["mtls_endpoint_aliases"] if tls else self.ready)["userinfo_endpoint"], headers=headers
            )

    def code(self, client: dict, scope: str = "openid offline_access") -> tuple[dict[str, str], dict[str, str]]:
        """Let alice consent; returns what came to the redirect address, and the form that exchanges the code."""
        verifier = secrets.token_urlsafe(48)
        asked = authorization_request(client, verifier, scope)
        came = redirected(f"{self.ready['authorization_endpoint']}?{httpx2.QueryParams(asked)}", "alice")
        return came, {**code_grant(came["code"], verifier), "client_id": client["client_id"]}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(tmp_path_factory.mktemp("provider"))
    with place.provider:
        yield place


def test_the_metadata_tells_what_it_can(place):
    told = place.provider.metadata()
    assert told["issuer"] == place.ready["issuer"]
    assert told["authorization_response_iss_parameter_supported"] is True
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["mtls_endpoint_aliases"]["token_endpoint"].startswith("https://127.0.0.1:")
    assert {"private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"} <= set(
        told["token_endpoint_auth_methods_supported"]
    )
    assert "ES256" in told["dpop_signing_alg_values_supported"]


def test_a_code_comes_with_the_issuer_and_is_worth_nothing_without_the_right_verifier(place):
    came, form = place.code(MINE)
    assert came["iss"] == place.ready["issuer"]
    refused = place.post("token_endpoint", data={**form, "code_verifier": secrets.token_urlsafe(48)})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_an_authorization_request_without_pkce_is_refused(place):
    asked = authorization_request(MINE, "any", "openid")
    without = {name: value for name, value in asked.items() if not name.startswith("code_challenge")}
    came = redirected(f"{place.ready['authorization_endpoint']}?{httpx2.QueryParams(without)}", "alice")
    assert came["error"] == "invalid_request"


def test_a_refresh_token_used_twice_takes_its_family_along(place):
    _, form = place.code(MINE)
    first = place.post("token_endpoint", data=form).json()["refresh_token"]

    def grant(token: str) -> httpx2.Response:
        again = {"grant_type": "refresh_token", "refresh_token": token, "client_id": "mine"}
        return place.post("token_endpoint", data=again)

    second = grant(first).json()["refresh_token"]
    assert second != first
    assert [grant(first).json()["error"], grant(second).json()["error"]] == ["invalid_grant"] * 2


def assertion(place: Place, key: jwk.ECKey = SIGNING) -> dict[str, str]:
    now = int(time.time())
    claims = {"iss": "signed", "sub": "signed", "aud": place.ready["issuer"], "iat": now, "exp": now + 60}
    signed = jwt.encode({"alg": "ES256", "kid": "signing"}, {**claims, "jti": secrets.token_urlsafe(16)}, key)
    return {
        "grant_type": "client_credentials",
        "scope": "orders.read",
        "client_assertion_type": ASSERTION,
        "client_assertion": signed,
    }


def test_an_assertion_is_taken_once_and_only_if_the_clients_key_signed_it(place):
    form = assertion(place)
    forged = assertion(place, PROVING)
    answers = [place.post("token_endpoint", data=each).status_code for each in (form, form, forged)]
    assert answers == [200, 401, 401]


@pytest.mark.parametrize(("resource", "dots"), [(ORDERS, 0), (INVOICES, 2)])
def test_a_token_is_for_the_resource_that_was_asked_for(place, resource, dots):
    answer = place.post("token_endpoint", data={**assertion(place), "resource": resource}).json()
    assert answer["access_token"].count(".") == dots, "a JWT has three parts"


def test_a_resource_that_is_not_known_is_refused(place):
    answer = place.post("token_endpoint", data={**assertion(place), "resource": "urn:elsewhere"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")


def test_a_proof_needs_the_nonce_of_the_server_and_a_bound_token_the_proof(place):
    _, form = place.code(PROVEN)
    at = place.ready["token_endpoint"]
    assert place.post("token_endpoint", data=form).status_code == 400
    challenged = place.post("token_endpoint", data=form, headers={"DPoP": proof(PROVING, at)})
    assert challenged.json()["error"] == "use_dpop_nonce"
    nonce = challenged.headers["DPoP-Nonce"]
    answer = place.post("token_endpoint", data=form, headers={"DPoP": proof(PROVING, at, nonce=nonce)}).json()
    assert answer["token_type"] == "DPoP"
    token, me = answer["access_token"], place.ready["userinfo_endpoint"]
    assert place.userinfo(Authorization=f"Bearer {token}").status_code == 401
    for key, status in ((PROVING, 200), (SIGNING, 401)):
        shown = proof(key, me, "GET", token=token, nonce=nonce)
        assert place.userinfo(Authorization=f"DPoP {token}", DPoP=shown).status_code == status


def by_certificate(client_id: str) -> dict[str, str]:
    return {"grant_type": "client_credentials", "client_id": client_id, "scope": "orders.read"}


@pytest.mark.parametrize("client_id", ["by-authority", "by-itself"])
def test_a_client_is_known_by_its_certificate_and_by_no_other(place, client_id):
    others = [place.authority.issue(name="invoices"), place.stranger.issue(name="orders")]
    form = by_certificate(client_id)
    answers = [place.post("token_endpoint", each, data=form).status_code for each in (place.orders, *others)]
    assert answers == [200, 401, 401]
    with place.client() as nobody:
        assert nobody.post(place.ready["mtls_endpoint_aliases"]["token_endpoint"], data=form).status_code == 401


def test_a_token_bound_to_a_certificate_is_taken_from_nobody_else(place):
    _, form = place.code(BOUND)
    token = place.post("token_endpoint", place.orders, data=form).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    mine = place.userinfo(place.orders, tls=True, **bearer)
    assert (mine.status_code, mine.json()) == (200, {"sub": "alice"})
    assert place.userinfo(place.authority.issue(name="orders"), tls=True, **bearer).status_code == 401
    assert place.userinfo(tls=True, **bearer).status_code == 401


def test_a_device_waits_until_a_person_has_confirmed_its_code(place):
    shown = place.post("device_authorization_endpoint", data={"client_id": "devices", "scope": "openid"}).json()
    form = {"grant_type": DEVICE, "device_code": shown["device_code"], "client_id": "devices"}
    assert place.post("token_endpoint", data=form).json()["error"] == "authorization_pending"
    approve_device(shown["verification_uri_complete"], "alice")
    token = place.post("token_endpoint", data=form).json()["access_token"]
    assert place.userinfo(Authorization=f"Bearer {token}").json() == {"sub": "alice"}
