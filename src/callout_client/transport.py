"""httpx2 transports that take `callout:` URLs. What both do is in `_Placement`; each adds how it waits.

    httpx2.Client(transport=CalloutTransport("http://127.0.0.1:8470", key="co_…")).get("callout:Orders/orders/7")

A plain httpx2 client resolves dot segments and encodes characters before any transport sees the URL. `Client` and
`AsyncClient` send the path byte for byte; so does a request with the extension `TARGET`.
"""

from __future__ import annotations

import os
import ssl

import httpx2

from callout_client.address import Gateway, Target
from callout_client.errors import bears_callout_error

KEY_HEADER = "Callout-Key"
PRINCIPAL_HEADER = "Callout-Principal"
TIMEOUT_HEADER = "Callout-Timeout"

#: Request extension that holds where a request was placed. A request that is sent again goes to the same place.
TARGET = "callout_target"


def callout_headers(*, principal: str | None = None, callout_timeout: float | None = None) -> dict[str, str]:
    """Return the headers that pick a principal and limit a callout's time, in seconds. Raises `ValueError`."""
    headers = {}
    if principal is not None:
        headers[PRINCIPAL_HEADER] = principal
    if callout_timeout is not None:
        if not 0 < callout_timeout < float("inf"):
            raise ValueError(f"got callout_timeout {callout_timeout}; expected a positive number of seconds")
        headers[TIMEOUT_HEADER] = f"{callout_timeout:.3f}".rstrip("0").rstrip(".")
    return headers


def gateway_from(base_url: str | httpx2.URL | Gateway | None) -> Gateway:
    """Return the gateway given, or that of the environment. Raises `InvalidAddress`; `ValueError` where none is given."""
    if isinstance(base_url, Gateway):
        return base_url
    url = base_url or os.environ.get("CALLOUT_URL")  # noqa: TID251 - the SDK's settings are these two variables
    if not url:
        raise ValueError("got no gateway URL; expected base_url=… or the environment variable CALLOUT_URL")
    return Gateway(url)


def key_from(key: str | None) -> str | None:
    """Return the key given, or that of the environment, or None for the guest user. Raises `ValueError`."""
    text = os.environ.get("CALLOUT_KEY") if key is None else key  # noqa: TID251 - as above
    text = (text or "").strip()
    if not all("!" <= character <= "~" for character in text):
        raise ValueError("got a key with characters that no header carries; expected it as it was issued, co_…")
    return text or None


def tls_of(ca_file: str | None, cert: str | tuple[str, str] | None) -> ssl.SSLContext | bool:
    """Return how a gateway's TLS is judged, and what the caller shows it. Raises `ValueError` for unusable files."""
    if ca_file is None and cert is None:
        return True
    certificate, key = (cert, None) if isinstance(cert, str) else cert or (None, None)
    try:
        context = ssl.create_default_context(cafile=ca_file)
        if certificate is not None:
            context.load_cert_chain(certificate, key)
    except OSError as error:  # an SSLError is one
        raise ValueError(
            f"got ca_file {ca_file!r} and cert {cert!r}, which cannot be used ({error}); expected files in PEM"
        ) from None
    return context


def _only_one(transport: object, ca_file: str | None, cert: object) -> None:
    if transport is not None and (ca_file is not None or cert is not None):
        raise ValueError("got transport=… with ca_file=… or cert=…; expected TLS to be set on that transport itself")


