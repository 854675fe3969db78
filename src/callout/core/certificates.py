"""What a client certificate says of who holds it. Whether it is genuine is judged by TLS before this is asked.

A certificate with a SPIFFE ID is an X509-SVID and has to keep the rules of one (SPIFFE X509-SVID sections 2, 3.1, 5.2):
one that breaks them says nothing, whatever else it holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from callout.core.model.certificates import DNS_NAME, ClientCertificate
from callout.core.spiffe import is_workload_id, overlap

#: Certificates whose contents are remembered; each takes a few hundred bytes.
MOST_READ = 4096
_SPIFFE = "spiffe:"


class CertificateRefused(Exception):
    """A certificate that proves nothing. The message says got and expected."""


@dataclass(frozen=True, slots=True)
class Presented:
    """A client certificate, as far as a mapping may name it; it ends at `not_after`."""

    sha256: str
    subject: str
    dns: tuple[str, ...]
    spiffe_id: str
    not_after: datetime

    @property
    def identity(self) -> tuple[str, str]:
        """The field and value that a mapping of this certificate would best name, and may."""
        if self.spiffe_id:
            return "spiffe_id", self.spiffe_id
        if len(self.dns) == 1 and re.fullmatch(DNS_NAME, self.dns[0]) is not None:
            return "dns", self.dns[0]
        named = self.subject and self.subject.isprintable()
        return ("subject", self.subject) if named else ("sha256", self.sha256)

    def is_named_by(self, mapping: ClientCertificate) -> bool:
        """Say whether a mapping names this certificate."""
        field, value = mapping.identity
        match field:
            case "spiffe_id":
                return bool(self.spiffe_id) and overlap(value, self.spiffe_id)
            case "dns":
                return value.lower() in self.dns
            case "subject":
                return value == self.subject
            case "sha256":
                return mapping.fingerprint == self.sha256
            case _:
                return False


@lru_cache(maxsize=MOST_READ)
def read_certificate(der: bytes) -> Presented:
    """Read a certificate in DER (RFC 5280). Raises `CertificateRefused`."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        uris, dns = _names(certificate)
        subject = certificate.subject.rfc4514_string()
        spiffe_id = _spiffe_id(certificate, uris)
    except (ValueError, x509.DuplicateExtension) as error:
        msg = f"got a client certificate that does not read ({error}); expected one as RFC 5280 says"
        raise CertificateRefused(msg) from None
    return Presented(certificate.fingerprint(SHA256()).hex(), subject, dns, spiffe_id, certificate.not_valid_after_utc)


def _names(certificate: x509.Certificate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the URIs and the DNS names of the subject alternative name (RFC 5280 section 4.2.1.6)."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return (), ()
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return tuple(uris), tuple(name.lower() for name in names.get_values_for_type(x509.DNSName))


def _spiffe_id(certificate: x509.Certificate, uris: tuple[str, ...]) -> str:
    """Return the SPIFFE ID, or an empty text where there is none. Raises `CertificateRefused` for no valid SVID."""
    if not any(uri.lower().startswith(_SPIFFE) for uri in uris):
        return ""
    shown = ", ".join(repr(uri[:200]) for uri in uris[:5])
    if len(uris) > 1:
        raise CertificateRefused(
            f"got a client certificate with {len(uris)} URIs ({shown}); expected one SPIFFE ID alone"
        )
    if not is_workload_id(uris[0]):
        raise CertificateRefused(f"got SPIFFE ID {shown}; expected spiffe://TRUST_DOMAIN/PATH")
    if _signs_others(certificate):
        raise CertificateRefused(f"got {shown} in a certificate that signs others; expected that of a workload")
    return uris[0]


def _signs_others(certificate: x509.Certificate) -> bool:
    try:
        if certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return True
    except x509.ExtensionNotFound:
        pass
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return usage.key_cert_sign or usage.crl_sign
