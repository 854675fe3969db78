"""Private keys as they are sealed: PKCS #8 in PEM, without a password (RFC 5958, RFC 7468)."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import cast

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from callout.core.jose.jwk import PrivateKey, public_jwk, thumbprint
from callout.core.secret import Secret, reveal


def loaded(private_key: Secret) -> PrivateKey:
    """Load a key that was judged when it was made or imported: judging an RSA key again takes longer than to sign."""
    pem = reveal(private_key).encode()
    return cast("PrivateKey", load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True))


def belongs_to(private_key: Secret, public_key: str) -> bool:
    """Say whether a private key (PEM) is the other half of a public one (JWK, as JSON)."""
    return thumbprint(public_jwk(loaded(private_key).public_key())) == _thumbprint(public_key)


@lru_cache(maxsize=256)
def _thumbprint(public_key: str) -> str:
    return thumbprint(json.loads(public_key)) if public_key else ""
