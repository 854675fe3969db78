"""RFC 7515 appendix A: what is signed there is signed here alike, is verified where it may be, and is refused else."""

import json
from base64 import urlsafe_b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from callout.core.jose import TokenRefused, peek, public_jwk, read_keys, verify
from callout.core.jose.signing import signature_of
from callout.core.key_pair import KeyPair
from callout.core.model.issuers import TrustedIssuer
from callout.core.secret import Secret, reveal
from tests.keys import pem_of

from . import rfc7515
from .test_signing import decoded, judge

CURVES = {"P-256": ec.SECP256R1(), "P-521": ec.SECP521R1()}


def number(text: str) -> int:
    return int.from_bytes(urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def key_pair_of(jwk) -> KeyPair:
    if "crv" in jwk:
        key = ec.derive_private_key(number(jwk["d"]), CURVES[jwk["crv"]])
    else:
        n, e, d = (number(jwk[name]) for name in "ned")
        p, q = rsa.rsa_recover_prime_factors(n, e, d)
        public = rsa.RSAPublicNumbers(e, n)
        crt = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
        key = rsa.RSAPrivateNumbers(p, q, d, *crt, public).private_key()
    return KeyPair("rfc", "", Secret(pem_of(key)))


def judged(token: str, jwk, now: float = 1300819000.0):
    pair = key_pair_of(jwk)
    trusted = TrustedIssuer("Joe", "joe", "nobody", users_by_name=True)
    return verify(token.encode(), trusted, read_keys(json.dumps({"keys": [public_jwk(pair)]}).encode()), now)


def test_a_2_is_signed_byte_for_byte() -> None:
    assert signature_of(rfc7515.A2_MESSAGE.encode(), key_pair_of(rfc7515.A2_KEY), "RS256") == rfc7515.A2_SIGNATURE


@pytest.mark.parametrize("jwk", [rfc7515.A3_KEY, rfc7515.A4_KEY], ids=["A.3", "A.4"])
def test_the_public_key_is_that_of_the_rfc(jwk) -> None:
    public = public_jwk(key_pair_of(jwk))
    assert {name: public[name] for name in ("crv", "x", "y")} == {name: jwk[name] for name in ("crv", "x", "y")}


@pytest.mark.parametrize(
    ("token", "jwk"), [(rfc7515.A2, rfc7515.A2_KEY), (rfc7515.A3, rfc7515.A3_KEY)], ids=["A.2", "A.3"]
)
def test_its_signature_holds_and_only_its_audience_is_missing(token, jwk) -> None:
    with pytest.raises(TokenRefused, match="got a token for another audience"):
        judged(token, jwk)
    with pytest.raises(TokenRefused, match="whose signature does not hold"):
        judged(token[:-6] + "AAAAAA", jwk)


@pytest.mark.parametrize("token", [rfc7515.A1, rfc7515.A5], ids=["A.1", "A.5"])
def test_a_shared_key_and_no_key_at_all_prove_nothing(token) -> None:
    with pytest.raises(TokenRefused, match=r"got a token with algorithm '(HS256|none)'"):
        judged(token, rfc7515.A3_KEY)


def test_the_claims_of_rfc_7519_section_3_1_are_read_before_they_are_verified() -> None:
    peeked = peek(rfc7515.A1.encode())
    assert peeked is not None
    assert (peeked.header, peeked.claims) == ({"typ": "JWT", "alg": "HS256"}, rfc7515.CLAIMS)


def test_a_4_and_what_we_sign_instead_are_both_the_keys() -> None:
    pair = key_pair_of(rfc7515.A4_KEY)
    message, _, signature = rfc7515.A4.rpartition(".")
    public = load_pem_private_key(reveal(pair.private_key).encode(), None).public_key()
    for each in (signature, signature_of(message.encode(), pair, "ES512")):
        judge(public, "ES512", message.encode(), decoded(each))
