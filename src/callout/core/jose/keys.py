"""Private keys that Callout signs tokens with: which algorithms fit them, and how others know them (RFC 7515, 7518)."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc.jwk import ECKey, OKPKey, RSAKey

from callout.core.errors import Refused
from callout.core.jose import jwk
from callout.core.key_pair import KeyPair
from callout.core.private_key import loaded

SigningKey = RSAKey | ECKey | OKPKey

#: What a token can be signed with, by the kind of the key (RFC 7518 section 3.1, RFC 8037 section 3.1).
_FITTING = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "P-256": ("ES256",),
    "P-384": ("ES384",),
    "P-521": ("ES512",),
    "Ed25519": ("EdDSA",),
}
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
#: How many keys are kept as they were read.
_MOST_READ = 128


@lru_cache(_MOST_READ)
def signing_key(key_pair: KeyPair) -> SigningKey:
    """Return the private key of a pair, as the library signs with it."""
    private = loaded(key_pair.private_key)
    match private:
        case rsa.RSAPrivateKey():
            return RSAKey.import_key(private)
        case ec.EllipticCurvePrivateKey():
            return ECKey(private, private)
        case _:
            return OKPKey(private, private)


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


def public_jwk(key_pair: KeyPair) -> dict[str, str]:
    """Return the public key of a pair as a JWK (RFC 7517): the bare key, without `kid`."""
    return jwk.public_jwk(loaded(key_pair.private_key).public_key())


def certificate_thumbprint(certificate: str) -> str:
    """Return the SHA-256 thumbprint of a PEM certificate, as in `x5t#S256` (RFC 7515 section 4.1.8)."""
    der = x509.load_pem_x509_certificate(certificate.encode()).public_bytes(Encoding.DER)
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
