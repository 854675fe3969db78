"""Answers about certificates and keys of Callout's own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from callout.engine.operations.answers.shape import Answer


class CertificateShown(Answer):
    """A key, its certificate if it has one, and what uses them."""

    name: str
    label: str
    description: str
    algorithm: str
    kid: str
    subject: str | None
    self_signed: bool
    created_at: datetime
    expires_at: datetime | None
    state: str
    state_reason: str
    remedy_commands: list[str]
    used_by: list[str]


class RetiredKey(Answer):
    """A key that was replaced, and until when it is published."""

    kid: str
    published_until: datetime


class CertificateWhole(CertificateShown):
    """A certificate with its chain (PEM) and its public key (a JWK, RFC 7517)."""

    public_key: dict[str, Any] | None
    certificates: list[str]
    retired: list[RetiredKey]


class Certificates(Answer):
    """Every certificate and key."""

    certificates: list[CertificateShown]


class PublicKeys(Answer):
    """A JWK Set (RFC 7517 section 5)."""

    keys: list[dict[str, Any]]


class SigningRequest(Answer):
    """A request for a certificate (PKCS #10, PEM)."""

    name: str
    subject: str
    request: str
