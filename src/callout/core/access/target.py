"""One callout's target: split the address, judge the path, join it to the named credential's URL.

Rule 1: the path and query of the caller are appended byte for byte, with exactly one `/` at the joint.
Rule 2: nothing in them can change scheme, host, port or user-info: they only ever follow the admin's path.
Rule 3: what is judged is what is sent. A target that another server might read differently (dot segments plain or
        encoded, backslashes, NUL, fragments, control bytes) is refused, never rewritten (RFC 3986 section 5.2.4).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes, urlsplit

from callout.core.errors import Refused

SCHEME = "callout:"
#: Path prefix of the gateway; the name of the named credential follows.
PREFIX = b"/callout/"
#: Longest target accepted, in bytes; nginx and Apache accept 8 kB by default.
LONGEST_TARGET = 16 * 1024

#: Visible ASCII without what may hide another reading: backslash, fragment, percent-encoding, dot.
_PLAIN = bytes(code for code in range(0x21, 0x7F) if code not in b"\\#%.")
_VISIBLE = re.compile(rb"[!-~]*")
#: One look that most paths pass; what it finds is judged more closely.
_SUSPICIOUS = re.compile(rb"[\\#%]|(?:^|/)\.\.?(?:[/;]|$)")
_FORBIDDEN = re.compile(rb"[\\#]|%5[cC]|%0[0aAdD]|%[cC]0%[aA][eEfF]")  # the last: an overlong `.` or `/`
#: A segment `.` or `..`, also one with parameters (`..;x`), which some servers cut off first.
_DOT_SEGMENT = re.compile(rb"(?:^|[/\\])\.\.?(?:[/\\;]|$)")
#: How many times over an encoded dot segment (`%2e%2e`, `%252e%252e`) is recognised.
ROUNDS = 4
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a URL points: scheme, host, port, and the path that every callout's path follows."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and, unless it is the scheme's own, port: the value of the Host header (RFC 9110 section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"http": 80, "https": 443}[self.scheme] else f"{host}:{self.port}"

    @property
    def base(self) -> str:
        """Scheme and authority, without a path."""
        return f"{self.scheme}://{self.authority}"


def origin_of(url: str) -> Origin:
    """Split an http or https URL that was accepted by `rules`; raises `ValueError` for another."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        msg = f"got URL {url!r}; expected http:// or https:// and a host"
        raise ValueError(msg)
    port = parts.port if parts.port is not None else {"http": 80, "https": 443}[parts.scheme]
    return Origin(parts.scheme, parts.hostname, port, parts.path)


def split_target(target: bytes) -> tuple[str, bytes]:
    """Split the gateway's request target into name and rest (path and query, as sent).

    Raises `Refused(malformed_request)` for a target that is not `/callout/Name…`.
    """
    if not target.startswith(PREFIX):
        raise Refused(
            "malformed_request",
            f"got target {_shown(target)}; expected /callout/NAME followed by a path or a query",
        )
    end = len(target)
    for mark in (b"/", b"?"):
        found = target.find(mark, len(PREFIX), end)
        if found >= 0:
            end = found
    return target[len(PREFIX) : end].decode("latin-1"), target[end:]


def split_address(address: str) -> tuple[str, str]:
    """Split `callout:Name[/path][?query]` (the scheme in any case) into name and rest.

    Raises `Refused(malformed_request)`.
    """
    if address[: len(SCHEME)].lower() == SCHEME:
        address = address[len(SCHEME) :]
    found = _NAME.match(address)
    if found is None or (found.end() < len(address) and address[found.end()] not in "/?"):
        raise Refused("malformed_request", f"got address {address!r}; expected callout:NAME[/path][?query]")
    return found.group(), address[found.end() :]


def join(path: bytes, rest: bytes) -> bytes:
    """Append the caller's path and query to the named credential's path; the result is sent as it is.

    `path` is the URL's path without a trailing slash. Raises `Refused(malformed_request)` for a target that
    servers could read in more than one way.
    """
    if rest[:1] == b"/" != rest[1:2] and len(rest) <= LONGEST_TARGET and not rest.translate(None, _PLAIN):
        return (
            path + rest
        )  # nothing in it that anybody reads in more than one way: the usual case, at a third of the cost
    if len(rest) > LONGEST_TARGET:
        raise Refused("malformed_request", f"got a target of {len(rest)} bytes; expected at most {LONGEST_TARGET}")
    if _VISIBLE.fullmatch(rest) is None:
        raise Refused("malformed_request", f"got target {_shown(rest)}; expected visible ASCII, others percent-encoded")
    caller_path, mark, query = rest.partition(b"?")
    if _SUSPICIOUS.search(caller_path) is not None:
        _judge(caller_path)
    if b"#" in query:
        raise Refused("malformed_request", f"got a fragment in {_shown(rest)}; expected path and query only")
    if caller_path:
        return path + b"/" + caller_path.lstrip(b"/") + mark + query
    return (path or b"/") + mark + query


def _judge(path: bytes) -> None:
    found = _FORBIDDEN.search(path)
    if found is not None:
        raise Refused("malformed_request", f"got {found.group().decode()!r} in path {_shown(path)}; expected none")
    decoded = path
    for _ in range(ROUNDS):
        if _DOT_SEGMENT.search(decoded) is not None:
            raise Refused(
                "malformed_request", f"got a dot segment in path {_shown(path)}; expected the final path itself"
            )
        decoded = unquote_to_bytes(decoded)


def _shown(raw: bytes) -> str:
    """Show a target without its query, which may hold a secret of the caller."""
    path, mark, _ = raw.partition(b"?")
    return repr(path[:200].decode("latin-1") + ("?…" if mark else ""))
