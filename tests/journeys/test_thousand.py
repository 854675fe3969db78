"""A thousand callouts at once whose token is not, or no longer, valid: one token request, a thousand answers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.journeys.processes import Home, Sandbox, Server, raise_file_limit

pytestmark = pytest.mark.journey

THOUSAND = 1000
#: How long a callout may take, in seconds: those that come first wait for a thousand others.
LONGEST = 600


def manifest_for(sandbox: Sandbox) -> dict:
    """Two named credentials, each with a token of its own: one for what has a token, one for what has none yet."""
    names = ("Orders", "Fresh")
    return {
        "external_credentials": {
            name: {
                "protocol": "oauth2_client_credentials",
                "parameters": {"token_endpoint": sandbox.token_endpoint},
                "additional_status_codes": [400, 601],
                "principals": {
                    "Service": {"secrets": {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}}
                },
            }
            for name in names
        },
        "named_credentials": {
            name: {"url": sandbox.url, "external_credential": name, "allow_private_network": True} for name in names
        },
        "permission_sets": {"Clerks": {"principals": [f"{name}/Service" for name in names]}},
        "users": {"alice": {"permission_sets": ["Clerks"]}},
    }


@pytest.fixture(scope="module")
def key(home: Home, sandbox: Sandbox) -> str:
    home.apply(manifest_for(sandbox))
    return home.create_key("alice")


@pytest.fixture(scope="module")
def server(home: Home, key: str) -> Iterator[Server]:
    raise_file_limit(4 * THOUSAND)
    with home.serve() as server:
        yield server


@pytest.fixture(autouse=True)
def released(sandbox: Sandbox) -> Iterator[None]:
    """A test that fails while answers are held back must not hold up the next one."""
    yield
    for kind in ("callout", "token"):
        sandbox.command("release", kind=kind)


async def status_of(server: Server, key: str, path: str) -> int:
    """Make one callout on a connection of its own; return the status of the answer."""
    at = urlsplit(server.gateway)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    try:
        writer.write(
            f"GET /callout/{path} HTTP/1.1\r\nHost: {at.netloc}\r\nCallout-Key: {key}\r\n"
            f"Callout-Timeout: {LONGEST}\r\nConnection: close\r\n\r\n".encode()
        )
        answer = await reader.read()
        return int(answer.split(b" ", 2)[1])
    finally:
        writer.close()
        await writer.wait_closed()


def start(server: Server, key: str, path: str) -> list[asyncio.Task[int]]:
    return [asyncio.create_task(status_of(server, key, f"{path}/orders/{n}")) for n in range(THOUSAND)]


@pytest.mark.parametrize("stale_status", [401, 400, 601])
async def test_a_thousand_callouts_with_an_expired_token_make_one_token_request(server, sandbox, key, stale_status):
    path = f"Orders/stale-as/{stale_status}"
    assert await status_of(server, key, path) == 200
    sandbox.command("expire")
    sandbox.command("forget")
    sandbox.command("hold", kind="callout")  # all thousand leave with the expired token before any is refused
    sandbox.command("hold", kind="token")  # and all have been refused before the new token comes
    callouts = start(server, key, path)
    await asyncio.to_thread(sandbox.wait, "callout", THOUSAND)
    sandbox.command("release", kind="callout")
    await asyncio.to_thread(sandbox.wait, "token", 1)
    sandbox.command("release", kind="token")
    assert Counter(await asyncio.gather(*callouts)) == {200: THOUSAND}
    assert sandbox.counts()["token"] == 1
    assert sandbox.answers("callout") == {stale_status: THOUSAND, 200: THOUSAND}


async def test_a_thousand_first_callouts_make_one_token_request(server, sandbox, key):
    sandbox.command("forget")
    sandbox.command("hold", kind="token")
    callouts = start(server, key, "Fresh")
    await asyncio.to_thread(sandbox.wait, "token", 1)
    sandbox.command("release", kind="token")
    assert Counter(await asyncio.gather(*callouts)) == {200: THOUSAND}
    assert sandbox.counts()["token"] == 1
    assert sandbox.answers("callout") == {200: THOUSAND}
