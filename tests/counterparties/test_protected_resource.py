"""What the external system that judges tokens and proofs takes and refuses, shown without anything of Callout."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from joserfc import jwk

from tests.counterparties.protected_resource import ProtectedResource
from tests.counterparties.provider import INVOICES, ORDERS, Provider
from tests.counterparties.proving import proof
from tests.journeys.processes import PATIENCE

KEY, OTHER = jwk.ECKey.generate_key("P-256"), jwk.ECKey.generate_key("P-256")
CLIENT = {
    "client_id": "invoices",
    "client_secret": "invoices-secret-0123",
    "token_endpoint_auth_method": "client_secret_basic",
    "resource": INVOICES,
}
PATH = "/invoices/7%2F8?open=true"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with Provider(tmp_path_factory.mktemp("provider"), [CLIENT]) as provider:
        yield provider


@pytest.fixture(scope="module")
def resource(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[ProtectedResource]:
    with ProtectedResource(tmp_path_factory.mktemp("resource"), provider, nonce=True) as resource:
        yield resource


def token(provider: Provider, key: jwk.ECKey | None = None, **form: str) -> str:
    at = provider.ready["token_endpoint"]
    answer = httpx2.post(
        at,
        data={"grant_type": "client_credentials", "scope": "orders.read", **form},
        auth=(CLIENT["client_id"], CLIENT["client_secret"]),
        headers={} if key is None else {"DPoP": proof(key, at)},
        trust_env=False,
        timeout=PATIENCE,
    )
    return answer.raise_for_status().json()["access_token"]


def get(resource: ProtectedResource, **headers: str) -> httpx2.Response:
    return httpx2.get(f"{resource.url}{PATH}", headers=headers, trust_env=False, timeout=PATIENCE)


def test_a_bearer_token_of_the_issuer_for_this_audience_is_taken_and_no_other(resource, provider):
    answer = get(resource, Authorization=f"Bearer {token(provider)}")
    assert (answer.status_code, answer.json()["claims"]["client_id"]) == (200, "invoices")
    assert resource.seen()[-1]["target"] == PATH
    forged = token(provider)[:-8] + "AAAAAAAA"
    for wrong in (token(provider, resource=ORDERS), forged):
        refused = get(resource, Authorization=f"Bearer {wrong}")
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')


def test_a_bound_token_is_taken_with_the_nonce_of_now_only(resource, provider):
    bound, at = token(provider, KEY), f"{resource.url}/invoices/7%2F8"

    def call(nonce: str) -> httpx2.Response:
        return get(resource, Authorization=f"DPoP {bound}", DPoP=proof(KEY, at, "GET", token=bound, nonce=nonce))

    challenged = call("none")
    assert challenged.headers["WWW-Authenticate"] == 'DPoP error="use_dpop_nonce"'
    nonce = challenged.headers["DPoP-Nonce"]
    assert [call(nonce).status_code for _ in range(2)] == [200, 200]
    resource.rotate()
    assert call(nonce).json()["error"] == "use_dpop_nonce"


@pytest.mark.parametrize("wrong", ["key", "method", "path", "token", "twice", "bearer"])
def test_a_proof_of_something_else_is_refused(resource, provider, wrong):
    bound, at = token(provider, KEY), f"{resource.url}/invoices/7%2F8"
    nonce = get(resource).headers["DPoP-Nonce"]
    shown = proof(
        OTHER if wrong == "key" else KEY,
        at.replace("/7", "/9") if wrong == "path" else at,
        "POST" if wrong == "method" else "GET",
        token=token(provider, KEY) if wrong == "token" else bound,
        nonce=nonce,
    )
    scheme = "Bearer" if wrong == "bearer" else "DPoP"
    answers = [get(resource, Authorization=f"{scheme} {bound}", DPoP=shown).status_code for _ in range(2)]
    assert answers == ([200, 401] if wrong == "twice" else [401, 401])
