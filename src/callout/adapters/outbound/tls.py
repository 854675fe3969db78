"""TLS with external systems: who is trusted, which certificate is presented, and why a handshake failed.

OpenSSL reads a key from a file alone. It is given one that only this process sees: in memory where the system has
such files, else on the disk for a moment, encrypted with a password that is thrown away.
"""

from __future__ import annotations

import os
import ssl
from base64 import b85encode
from collections.abc import Collection
from pathlib import Path
from tempfile import NamedTemporaryFile

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from callout.core.certificate_making import end_of
from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.key_pair import KeyPair
from callout.core.ports import Destination
from callout.core.private_key import loaded
from callout.core.secret import reveal

_MEMORY = getattr(os, "memfd_create", None) if Path("/proc/self/fd").is_dir() else None
#: Alerts by which the other side says that it does not take our certificate, or wants one (RFC 8446 section 6.2).
_ABOUT_OUR_CERTIFICATE = (
    "CERTIFICATE_REQUIRED",
    "UNKNOWN_CA",
    "BAD_CERTIFICATE",
    "UNSUPPORTED_CERTIFICATE",
    "CERTIFICATE_REVOKED",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_UNKNOWN",
    "ACCESS_DENIED",
)


class TlsContexts:
    """One context for each certificate that is presented. `trusted_ca_file` replaces the system's authorities."""

    def __init__(self, trusted_ca_file: str | None) -> None:
        self._trusted_ca_file = trusted_ca_file
        self._plain = self._made()
        self._presenting: dict[KeyPair, ssl.SSLContext] = {}

    def of(self, presented: KeyPair | None) -> ssl.SSLContext:
        """Return the context that presents a certificate, or none. Raises `Refused(certificate_not_accepted)`."""
        if presented is None:
            return self._plain
        context = self._presenting.get(presented)
        if context is None:
            context = self._made()
            _load(context, presented)
            self._presenting[presented] = context
        return context

    def keep(self, presented: Collection[KeyPair | None]) -> None:
        """Let go of every certificate but these."""
        self._presenting = {pair: context for pair, context in self._presenting.items() if pair in presented}

    def _made(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._trusted_ca_file)
        context.set_alpn_protocols(["http/1.1"])
        return context


def _load(context: ssl.SSLContext, presented: KeyPair) -> None:
    if not presented.certificates:
        detail = f"got certificate {presented.name!r}, a key without a certificate; expected one to present"
        raise Refused("certificate_not_accepted", detail, _importing(presented), unsent=True)
    try:
        if _MEMORY is not None:
            _load_from_memory(context, presented)
        else:
            _load_from_disk(context, presented)
    except (ssl.SSLError, ValueError) as error:
        because = error.reason if isinstance(error, ssl.SSLError) else type(error).__name__
        detail = f"got certificate {presented.name!r}, which TLS does not take ({because}); expected one that it does"
        raise Refused("certificate_not_accepted", detail, _importing(presented), unsent=True) from None


def _importing(presented: KeyPair) -> Remedy:
    return Remedy("Import one that can be presented", f"callout certificate import {presented.name} FILE")


def _load_from_memory(context: ssl.SSLContext, presented: KeyPair) -> None:
    assert _MEMORY is not None
    descriptor = _MEMORY("client-certificate", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write("".join((*presented.certificates, reveal(presented.private_key))).encode())
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _load_from_disk(context: ssl.SSLContext, presented: KeyPair) -> None:
    password = b85encode(os.urandom(32))
    encrypted = loaded(presented.private_key).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password)
    )
    with NamedTemporaryFile("wb", prefix="callout-") as file:  # readable by this user alone, gone when closed
        file.write("".join(presented.certificates).encode() + encrypted)
        file.flush()
        context.load_cert_chain(file.name, password=password)


def tls_refusal(destination: Destination, error: ssl.SSLError) -> Refused:
    """Say why TLS with an external system failed: which of the two did not take the other's certificate."""
    where, said = f"{destination.host}:{destination.port}", error.reason or str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return Refused(
            "tls_verification_failed",
            f"{where}: got TLS error {error.verify_message!r}; expected a certificate for {destination.host}"
            " from a trusted authority",
            Remedy(f"Install a certificate for {destination.host}, or trust its authority: set trusted_ca_file"),
        )
    if "ALERT_" in said and said.endswith(_ABOUT_OUR_CERTIFICATE):
        return _our_certificate_refused(where, said, destination.client_certificate)
    return Refused(
        "tls_verification_failed",
        f"{where}: got TLS error {said!r}, having presented {presented_worded(destination.client_certificate)};"
        f" expected TLS with {destination.host}",
        Remedy(f"Ask the operators of {destination.host} which TLS versions and client certificates it takes"),
    )


def _our_certificate_refused(where: str, said: str, presented: KeyPair | None) -> Refused:
    detail = f"{where}: got TLS alert {said!r} from the external system, having presented {presented_worded(presented)}"
    if presented is None:
        remedy = Remedy(
            "Name a certificate that it takes on the named credential, as its client_certificate; these are there",
            "callout certificate list",
        )
        return Refused("certificate_not_accepted", f"{detail}; expected one that it takes", remedy)
    remedy = Remedy(
        "Look at its end and issuer; give it to the operators of the external system, or import one that they issued",
        f"callout certificate show {presented.name}",
    )
    return Refused("certificate_not_accepted", f"{detail}; expected it to be taken", remedy)


def presented_worded(presented: KeyPair | None) -> str:
    """Name the certificate that is presented, and its end."""
    if presented is None:
        return "no certificate"
    ends = f", valid until {end_of(presented.certificates[0]):%Y-%m-%d %H:%M} UTC" if presented.certificates else ""
    return f"certificate {presented.name!r} (kid {presented.kid}{ends})"
