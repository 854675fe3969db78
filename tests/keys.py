"""Key pairs that the tests sign with, as Callout's key store would hold them."""

from functools import cache

from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from callout.core.key_pair import KeyPair
from callout.core.secret import Secret

_MAKE = {
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
    "RSA-1024": lambda: rsa.generate_private_key(65537, 1024),
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
    "Ed448": ed448.Ed448PrivateKey.generate,
    "DSA": lambda: dsa.generate_private_key(2048),
}


def private_key(kind: str = "P-256", number: int = 0):
    """Return a private key of this kind, the same in one run of the tests for the same number."""
    return _made(kind, number)


@cache
def _made(kind: str, number: int):
    return _MAKE[kind]()


def pem_of(key) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def key_pair(kind: str = "P-256", number: int = 0, **known) -> KeyPair:
    """Return such a key as Callout holds it."""
    return KeyPair(
        **{"name": kind, "kid": f"kid-{kind}", "private_key": Secret(pem_of(private_key(kind, number)))} | known
    )
