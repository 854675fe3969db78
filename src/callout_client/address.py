"""Where a callout goes: the address `callout:Name[/path][?query]` and the gateway that it is sent to.

The path and query are the external system's business: they travel byte for byte. Only what no request line may hold
is touched: spaces and characters beyond ASCII are percent-encoded as UTF-8 (RFC 3986 section 2.1); control characters,
lone surrogates and fragments are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

import httpx2

SCHEME = "callout:"

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?=[/?]|\Z)")
_UNSENDABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_VISIBLE = "".join(map(chr, range(0x21, 0x7F)))


class InvalidAddress(ValueError):
    """An address that is not `callout:NAME[/path][?query]`, or a gateway URL that is none. Nothing was sent."""


@dataclass(frozen=True, slots=True)
class Target:
    """One address, placed at a gateway: `url` as httpx2 writes URLs, `raw` the request target as it is sent."""

    url: httpx2.URL
    raw: bytes


class Gateway:
    """The URL of a Callout gateway, and how addresses are placed below it."""

    def __init__(self, base_url: str | httpx2.URL) -> None:
        try:
            url = httpx2.URL(base_url)
        except httpx2.InvalidURL as error:
            raise InvalidAddress(f"got gateway URL {str(base_url)!r} ({error}); expected http://HOST[:PORT]") from None
        if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
            raise InvalidAddress(
                f"got gateway URL {str(base_url)!r}; expected http:// or https://, a host, and neither user nor query"
            )
        self.url = url
        self._prefix = url.raw_path.rstrip(b"/") + b"/callout/"

    def place(self, address: str | httpx2.URL, params: httpx2.QueryParams | None = None) -> Target:
        """Return the target of an address; `params` are added after its own query. Raises `InvalidAddress`."""
        rest = _rest(address)
        if params:
            rest += ("&" if "?" in rest else "?") + str(params)
        raw = self._prefix + quote(rest, safe=_VISIBLE).encode("ascii")
        return Target(self.url.copy_with(raw_path=raw), raw)

    def __repr__(self) -> str:
        return f"Gateway({str(self.url)!r})"


def _rest(address: str | httpx2.URL) -> str:
    """Return `Name[/path][?query]`.

    An httpx2 client resolves a `callout:` URL against its own base URL, which leaves a slash before the name and may
    drop the scheme: in an `httpx2.URL` both are accepted.
    """
    text = str(address)
    rest = text[len(SCHEME) :] if text[: len(SCHEME)].lower() == SCHEME else text
    if isinstance(address, httpx2.URL) and not address.host:
        rest = rest.removeprefix("/")
    if _NAME.match(rest) is None:
        raise InvalidAddress(f"got address {text!r}; expected callout:NAME[/path][?query]")
    if "#" in rest:
        raise InvalidAddress(f"got a fragment in address {text!r}; expected none (write %23 for a '#' that is sent)")
    unsendable = _UNSENDABLE.search(rest)
    if unsendable is not None:
        raise InvalidAddress(f"got {unsendable.group()!r} in address {text!r}; expected it percent-encoded")
    return rest
