"""Keys for tests, made once for each kind (RSA keys take long to make), and as Callout's key store holds them."""

import json
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from joserfc.jwk import RSAKey

from callout.core.jose.jwk import public_jwk, thumbprint
from callout.core.key_pair import KeyPair
from callout.core.model.own_certificates import Certificate
from callout.core.secret import Secret

#: The kinds that Callout makes.
KINDS = {
    "RSA-2048": lambda: rsa.generate_private_key(65537, 2048),
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}
_MORE = {
    "RSA": KINDS["RSA-2048"],
    "RSA-1024": lambda: rsa.generate_private_key(65537, 1024),
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
    "Ed448": ed448.Ed448PrivateKey.generate,
}


def key(kind: str = "P-256", number: int = 0):
    """Return a private key of this kind, the same in one run of the tests for the same number."""
    return _made(kind, number)


@cache
def _made(kind: str, number: int):
    return {**KINDS, **_MORE}[kind]()


private_key = key


def pem_of(private_key) -> str:
    return private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def key_pair(kind: str = "P-256", number: int = 0, **known) -> KeyPair:
    """Return such a key as Callout holds it."""
    return KeyPair(**{"name": kind, "kid": f"kid-{kind}", "private_key": Secret(pem_of(key(kind, number)))} | known)


def certificate_of(name: str, private_key, *chain: str, **more) -> tuple[Certificate, Secret]:
    """Return a definition, and the private key that is to be sealed with it."""
    jwk = public_jwk(private_key.public_key())
    text = json.dumps({**jwk, "kid": thumbprint(jwk)})
    return Certificate(name, kid=thumbprint(jwk), public_key=text, certificates=chain, **more), Secret(
        pem_of(private_key)
    )


def jwk_member(pem: str, member: str) -> str:
    """Return one member of the private JWK of a key in PEM."""
    return str(RSAKey.import_key(pem.encode()).as_dict(private=True)[member])


@cache
def self_signed(kind: str = "P-256", number: int = 0) -> str:
    """Return a certificate (PEM) for a key, which nobody else has signed."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "orders")])
    builder = x509.CertificateBuilder(name, name, key(kind, number).public_key(), 0xA1B2C3)
    valid = builder.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
    digest = None if kind.startswith("Ed") else SHA256()
    return valid.sign(key(kind, number), digest).public_bytes(Encoding.PEM).decode()
