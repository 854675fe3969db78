"""What Callout signs is verified by `cryptography` alone: nothing here trusts the library that signed."""

import base64
import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

from callout.core.errors import Refused
from callout.core.jose import ALGORITHMS, sign
from callout.core.secret import reveal
from tests.keys import key_pair, private_key

CLAIMS = {"iss": "joe", "exp": 1300819380, "name": "Zoë"}
FITTING = [
    *(("RSA", f"{family}{bits}") for family in ("RS", "PS") for bits in (256, 384, 512)),
    ("P-256", "ES256"),
    ("P-384", "ES384"),
    ("P-521", "ES512"),
    ("Ed25519", "EdDSA"),
]


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def judge(public, algorithm: str, message: bytes, signature: bytes) -> None:
    """Verify as RFC 7518 section 3 says; raises `InvalidSignature`."""
    if algorithm == "EdDSA":
        public.verify(signature, message)
        return
    digest = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[algorithm[2:]]
    if algorithm.startswith("ES"):
        size = (public.key_size + 7) // 8
        assert len(signature) == 2 * size
        r, s = int.from_bytes(signature[:size]), int.from_bytes(signature[size:])
        public.verify(utils.encode_dss_signature(r, s), message, ec.ECDSA(digest))
    elif algorithm.startswith("RS"):
        public.verify(signature, message, padding.PKCS1v15(), digest)
    else:
        salted = padding.PSS(padding.MGF1(digest), salt_length=digest.digest_size)
        public.verify(signature, message, salted, digest)


@pytest.mark.parametrize(("kind", "algorithm"), FITTING)
def test_every_algorithm_signs_what_others_verify(kind: str, algorithm: str) -> None:
    token = reveal(sign(CLAIMS, key_pair(kind), algorithm))
    message, _, signature = token.rpartition(".")
    header, _, claims = message.partition(".")
    assert json.loads(decoded(header)) == {"alg": algorithm, "typ": "JWT", "kid": f"kid-{kind}"}
    assert json.loads(decoded(claims)) == CLAIMS
    public = private_key(kind).public_key()
    judge(public, algorithm, message.encode(), decoded(signature))
    with pytest.raises(InvalidSignature):
        judge(public, algorithm, message.encode() + b"x", decoded(signature))


@pytest.mark.parametrize(("kind", "algorithm"), [f for f in FITTING if not f[1].startswith("PS")])
def test_the_same_input_is_signed_the_same(kind: str, algorithm: str) -> None:
    assert sign(CLAIMS, key_pair(kind), algorithm) == sign(CLAIMS, key_pair(kind), algorithm)


def test_a_member_of_the_header_can_be_added_replaced_and_left_out_but_the_algorithm_stays() -> None:
    header = {"typ": "dpop+jwt", "kid": None, "jwk": {"kty": "EC"}, "alg": "none"}
    token = reveal(sign(CLAIMS, key_pair(), header=header))
    assert json.loads(decoded(token.partition(".")[0])) == {"alg": "ES256", "typ": "dpop+jwt", "jwk": {"kty": "EC"}}


def test_every_key_refuses_the_algorithms_of_others() -> None:
    refused = []
    for kind in {kind for kind, _ in FITTING}:
        for algorithm in (*ALGORITHMS, "HS256", "none"):
            if (kind, algorithm) not in FITTING:
                with pytest.raises(Refused, match=f"got signing algorithm '{algorithm}'.*expected one of") as caught:
                    sign(CLAIMS, key_pair(kind), algorithm)
                refused.append(caught.value.reason.code)
    assert set(refused) == {"principal_not_configured"}
