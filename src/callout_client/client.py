"""`Client` and `AsyncClient`: callouts by name. Everything but the waiting is in `_Callouts`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypedDict, TypeVar, Unpack

import httpx2

from callout_client.address import Gateway
from callout_client.errors import raise_for_callout
from callout_client.transport import TARGET, AsyncCalloutTransport, CalloutTransport, callout_headers

if TYPE_CHECKING:  # httpx2 names these types in a module of its own that may move
    from httpx2._types import HeaderTypes, QueryParamTypes, RequestContent, RequestData, RequestFiles, TimeoutTypes

Answer = TypeVar("Answer")

CONNECT_SECONDS = 5.0
#: How long an answer is waited for where the callout has no timeout of its own: a token may have to be fetched first.
ANSWER_SECONDS = 120.0
#: How much longer than Callout itself the client waits, so that Callout's own `timed_out` answer arrives.
GRACE_SECONDS = 5.0


class Options(TypedDict, total=False):
    """What may be said of one callout. All but the first two are httpx2's, with httpx2's meaning.

    `principal` picks a principal explicitly; `callout_timeout` is how many seconds Callout may take; `timeout` is how
    long this client waits, by default a little longer.
    """

    principal: str | None
    callout_timeout: float | None
    params: QueryParamTypes | None
    headers: HeaderTypes | None
    content: RequestContent | None
    data: RequestData | None
    files: RequestFiles | None
    json: Any
    timeout: TimeoutTypes


class _Callouts(ABC, Generic[Answer]):
    """What both clients share. `Answer` is what a callout returns: a response, or a coroutine of one."""

    gateway: Gateway

    def __init__(self, callout_timeout: float | None) -> None:
        self._callout_timeout = callout_timeout

    @abstractmethod
    def request(self, method: str, address: str, **options: Unpack[Options]) -> Answer:
        """Make a callout: `callout:NAME[/path][?query]`, or the same without the scheme.

        The answer is the external system's, whatever its status. Raises `CalloutError` for an answer that Callout made,
        `InvalidAddress` for an address that is none, `httpx2.TransportError` where the gateway cannot be reached.
        """

    def get(self, address: str, **options: Unpack[Options]) -> Answer:
        """Make a callout with GET."""
        return self.request("GET", address, **options)

    def head(self, address: str, **options: Unpack[Options]) -> Answer:
        """Make a callout with HEAD."""
        return self.request("HEAD", address, **options)

    def options(self, address: str, **options: Unpack[Options]) -> Answer:
        """Make a callout with OPTIONS."""
        return self.request("OPTIONS", address, **options)

    def post(self, address: str, **options: Unpack[Options]) -> Answer:
        """Make a callout with POST."""
        return self.request("POST", address, **options)

    def put(self, address: str, **options: Unpack[Options]) -> Answer:
        """Make a callout with PUT."""
        return self.request("PUT", address, **options)

    def patch(self, address: str, **options: Unpack[Options]) -> Answer:
        """Make a callout with PATCH."""
        return self.request("PATCH", address, **options)

    def delete(self, address: str, **options: Unpack[Options]) -> Answer:
        """Make a callout with DELETE."""
        return self.request("DELETE", address, **options)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {str(self.gateway.url)!r}>"

    def _request(
        self, http: httpx2.Client | httpx2.AsyncClient, method: str, address: str, options: Options
    ) -> httpx2.Request:
        """Build the request, placed at the gateway byte for byte."""
        params = options.get("params")
        target = self.gateway.place(address, httpx2.QueryParams(params) if params else None)
        callout_timeout = options.get("callout_timeout")
        headers = httpx2.Headers(options.get("headers"))
        headers.update(callout_headers(principal=options.get("principal"), callout_timeout=callout_timeout))
        return http.build_request(
            method,
            target.url,
            headers=headers,
            content=options.get("content"),
            data=options.get("data"),
            files=options.get("files"),
            json=options.get("json"),
            timeout=options["timeout"] if "timeout" in options else self._patience(callout_timeout),
            extensions={TARGET: target},
        )

    def _patience(self, callout_timeout: float | None) -> httpx2.Timeout:
        limit = self._callout_timeout if callout_timeout is None else callout_timeout
        return httpx2.Timeout(ANSWER_SECONDS if limit is None else limit + GRACE_SECONDS, connect=CONNECT_SECONDS)


class Client(_Callouts[httpx2.Response]):
    """Makes callouts and waits for the answers. Can be shared between threads; close it, or use it with `with`.

    Args:
        base_url: The gateway; None takes CALLOUT_URL.
        key: The caller's key; None takes CALLOUT_KEY; without both, the guest user calls.
        principal: Principal to use where a callout names none.
        callout_timeout: Seconds that Callout may take where a callout does not say.
        transport: What carries the requests to the gateway; by default httpx2's own.
        ca_file: File of the authorities (PEM) that the gateway's certificate is judged by; None: those of the system.
        cert: The caller's own certificate, which proves who calls where no key does: a file (PEM) that has its key too,
            or the files of both.

    Raises:
        ValueError: No gateway is given, or an argument is not well formed.
    """

    def __init__(
        self,
        base_url: str | httpx2.URL | None = None,
        key: str | None = None,
        *,
        principal: str | None = None,
        callout_timeout: float | None = None,
        transport: httpx2.BaseTransport | None = None,
        ca_file: str | None = None,
        cert: str | tuple[str, str] | None = None,
    ) -> None:
        super().__init__(callout_timeout)
        placed = CalloutTransport(
            base_url,
            key,
            principal=principal,
            callout_timeout=callout_timeout,
            transport=transport,
            ca_file=ca_file,
            cert=cert,
        )
        self.gateway = placed.gateway
        self._http = httpx2.Client(transport=placed, cookies=_no_cookies(), trust_env=False)

    def request(self, method: str, address: str, **options: Unpack[Options]) -> httpx2.Response:
        """Make a callout; see `_Callouts.request`."""
        return raise_for_callout(self._http.send(self._request(self._http, method, address, options)))

    @contextmanager
    def stream(self, method: str, address: str, **options: Unpack[Options]) -> Generator[httpx2.Response]:
        """Make a callout whose answer is read piece by piece, as it comes; closed at the end of the `with` block."""
        response = self._http.send(self._request(self._http, method, address, options), stream=True)
        try:
            yield raise_for_callout(response)
        finally:
            response.close()

    def close(self) -> None:
        """Close the connections to the gateway."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class AsyncClient(_Callouts[Coroutine[Any, Any, httpx2.Response]]):
    """`Client` for asyncio and trio; the arguments are the same."""

    def __init__(
        self,
        base_url: str | httpx2.URL | None = None,
        key: str | None = None,
        *,
        principal: str | None = None,
        callout_timeout: float | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        ca_file: str | None = None,
        cert: str | tuple[str, str] | None = None,
    ) -> None:
        super().__init__(callout_timeout)
        placed = AsyncCalloutTransport(
            base_url,
            key,
            principal=principal,
            callout_timeout=callout_timeout,
            transport=transport,
            ca_file=ca_file,
            cert=cert,
        )
        self.gateway = placed.gateway
        self._http = httpx2.AsyncClient(transport=placed, cookies=_no_cookies(), trust_env=False)

    async def request(self, method: str, address: str, **options: Unpack[Options]) -> httpx2.Response:
        """Make a callout; see `_Callouts.request`."""
        return raise_for_callout(await self._http.send(self._request(self._http, method, address, options)))

    @asynccontextmanager
    async def stream(self, method: str, address: str, **options: Unpack[Options]) -> AsyncGenerator[httpx2.Response]:
        """Make a callout whose answer is read piece by piece, as it comes; closed at the end of the `with` block."""
        response = await self._http.send(self._request(self._http, method, address, options), stream=True)
        try:
            yield raise_for_callout(response)
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """Close the connections to the gateway."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.aclose()


def _no_cookies() -> CookieJar:
    """A jar that keeps nothing: to a jar every external system has the gateway's host, and would get each other's."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))
