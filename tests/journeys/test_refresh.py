"""A refresh token that can be used once, on a server that revokes its family on reuse: two servers, and one killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.journeys.processes import Home, Sandbox, Server, eventually, raise_file_limit

pytestmark = pytest.mark.journey

TWO_THOUSAND = 2000


def manifest_for(sandbox: Sandbox, *names: str) -> dict:
    """One named credential for each name, each with a grant of its own."""
    return {
        "external_credentials": {
            name: {
                "protocol": "oauth2_refresh_token",
                "parameters": {"token_endpoint": sandbox.token_endpoint},
                "principals": {"Service": {"secrets": secrets_of(sandbox)}},
            }
            for name in names
        },
        "named_credentials": {
            name: {"url": sandbox.url, "external_credential": name, "allow_private_network": True} for name in names
        },
        "permission_sets": {"Clerks": {"principals": [f"{name}/Service" for name in names]}},
        "users": {"alice": {"permission_sets": ["Clerks"]}},
    }


def secrets_of(sandbox: Sandbox) -> dict:
    consent = sandbox.command("consent", client_id="sandbox-client", subject="alice", scope="orders.read")
    return {
        "client_id": "sandbox-client",
        "client_secret": "sandbox-secret",
        "refresh_token": consent["refresh_token"],
    }


@pytest.fixture(scope="module")
def key(home: Home, sandbox: Sandbox) -> str:
    home.apply(manifest_for(sandbox, "Shared", "Killed"))
    return home.create_key("alice")


@pytest.fixture(autouse=True)
def released(sandbox: Sandbox) -> Iterator[None]:
    """A test that fails while answers are held back must not hold up the next one."""
    sandbox.command("forget")
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
            "Connection: close\r\n\r\n".encode()
        )
        return int((await reader.read()).split(b" ", 2)[1])
    finally:
        writer.close()
        await writer.wait_closed()


async def until_all_wait(server: Server, count: int) -> None:
    """Wait until a server has so many callouts open, which all wait for the token."""
    async with httpx2.AsyncClient(trust_env=False) as http:
        while True:
            shown = (await http.get(f"{server.gateway}/metrics")).text
            connections = [line for line in shown.splitlines() if line.startswith("callout_connections{")]
            if float(connections[0].rpartition(" ")[2]) >= count:
                return
            await asyncio.sleep(0.05)


async def test_two_servers_on_one_home_make_one_grant_for_two_thousand_callouts_at_expiry(home, sandbox, key) -> None:
    raise_file_limit(4 * TWO_THOUSAND)
    with home.serve() as one, home.serve() as other:
        assert [await status_of(server, key, "Shared/first") for server in (one, other)] == [200, 200]
        assert sandbox.counts()["token"] == 1
        sandbox.command("expire")
        sandbox.command("forget")
        sandbox.command("hold", kind="token")
        half = TWO_THOUSAND // 2
        calls = [
            asyncio.ensure_future(status_of(server, key, f"Shared/orders/{n}"))
            for server in (one, other)
            for n in range(half)
        ]
        await asyncio.gather(*(until_all_wait(server, half) for server in (one, other)))
        await asyncio.to_thread(sandbox.wait, "token", 1)
        sandbox.command("release", kind="token")
        assert Counter(await asyncio.gather(*calls)) == {200: TWO_THOUSAND}
    assert sandbox.answers("token") == {200: 1}


def refusal(server: Server, key: str) -> dict:
    """The refusal of a callout by the name Killed; `LookupError` where it is answered, or in another way."""
    answer = httpx2.get(f"{server.gateway}/callout/Killed/x", headers={"Callout-Key": key}, trust_env=False, timeout=60)
    if answer.headers.get("Callout-Error") not in ("refresh_outcome_unknown", "reconnect_required"):
        raise LookupError(answer.text)
    return answer.json()


def worker_of(server: Server) -> int:
    """The process of the gateway, as the log names it."""
    started = [json.loads(line) for line in server.log.splitlines() if '"child": "worker 1"' in line]
    return int([line["pid"] for line in started if "pid" in line][-1])


def state_of(home: Home) -> dict:
    return next(row for row in home.json("status")["principals"] if row["principal"] == "Killed/Service")


def test_a_worker_that_is_killed_after_the_grant_was_received_leaves_a_stated_outcome(home, sandbox, key) -> None:
    with home.serve() as server:
        sandbox.command("hold", kind="token")
        killing = threading.Thread(target=lambda: kill_when_received(sandbox, server))
        killing.start()
        with pytest.raises(httpx2.HTTPError):
            answered(server, key)
        killing.join()
        sandbox.command("release", kind="token")
        refused = eventually(lambda: refusal(server, key), instead_of=(LookupError, httpx2.HTTPError))
        command = "callout secret set Killed/Service refresh_token=-"
        assert refused["reason"] == "refresh_outcome_unknown"
        assert command in refused["remedy"][0]
        assert sandbox.answers("token") == {200: 1, 400: 1}
        assert f"Give the principal a new grant: {command}" in home.run("status")
        shown = state_of(home)
        assert (shown["state"], shown["remedy_commands"]) == ("outcome_unknown", [command])
        home.set_secrets("Killed/Service", refresh_token=secrets_of(sandbox)["refresh_token"])
        assert eventually(lambda: answered(server, key), instead_of=LookupError) == 200
        assert state_of(home)["state"] == "connected"


def kill_when_received(sandbox: Sandbox, server: Server) -> None:
    sandbox.wait("token", 1)
    os.kill(worker_of(server), signal.SIGKILL)


def answered(server: Server, key: str) -> int:
    answer = httpx2.get(f"{server.gateway}/callout/Killed/x", headers={"Callout-Key": key}, trust_env=False, timeout=60)
    if "Callout-Error" in answer.headers:
        raise LookupError(answer.text)
    return answer.status_code
