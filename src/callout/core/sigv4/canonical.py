"""The canonical request of AWS Signature Version 4, from a request as it is sent.

Source: AWS Identity and Access Management User Guide, "Create a signed AWS API request", steps 1 to 3. Everything is
bytes: what is signed has to be what the external system reads, whatever encoding it takes it for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes, urlsplit

#: Headers that whoever stands between may change, so that signing them would break requests that nobody tampered with.
UNSIGNED_HEADERS = frozenset(
    {
        b"accept-encoding",
        b"authorization",
        b"baggage",
        b"connection",
        b"content-length",
        b"expect",
        b"forwarded",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"traceparent",
        b"tracestate",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"user-agent",
        b"via",
        b"x-amzn-trace-id",
        b"x-real-ip",
    }
)
_FORWARDED = b"x-forwarded-"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class CanonicalRequest:
    """A canonical request, and the names of the headers in it as they stand in Authorization."""

    text: bytes
    signed_headers: str


def canonical_request(
    method: str,
    url: str,
    headers: Iterable[tuple[bytes, bytes]],
    payload_hash: str,
    *,
    path_as_sent: bool,
) -> CanonicalRequest:
    """Return the canonical request of one that is sent to `url`, which is absolute, with these headers.

    `path_as_sent`: the path is not normalised and not encoded a second time, as Amazon S3 wants it. Where `headers`
    have no Host, that of the URL is signed.
    """
    split = urlsplit(url)
    values: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        lower = name.strip().lower()
        if lower not in UNSIGNED_HEADERS and not lower.startswith(_FORWARDED):
            values.setdefault(lower, []).append(b" ".join(value.split()))
    values.setdefault(b"host", [host_of(url).encode()])
    names = sorted(values)
    signed_headers = b";".join(names)
    path = split.path.encode()
    lines = (
        method.encode(),
        _segments_encoded(path) if path_as_sent else quote(_normalised(path), safe="/").encode(),
        canonical_query(split.query),
        *(b"%b:%b" % (name, b",".join(values[name])) for name in names),
        b"",
        signed_headers,
        payload_hash.encode(),
    )
    return CanonicalRequest(b"\n".join(lines), signed_headers.decode("latin-1"))


def canonical_query(query: str) -> bytes:
    """Return the pairs of a query, decoded and encoded anew, in the order of their encoded names and values."""
    pairs = (piece.partition("=") for piece in query.split("&") if piece)
    return "&".join(f"{name}={value}" for name, value in sorted((_anew(n), _anew(v)) for n, _, v in pairs)).encode()


def host_of(url: str) -> str:
    """Return the value of the Host header: without the port where it is the scheme's own (RFC 9110 section 7.2)."""
    split = urlsplit(url)
    host = split.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if split.port in (None, _PORTS.get(split.scheme)) else f"{host}:{split.port}"


def _anew(text: str) -> str:
    """Encode a name or value of a query as everybody has to: all but unreserved characters (RFC 3986 section 2.3)."""
    return quote(unquote_to_bytes(text.replace("+", " ")), safe="")


def _segments_encoded(path: bytes) -> bytes:
    """Encode each segment once, however it was encoded; an encoded slash in one stays in it."""
    return "/".join(quote(unquote_to_bytes(segment), safe="") for segment in path.split(b"/")).encode() or b"/"


def _normalised(path: bytes) -> bytes:
    """Remove dot segments (RFC 3986 section 5.2.4), and slashes that follow one another."""
    kept: list[bytes] = []
    for segment in path.split(b"/"):
        if segment == b"..":
            del kept[-1:]
        elif segment not in (b"", b"."):
            kept.append(segment)
    end = b"/" if kept and path.endswith(b"/") else b""
    return b"/" + b"/".join(kept) + end
