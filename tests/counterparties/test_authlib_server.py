"""What Authlib's servers demand and refuse, shown with requests that nothing of Callout has made."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from typing import ClassVar
from urllib.parse import parse_qsl

import httpx2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc import jwk, jwt
from oauthlib.oauth1 import Client as OAuth1Client

from tests.counterparties.authlib_server import JWT_BEARER, TOKEN_EXCHANGE, AuthlibServer, RegisteredClient
from tests.counterparties.oauth1_server import Consumer, OAuth1Server, TokenCredential
from tests.counterparties.token_exchange import ACCESS_TOKEN, JWT_TYPES
from tests.journeys.processes import PATIENCE

KEY, OTHER = jwk.ECKey.generate_key("P-256"), jwk.ECKey.generate_key("P-256")
RSA = jwk.RSAKey.generate_key(2048)
SIGNED = RegisteredClient("signed", token_endpoint_auth_method="private_key_jwt", jwks={"keys": [KEY.as_dict()]})
BASIC = RegisteredClient("basic", client_secret="basic-secret-0123")
PAIR = ("basic", "basic-secret-0123")


@pytest.fixture
def server() -> Iterator[AuthlibServer]:
    with AuthlibServer([SIGNED, BASIC], users={"alice": "wonderland"}) as server:
        yield server


def post(endpoint: str, form: dict, pair: tuple[str, str] | None = None) -> httpx2.Response:
    return httpx2.post(endpoint, data=form, auth=pair, trust_env=False, timeout=PATIENCE)


def signed(key: jwk.ECKey = KEY, **claims: object) -> str:
    now = int(time.time())
    told = {"iss": "signed", "sub": "alice", "iat": now, "exp": now + 60, **claims}
    return jwt.encode({"alg": "ES256"}, told, key)


@pytest.mark.parametrize(
    ("key", "wrong", "status"),
    [
        (KEY, {}, 200),
        (OTHER, {}, 400),
        (KEY, {"exp": 1_000_000_000}, 400),
        (KEY, {"aud": "https://elsewhere.example.com"}, 400),
        (KEY, {"sub": "mallory"}, 400),
        (KEY, {"iss": "nobody"}, 400),
    ],
)
def test_a_jwt_is_worth_a_token_if_everything_in_it_is_right(server, key, wrong, status):
    form = {"grant_type": JWT_BEARER, "assertion": signed(key, **{"aud": server.token_endpoint, **wrong})}
    answer = post(server.token_endpoint, {**form, "scope": "orders.read"})
    assert answer.status_code == status, answer.text
    assert server.seen[-1]["error"] == (None if status == 200 else "invalid_grant")


def test_a_client_that_signs_is_known_by_its_key_and_each_of_its_jwts_is_good_once(server):
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

    def form(key: jwk.ECKey, jti: str) -> dict[str, str]:
        assertion = signed(key, sub="signed", aud=server.issuer, jti=jti)
        return {"grant_type": "client_credentials", "client_assertion_type": kind, "client_assertion": assertion}

    asked = [form(KEY, "1"), form(KEY, "1"), form(OTHER, "2")]
    assert [post(server.token_endpoint, each).status_code for each in asked] == [200, 400, 400]
    assert [each["error"] for each in server.seen] == [None, "invalid_client", "invalid_client"]


def password_grant(server: AuthlibServer, password: str = "wonderland") -> httpx2.Response:
    form = {"grant_type": "password", "username": "alice", "password": password, "scope": "orders.read"}
    return post(server.token_endpoint, form, PAIR)


def test_a_password_is_compared_and_a_refresh_token_is_good_once(server):
    assert password_grant(server, "guessed").json()["error"] == "invalid_grant"
    form = {"grant_type": "refresh_token", "refresh_token": password_grant(server).json()["refresh_token"]}
    assert [post(server.token_endpoint, form, PAIR).status_code for _ in range(2)] == [200, 400]


def test_a_token_opens_the_resource_until_it_is_revoked(server):
    token = password_grant(server).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}

    def seen() -> tuple[int, bool]:
        told = post(server.introspection_endpoint, {"token": token}, PAIR).json()
        return httpx2.get(server.resource, headers=bearer, trust_env=False).status_code, told["active"]

    assert seen() == (200, True)
    assert post(server.revocation_endpoint, {"token": token}, PAIR).status_code == 200
    assert seen() == (401, False)


def exchange(server: AuthlibServer, **form: str) -> httpx2.Response:
    return post(server.token_endpoint, {"grant_type": TOKEN_EXCHANGE, **form}, PAIR)


def test_a_users_token_is_exchanged_for_one_that_names_who_acts(server):
    server.trusted["https://issuer.example.com"] = jwk.KeySet([KEY])
    subject = password_grant(server).json()["access_token"]
    actor = signed(iss="https://issuer.example.com", sub="robot", aud=server.issuer)
    form = {"subject_token": subject, "subject_token_type": ACCESS_TOKEN, "audience": "urn:callout:tests:orders"}
    answer = exchange(server, **form, actor_token=actor, actor_token_type=JWT_TYPES[0]).json()
    assert answer["issued_token_type"] == ACCESS_TOKEN
    told = post(server.introspection_endpoint, {"token": answer["access_token"]}, PAIR).json()
    assert (told["sub"], told["act"], told["aud"]) == ("alice", {"sub": "robot"}, ["urn:callout:tests:orders"])


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"subject_token": "never-issued"}, "invalid_grant"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}, "invalid_request"),
        ({"audience": "urn:elsewhere"}, "invalid_target"),
        ({"actor_token": "without-type"}, "invalid_request"),
        ({"scope": "everything"}, "invalid_scope"),
    ],
)
def test_an_exchange_that_is_not_right_is_refused(server, wrong, error):
    subject = password_grant(server).json()["access_token"]
    answer = exchange(server, **{"subject_token": subject, "subject_token_type": ACCESS_TOKEN, **wrong})
    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.fixture(scope="module")
def oauth1() -> Iterator[OAuth1Server]:
    consumers = [
        Consumer("shared", "consumer&secret", rsa_public_key=RSA.as_pem(private=False).decode()),
        Consumer("alone", "consumer&secret", token_needed=False),
    ]
    with OAuth1Server(consumers, [TokenCredential("shared", "token", "token secret")]) as server:
        yield server


def sign_rsa(base_string: str, client: OAuth1Client) -> str:
    key = RSA.private_key
    return base64.b64encode(key.sign(base_string.encode(), padding.PKCS1v15(), hashes.SHA1())).decode()


class Signing(OAuth1Client):
    """oauthlib's client; it signs with RSA only where PyJWT is installed."""

    SIGNATURE_METHODS: ClassVar = {**OAuth1Client.SIGNATURE_METHODS, "RSA-SHA1": sign_rsa}


