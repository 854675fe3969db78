"""Keys and certificates are taken from every form that files have, and nothing of one that is refused is shown."""

import base64
import json
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)
from joserfc.jwk import import_key

from callout.core.jose.jwk import public_jwk, thumbprint
from callout.core.key_files import NotReadable, algorithm_of, kid_of, pem_of_key, read_key_file
from callout.core.secret import Secret, reveal
from tests.certificates import Authority
from tests.keys import KINDS, key, pem_of

CA = Authority()
ORDERS = CA.issue(name="orders", ends=datetime(2040, 1, 1, tzinfo=UTC))
LEAF = ORDERS.certificate.public_bytes(Encoding.PEM).decode()
ROOT = CA.pem.decode()
KEY = pem_of(ORDERS.key)


def read(text: str, password: str | None = None):
    return read_key_file(Secret(text), Secret(password) if password is not None else None)


def refusal(text: str, password: str | None = None) -> str:
    with pytest.raises(NotReadable) as refused:
        read(text, password)
    assert "PRIVATE" not in str(refused.value)
    return str(refused.value)


def encrypted(private_key=ORDERS.key, form=PrivateFormat.PKCS8) -> str:
    return private_key.private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"correct")).decode()


def p12(password: str | None, *, with_key: bool = True) -> str:
    protection = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    root = [x509.load_pem_x509_certificate(CA.pem)]
    own = ORDERS.key if with_key else None
    made = pkcs12.serialize_key_and_certificates(b"orders", own, ORDERS.certificate if own else None, root, protection)
    return base64.b64encode(made).decode()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_key_in_pem_is_taken_whatever_its_kind_and_form(kind, form) -> None:
    if kind == "Ed25519":
        form = PrivateFormat.PKCS8  # it has no other
    found = read(key(kind).private_bytes(Encoding.PEM, form, NoEncryption()).decode())
    assert reveal(found.private_key) == pem_of(key(kind))
    assert found.public_key == public_jwk(key(kind).public_key())
    assert (found.algorithm, found.certificates, found.expires_at) == (kind, (), None)
    assert kid_of(found) == thumbprint(found.public_key)


@pytest.mark.parametrize("text", [KEY + LEAF + ROOT, ROOT + LEAF + KEY, f"Bag Attributes\n{LEAF}\n\n{KEY}{ROOT}"])
def test_key_and_chain_are_put_in_order_leaf_first(text) -> None:
    found = read(text)
    assert found.certificates == (LEAF, ROOT)
    assert found.expires_at == datetime(2040, 1, 1, tzinfo=UTC)


def test_certificates_alone_are_taken_leaf_first() -> None:
    found = read(ROOT + LEAF)
    assert found.private_key is None
    assert found.certificates == (LEAF, ROOT)
    assert found.public_key == public_jwk(ORDERS.key.public_key())


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_an_encrypted_key_needs_its_password(form) -> None:
    text = encrypted(form=form)
    assert reveal(read(text, "correct").private_key) == KEY
    assert "got an encrypted private key; expected its password" in refusal(text)
    assert "got a password that does not open it" in refusal(text, "wrong")


def test_a_password_that_is_not_needed_does_no_harm() -> None:
    assert reveal(read(KEY, "needless").private_key) == KEY


@pytest.mark.parametrize("kind", ["RSA-2048", "P-256", "Ed25519"])
def test_a_private_jwk_is_taken_with_its_name_and_certificates(kind) -> None:
    members = import_key(pem_of(key(kind)).encode(), "OKP" if kind == "Ed25519" else kind[:3].replace("P-2", "EC"))
    whole = {**members.as_dict(private=True), "kid": "mine"}
    found = read(json.dumps(whole))
    assert (found.kid, kid_of(found), found.algorithm) == ("mine", "mine", kind)
    assert kid_of(read(json.dumps({"keys": [whole]}))) == "mine"
    der = base64.b64encode(ORDERS.certificate.public_bytes(Encoding.DER)).decode()
    assert "private key that none of the certificates is for (CN=orders)" in refusal(
        json.dumps({**whole, "x5c": [der]})
    )


@pytest.mark.parametrize("password", [None, "correct"])
def test_pkcs12_is_taken_with_its_chain(password) -> None:
    found = read(p12(password), password)
    assert reveal(found.private_key) == KEY
    assert found.certificates == (LEAF, ROOT)


def test_pkcs12_needs_its_password() -> None:
    assert "where it is encrypted, its password" in refusal(p12("correct"))
    assert "got a password that does not open it" in refusal(p12("correct"), "wrong")
    assert "got a PKCS #12 file without a private key" in refusal(p12("correct", with_key=False), "correct")


def test_a_key_of_another_certificate_is_refused() -> None:
    said = refusal(pem_of(key()) + LEAF)
    assert said.startswith("got a private key that none of the certificates is for (CN=orders)")


def test_a_certificate_outside_the_chain_is_refused() -> None:
    other = Authority().issue(name="other").certificate.public_bytes(Encoding.PEM).decode()
    assert "got certificates outside the chain (CN=other)" in refusal(KEY + LEAF + other)


def test_a_chain_has_an_end() -> None:
    assert "got 11 certificates; expected at most 10" in refusal(LEAF * 11)


OTHERS = {
    "an RSA key of 1024 bits; expected one of 2048 to 8192": "RSA-1024",
    "a key on the curve secp256k1; expected one on P-256, P-384, P-521": "secp256k1",
    "a private key of a kind that is not taken; expected RSA, EC or Ed25519": "Ed448",
}


@pytest.mark.parametrize("said", OTHERS)
def test_keys_that_nobody_should_use_are_refused(said) -> None:
    assert refusal(pem_of(key(OTHERS[said]))) == f"got {said}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "content that does not read as PKCS #12"),
        ("not base64!", "content of no known form"),
        ("AAAA", "content that does not read as PKCS #12"),
        ("{", "JSON that is no JWK"),
        ("{}", "no private JWK"),
        (KEY + KEY, "2 private keys"),
        (KEY.replace("M", "N", 1), "a private key that does not read"),
        (LEAF.replace("M", "N", 1), "a certificate that does not read"),
        (
            key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
            "neither a private",
        ),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----", "OpenSSH's own form"),
    ],
)
def test_what_is_neither_is_refused_by_its_form(text, said) -> None:
    with pytest.raises(NotReadable, match="got") as refused:
        read(text)
    assert said in str(refused.value)


def test_a_key_is_written_as_pkcs8() -> None:
    assert reveal(pem_of_key(ORDERS.key)) == KEY
    assert algorithm_of(ORDERS.key.public_key()) == "P-256"
