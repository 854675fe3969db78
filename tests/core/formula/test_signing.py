"""Signatures: RFC 8032 (Ed25519), RFC 7515 (RS256, ES256 of its appendix A) and RFC 6979 (deterministic ECDSA)."""

import base64

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from callout.core.formula import FormulaError
from callout.core.formula.functions import RFC_8032_KEY
from callout.core.formula.signing import sign
from callout.core.formula.values import UnfitError
from tests.core.formula.evaluation import evaluated, plain


def number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=="), "big")


def der(key: object) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.DER, form, serialization.NoEncryption())


#: RFC 7515 appendix A.2.1: the payload as it is signed, and the key.
SIGNING_INPUT = (
    b"eyJhbGciOiJSUzI1NiJ9"
    b".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
)
N = (
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCg"
    "NMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665x"
    "smtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
)
D = (
    "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ"
    "1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4"
    "ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ"
)
RS256 = (
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1"
    "dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDw"
    "usC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
)


@pytest.fixture(scope="module")
def rsa_key() -> bytes:
    p, q = rsa.rsa_recover_prime_factors(number(N), 65537, number(D))
    d = number(D)
    numbers = rsa.RSAPrivateNumbers(
        p,
        q,
        d,
        rsa.rsa_crt_dmp1(d, p),
        rsa.rsa_crt_dmq1(d, q),
        rsa.rsa_crt_iqmp(p, q),
        rsa.RSAPublicNumbers(65537, number(N)),
    )
    return der(numbers.private_key())


def test_rsa_is_that_of_rfc_7515_appendix_a_2(rsa_key: bytes) -> None:
    assert base64.urlsafe_b64encode(sign("RSA-SHA256", SIGNING_INPUT, rsa_key)).rstrip(b"=").decode() == RS256


def test_ed25519_is_that_of_rfc_8032_section_7_1() -> None:
    key = "TM0Imyj/ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U+4pvs="  # test 2; it signs one byte, 0x72
    whole = der(ed25519.Ed25519PrivateKey.from_private_bytes(base64.b64decode(key)))
    assert sign("Ed25519", b"r", whole).hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00"
        "d291612bb0c00"
    )


def test_ecdsa_is_that_of_rfc_6979_appendix_a_2_5() -> None:
    key = ec.derive_private_key(0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721, ec.SECP256R1())
    assert sign("ECDSA-SHA256-Plain", b"sample", der(key)).hex() == (
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
    )
    signature = sign("ECDSA-SHA384", b"sample", der(key))
    key.public_key().verify(signature, b"sample", ec.ECDSA(hashes.SHA384()))


def test_ecdsa_is_verified_by_the_key_of_rfc_7515_appendix_a_3() -> None:
    key = ec.derive_private_key(number("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"), ec.SECP256R1())
    assert key.public_key().public_numbers().x == number("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")
    signature = sign("ECDSA-SHA256-Plain", SIGNING_INPUT, der(key))
    halves = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    key.public_key().verify(encode_dss_signature(*halves), SIGNING_INPUT, ec.ECDSA(hashes.SHA256()))


def test_a_key_may_be_pem(rsa_key: bytes) -> None:
    lines = base64.encodebytes(rsa_key).decode()
    pem = f"-----BEGIN PRIVATE KEY-----\n{lines}-----END PRIVATE KEY-----\n".encode()
    assert sign("RSA-SHA512", b"x", pem) == sign("RSA-SHA512", b"x", rsa_key)


def test_a_formula_signs_with_a_secret_of_the_principal() -> None:
    formula = "{!BASE64ENCODE(SIGN('Ed25519', BLOB('a'), BASE64DECODE($Credential.X.PrivateKey)))}"
    assert len(plain(formula, PrivateKey=RFC_8032_KEY)) == 88
    assert evaluated(formula, PrivateKey=RFC_8032_KEY).is_secret


KEYS = {
    "no key": ("RSA-SHA256", lambda: b"c4n4ry", "bytes that are no private key"),
    "no PEM": ("RSA-SHA256", lambda: b"-----BEGIN PRIVATE KEY-----\nc4n4ry", "bytes that are no private key"),
    "not RSA": ("RSA-SHA256", lambda: base64.b64decode(RFC_8032_KEY), "a key of another kind"),
    "not EC": ("ECDSA-SHA256", lambda: base64.b64decode(RFC_8032_KEY), "a key of another kind"),
    "X25519": (
        "Ed25519",
        lambda: der(x25519.X25519PrivateKey.generate()),
        "a private key of a kind that is not signed with",
    ),
    "short": ("RSA-SHA256", lambda: der(rsa.generate_private_key(65537, 1024)), "an RSA key of 1024 bits"),
}


@pytest.mark.parametrize("case", KEYS)
def test_a_key_that_cannot_sign_is_refused_and_not_shown(case: str) -> None:
    algorithm, made, got = KEYS[case]
    key = made()
    with pytest.raises(UnfitError) as error:
        sign(algorithm, b"x", key)
    assert error.value.got == got
    assert "c4n4ry" not in repr((error.value, error.value.__context__, error.value.__cause__))


def test_a_key_that_cannot_sign_is_refused_with_the_place_of_the_call() -> None:
    with pytest.raises(FormulaError) as error:
        plain("{!HEX(SIGN('Ed25519', BLOB('a'), BLOB($Credential.X.Key)))}")
    assert (error.value.column, error.value.got) == (7, "bytes that are no private key as an argument of SIGN")
