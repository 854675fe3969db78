"""Commands on certificates and keys of Callout's own: make, import, rotate, ask an authority, look, remove."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Annotated, BinaryIO

from cyclopts import App, Parameter

from callout.entrypoints.cli.errors import UsageError
from callout.entrypoints.cli.output import Lines, Result, fields, message, table, text
from callout.entrypoints.cli.session import Session
from callout.entrypoints.cli.where import HERE, Given, Repeated, Where

#: A file, or - for standard input.
_Source = Annotated[str, Parameter(allow_leading_hyphen=True)]
_Days = Annotated[int, Parameter(name="--days")]


def register(app: App) -> None:
    """Add these commands."""
    certificates = App(name="certificate", help="Certificates and keys of Callout's own: to sign with, and for TLS.")
    certificates.command(list_certificates, name="list")
    certificates.command(show_certificate, name="show")
    certificates.command(create_certificate, name="create")
    certificates.command(import_certificate, name="import")
    certificates.command(rotate_certificate, name="rotate")
    certificates.command(request_certificate, name="request")
    certificates.command(remove_certificate, name="remove")
    certificates.command(jwks, name="jwks")
    app.command(certificates)


async def list_certificates(*, where: Where = HERE, session: Given) -> int:
    """List certificates and keys, when they end, and what uses them.

    Example: `callout certificate list`
    """
    return await session.show(where, "certificate.list", {}, _certificates)


def _certificates(result: Result) -> Lines:
    columns = ("certificate", "algorithm", "subject", "ends", "state", "used by")
    rows = (
        (c["name"], c["algorithm"], c["subject"], c["expires_at"], c["state_reason"], c["used_by"])
        for c in result["certificates"]
    )
    return table(columns, rows, empty="No certificate is there; `callout certificate create NAME` makes one.")


async def show_certificate(name: str, /, *, where: Where = HERE, session: Given) -> int:
    """Show a certificate: its key, its end, its chain and what uses it. The private key is never shown.

    Example: `callout certificate show Orders_Client`
    """
    return await session.show(where, "certificate.show", {"name": name}, _whole)


def _whole(result: Result) -> Lines:
    members = (
        "name",
        "label",
        "algorithm",
        "kid",
        "subject",
        "self_signed",
        "created_at",
        "expires_at",
        "state_reason",
    )
    yield from fields(result, *members, "used_by")
    for pem in result["certificates"]:
        yield text(pem.rstrip())


async def create_certificate(
    name: str,
    /,
    *,
    algorithm: str | None = None,
    subject: str | None = None,
    dns: Repeated = None,
    days: _Days = 365,
    label: str | None = None,
    where: Where = HERE,
    session: Given,
) -> int:
    """Make a key, and a certificate that it signs for itself.

    Example: `callout certificate create Orders_Client --algorithm P-256 --subject "CN=orders,O=Example"`

    Parameters
    ----------
    name:
        Name of the certificate: letters, digits and single underscores.
    algorithm:
        RSA-2048 (default), RSA-3072, RSA-4096, P-256, P-384, P-521 or Ed25519.
    subject:
        Its subject as RFC 4514 writes it. Default: CN=NAME.
    dns:
        A DNS name in it; may be given several times.
    days:
        How long the certificate lasts.
    label:
        Title for people.
    """
    request = {"name": name, "algorithm": algorithm, "subject": subject, "dns": dns, "days": days, "label": label}
    return await session.show(where, "certificate.create", request, message)


async def import_certificate(
    name: str,
    file: _Source,
    /,
    *,
    password: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    overlap: str = "7d",
    label: str | None = None,
    where: Where = HERE,
    session: Given,
) -> int:
    """Import a key with its certificates; or the certificates that an authority issued for the key that is there.

    The file is PEM (key and chain), a private JWK, or PKCS #12. It is read here, sealed, and never shown.

    Example: `callout certificate import Orders_Client orders.p12 --password -`

    Parameters
    ----------
    name:
        Name of the certificate. Another key that is there is replaced.
    file:
        The file, or - for standard input.
    password:
        Of an encrypted file: - reads it from standard input or asks for it, @FILE reads a file.
    overlap:
        How long the public half of a key that is replaced stays published, such as 24h or 7d; 0s: not.
    label:
        Title for people.
    """
    if file == "-" and password == "-":
        raise UsageError("got - for the file and for the password; expected one of them elsewhere")
    request = {
        "name": name,
        "content": _content(session, file),
        "password": _password(session, password) if password is not None else None,
        "overlap": overlap,
        "label": label,
    }
    return await session.show(where, "certificate.import", request, message)


def _content(session: Session, file: str) -> str:
    """Read a file: text as it is, anything else in base64."""
    try:
        if file == "-":
            binary: BinaryIO | None = getattr(session.stdin, "buffer", None)
            content = binary.read() if binary is not None else session.stdin.read().encode()
        else:
            content = Path(file).expanduser().read_bytes()
    except OSError as error:
        raise UsageError(f"got file {file!r}, which cannot be read: {error.strerror}") from None
    if content.lstrip()[:1] == b"{" or b"-----BEGIN" in content:
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise UsageError(f"got file {file!r}, which is not UTF-8; expected PEM, JWK or PKCS #12") from None
    return base64.b64encode(content).decode()


def _password(session: Session, source: str) -> str:
    if source == "-":
        if session.stdin.isatty():
            from getpass import getpass

            return getpass("password: ")
        return _without_line_end(session.stdin.readline())
    if source.startswith("@"):
        try:
            return _without_line_end(Path(source[1:]).expanduser().read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            because = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise UsageError(f"got file {source[1:]!r} for the password, which cannot be read: {because}") from None
    raise UsageError("got a password on the command line, where history and ps show it; expected - or @FILE")


def _without_line_end(value: str) -> str:
    return value.removesuffix("\n").removesuffix("\r")


async def rotate_certificate(
    name: str,
    /,
    *,
    algorithm: str | None = None,
    days: _Days = 365,
    overlap: str = "7d",
    where: Where = HERE,
    session: Given,
) -> int:
    """Make another key in the place of one that Callout signed itself. The next callout and token use the new one.

    Example: `callout certificate rotate Orders_Client --overlap 24h`

    Parameters
    ----------
    name:
        Name of the certificate.
    algorithm:
        Kind of the new key. Default: that of the one before.
    days:
        How long the new certificate lasts.
    overlap:
        How long the public half of the one before stays published, such as 24h or 7d; 0s: not.
    """
    request = {"name": name, "algorithm": algorithm, "days": days, "overlap": overlap}
    return await session.show(where, "certificate.rotate", request, message)


async def request_certificate(
    name: str,
    /,
    *,
    subject: str | None = None,
    dns: Repeated = None,
    where: Where = HERE,
    session: Given,
) -> int:
    """Write a request (PKCS #10, PEM) for a certificate that an authority issues for the key that is there.

    What the authority issues is imported with `callout certificate import NAME FILE`.

    Example: `callout certificate request Orders_Client --subject "CN=orders,O=Example"`

    Parameters
    ----------
    name:
        Name of the certificate.
    subject:
        The subject that is asked for. Default: that of the certificate that is there.
    dns:
        A DNS name that is asked for; may be given several times.
    """
    request = {"name": name, "subject": subject, "dns": dns}
    return await session.show(where, "certificate.request", request, lambda made: [made["request"].rstrip()])


async def remove_certificate(name: str, /, *, where: Where = HERE, session: Given) -> int:
    """Remove a certificate that nothing uses, with its private key.

    Example: `callout certificate remove Orders_Client`
    """
    return await session.show(where, "certificate.remove", {"name": name}, message)


async def jwks(*, where: Where = HERE, session: Given) -> int:
    """Write the public keys as a JWK Set, as they are published at /.well-known/jwks.json of the setup port.

    Example: `callout certificate jwks`
    """
    return await session.show(where, "certificate.jwks", {}, lambda found: [json.dumps(found, indent=2)])
