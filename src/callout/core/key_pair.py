"""A private key that Callout holds, with what others know of it. Protocols sign with it, TLS connections show it."""

from __future__ import annotations

from dataclasses import dataclass, field

from callout.core.secret import Secret


@dataclass(frozen=True, slots=True)
class KeyPair:
    """One private key (PKCS#8, PEM) under the name that the definitions know it by.

    `kid` is the key's identifier in a JWK Set (RFC 7517 section 4.5). `certificates` are PEM, the leaf first; none
    where the key has no certificate.
    """

    name: str
    kid: str
    private_key: Secret = field(repr=False, hash=False)
    certificates: tuple[str, ...] = field(default=(), repr=False)