class _Placement:
    """Turns a request for a `callout:` URL into the request that the gateway is sent."""

    def __init__(
        self,
        base_url: str | httpx2.URL | Gateway | None,
        key: str | None,
        principal: str | None,
        callout_timeout: float | None,
    ) -> None:
        self.gateway = gateway_from(base_url)
        self._key = key_from(key)
        self._defaults = callout_headers(principal=principal, callout_timeout=callout_timeout)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {str(self.gateway.url)!r}>"

    def _placed(self, request: httpx2.Request) -> httpx2.Request:
        """Return what is sent. The request itself learns its gateway URL, and never the key.

        Raises `InvalidAddress`; `httpx2.UnsupportedProtocol` for a URL that is not the caller's own address: a redirect
        would spend this caller's grants, or show its key, where an external system likes.
        """
        target = request.extensions.get(TARGET)
        if not isinstance(target, Target) or target.url != request.url:
            if request.url.scheme not in ("", "callout") or request.url.host:
                raise httpx2.UnsupportedProtocol(
                    f"got URL {str(request.url)!r}; expected callout:NAME[/path][?query] (redirects are not followed)",
                    request=request,
                )
            target = self.gateway.place(request.url)
            request.extensions[TARGET] = target
            request.url = target.url
        headers = [(n, v) for n, v in request.headers.raw if n.lower() not in (b"host", b"callout-key")]
        sent = httpx2.Request(
            request.method,
            target.url,
            headers=[(b"Host", target.url.netloc), *headers],
            stream=request.stream,
            extensions={**request.extensions, "target": target.raw},
        )
        for name, value in self._defaults.items():
            sent.headers.setdefault(name, value)
        if self._key is not None:
            sent.headers[KEY_HEADER] = self._key
        return sent


class CalloutTransport(_Placement, httpx2.BaseTransport):
    """Sends `callout:` URLs to a gateway. `transport` carries the requests; by default it is httpx2's own.

    Args:
        base_url: The gateway; None takes CALLOUT_URL.
        key: The caller's key; None takes CALLOUT_KEY; without both, the guest user calls.
        principal: Principal to use where a request names none in Callout-Principal.
        callout_timeout: Seconds that Callout may take where a request says nothing in Callout-Timeout.
        transport: What carries the requests to the gateway.
        ca_file: File of the authorities (PEM) that the gateway's certificate is judged by; None: those of the system.
        cert: The caller's own certificate, which proves who calls where no key does: a file (PEM) that has its key too,
            or the files of both.

    Raises:
        ValueError: No gateway is given, or an argument is not well formed.
    """

    def __init__(
        self,
        base_url: str | httpx2.URL | Gateway | None = None,
        key: str | None = None,
        *,
        principal: str | None = None,
        callout_timeout: float | None = None,
        transport: httpx2.BaseTransport | None = None,
        ca_file: str | None = None,
        cert: str | tuple[str, str] | None = None,
    ) -> None:
        super().__init__(base_url, key, principal, callout_timeout)
        _only_one(transport, ca_file, cert)
        self._transport = transport or httpx2.HTTPTransport(verify=tls_of(ca_file, cert))

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; an answer that Callout itself made is read whole, so that its reason is at hand."""
        response = self._transport.handle_request(self._placed(request))
        if bears_callout_error(response):
            response.read()
        return response

    def close(self) -> None:
        """Close the connections to the gateway."""
        self._transport.close()


class AsyncCalloutTransport(_Placement, httpx2.AsyncBaseTransport):
    """`CalloutTransport` for `httpx2.AsyncClient`; the arguments are the same."""

    def __init__(
        self,
        base_url: str | httpx2.URL | Gateway | None = None,
        key: str | None = None,
        *,
        principal: str | None = None,
        callout_timeout: float | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        ca_file: str | None = None,
        cert: str | tuple[str, str] | None = None,
    ) -> None:
        super().__init__(base_url, key, principal, callout_timeout)
        _only_one(transport, ca_file, cert)
        self._transport = transport or httpx2.AsyncHTTPTransport(verify=tls_of(ca_file, cert))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; an answer that Callout itself made is read whole, so that its reason is at hand."""
        response = await self._transport.handle_async_request(self._placed(request))
        if bears_callout_error(response):
            await response.aread()
        return response

    async def aclose(self) -> None:
        """Close the connections to the gateway."""
        await self._transport.aclose()
