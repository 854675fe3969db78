"""JSON Web Keys (RFC 7517) of Callout's own keys: public ones written, private ones read, thumbprints (RFC 7638)."""

from __future__ import annotations

import json
import warnings
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from callout.core.private_key import PrivateKey, PublicKey, loaded
from callout.core.secret import Secret

#: Kinds of keys that something can be signed with.
_KINDS = frozenset({"RSA", "EC", "OKP"})


class NotAKey(ValueError):
    """A JWK that is no private key. The text holds nothing of it."""


def public_jwk(key: PublicKey) -> dict[str, str]:
    """Return the members of a public key that its kind needs, without `kid` (RFC 7518 section 6, RFC 8037)."""
    kind: type[RSAKey | ECKey | OKPKey]
    match key:
        case rsa.RSAPublicKey():
            kind = RSAKey
        case ec.EllipticCurvePublicKey():
            kind = ECKey
        case _:
            kind = OKPKey
    read = kind.import_key(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return {name: str(value) for name, value in sorted(read.as_dict(private=False).items())}


def thumbprint(public_key: dict[str, str]) -> str:
    """Return the thumbprint of a public JWK (RFC 7638 section 3): SHA-256, base64url."""
    return str(import_key({**public_key}).thumbprint())


def belongs_to(private_key: Secret, public_key: str) -> bool:
    """Say whether a private key (PEM) is the other half of a public one (JWK, as JSON)."""
    return thumbprint(public_jwk(loaded(private_key).public_key())) == _thumbprint(public_key)


@lru_cache(maxsize=256)
def _thumbprint(public_key: str) -> str:
    return thumbprint(json.loads(public_key)) if public_key else ""


def private_key_in(jwk: bytes) -> tuple[PrivateKey, str]:
    """Read a private JWK: its key, and its `kid`, empty where it has none. Raises `NotAKey`."""
    try:
        members: Any = json.loads(jwk)
    except (ValueError, RecursionError):
        members = None
    if not isinstance(members, dict) or not isinstance(members.get("d"), str) or members.get("kty") not in _KINDS:
        raise NotAKey("JSON that is no private JWK of kind RSA, EC or OKP")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # how long a key has to be is judged by who imports it
            key = import_key(members)
        found = key.private_key if isinstance(key, RSAKey | ECKey | OKPKey) else None
    except (JoseError, ValueError, TypeError, KeyError):
        found = None  # their texts may quote the key
    if not isinstance(found, PrivateKey):
        raise NotAKey("a JWK that does not read, or of a kind that nothing is signed with")
    kid = members.get("kid")
    return found, kid if isinstance(kid, str) else ""
