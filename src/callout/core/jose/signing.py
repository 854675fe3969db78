"""JSON Web Tokens that Callout signs (RFC 7519 section 7.1), in compact form (RFC 7515 section 3.1).

The same claims, key and header give the same token, but for PS256 to PS512, whose salt is random: ECDSA signatures
are those of RFC 6979.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry

from callout.core.jose.keys import SigningKey, algorithm_of, signing_key
from callout.core.key_pair import KeyPair
from callout.core.secret import Secret

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "ES256": hashes.SHA256(),
    "ES384": hashes.SHA384(),
    "ES512": hashes.SHA512(),
}

#: Message authentication codes: both sides know the secret (RFC 7518 section 3.1).
SECRET_ALGORITHMS = ("HS256", "HS384", "HS512")


def sign(
    claims: Mapping[str, Any], key_pair: KeyPair, algorithm: str = "", header: Mapping[str, Any] | None = None
) -> Secret:
    """Return a signed token. Without an `algorithm` it is the first that fits the key.

    Its header has `alg`, `typ` JWT and the `kid` of the key; what `header` holds wins, and a member that is None there
    is left out. Raises `Refused(principal_not_configured)` for a key that cannot sign so.
    """
    chosen = algorithm_of(key_pair, algorithm)
    members = {"typ": "JWT", "kid": key_pair.kid or None, **(header or {}), "alg": chosen}
    whole = {"alg": chosen} | {name: value for name, value in members.items() if value is not None}
    message = f"{base64url(_json(whole))}.{base64url(_json(claims))}"
    return Secret(f"{message}.{signature_of(message.encode(), key_pair, chosen)}")


def signature_of(message: bytes, key_pair: KeyPair, algorithm: str) -> str:
    """Sign a message (RFC 7515 section 5.1, RFC 7518 section 3), in base64url; the algorithm fits the key."""
    return base64url(_signature(message, signing_key(key_pair), algorithm))


def sign_with_secret(
    claims: Mapping[str, Any], secret: bytes, algorithm: str, header: Mapping[str, Any] | None = None
) -> Secret:
    """Return a token with a message authentication code (RFC 7518 section 3.2), one of `SECRET_ALGORITHMS`."""
    whole = {"alg": algorithm} | {"typ": "JWT", **(header or {}), "alg": algorithm}
    message = f"{base64url(_json(whole))}.{base64url(_json(claims))}"
    return Secret(f"{message}.{base64url(hmac.digest(secret, message.encode(), f'sha{algorithm[2:]}'))}")


def base64url(text: bytes) -> str:
    """Encode without padding (RFC 7515 appendix C)."""
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _json(members: Mapping[str, Any]) -> bytes:
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()


def _signature(message: bytes, key: SigningKey, algorithm: str) -> bytes:
    if not isinstance(key, ECKey):
        return JWSRegistry.algorithms[algorithm].sign(message, key)
    private = key.private_key
    assert private is not None
    r, s = decode_dss_signature(private.sign(message, ECDSA(_HASHES[algorithm], deterministic_signing=True)))
    size = (private.key_size + 7) // 8
    return r.to_bytes(size) + s.to_bytes(size)
