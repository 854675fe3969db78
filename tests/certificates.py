"""Authorities and certificates for tests: trustme's, and workloads' with a SPIFFE ID, which trustme does not make."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ORDERS_ID = "spiffe://example.org/ns/prod/sa/orders"
NEVER = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def sha256(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def write(self, file: Path) -> str:
        """Write certificate and key into one file, closed to others, at once; returns its path."""
        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        new = file.with_suffix(".new")
        new.touch(0o600)
        new.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM) + key)
        new.replace(file)
        return str(file)


class Authority:
    """A certificate authority, trustme's, that also issues what trustme does not."""

    def __init__(self) -> None:
        self._ca = trustme.CA()
        self._certificate = x509.load_pem_x509_certificate(self._ca.cert_pem.bytes())
        key = serialization.load_pem_private_key(self._ca.private_key_pem.bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._key = key

    @property
    def pem(self) -> bytes:
        return self._ca.cert_pem.bytes()

    def write(self, file: Path) -> str:
        file.write_bytes(self.pem)
        return str(file)

    def issue(
        self,
        *uris: str,
        dns: Sequence[str] = (),
        addresses: Sequence[str] = (),
        name: str = "",
        ends: datetime = NEVER,
        signs: bool = False,
    ) -> Issued:
        """Issue a certificate of a workload; `signs`: as if it could issue others."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = [x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else []
        names: list[x509.GeneralName] = [
            *map(x509.UniformResourceIdentifier, uris),
            *map(x509.DNSName, dns),
            *(x509.IPAddress(ipaddress.ip_address(address)) for address in addresses),
        ]
        purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH])
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(subject))
            .issuer_name(self._certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(ends, datetime.now(UTC)) - timedelta(days=30))
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=signs, path_length=None), critical=True)
            .add_extension(purposes, critical=False)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=not subject)
        return Issued(builder.sign(self._key, hashes.SHA256()), key)

    def sign(self, request: str) -> str:
        """Issue the certificate that a request (PEM) asks for."""
        asked = x509.load_pem_x509_csr(request.encode())
        assert asked.is_signature_valid
        builder = (
            x509.CertificateBuilder()
            .subject_name(asked.subject)
            .issuer_name(self._certificate.subject)
            .public_key(asked.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime.now(UTC) - timedelta(days=1))
            .not_valid_after(NEVER)
        )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
