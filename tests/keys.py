"""Keys for tests, made once for each kind: RSA keys take long to make."""

import json
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from callout.core.jwk import public_jwk, thumbprint
from callout.core.model.own_certificates import Certificate
from callout.core.secret import Secret

KINDS = {
    "RSA-2048": lambda: rsa.generate_private_key(65537, 2048),
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}


@cache
def key(kind: str = "P-256", number: int = 0):
    """Return a private key; another `number` is another key."""
    return KINDS[kind]()


def pem_of(private_key) -> str:
    return private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def certificate_of(name: str, private_key, *chain: str, **more) -> tuple[Certificate, Secret]:
    """Return a definition, and the private key that is to be sealed with it."""
    jwk = public_jwk(private_key.public_key())
    text = json.dumps({**jwk, "kid": thumbprint(jwk)})
    return Certificate(name, kid=thumbprint(jwk), public_key=text, certificates=chain, **more), Secret(
        pem_of(private_key)
    )
