"""TLS for the gateway's listener: certificate, key and the authorities of callers, from files that may be replaced.

A listener is given one context for good. Each handshake then takes the newest (`sni_callback`, which OpenSSL calls
with or without a server name), so that a file is replaced without closing a connection or a port. A new file that
cannot be used changes nothing.
"""

from __future__ import annotations

import os
import ssl
import stat
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from callout.core.errors import DefinitionError, Problem

CERTIFICATE_SETTING, KEY_SETTING, AUTHORITIES_SETTING = (
    "CALLOUT_TLS_CERTIFICATE_FILE",
    "CALLOUT_TLS_KEY_FILE",
    "CALLOUT_CLIENT_CA_FILE",
)
#: What a private key is closed to. Its group may read it: so container platforms and `ssl-cert` hand keys over.
_CLOSED_TO = 0o037


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files. `key` may be the file of the certificate; without `authorities` no client certificate is asked for."""

    certificate: Path
    key: Path
    authorities: Path | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken over: another certificate, which ends at `ends`; other authorities, and whether some were removed."""

    certificate: bool = False
    ends: str = ""
    authorities: bool = False
    removed: bool = False


@dataclass(frozen=True, slots=True)
class _Read:
    """What the files said when they were read."""

    context: ssl.SSLContext
    certificate: bytes
    authorities: frozenset[bytes]
    ends: str


class TlsListening:
    """What a listener speaks TLS with. `context` is the one to listen with."""

    def __init__(self, files: TlsFiles) -> None:
        """Read the files. Raises `DefinitionError` where one cannot be used."""
        self.files = files
        self._seen = _signature(files)
        self._newest = _read(files)
        self._refusal: DefinitionError | None = None
        self._refused: Counter[str] = Counter()
        self.context = _read(files).context
        self.context.sslobject_class = _noting(self._refused)
        self.context.sni_callback = self._take_newest

    def follow(self) -> Taken:
        """Read the files again where they have changed. Raises `DefinitionError` while what is there cannot be used."""
        seen = _signature(self.files)
        if seen != self._seen:
            self._seen = seen
            before = self._newest
            try:
                self._newest, self._refusal = _read(self.files), None
            except DefinitionError as error:
                self._refusal = error
            else:
                now = self._newest
                return Taken(
                    certificate=now.certificate != before.certificate,
                    ends=now.ends,
                    authorities=now.authorities != before.authorities,
                    removed=not before.authorities <= now.authorities,
                )
        if self._refusal is not None:
            raise self._refusal
        return Taken()

    def refused(self) -> list[tuple[str, int]]:
        """Return why handshakes were refused for the caller's certificate since this was last asked, and how many."""
        found = sorted(self._refused.items())
        self._refused.clear()
        return found

    def _take_newest(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._newest.context


def _noting(refused: Counter[str]) -> type[ssl.SSLObject]:
    """Return the class of connections that count what the certificates of callers were refused for."""

    class Noting(ssl.SSLObject):
        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except ssl.SSLCertVerificationError as error:
                refused[error.verify_message] += 1
                raise

    return Noting


def _signature(files: TlsFiles) -> tuple[tuple[int, ...], ...]:
    """Return what changes with a file: also where another takes its place, and where only its mode does."""
    found = []
    for file in (files.certificate, files.key, files.authorities):
        try:
            status = file.stat() if file is not None else None
        except OSError:
            status = None
        found.append(
            (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns) if status else ()
        )
    return tuple(found)


def _read(files: TlsFiles) -> _Read:
    """Make a context (TLS 1.2 and 1.3, HTTP/1.1) of what the files say now. Raises `DefinitionError`."""
    certificate = _bytes_of(files.certificate, CERTIFICATE_SETTING)
    _refuse_open_key(files.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    try:
        ends = x509.load_pem_x509_certificate(certificate).not_valid_after_utc.isoformat()
        context.load_cert_chain(files.certificate, files.key, password=_no_password)
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        got = f"{files.certificate} with the key in {files.key}, which cannot be used ({_reason(error)})"
        raise _refusal(
            CERTIFICATE_SETTING, got, "a certificate and its own private key, in PEM and not encrypted"
        ) from None
    authorities: frozenset[bytes] = frozenset()
    if files.authorities is not None:
        authorities = _ask_for_certificates(context, files.authorities)
    return _Read(context, certificate, authorities, ends)


def _ask_for_certificates(context: ssl.SSLContext, file: Path) -> frozenset[bytes]:
    """Ask callers for a certificate, which they need not have; one that is shown has to lead to an authority here.

    Returns the authorities. No session is resumed: every connection's certificate is judged anew, by the authorities of the day.
    """
    pem = _bytes_of(file, AUTHORITIES_SETTING)
    try:
        found = frozenset(each.public_bytes(Encoding.DER) for each in x509.load_pem_x509_certificates(pem))
        context.load_verify_locations(cadata=b"".join(found))
    except (OSError, ValueError) as error:
        got = f"{file}, which cannot be used ({_reason(error)})"
        raise _refusal(AUTHORITIES_SETTING, got, "certificates of authorities, in PEM") from None
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # who is named is trusted, also below another authority
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    return found


def _bytes_of(file: Path, setting: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise _refusal(setting, f"{file}, which cannot be read ({error.strerror})", "a file in PEM") from None


def _refuse_open_key(file: Path) -> None:
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except OSError as error:
        raise _refusal(KEY_SETTING, f"{file}, which cannot be read ({error.strerror})", "a file in PEM") from None
    if os.name == "posix" and mode & _CLOSED_TO:
        expected = f"0600, so that no other user can read it. Run: chmod 600 {file}"
        raise _refusal(KEY_SETTING, f"mode {mode:04o} of {file}", expected)


def _no_password() -> bytes:
    """Have an encrypted key refused: OpenSSL would ask for its password on the terminal."""
    return b""


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    return (error.strerror if isinstance(error, OSError) else "") or type(error).__name__


def _refusal(setting: str, got: str, expected: str) -> DefinitionError:
    return DefinitionError([Problem(setting, got, expected)])
