"""A world whose refresh tokens rotate: provider, proxy, external system, and Callout as one or more processes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from tests.counterparties.consent import REDIRECT_URI, consent
from tests.counterparties.external_system import ExternalSystem
from tests.counterparties.orders import API, Orders
from tests.counterparties.provider import Provider
from tests.counterparties.tcp_proxy import TcpProxy
from tests.journeys.processes import PATIENCE, Home, Server, callout_home

ROTATING = {
    "client_id": "rotating",
    "client_secret": "rotating-secret-0123",
    "token_endpoint_auth_method": "client_secret_basic",
    "application_type": "native",
    "redirect_uris": [REDIRECT_URI],
    "response_types": ["code"],
    "grant_types": ["authorization_code", "refresh_token"],
}
SCOPE = "openid offline_access orders.read"


@dataclass
class World:
    """Everything that a test here needs."""

    provider: Provider
    proxy: TcpProxy
    external: ExternalSystem
    orders: Orders
    home: Home
    servers: list[Server]
    key: str

    def grants(self) -> list[dict]:
        return [each for each in self.provider.requests("rotating") if each["grant_type"] == "refresh_token"]

    def connect(self) -> None:
        """Let a person consent, and set the refresh token that they got."""
        tokens = consent(self.provider.ready, ROTATING, "alice", SCOPE)
        self.home.set_secrets("Orders/Service", refresh_token=tokens["refresh_token"])

    def last_token(self) -> str:
        header = self.external.received[-1][0].header("Authorization")
        assert header is not None
        return header.removeprefix("Bearer ")

    def let_access_token_go_stale(self) -> None:
        """The external system takes the access token that was used last no more; its refresh token stays good.

        To revoke it at the provider would take the whole grant along.
        """
        self.orders.stale.add(self.last_token())

    def start_again(self) -> None:
        """Start the first server anew, after it was killed."""
        self.servers[0].stop()
        self.servers[0] = self.home.serve()

    async def call(self, server: Server) -> httpx2.Response:
        async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
            return await client.get(f"{server.gateway}/callout/Orders/orders/7", headers={"Callout-Key": self.key})

    async def statuses(self, count: int) -> Counter[int]:
        """Make so many callouts at once in each process."""
        calls = [self.call(server) for server in self.servers for _ in range(count)]
        return Counter(answer.status_code for answer in await asyncio.gather(*calls))

    async def succeeds(self) -> httpx2.Response:
        """Call until it succeeds: a running server learns of a new secret by asking the store."""

        async def attempt() -> httpx2.Response:
            return (await self.call(self.servers[0])).raise_for_status()

        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    return await attempt()
                except httpx2.HTTPStatusError:
                    await asyncio.sleep(0.05)  # the pace of the asking; the answer is what is waited for


def manifest_for(token_endpoint: str, external: ExternalSystem) -> dict:
    return {
        "external_credentials": {
            "Orders": {
                "protocol": "oauth2_refresh_token",
                "parameters": {"token_endpoint": token_endpoint},
                "principals": {
                    "Service": {
                        "secrets": {"client_id": ROTATING["client_id"], "client_secret": ROTATING["client_secret"]}
                    }
                },
            }
        },
        "named_credentials": {
            "Orders": {"url": external.url, "external_credential": "Orders", "allow_private_network": True}
        },
        "permission_sets": {"Clerks": {"principals": ["Orders/Service"]}},
        "users": {"alice": {"permission_sets": ["Clerks"]}},
    }


@contextmanager
def rotating_world(folder: Path, *, processes: int) -> Iterator[World]:
    """Start everything, with so many `serve` processes on one store."""
    with ExitStack() as stack:
        provider = stack.enter_context(Provider(folder, [ROTATING, API]))
        at = urlsplit(provider.ready["token_endpoint"])
        assert at.port is not None
        proxy = stack.enter_context(TcpProxy(at.port))
        orders = Orders(provider.ready["introspection_endpoint"])
        external = stack.enter_context(ExternalSystem(orders.answer))
        home = stack.enter_context(callout_home(folder / "home", {"CALLOUT_TOKEN_TIMEOUT": "5"}))
        home.apply(manifest_for(f"http://127.0.0.1:{proxy.port}{at.path}", external))
        key = home.create_key("alice")
        servers = [home.serve() for _ in range(processes)]
        try:
            yield World(provider, proxy, external, orders, home, servers, key)
        finally:
            for server in servers:
                server.stop()
