import ssl
from collections.abc import AsyncIterator

import httpx2
import pytest

from callout.sandbox import Client, Sandbox

ODD_CLIENT = Client("odd client", "a+b c:%&é=1")
READ_ONLY = Client("read-only", "r", grant_types=("client_credentials",))


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def sandbox(clock: Clock) -> AsyncIterator[Sandbox]:
    clients = (Client("sandbox-client", "sandbox-secret"), ODD_CLIENT, READ_ONLY)
    async with Sandbox(clock=clock, wall=lambda: 1_700_000_000.0 + clock.seconds, clients=clients) as running:
        yield running


#: The sandbox speaks no TLS, and to read the authorities of the system for each client would take most of the time.
PLAIN = ssl.create_default_context()


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(trust_env=False, verify=PLAIN, timeout=60) as client:
        yield client
