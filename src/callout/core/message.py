"""HTTP messages as values, for protocols, explanations and side calls (token requests).

The data plane does not use these: it carries bytes. Header names keep the case they were written in;
headers are tuples of pairs, because order and duplicates matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol
from urllib.parse import quote_plus, unquote_plus, urlsplit

from callout.core.errors import Refused
from callout.core.key_pair import KeyPair
from callout.core.secret import Redactable, Secret, reveal

Header = tuple[str, Redactable]

#: No text at all.
NOTHING = Redactable(())

#: A line of an answer that says where to go on, and the query of an address in it.
_ADDRESS = re.compile(rb"(?:content-location|location|link|refresh):", re.IGNORECASE)
_QUERY = re.compile(r'\?[^#<>\s"]*')
_BREAKS = re.compile("[\r\n\0\ud800-\udfff]")


class BodyEncoding(Protocol):
    """Another form that a body is sent in, made while it passes."""

    @property
    def length(self) -> int:
        """How many bytes are sent."""

    def begin(self) -> Callable[[bytes], bytes]:
        """Return what takes the body piece by piece, from its beginning, and returns what is sent of it."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request. `url` is absolute; `body` is bytes, or text of which parts are secret.

    Where it is sent, parameters of the query whose decoded names are `query_dropped` are left out, and `query_added` is
    appended. `client` names the client of an authorization server
    that the request spends the allowance of; it is not sent. `client_certificate` is shown in the TLS handshake (RFC 8705
    section 2). The answer to a GET may be used again for `reusable_for` seconds. `encoding` is what a body that nobody
    looked at is sent in.
    """

    method: str
    url: str
    headers: tuple[Header, ...] = ()
    body: bytes | Redactable | None = None
    client: str = ""
    query_added: Redactable = NOTHING
    query_dropped: frozenset[str] = frozenset()
    client_certificate: KeyPair | None = None
    reusable_for: float = 0.0
    encoding: BodyEncoding | None = None

    @property
    def whole_url(self) -> Redactable:
        """The URL without what is dropped from its query, and with what is added to it."""
        url = without_parameters(self.url, self.query_dropped) if self.query_dropped else self.url
        if not self.query_added.parts:
            return Redactable.of(url)
        joint = "?" if "?" not in url else "" if url.endswith(("?", "&")) else "&"
        return Redactable.of(url, joint, self.query_added)

    def with_headers(self, *headers: tuple[str, str | Secret | Redactable]) -> HttpRequest:
        """Return a copy in which these headers replace any of the same name (case-insensitive)."""
        names = {name.lower() for name, _ in headers}
        kept = tuple(h for h in self.headers if h[0].lower() not in names)
        return replace(self, headers=kept + tuple((n, Redactable.of(v)) for n, v in headers))


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One whole answer. `body` is what came, at most what the transport was told to read."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)  # it may hold a token

    def header(self, name: str) -> str | None:
        """Return the first value of a header, by case-insensitive name."""
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)


def without_parameters(url: str, names: frozenset[str]) -> str:
    """Leave out the parameters of a query that have these names once they are decoded; the others stay byte for byte."""
    path, mark, query = url.partition("?")
    kept = [pair for pair in query.split("&") if unquote_plus(pair.partition("=")[0], errors="replace") not in names]
    return path + (mark + "&".join(kept) if kept or not query else "")


def without_added(lines: Sequence[bytes], names: frozenset[str]) -> tuple[bytes, ...]:
    """Return an answer's lines without these parameters in the addresses that it names: servers repeat them there.

    Whoever follows a redirect or the link to a next page through Callout gets them added again (RFC 9110 sections 8.7
    and 10.2.2, RFC 8288 section 3).
    """
    return tuple(_without_added(line, names) if _ADDRESS.match(line) is not None else line for line in lines)


def _without_added(line: bytes, names: frozenset[str]) -> bytes:
    text = line.decode("latin-1")
    return _QUERY.sub(lambda query: without_parameters(query.group(), names), text).encode("latin-1")


def form_body(fields: tuple[tuple[str, str | Secret], ...]) -> Redactable:
    """Encode `application/x-www-form-urlencoded` (RFC 6749 appendix B); secret values stay secret."""
    parts: list[str | Secret] = []
    for index, (name, value) in enumerate(fields):
        parts.append(("&" if index else "") + quote_plus(name) + "=")
        parts.append(_quoted(value))
    return Redactable(tuple(parts))


def _quoted(value: str | Secret) -> str | Secret:
    if isinstance(value, Secret):
        return Secret(quote_plus(reveal(value)))
    return quote_plus(value)


def header_lines(headers: tuple[Header, ...]) -> bytes:
    """Return the lines as they go on the wire, secrets revealed, in UTF-8.

    Raises `Refused(formula_failed)` where a value holds CR, LF or NUL, which would start another header
    (RFC 9110 section 5.5), or half of a surrogate pair. The value is not shown.
    """
    lines: list[str] = []
    for name, value in headers:
        plain = reveal(value)
        if _BREAKS.search(plain) is not None:
            detail = f"got CR, LF or NUL in the value of header {name}; expected one line of text"
            raise Refused("formula_failed", detail)
        lines.append(f"{name}: {plain}\r\n")
    return "".join(lines).encode()


def as_sent(value: Redactable) -> Redactable:
    """Return a header value in which each character stands for one byte of what `header_lines` makes of it."""
    if all(reveal(part).isascii() for part in value.parts):
        return value
    return Redactable(tuple(_bytewise(part) for part in value.parts))


def _bytewise(part: str | Secret) -> str | Secret:
    text = reveal(part).encode("utf-8", "surrogatepass").decode("latin-1")
    return Secret(text) if isinstance(part, Secret) else text


def target_of(request: HttpRequest) -> bytes:
    """Return path and query as they go on the wire, secrets revealed."""
    parts = urlsplit(reveal(request.whole_url))
    return ((parts.path or "/") + (f"?{parts.query}" if parts.query else "")).encode("latin-1")


#: Fields that belong to one connection (RFC 9110 section 7.6.1) and are never carried over.
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
