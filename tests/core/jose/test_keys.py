"""How others know a key of Callout's: its JWK, the thumbprint of that, and those of its certificate."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from callout.core.jose import algorithm_of, certificate_thumbprint, public_jwk, thumbprint
from tests.certificates import Authority
from tests.keys import key_pair, private_key

#: RFC 7638 section 3.1: the key, and its thumbprint.
RFC_7638_KEY = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
    "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6q"
    "MQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK"
    "nqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}
RFC_7638_THUMBPRINT = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
#: RFC 8037 appendix A.2 and A.3: an Ed25519 public key, and its thumbprint.
RFC_8037_KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
RFC_8037_THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize(
    ("jwk", "expected"), [(RFC_7638_KEY, RFC_7638_THUMBPRINT), (RFC_8037_KEY, RFC_8037_THUMBPRINT)]
)
def test_the_thumbprint_is_that_of_the_rfc_whatever_else_the_key_says(jwk, expected) -> None:
    assert thumbprint(jwk) == thumbprint({**jwk, "use": "sig"}) == expected


@pytest.mark.parametrize("kind", ["RSA", "P-256", "P-384", "P-521", "Ed25519"])
def test_a_jwk_holds_nothing_of_the_private_key(kind: str) -> None:
    jwk = public_jwk(key_pair(kind))
    assert jwk.keys() <= {"kty", "n", "e", "crv", "x", "y"}
    public = private_key(kind).public_key()
    if kind.startswith("Ed"):
        raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        assert jwk["x"] == base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_without_an_algorithm_the_key_says_which() -> None:
    kinds = ("RSA", "P-256", "P-384", "P-521", "Ed25519")
    assert [algorithm_of(key_pair(k)) for k in kinds] == ["RS256", "ES256", "ES384", "ES512", "EdDSA"]


def test_a_certificate_is_known_by_the_digest_of_its_der() -> None:
    pem = Authority().pem.decode()
    der = base64.b64decode("".join(pem.splitlines()[1:-1]))
    expected = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
    assert certificate_thumbprint(pem) == expected
