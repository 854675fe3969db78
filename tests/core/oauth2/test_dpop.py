"""Proofs of a key: the examples of RFC 9449 and ours say the same, and only the right answers ask for another."""

import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from callout.core.jose import public_jwk, thumbprint
from callout.core.message import HttpResponse
from callout.core.oauth2.dpop import LONGEST_NONCE, is_challenge, nonce_in, nonce_wanted, proof
from callout.core.protocol import Moment
from callout.core.secret import Secret, reveal
from tests.core.jose.test_rfc7515 import number
from tests.core.jose.test_signing import decoded, judge
from tests.keys import key_pair, private_key

from . import rfc9449

PAIR = key_pair("P-256")


def read(token: str):
    header, claims, _ = token.split(".")
    return json.loads(decoded(header)), json.loads(decoded(claims))


def moment(seconds: int) -> Moment:
    return Moment(datetime.fromtimestamp(seconds, UTC), entropy=bytes(range(32)))


@pytest.mark.parametrize("example", [rfc9449.TOKEN_PROOF, rfc9449.RESOURCE_PROOF], ids=["4.1", "7.1"])
def test_the_proofs_of_the_rfc_are_signed_by_the_key_in_them(example) -> None:
    jwk = read(example)[0]["jwk"]
    public = ec.EllipticCurvePublicNumbers(number(jwk["x"]), number(jwk["y"]), ec.SECP256R1()).public_key()
    message, _, signature = example.rpartition(".")
    judge(public, "ES256", message.encode(), decoded(signature))
    assert thumbprint(jwk) == rfc9449.JKT


def test_our_proof_says_what_that_of_section_4_1_says() -> None:
    header, claims = read(rfc9449.TOKEN_PROOF)
    made = reveal(proof(PAIR, moment(1562262616), method="POST", url="https://server.example.com/token"))
    ours, said = read(made)
    assert claims == rfc9449.TOKEN_PROOF_CLAIMS
    assert said == claims | {"jti": said["jti"]}
    assert ours == header | {"jwk": public_jwk(PAIR)}
    assert ours["jwk"].keys() == header["jwk"].keys()
    message, _, signature = made.rpartition(".")
    judge(private_key().public_key(), "ES256", message.encode(), decoded(signature))


def test_our_proof_for_a_resource_says_what_that_of_section_7_1_says() -> None:
    made = proof(
        PAIR,
        moment(1562262618),
        method="GET",
        url="https://resource.example.org/protectedresource?page=2#x",
        access_token=Secret(rfc9449.ACCESS_TOKEN),
    )
    claims = read(reveal(made))[1]
    assert read(rfc9449.RESOURCE_PROOF)[1] == rfc9449.RESOURCE_PROOF_CLAIMS
    assert claims == rfc9449.RESOURCE_PROOF_CLAIMS | {"jti": claims["jti"]}


@pytest.mark.parametrize(
    ("url", "htu"),
    [
        ("https://ID.Example:443/Token?x#y", "https://id.example/Token"),
        ("https://id.example", "https://id.example/"),
        ("https://id.example:8443", "https://id.example:8443/"),
        ("http://127.0.0.1:80/a%2Fb/", "http://127.0.0.1/a%2Fb/"),
        ("https://[::1]:443/t", "https://[::1]/t"),
    ],
)
def test_the_url_in_a_proof_is_normalised_as_section_4_3_says(url: str, htu: str) -> None:
    assert read(reveal(proof(PAIR, moment(1), method="POST", url=url)))[1]["htu"] == htu


def test_a_nonce_is_repeated_and_makes_it_another_proof() -> None:
    asked = {"method": "GET", "url": "https://rs.example/"}
    first, second = (read(reveal(proof(PAIR, moment(1), **asked, nonce=nonce)))[1] for nonce in ("", "n-1"))
    assert ("nonce" in first, second["nonce"]) == (False, "n-1")
    assert first["jti"] != second["jti"]


def answered(status: int, body: str, *headers: tuple[str, str]) -> HttpResponse:
    return HttpResponse(status, "", headers, body.encode())


def test_the_answer_of_section_8_asks_for_its_nonce_and_no_other_answer_does() -> None:
    nonce = ("DPoP-Nonce", rfc9449.TOKEN_NONCE)
    assert nonce_wanted(answered(400, rfc9449.TOKEN_CHALLENGE, nonce)) == rfc9449.TOKEN_NONCE
    assert nonce_wanted(answered(401, rfc9449.TOKEN_CHALLENGE, nonce)) == rfc9449.TOKEN_NONCE
    assert nonce_wanted(answered(400, rfc9449.TOKEN_CHALLENGE)) is None
    assert nonce_wanted(answered(400, '{"error": "invalid_dpop_proof"}', nonce)) is None
    assert nonce_wanted(answered(500, rfc9449.TOKEN_CHALLENGE, nonce)) is None


@pytest.mark.parametrize("value", [None, "", 'a"b', "a\\b", "a b", "é", "x" * (LONGEST_NONCE + 1)])
def test_what_is_no_nonce_is_not_repeated(value) -> None:
    assert nonce_in(value) is None


def test_the_answer_of_section_9_is_a_challenge_and_one_about_the_token_is_none() -> None:
    heard = {"dpop-nonce": "n-1"}
    assert is_challenge(401, {**heard, "www-authenticate": rfc9449.RESOURCE_CHALLENGE})
    assert is_challenge(401, {**heard, "www-authenticate": f"Bearer, {rfc9449.RESOURCE_CHALLENGE}"})
    assert not is_challenge(401, {"www-authenticate": rfc9449.RESOURCE_CHALLENGE})
    assert not is_challenge(403, {**heard, "www-authenticate": rfc9449.RESOURCE_CHALLENGE})
    assert not is_challenge(401, {**heard, "www-authenticate": 'DPoP error="invalid_token"'})
    assert not is_challenge(401, heard)
