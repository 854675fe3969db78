"""The gateway of these tests, and one way to call that stands for both clients."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import httpx2
import pytest

from callout_client import AsyncClient, Client
from tests.client.raw_gateway import RawGateway

Call = Callable[..., httpx2.Response]


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[RawGateway]:
    monkeypatch.delenv("CALLOUT_URL", raising=False)
    monkeypatch.delenv("CALLOUT_KEY", raising=False)
    with RawGateway() as gateway:
        yield gateway


def _call(gateway_url: str | None, method: str, address: str, settings: dict, **options) -> httpx2.Response:
    with Client(gateway_url, **settings) as client:
        return client.request(method, address, **options)


def _call_async(gateway_url: str | None, method: str, address: str, settings: dict, **options) -> httpx2.Response:
    async def call() -> httpx2.Response:
        async with AsyncClient(gateway_url, **settings) as client:
            return await client.request(method, address, **options)

    return asyncio.run(call())


@pytest.fixture(params=[_call, _call_async], ids=["Client", "AsyncClient"])
def call(request: pytest.FixtureRequest, gateway: RawGateway) -> Call:
    """Make one callout with a fresh client of either kind: `call(method, address, **options)`; `settings` make it."""

    def call(method: str, address: str, settings: dict | None = None, **options) -> httpx2.Response:
        settings = {"key": "co_key", **(settings or {})}
        return request.param(settings.pop("base_url", gateway.url), method, address, settings, **options)

    return call
