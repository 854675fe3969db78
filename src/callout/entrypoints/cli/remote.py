"""The same operations on a running server: the table says method and path, the answer is the result or a problem."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import re
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from callout.entrypoints.cli.errors import RemoteRefused, UsageError

#: How long a setup operation may take, in seconds.
TIMEOUT = 60.0
DISCOVERY = "/.well-known/callout"


def connection(url: SplitResult, timeout: float | None) -> HTTPConnection:
    """Return an HTTP/1.1 connection to a URL's host; TLS is verified against the system's authorities."""
    made = HTTPSConnection if url.scheme == "https" else HTTPConnection
    return made(url.hostname or "", url.port, timeout=timeout)


def read_url(url: str) -> SplitResult:
    """Split a server's URL; raises `UsageError` where it is none."""
    refusal = UsageError(f"got URL {url!r}; expected http://HOST[:PORT] or https://HOST[:PORT]")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        raise refusal from None
    if not usable:
        raise refusal
    return parts


class Remote:
    """A running server, known by any of its URLs, and the key that proves who asks."""

    def __init__(self, url: str, key: str, version: str) -> None:
        self.given = read_url(url)
        self.key = key
        self.headers = {"Callout-Key": key, "Accept": "application/json", "User-Agent": f"callout/{version}"}
        self._discovered: Mapping[str, SplitResult] = {}

    def url_of(self, part: str) -> SplitResult:
        """Return the URL of `gateway` or `setup`. Raises `RemoteRefused` where the server does not say."""
        if not self._discovered:
            path = self.given.path.rstrip("/") + DISCOVERY
            _, members = self._exchange(self.given, "GET", path, None, proven=False)
            if not isinstance(members, dict) or not all(isinstance(members.get(p), str) for p in ("gateway", "setup")):
                raise RemoteRefused(_unreachable(self.given, "it does not answer as Callout does"))
            self._discovered = {p: self._public(members[p]) for p in ("gateway", "setup")}
        return self._discovered[part]

    def _public(self, url: str) -> SplitResult:
        """Take a server at its word, but for a wildcard address, and never from https down to http elsewhere."""
        parts = read_url(url)
        if _is_wildcard(parts.hostname or ""):
            host = self.given.hostname or ""
            host = f"[{host}]" if ":" in host else host
            parts = parts._replace(netloc=f"{host}:{parts.port}" if parts.port else host)
        if self.given.scheme == "https" and parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
            reason = f"it names {url}, which would carry the key unencrypted; give the https URL that people use"
            raise RemoteRefused(_unreachable(self.given, reason))
        return parts

    async def run(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Run one operation; raises `RemoteRefused` with the problem document of the server."""
        from callout.engine.operations import BY_NAME

        operation = BY_NAME[name]
        in_path = re.findall(r"{(\w+)}", operation.path)
        path = operation.path.format(**{n: quote(str(arguments[n]), safe="") for n in in_path})
        rest = {n: v for n, v in arguments.items() if n not in in_path}
        body = None
        if operation.reads_body:
            body = json.dumps(rest).encode()
        elif rest:
            path += "?" + urlencode({n: v for n, v in rest.items() if v is not None}, doseq=True)
        setup = self.url_of("setup")
        whole = setup.path.rstrip("/") + "/api/v1" + path
        status, members = await asyncio.to_thread(self._exchange, setup, operation.method, whole, body)
        if status == 200:
            return members
        if not isinstance(members, dict) or "reason" not in members:
            raise RemoteRefused(_unreachable(setup, f"it answered {status} without a problem document"))
        raise RemoteRefused(members)

    def _exchange(
        self, url: SplitResult, method: str, path: str, body: bytes | None, *, proven: bool = True
    ) -> tuple[int, Any]:
        headers = dict(self.headers)
        if not proven:
            del headers["Callout-Key"]
        if body is not None:
            headers["Content-Type"] = "application/json"
        opened = connection(url, TIMEOUT)
        try:
            opened.request(method, path, body, headers)
            answer = opened.getresponse()
            return answer.status, _decoded(answer)
        except (OSError, HTTPException) as error:
            raise RemoteRefused(_unreachable(url, f"{type(error).__name__}: {error}")) from error
        finally:
            opened.close()


def _decoded(answer: HTTPResponse) -> Any:
    try:
        return json.loads(answer.read())
    except ValueError:
        return None


def _unreachable(url: SplitResult, because: str) -> dict[str, Any]:
    origin = f"{url.scheme}://{url.netloc}"
    return {
        "type": "urn:callout:reason:server_unreachable",
        "title": "The running server cannot be asked",
        "status": 503,
        "detail": f"got {origin}: {because}; expected a running Callout",
        "reason": "server_unreachable",
        "blame": "callout",
        "remedy": ["See that it runs (`callout serve`) and that the URL is its gateway's or its setup's."],
        "remedy_commands": [],
    }


def _is_wildcard(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
