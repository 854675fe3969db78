"""How the client proves itself, at whatever endpoint it asks."""

import json

import pytest

from callout.core.errors import Refused
from callout.core.oauth2.client import ASSERTION_LIFETIME, ASSERTION_TYPE, client_proof
from callout.core.protocol import Moment, Values
from callout.core.secret import Secret, reveal
from tests.certificates import Authority
from tests.core.jose.test_signing import decoded, judge
from tests.core.oauth2.answers import NOW
from tests.keys import key_pair, private_key

URL = "https://id.example/token"
MOMENT = Moment(NOW, entropy=bytes(range(32)))
PAIRS = {"signing_certificate": key_pair("P-256"), "client_certificate": key_pair("P-384")}


def values(method: str = "", *, pairs=None, secrets=("client_id", "client_secret"), **parameters: str) -> Values:
    given = {name: Secret(f"my-{name}") for name in secrets}
    return Values({"client_authentication": method, **parameters}, given, PAIRS if pairs is None else pairs)


def asserted(*fields, url: str = URL, method: str = "private_key_jwt", **parameters: str):
    proven = client_proof(values(method, **parameters), MOMENT, url, fields)
    sent = dict(proven.fields)
    token = reveal(sent["client_assertion"])
    header, claims, _ = token.split(".")
    return sent, token, json.loads(decoded(header)), json.loads(decoded(claims))


def test_an_assertion_of_the_client_says_what_rfc_7523_section_3_asks_for() -> None:
    sent, token, header, claims = asserted()
    assert sent["client_assertion_type"] == ASSERTION_TYPE == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert sent["client_id"] == Secret("my-client_id")
    assert header == {"alg": "ES256", "typ": "JWT", "kid": "kid-P-256"}
    seconds = int(NOW.timestamp())
    known = {"iss": "my-client_id", "sub": "my-client_id", "aud": URL, "iat": seconds}
    assert claims == {**known, "exp": seconds + ASSERTION_LIFETIME, "jti": claims["jti"]}
    message, _, signature = token.rpartition(".")
    judge(private_key().public_key(), "ES256", message.encode(), decoded(signature))


def test_it_is_made_out_to_the_issuer_where_that_is_known() -> None:
    assert asserted(issuer="https://id.example")[3]["aud"] == "https://id.example"


def test_it_is_signed_by_the_algorithm_that_is_declared_and_the_key_must_fit_it() -> None:
    rsa = {"signing_certificate": key_pair("RSA")}
    proven = client_proof(values("private_key_jwt", pairs=rsa, signing_algorithm="PS512"), MOMENT, URL, ())
    assert json.loads(decoded(reveal(dict(proven.fields)["client_assertion"]).split(".")[0]))["alg"] == "PS512"
    with pytest.raises(Refused, match=r"'RS256' for 'P-256', a key of P-256; expected one of ES256"):
        asserted(signing_algorithm="RS256")


def test_no_two_requests_bear_one_assertion_as_servers_take_each_once() -> None:
    asked = [asserted(), asserted(url=f"{URL}/revoke"), asserted(("grant_type", "password")), asserted(("nonce", "n"))]
    assert len({claims["jti"] for _, _, _, claims in asked}) == len(asked)


def test_a_certificate_of_the_key_is_named_in_the_header() -> None:
    pair = key_pair(certificates=(Authority().pem.decode(),))
    proven = client_proof(values("private_key_jwt", pairs={"signing_certificate": pair}), MOMENT, URL, ())
    assert "x5t#S256" in json.loads(decoded(reveal(dict(proven.fields)["client_assertion"]).split(".")[0]))


@pytest.mark.parametrize("method", ["tls_client_auth", "self_signed_tls_client_auth"])
def test_a_certificate_proves_the_client_that_names_itself(method) -> None:
    proven = client_proof(values(method), MOMENT, URL, ())
    assert proven.certificate == PAIRS["client_certificate"]
    assert (proven.fields, proven.authorization) == ((("client_id", Secret("my-client_id")),), None)


def test_a_certificate_is_shown_beside_a_secret_too_so_that_tokens_are_bound_to_it() -> None:
    proven = client_proof(values("client_secret_basic", client_certificate="mine"), MOMENT, URL, ())
    assert proven.certificate == PAIRS["client_certificate"]
    assert proven.authorization is not None
    assert client_proof(values("client_secret_basic"), MOMENT, URL, ()).certificate is None


@pytest.mark.parametrize(
    ("method", "lacking"),
    [
        ("private_key_jwt", "signing_certificate"),
        ("tls_client_auth", "client_certificate"),
        ("self_signed_tls_client_auth", "client_certificate"),
    ],
)
def test_without_its_key_a_client_is_not_configured(method, lacking) -> None:
    with pytest.raises(Refused, match=lacking) as caught:
        client_proof(values(method, pairs={}), MOMENT, URL, ())
    assert caught.value.reason.code == "principal_not_configured"


def test_a_client_that_has_neither_proof_nor_name_says_nothing() -> None:
    assert client_proof(values("none", secrets=()), MOMENT, URL, ()).fields == ()
    assert client_proof(values("none"), MOMENT, URL, ()).fields == (("client_id", Secret("my-client_id")),)
