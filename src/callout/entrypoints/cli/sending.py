"""Makes one callout through a gateway, byte for byte as it was asked for, and streams the answer."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, BinaryIO

from callout.entrypoints.cli.errors import RemoteRefused, UsageError
from callout.entrypoints.cli.remote import connection, read_url

CHUNK = 64 * 1024
#: Waited for longer than the gateway waits, so that its own answer says why, in seconds.
PATIENCE = 30.0
#: As long as the longest timeout that the gateway grants, in seconds.
LONGEST = 600.0

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True)
class Sending:
    """One request to the gateway. `target` is the path and query after the name, as they were given."""

    name: str
    target: str
    method: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | Path | None
    timeout: float | None


@dataclass(slots=True)
class Answer:
    """An answer as it came. `body` yields what has not been read yet."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: Iterator[bytes]

    def header(self, name: str) -> str | None:
        """Return the first value of a header, by case-insensitive name."""
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)

    @property
    def is_callouts_own(self) -> bool:
        """True for an answer that Callout itself made."""
        return self.header("Callout-Error") is not None

    def members(self) -> dict[str, Any]:
        """Return the whole answer as JSON members; a body that is not text comes as base64."""
        body = b"".join(self.body)
        members: dict[str, Any] = {
            "status": self.status,
            "reason_phrase": self.reason,
            "callout_id": self.header("Callout-Id"),
            "replay": self.header("Callout-Replay"),
            "headers": [list(header) for header in self.headers],
        }
        try:
            return {**members, "body": body.decode()}
        except UnicodeDecodeError:
            return {**members, "body_base64": base64.b64encode(body).decode()}

    def problem(self) -> dict[str, Any]:
        """Return the problem document of an answer that Callout made."""
        body = b"".join(self.body)
        try:
            members = json.loads(body)
        except ValueError:
            members = None
        if isinstance(members, dict) and "reason" in members:
            return members
        code = self.header("Callout-Error") or ""
        return {
            "title": f"Callout refused with {code}",
            "status": self.status,
            "detail": "its answer had no problem document",
            "reason": code,
            "blame": "callout",
            "remedy": [],
            "callout_id": self.header("Callout-Id"),
        }


@contextmanager
def exchange(gateway: str, key: str, sending: Sending) -> Iterator[Answer]:
    """Send the request; the answer can be read until this is left. Raises `RemoteRefused`, `UsageError`."""
    url = read_url(gateway)
    path = f"{url.path.rstrip('/')}/callout/{sending.name}{sending.target}"
    if not path.isascii() or not path.isprintable() or " " in path:
        raise UsageError(f"got target {path!r}; expected visible ASCII, others percent-encoded")
    if _TOKEN.fullmatch(sending.method) is None:
        raise UsageError(f"got method {sending.method!r}; expected a token such as GET (RFC 9110 section 9.1)")
    opened = connection(url, (sending.timeout or LONGEST) + PATIENCE)
    try:
        try:
            response = _sent(opened, path, _headers(sending, key), sending)
        except (OSError, HTTPException) as error:
            raise RemoteRefused(_broken(gateway, error)) from error
        except ValueError as error:
            got = f"got a request that cannot be written: {error}"
            raise UsageError(f"{got}; expected well-formed method and headers") from None
        yield Answer(response.status, response.reason, response.getheaders(), _chunks(gateway, response))
    finally:
        opened.close()


def _sent(opened: HTTPConnection, path: str, headers: list[tuple[str, str]], sending: Sending) -> HTTPResponse:
    with ExitStack() as stack:
        body: bytes | BinaryIO | None
        if isinstance(sending.body, Path):
            body = stack.enter_context(_open(sending.body))
            headers.append(("Content-Length", str(sending.body.stat().st_size)))
        else:
            body = sending.body
            headers += [] if body is None else [("Content-Length", str(len(body)))]
        opened.putrequest(sending.method, path, skip_host=_has(headers, "host"), skip_accept_encoding=True)
        for name, value in headers:
            opened.putheader(name, value)
        opened.endheaders(body)
        return opened.getresponse()


def _chunks(gateway: str, response: HTTPResponse) -> Iterator[bytes]:
    """Yield the body as it comes. Raises `RemoteRefused` where it ends too early."""
    try:
        while chunk := response.read1(CHUNK):
            yield chunk
    except (OSError, HTTPException) as error:
        raise RemoteRefused(_broken(gateway, error)) from error
    if response.length:
        raise RemoteRefused(_broken(gateway, EOFError(f"the answer ended {response.length} bytes too early")))


def _headers(sending: Sending, key: str) -> list[tuple[str, str]]:
    headers = list(sending.headers)
    if key:
        headers.append(("Callout-Key", key))
    if sending.timeout is not None:
        headers.append(("Callout-Timeout", f"{sending.timeout:g}"))
    if not _has(headers, "accept"):
        headers.append(("Accept", "*/*"))
    if isinstance(sending.body, bytes) and not _has(headers, "content-type"):
        headers.append(("Content-Type", _content_type(sending.body)))
    return headers


def _has(headers: list[tuple[str, str]], name: str) -> bool:
    return any(n.lower() == name for n, _ in headers)


def _content_type(body: bytes) -> str:
    """Name a body that looks like JSON so, and any other a form, as curl does."""
    return "application/json" if body.lstrip()[:1] in (b"{", b"[") else "application/x-www-form-urlencoded"


def _open(file: Path) -> BinaryIO:
    try:
        return file.open("rb")
    except OSError as error:
        raise UsageError(f"got file {str(file)!r}, which cannot be read: {error.strerror}") from None


def _broken(gateway: str, error: Exception) -> Mapping[str, Any]:
    return {
        "type": "urn:callout:reason:server_unreachable",
        "title": "The exchange with the gateway broke",
        "status": 503,
        "detail": f"got {gateway}: {type(error).__name__}: {error}; expected a running gateway",
        "reason": "server_unreachable",
        "blame": "callout",
        "remedy": ["See that it runs (`callout serve`)."],
        "remedy_commands": [],
    }


def read_headers(texts: list[str]) -> tuple[tuple[str, str], ...]:
    """Read `Name: value` texts; raises `UsageError`."""
    headers = []
    for text in texts:
        name, mark, value = text.partition(":")
        if not mark or not name.strip():
            raise UsageError(f"got header {name!r}; expected 'Name: value'")
        headers.append((name.strip(), value.strip()))
    return tuple(headers)
