"""Certificates and keys of Callout's own (Salesforce: Certificate and Key Management): their public halves.

The private half is sealed like the secrets of a principal, under a key that no principal can have.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from callout.core.model.credentials import UserExternalCredentialKey

#: What the sealed values of a certificate are kept under; no external credential has a name with a colon.
KEY_STORE = "certificate:"
#: The principal in that key, and the name of the sealed value.
PRIVATE_KEY = "private_key"
#: The kinds of keys that Callout makes, by size or curve.
ALGORITHMS = ("RSA-2048", "RSA-3072", "RSA-4096", "P-256", "P-384", "P-521", "Ed25519")
#: The kind that is made where none is asked for: every system takes it.
USUAL_ALGORITHM = "RSA-2048"
#: How long a self-signed certificate lasts, in days.
USUAL_DAYS = 365
#: The fields of a certificate that come with its key.
DERIVED = ("kid", "public_key", "certificates", "created_at", "expires_at", "retired")


@dataclass(frozen=True, slots=True)
class RetiredKey:
    """A public key (JWK, as JSON) that was rotated out, and is published until then: what it signed is still about."""

    public_key: str
    published_until: datetime


@dataclass(frozen=True, slots=True)
class Certificate:
    """A key pair: to sign with, and to be presented in TLS. What is here is public.

    `public_key` is a JWK as JSON (RFC 7517), `kid` its name; both are empty while no key was made or imported.
    `certificates` are PEM, the leaf first; there may be none. `expires_at` is the end of the leaf.
    """

    name: str
    label: str = ""
    description: str = ""
    algorithm: str = ""
    kid: str = ""
    public_key: str = ""
    certificates: tuple[str, ...] = ()
    created_at: datetime | None = None
    expires_at: datetime | None = None
    retired: tuple[RetiredKey, ...] = ()

    @property
    def key(self) -> UserExternalCredentialKey:
        """What the private key is sealed under."""
        return key_of_certificate(self.name)

    @property
    def version(self) -> str:
        """A digest of the key and the certificates: what was obtained with others was obtained with another."""
        return hashlib.sha256(json.dumps([self.kid, self.public_key, self.certificates]).encode()).hexdigest()[:32]


def key_of_certificate(name: str) -> UserExternalCredentialKey:
    """Return what the private key of a certificate is sealed under."""
    return UserExternalCredentialKey(f"{KEY_STORE}{name}", PRIVATE_KEY)


def is_of_certificate(key: UserExternalCredentialKey) -> bool:
    """Say whether what is sealed under a key is that of a certificate, and not of a principal."""
    return key.external_credential.startswith(KEY_STORE)
