"""URLs in definitions: absolute, https, and unambiguous (RFC 3986, RFC 9110 section 4.2).

What is judged here is the text; every address is judged again after resolution, when it is dialled. Texts that
two programs could read differently (user-info, backslashes, numeric hosts in other notations) are refused. A
refusal never repeats user-info or a query, which may hold a secret.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

PRIVATE_HINT = "allow_private_network: true if the private address is meant"
HTTP_HINT = "https://; http:// is for private hosts only, and needs allow_private_network: true"

_VISIBLE = re.compile(r"[!-~]+")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_DOT_SEGMENT = re.compile(r"(?:^|/)\.\.?(?:/|$)")
_LONGEST_HOST = 253
_SCHEMES = ("http", "https")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class UrlRefusal:
    """Why a URL is not accepted; `got` holds no user-info and no query."""

    got: str
    expected: str


def refusal_of_url(url: str, *, allow_private_network: bool, query_allowed: bool = False) -> UrlRefusal | None:
    """Judge an absolute URL; None where it is accepted. `query_allowed` is for endpoints (RFC 6749 section 3.2)."""
    shown = repr(shown_url(url))
    text = _text_rule(url)
    if text is not None:
        return UrlRefusal(shown, text)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return UrlRefusal(shown, "an absolute URL with a host and, after it, at most a port from 1 to 65535")
    rule = _shape_rule(url, parts, port, query_allowed=query_allowed) or _host_rule(parts.hostname or "")
    if rule is not None:
        return UrlRefusal(shown, rule)
    rule = _network_rule(parts.scheme, parts.hostname or "", allow_private_network=allow_private_network)
    return UrlRefusal(shown, rule) if rule is not None else None


def shown_url(url: str) -> str:
    """Return the URL with user-info and query left out (`…`): they may hold a secret."""
    start, mark, query = url.partition("?")
    if mark and query:
        query = "…"
    scheme, slashes, rest = start.partition("//")
    authority = re.match(r"[^/\\]*", rest)
    end = authority.end() if authority else 0
    at = rest.rfind("@", 0, end)
    rest = "…" + rest[at:] if at >= 0 else rest
    return (scheme + slashes + rest + mark + query)[:300]


def is_private(address: Address) -> bool:
    """True for an address that is not on the public Internet; an IPv4 address inside an IPv6 one is judged itself."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return is_private(inner)
    return not address.is_global or address.is_multicast


def _text_rule(url: str) -> str | None:
    if not url:
        return "an absolute URL"
    if any(ord(character) > 126 for character in url):
        converted = _punycode_of(url)
        hint = f" ({converted})" if converted else ""
        return f"ASCII: a host in its punycode form{hint}, other characters percent-encoded"
    if _VISIBLE.fullmatch(url) is None or "\\" in url:
        return "no space, control character or backslash; others percent-encoded"
    return None


def _shape_rule(url: str, parts: SplitResult, port: int | None, *, query_allowed: bool) -> str | None:
    if parts.scheme not in _SCHEMES or not url[len(parts.scheme) :].startswith("://"):
        return "an absolute URL that starts with https://"
    if "@" in parts.netloc:
        return "a URL without user-info; user names and passwords are secrets of a principal"
    if "#" in url:
        return "a URL without a fragment"
    if "?" in url and not query_allowed:
        return "a URL without a query; callers add theirs after the name"
    if port == 0 or parts.netloc.endswith(":"):
        return "a port from 1 to 65535, or none"
    if _DOT_SEGMENT.search(re.sub(r"%2[eE]", ".", re.sub(r"%2[fF]", "/", parts.path))):
        return "the final path, without dot segments"
    return None


def _host_rule(host: str) -> str | None:
    if not host:
        return "a URL with a host"
    if ":" in host:
        return "an IPv6 address without a zone" if "%" in host else None
    if len(host) > _LONGEST_HOST or host.endswith("."):
        return f"a host of at most {_LONGEST_HOST} characters, without a dot at its end"
    labels = host.split(".")
    if any(_LABEL.fullmatch(label) is None for label in labels):
        return "a host of letters, digits, hyphens and dots (RFC 1123 section 2.1)"
    if _NUMBER.fullmatch(labels[-1]) and _address_of(host) is None:
        return "a host name, or an IPv4 address as four decimal numbers"
    return None


def _network_rule(scheme: str, host: str, *, allow_private_network: bool) -> str | None:
    address = _address_of(host)
    private = is_private(address) if address is not None else host == "localhost" or host.endswith(".localhost")
    if private and not allow_private_network:
        return f"a public host; set {PRIVATE_HINT}"
    if scheme == "http" and (not allow_private_network or (address is not None and not private)):
        return HTTP_HINT
    return None


def _address_of(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _punycode_of(url: str) -> str | None:
    """Return the host in punycode where it is certain: the older IDNA maps some letters to others."""
    try:
        host = urlsplit(url).hostname or ""
        encoded = host.encode("idna")
        return encoded.decode() if host and not host.isascii() and encoded.decode("idna") == host else None
    except ValueError:
        return None
