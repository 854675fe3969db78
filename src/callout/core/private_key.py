"""Private keys as they are sealed: PKCS #8 in PEM, without a password (RFC 5958, RFC 7468)."""

from __future__ import annotations

from typing import cast

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from callout.core.secret import Secret, reveal

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

#: Shortest and longest RSA key, in bits: shorter ones are broken, longer ones keep others waiting.
SMALLEST_RSA, LARGEST_RSA = 2048, 8192


def loaded(private_key: Secret) -> PrivateKey:
    """Load a key that was judged when it was made or imported: judging an RSA key again takes longer than to sign."""
    pem = reveal(private_key).encode()
    return cast("PrivateKey", load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True))
