"""Certificates that Callout signs for its own keys, and requests for certificates that an authority signs."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from callout.core.private_key import PrivateKey

#: How many random bytes make a serial number: less than the 20 octets of RFC 5280 section 4.1.2.2, whatever they are.
SERIAL_BYTES = 19
#: How far the clocks of others may be behind.
_BACKDATED = timedelta(minutes=5)

_KEY_USAGE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


class NotASubject(ValueError):
    """A text that is no distinguished name, or a name that is no DNS name."""


def subject_of(text: str) -> x509.Name:
    """Read a subject as RFC 4514 writes it: `CN=orders,O=Example`. Raises `NotASubject`."""
    try:
        name = x509.Name.from_rfc4514_string(text)
    except ValueError:
        raise NotASubject(text) from None
    if not list(name):
        raise NotASubject(text)
    return name


def self_signed(
    key: PrivateKey, subject: str, dns: Collection[str], *, now: datetime, days: int, serial: bytes
) -> tuple[str, datetime]:
    """Return a certificate (PEM) that a key signed for itself, for TLS clients, and when it ends.

    `serial` are `SERIAL_BYTES` random bytes. Raises `NotASubject`.
    """
    name, ends = subject_of(subject), (now + timedelta(days=days, seconds=1)).replace(microsecond=0)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(serial, "big") or 1)
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_KEY_USAGE, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if dns:
        builder = builder.add_extension(_names(dns), critical=False)
    signed = builder.sign(key, _digest(key))
    return signed.public_bytes(Encoding.PEM).decode(), signed.not_valid_after_utc


def signing_request(key: PrivateKey, subject: str, dns: Collection[str]) -> str:
    """Return a certificate signing request (PKCS #10, RFC 2986) in PEM. Raises `NotASubject`."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject_of(subject))
    if dns:
        builder = builder.add_extension(_names(dns), critical=False)
    return builder.sign(key, _digest(key)).public_bytes(Encoding.PEM).decode()


def subject_in(certificate: str) -> str:
    """Return the subject of a certificate in PEM, as RFC 4514 writes it."""
    return x509.load_pem_x509_certificate(certificate.encode()).subject.rfc4514_string()


def end_of(certificate: str) -> datetime:
    """Return when a certificate in PEM ends."""
    return x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc


def is_self_signed(certificate: str) -> bool:
    """Say whether a certificate (PEM) was signed by its own key, and not by an authority."""
    read = x509.load_pem_x509_certificate(certificate.encode())
    return read.issuer == read.subject


def _digest(key: PrivateKey) -> SHA256 | None:
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else SHA256()


def _names(dns: Collection[str]) -> x509.SubjectAlternativeName:
    try:
        return x509.SubjectAlternativeName([x509.DNSName(name) for name in dns])
    except ValueError:
        raise NotASubject(", ".join(dns)) from None
