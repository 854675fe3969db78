"""JSON Web Tokens as proofs of a caller: whom a token claims to be from, and whether that is true.

Signatures are judged by joserfc, with public keys alone; claims are judged here (RFC 7519 section 4, RFC 8725).
Nothing of a token is repeated in a refusal but its issuer, key id and algorithm.
"""

from __future__ import annotations

import base64
import binascii
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry, deserialize_compact

from callout.core.model.issuers import TrustedIssuer

#: The public keys of an issuer.
Keys = KeySet

#: Longest token that is looked at, in bytes.
LONGEST_TOKEN = 16 * 1024
#: How far the clocks of an issuer and of Callout may differ, in seconds.
LEEWAY = 30
#: Key types of public keys (RFC 7518 section 6.1, RFC 8037 section 2).
_PUBLIC_KEY_TYPES = frozenset({"RSA", "EC", "OKP"})
#: Values of `typ` that a proof may have (RFC 8725 section 3.11, RFC 9068 section 2.1): never a logout or DPoP token.
_TYPES = frozenset({"jwt", "at+jwt", "application/jwt", "application/at+jwt"})
_SHOWN = 80


class TokenRefused(ValueError):
    """A token that proves nothing. The text says what came and what was expected."""


class UnknownKey(TokenRefused):
    """A token signed with a key that is not among those at hand: the issuer may have rotated."""


@dataclass(frozen=True, slots=True)
class Peeked:
    """What a token says of itself, before anything is verified."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    @property
    def issuer(self) -> str:
        """Its `iss`, or nothing."""
        return _text(self.claims.get("iss"))

    def is_for(self, audience: str) -> bool:
        """Say whether `aud` names this audience (RFC 7519 section 4.1.3)."""
        named = self.claims.get("aud")
        return audience in named if isinstance(named, list) else named == audience


def peek(token: bytes) -> Peeked | None:
    """Read a token in compact form without verifying it; None for anything else."""
    if not token.startswith(b"eyJ") or len(token) > LONGEST_TOKEN or token.count(b".") != 2:
        return None
    header, claims, _ = token.split(b".")
    try:
        read = Peeked(_members(header), _members(claims))
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read.header, dict) and isinstance(read.claims, dict) else None


def _members(part: bytes) -> Any:
    try:
        return json.loads(base64.b64decode(part + b"=" * (-len(part) % 4), altchars=b"-_", validate=True))
    except binascii.Error as error:
        raise ValueError(error) from None


def read_keys(jwks: bytes) -> KeySet:
    """Read a JWK set (RFC 7517 section 5), passing over keys that are not public keys for signatures.

    Raises `TokenRefused` where it is not one, or holds no such key.
    """
    try:
        members = json.loads(jwks)
    except (ValueError, RecursionError):
        members = None
    listed = members.get("keys") if isinstance(members, dict) else None
    if not isinstance(listed, list):
        raise TokenRefused("got no JWK set from the issuer; expected JSON with `keys`")
    found = []
    for key in listed:
        if isinstance(key, dict) and key.get("kty") in _PUBLIC_KEY_TYPES and key.get("use", "sig") == "sig":
            try:
                found += KeySet.import_key_set({"keys": [{k: v for k, v in key.items() if k != "d"}]}).keys
            except (JoseError, ValueError, TypeError, KeyError):
                continue  # a curve or a form that is not known: tokens signed with it find no key
    if not found:
        raise TokenRefused("got a JWK set without a public key for signatures; expected one at least")
    return KeySet(found)


def verify(token: bytes, issuer: TrustedIssuer, keys: KeySet, now: float) -> Mapping[str, Any]:
    """Return the claims of a token that this issuer signed, for this audience, and that holds now.

    `now` is Unix time in seconds. Raises `UnknownKey` where its key is not among `keys`, else `TokenRefused`.
    """
    peeked = peek(token)
    if peeked is None:
        raise TokenRefused("got something else than a JSON Web Token; expected one in compact form")
    algorithm = peeked.header.get("alg")
    if algorithm not in issuer.accepted_algorithms:
        expected = ", ".join(issuer.accepted_algorithms)
        raise TokenRefused(f"got a token with algorithm {_shown(algorithm)}; expected one of {expected}")
    if _text(peeked.header.get("typ") or "JWT").lower() not in _TYPES:
        raise TokenRefused(f"got a token of type {_shown(peeked.header.get('typ'))}; expected JWT or at+jwt")
    _judge_signature(token, peeked, keys, str(algorithm))
    if peeked.issuer != issuer.issuer:
        raise TokenRefused(f"got a token of issuer {_shown(peeked.issuer)}; expected {issuer.issuer}")
    if not peeked.is_for(issuer.audience):
        raise TokenRefused(f"got a token for another audience; expected {issuer.audience!r} in its `aud`")
    _judge_times(peeked.claims, now)
    return peeked.claims


def _judge_signature(token: bytes, peeked: Peeked, keys: KeySet, algorithm: str) -> None:
    kid = peeked.header.get("kid")
    if kid is None and len(keys.keys) > 1:
        raise TokenRefused(f"got a token without `kid`; expected one, as its issuer has {len(keys.keys)} keys")
    key = next((k for k in keys.keys if kid in (None, k.kid)), None)
    if key is None:
        raise UnknownKey(f"got a token signed with key {_shown(kid)}, which its issuer does not publish")
    if key.get("alg") not in (None, algorithm):
        raise TokenRefused(f"got a token with algorithm {algorithm}; expected that of its key, {key.get('alg')}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # EdDSA is an old name (RFC 9864), which issuers still use
            deserialize_compact(token, key, registry=JWSRegistry(algorithms=[algorithm]))
    except (JoseError, ValueError, TypeError):
        raise TokenRefused("got a token whose signature does not hold; expected that of its issuer") from None


def _judge_times(claims: Mapping[str, Any], now: float) -> None:
    """Judge `exp`, `nbf` and `iat` (RFC 7519 sections 4.1.4 to 4.1.6)."""
    expires = _number(claims.get("exp"))
    if expires is None:
        raise TokenRefused("got a token without `exp`; expected one that ends")
    if expires + LEEWAY <= now:
        raise TokenRefused(f"got a token that expired {now - expires:.0f} seconds ago; expected a valid one")
    for claim in ("nbf", "iat"):
        if claim not in claims:
            continue
        begins = _number(claims[claim])
        if begins is None or begins - LEEWAY > now:
            raise TokenRefused(f"got a token whose `{claim}` is to come; expected one that holds now")


def expires_at(claims: Mapping[str, Any]) -> float:
    """Return when a verified token stops to be accepted, in Unix time."""
    return float(claims["exp"]) + LEEWAY


def claim_text(claims: Mapping[str, Any], name: str) -> str | None:
    """Return a claim that is text, or None."""
    value = claims.get(name)
    return value if isinstance(value, str) and value else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _shown(value: Any) -> str:
    return repr(value[:_SHOWN]) if isinstance(value, str) else "of no name"