def oauth1_request(
    server: OAuth1Server, method: str = "HMAC-SHA1", **options: str
) -> tuple[str, str, str, dict[str, str]]:
    told = {"client_secret": "consumer&secret", "resource_owner_key": "token"}
    told |= {"resource_owner_secret": "token secret", **options}
    client = Signing("shared", signature_method=method, **told)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    address, headers, body = client.sign(f"{server.url}/a%20b/%C3%BC?q=1%2B1&q=0", "POST", "c=%3D%20d", form)
    return "POST", address, body, headers


def send(method: str, address: str, body: str, headers: dict[str, str]) -> httpx2.Response:
    return httpx2.request(method, address, content=body, headers=headers, trust_env=False, timeout=PATIENCE)


@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256", "RSA-SHA1", "PLAINTEXT"])
def test_a_signature_of_another_library_is_taken_once(oauth1, method):
    request = oauth1_request(oauth1, method)
    assert dict(parse_qsl(request[2])) == {"c": "= d"}
    first, again = send(*request), send(*request)
    assert (first.status_code, first.json()["signature_method"]) == (200, method)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_nonce")


@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256", "RSA-SHA1"])
@pytest.mark.parametrize("part", ["address", "body", "method"])
def test_what_was_changed_after_it_was_signed_is_refused(oauth1, method, part):
    verb, address, body, headers = oauth1_request(oauth1, method)
    changed = {
        "address": (verb, address.replace("q=0", "q=2"), body, headers),
        "body": (verb, address, body + "e", headers),
        "method": ("PUT", address, body, headers),
    }[part]
    answer = send(*changed)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_signature")


def test_a_wrong_secret_of_the_token_is_refused(oauth1):
    assert send(*oauth1_request(oauth1, resource_owner_secret="guessed")).json()["error"] == "invalid_signature"


def test_a_client_that_is_registered_so_signs_without_a_token(oauth1):
    address, headers, _ = OAuth1Client("alone", client_secret="consumer&secret").sign(f"{oauth1.url}/orders/7")
    assert send("GET", address, "", headers).json()["token"] is None
    address, headers, _ = OAuth1Client("shared", client_secret="consumer&secret").sign(f"{oauth1.url}/orders/7")
    assert send("GET", address, "", headers).status_code == 400
