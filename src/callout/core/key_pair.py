"""A private key with what proves whose it is: what protocols sign with, and what is presented in TLS."""

from __future__ import annotations

from dataclasses import dataclass

from callout.core.secret import Secret


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key of Callout's key store, opened.

    `name` is that of the certificate, `kid` names the key (RFC 7517 section 4.5), `private_key` is PKCS #8 in PEM
    (RFC 5958, RFC 7468). `certificates` are PEM, the leaf first; there may be none.
    """

    name: str
    kid: str
    private_key: Secret
    certificates: tuple[str, ...] = ()
