"""What IdentityPython's server exchanges and refuses, shown with requests that nothing of Callout has made."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator

import httpx2
import pytest
from joserfc import jwk, jwt

from tests.counterparties.idpy import Idpy
from tests.counterparties.token_exchange import ACCESS_TOKEN
from tests.journeys.processes import PATIENCE

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
AUDIENCE = "urn:callout:tests:orders"
KEY, OTHER = (jwk.ECKey.generate_key("P-256", {"kid": kid, "use": "sig"}) for kid in ("one", "two"))
PAIR = ("orders", "orders-secret-0123456789")
CLIENTS = {
    "orders": {"token_endpoint_auth_method": "client_secret_basic", "client_secret": PAIR[1]},
    "signed": {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [KEY.as_dict(private=False)]}},
}


@pytest.fixture(scope="module")
def idpy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Idpy]:
    with Idpy(tmp_path_factory.mktemp("idpy"), CLIENTS, [AUDIENCE]) as idpy:
        yield idpy


def exchange(idpy: Idpy, pair: tuple[str, str] | None = PAIR, **changed: str) -> httpx2.Response:
    form = {
        "grant_type": EXCHANGE,
        "subject_token": idpy.subject("alice", "openid orders.read")["access_token"],
        "subject_token_type": ACCESS_TOKEN,
        "audience": AUDIENCE,
        "scope": "orders.read",
        **changed,
    }
    return httpx2.post(idpy.token_endpoint, data=form, auth=pair, trust_env=False, timeout=PATIENCE)


def test_the_token_of_a_user_is_exchanged_for_one_of_the_client(idpy):
    answer = exchange(idpy).json()
    assert (answer["issued_token_type"], answer["scope"]) == (ACCESS_TOKEN, "orders.read")
    assert 0 < answer["expires_in"] <= 600
    asked = {"token": answer["access_token"]}
    told = httpx2.post(idpy.introspection_endpoint, data=asked, auth=PAIR, trust_env=False, timeout=PATIENCE).json()
    assert (told["active"], told["client_id"]) == (True, "orders")
    assert idpy.seen()[-1]["audience"] == [AUDIENCE]


def test_a_subject_that_was_forged_is_refused(idpy):
    good = idpy.subject("alice", "openid orders.read")["access_token"]
    for forged in ("no-token", good[:-8] + "AAAAAAAA"):
        assert exchange(idpy, subject_token=forged).json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"audience": "urn:elsewhere"}, "invalid_target"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"scope": "orders.write"}, "invalid_scope"),
        ({"actor_token": "any", "actor_token_type": ACCESS_TOKEN}, "invalid_request"),
    ],
)
def test_an_exchange_that_is_not_right_is_refused(idpy, wrong, error):
    answer = exchange(idpy, **wrong)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_a_client_is_known_by_its_secret_or_its_key_and_by_no_other(idpy):
    assert exchange(idpy, ("orders", "guessed")).json()["error"] == "invalid_client"
    now = int(time.time())
    claims = {"iss": "signed", "sub": "signed", "aud": idpy.token_endpoint, "iat": now, "exp": now + 60}
    for key, status in ((KEY, 200), (OTHER, 401)):
        told = {**claims, "jti": secrets.token_urlsafe(8)}
        form = {
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jwt.encode({"alg": "ES256", "kid": KEY.kid}, told, key),
        }
        assert exchange(idpy, None, **form).status_code == status
