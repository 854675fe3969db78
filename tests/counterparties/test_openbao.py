"""What OpenBao gives and refuses as an issuer and as a verifier of JWTs, shown without anything of Callout."""

from __future__ import annotations

import secrets
import time
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc import jwk, jwt

from tests.counterparties.consent import REDIRECT_URI, authorization_request, code_grant
from tests.counterparties.openbao import OpenBao
from tests.journeys.processes import PATIENCE

KEY, OTHER = jwk.ECKey.generate_key("P-256"), jwk.ECKey.generate_key("P-256")
ISSUER, AUDIENCE = "https://callout.example.com", "https://vault.example.com"


@pytest.fixture(scope="module")
def trusting(openbao: OpenBao) -> OpenBao:
    openbao.trust(issuer=ISSUER, public_keys=[KEY.as_pem(private=False).decode()])
    openbao.take_jwts("orders", audience=AUDIENCE, subject="alice", claims={"department": "sales"})
    return openbao


@pytest.mark.parametrize(
    ("key", "wrong", "said"),
    [
        (KEY, {}, ""),
        (OTHER, {}, "signature"),
        (KEY, {"iss": "https://elsewhere.example.com"}, "issuer"),
        (KEY, {"aud": "https://elsewhere.example.com"}, "aud"),
        (KEY, {"exp": 1_000_000_000}, "expired"),
        (KEY, {"sub": "mallory"}, "subject"),
        (KEY, {"department": "support"}, "department"),
    ],
)
def test_a_jwt_is_taken_if_everything_in_it_is_right(trusting, key, wrong, said):
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 60, "department": "sales"}
    answer = trusting.log_in("orders", jwt.encode({"alg": "ES256"}, {**claims, **wrong}, key))
    if said:
        assert answer.status_code in (400, 403)
        assert said in answer.json()["errors"][0]
    else:
        assert trusting.call("GET", "auth/token/lookup-self", token=answer.json()["auth"]["client_token"])


class Application:
    """An application that lets alice sign in at OpenBao."""

    def __init__(self, openbao: OpenBao) -> None:
        self.openbao = openbao
        self.client = openbao.provide([REDIRECT_URI], {"alice": "wonderland"})
        self.verifier = secrets.token_urlsafe(48)

    def code(self) -> str:
        asked = authorization_request(self.client, self.verifier, "openid")
        address = f"{self.openbao.metadata['authorization_endpoint']}?{httpx2.QueryParams(asked)}"
        came = parse_qs(urlsplit(self.openbao.authorize(address, "alice", "wonderland")).query)
        assert came["state"] == [asked["state"]]
        return came["code"][0]

    def exchange(self, code: str, verifier: str) -> httpx2.Response:
        pair = (self.client["client_id"], self.client["client_secret"])
        form = code_grant(code, verifier)
        at = self.openbao.metadata["token_endpoint"]
        return httpx2.post(at, data=form, auth=pair, trust_env=False, timeout=PATIENCE)


@pytest.fixture(scope="module")
def application(openbao: OpenBao) -> Application:
    return Application(openbao)


def test_a_code_is_worth_a_token_once_and_the_token_tells_who_signed_in(application):
    code = application.code()
    tokens = application.exchange(code, application.verifier).json()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    at = application.openbao.metadata["userinfo_endpoint"]
    told = httpx2.get(at, headers=bearer, trust_env=False, timeout=PATIENCE).json()
    keys = httpx2.get(application.openbao.metadata["jwks_uri"], trust_env=False, timeout=PATIENCE).json()
    claims = jwt.decode(tokens["id_token"], jwk.KeySet.import_key_set(keys)).claims
    assert told["sub"] == claims["sub"]
    assert claims["iss"] == application.openbao.metadata["issuer"]
    assert application.exchange(code, application.verifier).json()["error"] == "invalid_grant"


def test_a_code_is_worth_nothing_without_the_right_verifier(application):
    answer = application.exchange(application.code(), secrets.token_urlsafe(48))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_wrong_password_opens_nothing(application):
    with pytest.raises(httpx2.HTTPStatusError, match="userpass/login"):
        application.openbao.authorize("http://127.0.0.1:9/ui/vault/?redirect_uri=any", "alice", "guessed")
