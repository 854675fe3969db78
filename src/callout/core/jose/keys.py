"""Private keys that Callout signs with: which algorithms fit them, and how others know them (RFC 7517, 7518, 7638)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from callout.core.errors import Refused
from callout.core.key_pair import KeyPair
from callout.core.secret import reveal

SigningKey = RSAKey | ECKey | OKPKey

_KINDS: dict[type[object], type[SigningKey]] = {
    rsa.RSAPrivateKey: RSAKey,
    ec.EllipticCurvePrivateKey: ECKey,
    ed25519.Ed25519PrivateKey: OKPKey,
    ed448.Ed448PrivateKey: OKPKey,
}
#: What a token can be signed with, by the kind of the key (RFC 7518 section 3.1, RFC 8037 section 3.1).
_FITTING = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "P-256": ("ES256",),
    "P-384": ("ES384",),
    "P-521": ("ES512",),
    "Ed25519": ("EdDSA",),
    "Ed448": ("EdDSA",),
}
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
#: Shortest RSA key that may sign (RFC 7518 section 3.3), in bits.
SHORTEST_RSA = 2048
#: Keys that are kept as they were read: reading one takes longer than signing with it.
_MOST_READ = 128


@lru_cache(_MOST_READ)
def signing_key(key_pair: KeyPair) -> SigningKey:
    """Return the private key of a pair. Raises `Refused(principal_not_configured)` for one that cannot sign tokens."""
    pem = reveal(key_pair.private_key).encode()
    try:
        private = load_pem_private_key(pem, None)
        if isinstance(private, rsa.RSAPrivateKey) and private.key_size < SHORTEST_RSA:
            detail = f"got an RSA key of {private.key_size} bits as {key_pair.name!r}"
            raise Refused(
                "principal_not_configured", f"{detail}; expected {SHORTEST_RSA} at least (RFC 7518 section 3.3)"
            )
        kind = next((kind for known, kind in _KINDS.items() if isinstance(private, known)), None)
        key = kind.import_key(pem) if kind is not None else None
    except (JoseError, UnsupportedAlgorithm, ValueError, TypeError, KeyError):
        key = None
    if key is None or kind_of(key) not in _FITTING:
        detail = f"got another kind of key as {key_pair.name!r}; expected a private key of {', '.join(_FITTING)}"
        raise Refused("principal_not_configured", detail)
    return key


def kind_of(key: SigningKey) -> str:
    """Return `RSA`, or the curve."""
    return "RSA" if isinstance(key, RSAKey) else str(key.curve_name)


def algorithm_of(key_pair: KeyPair, algorithm: str = "") -> str:
    """Return the algorithm to sign with: the one asked for, or the first that fits the key.

    Raises `Refused(principal_not_configured)` where it does not fit the key.
    """
    kind = kind_of(signing_key(key_pair))
    fitting = _FITTING[kind]
    if algorithm and algorithm not in fitting:
        detail = f"got signing algorithm {algorithm!r} for {key_pair.name!r}, a key of {kind}"
        raise Refused("principal_not_configured", f"{detail}; expected one of {', '.join(fitting)}")
    return algorithm or fitting[0]


def public_jwk(key_pair: KeyPair, **members: Any) -> dict[str, Any]:
    """Return the public key of a pair as a JWK (RFC 7517), the bare key, with further members such as `kid`."""
    return dict(sorted(signing_key(key_pair).as_dict(private=False).items())) | members


def certificate_thumbprint(certificate: str) -> str:
    """Return the SHA-256 thumbprint of a PEM certificate, as in `x5t#S256` (RFC 7515 section 4.1.8)."""
    digest = hashlib.sha256(_der(certificate)).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def certificate_chain(certificates: Sequence[str]) -> list[str]:
    """Return PEM certificates as the value of `x5c` (RFC 7515 section 4.1.6), in their order."""
    return [base64.b64encode(_der(each)).decode() for each in certificates]


def _der(certificate: str) -> bytes:
    return x509.load_pem_x509_certificate(certificate.encode()).public_bytes(Encoding.DER)
