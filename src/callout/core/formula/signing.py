"""SIGN: a signature with a private key. Deterministic: what is signed twice has one signature.

RSA is PKCS #1 version 1.5 (RFC 8017 section 8.2), ECDSA chooses its number as RFC 6979 says and is written in DER,
or as two numbers in a row where the name ends in Plain (RFC 7518 section 3.4). Ed25519 is RFC 8032.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from callout.core.formula.values import UnfitError
from callout.core.private_key import LARGEST_RSA, SMALLEST_RSA, PrivateKey
from callout.core.secret import Secret, reveal

_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "SHA256": hashes.SHA256,
    "SHA384": hashes.SHA384,
    "SHA512": hashes.SHA512,
}
#: Names of algorithms, as Salesforce's `Crypto.sign` spells them; Ed25519 is ours.
SIGNATURE_ALGORITHMS = (
    *(f"RSA-{name}" for name in _HASHES),
    *(f"ECDSA-{name}" for name in _HASHES),
    *(f"ECDSA-{name}-Plain" for name in _HASHES),
    "Ed25519",
)

_EXPECTED = "a private key as PKCS #8: DER by BASE64DECODE, or PEM by BLOB"


def sign(algorithm: str, content: bytes, private_key: bytes) -> bytes:
    """Sign; raises `UnfitError` for a key that cannot be read or is of another kind. The key is never shown."""
    key = _key(private_key)
    kind, _, rest = algorithm.partition("-")
    digest, _, plain = rest.partition("-")
    if kind == "RSA" and isinstance(key, rsa.RSAPrivateKey):
        return key.sign(content, padding.PKCS1v15(), _HASHES[digest]())
    if kind == "ECDSA" and isinstance(key, ec.EllipticCurvePrivateKey):
        signature = key.sign(content, ec.ECDSA(_HASHES[digest](), deterministic_signing=True))
        return _plain(signature, key) if plain else signature
    if kind == "Ed25519" and isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(content)
    raise UnfitError("a key of another kind", f"one for {kind}")


def sign_with(key: Callable[[str], Secret], algorithm: str, content: bytes, certificate: str) -> bytes:
    """Sign with the private key that `key` finds by the name of its certificate."""
    return sign(algorithm, content, reveal(key(certificate)).encode())


def _plain(signature: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    size = (key.curve.key_size + 7) // 8
    return b"".join(number.to_bytes(size, "big") for number in decode_dss_signature(signature))


@lru_cache(maxsize=64)
def _key(content: bytes) -> PrivateKey:
    """Read a key. What was read is kept: judging an RSA key takes longer than signing."""
    load = serialization.load_pem_private_key if b"-----BEGIN" in content else serialization.load_der_private_key
    try:
        key = load(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # their texts may quote the key
        raise UnfitError("bytes that are no private key", _EXPECTED) from None
    if not isinstance(key, PrivateKey):
        raise UnfitError("a private key of a kind that is not signed with", "RSA, EC or Ed25519")
    if isinstance(key, rsa.RSAPrivateKey) and not SMALLEST_RSA <= key.key_size <= LARGEST_RSA:
        raise UnfitError(f"an RSA key of {key.key_size} bits", f"one of {SMALLEST_RSA} to {LARGEST_RSA}")
    return key
