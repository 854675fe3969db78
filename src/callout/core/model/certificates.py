"""Client certificates that prove who calls (RFC 8446 section 4.4.2, SPIFFE X509-SVID): which are mapped to whom."""

from __future__ import annotations

from dataclasses import dataclass

#: The fields of which a mapping has exactly one: what it knows a certificate by.
IDENTITIES = ("spiffe_id", "dns", "subject", "sha256")
#: A DNS name (RFC 1123 section 2.1); it is compared whole, so that no wildcard stands for others.
DNS_NAME = r"^(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*$"


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """Which user a client's certificate is, and the namespace of the package whose code holds it.

    `spiffe_id` is an ID or a pattern (`core.spiffe`), `dns` a DNS name of the certificate, `subject` its whole subject
    (RFC 4514), `sha256` the fingerprint of the certificate. An empty `namespace` is the admin's own code. Whether a
    certificate is genuine and has not ended was judged before, by TLS.
    """

    name: str
    user: str
    spiffe_id: str = ""
    dns: str = ""
    subject: str = ""
    sha256: str = ""
    namespace: str = ""
    label: str = ""
    description: str = ""

    @property
    def identity(self) -> tuple[str, str]:
        """The one field that it knows a certificate by, and its value; empty where none or several are given."""
        given = [(field, value) for field in IDENTITIES if (value := getattr(self, field))]
        return given[0] if len(given) == 1 else ("", "")

    @property
    def fingerprint(self) -> str:
        """`sha256` as it is compared: lower-case digits alone."""
        return self.sha256.replace(":", "").lower()
