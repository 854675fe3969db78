"""What a refresh promises, over two servers on one store: one grant for all, the right token kept, each end stated.

The authorization server rotates refresh tokens and revokes the whole family when one is used twice.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.journeys.processes import PATIENCE, Home, Sandbox, Server

pytestmark = pytest.mark.journey

CLIENT = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
#: Callouts that are under way at once in each server.
AT_ONCE = 10
#: What the sandbox does where a test says nothing else.
ORDINARY = {
    "expires_in": 3600,
    "expires_at": None,
    "clock_offset": 0,
    "rotate_refresh_tokens": True,
    "empty_refresh_token": False,
}
REMEDY = "callout secret set Hub/Service refresh_token=-"


def manifest_for(sandbox: Sandbox, **parameters: str) -> dict[str, Any]:
    """`Hub` has a refresh token; `Right` and `Wrong` are one client, of which one has a secret that is not its own."""
    endpoint = {"token_endpoint": sandbox.token_endpoint}
    granted = {"protocol": "oauth2_client_credentials", "parameters": endpoint}
    wrong = {**CLIENT, "client_secret": "another"}
    externals = {
        "Hub": {
            "protocol": "oauth2_refresh_token",
            "parameters": {**endpoint, **parameters},
            "principals": {"Service": {"secrets": CLIENT}},
        },
        "Right": {**granted, "principals": {"Service": {"secrets": CLIENT}}},
        "Wrong": {**granted, "principals": {"Service": {"secrets": wrong}}},
    }
    return {
        "external_credentials": externals,
        "named_credentials": {
            name: {"url": f"{sandbox.url}/bearer", "external_credential": name, "allow_private_network": True}
            for name in externals
        },
        "permission_sets": {"All": {"principals": [f"{name}/Service" for name in externals]}},
        "users": {"alice": {"permission_sets": ["All"]}},
    }


@dataclass
class Hub:
    """Two servers on one home, and the systems that they call."""

    home: Home
    sandbox: Sandbox
    servers: list[Server]
    key: str
    people: Iterator[int] = field(default_factory=itertools.count)

    async def call(self, path: str = "", *, name: str = "Hub", server: int = 0) -> httpx2.Response:
        async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
            url = f"{self.servers[server].gateway}/callout/{name}{path}"
            return await client.get(url, headers={"Callout-Key": self.key})

    def calls(self, path: str = "") -> list[asyncio.Task[httpx2.Response]]:
        """Begin callouts in both servers."""
        servers = [server for server in range(len(self.servers)) for _ in range(AT_ONCE)]
        return [asyncio.ensure_future(self.call(path, server=server)) for server in servers]

    async def both(self) -> list[httpx2.Response]:
        return [await self.call(server=server) for server in range(len(self.servers))]

    async def connect(self) -> None:
        """Let somebody consent of whom there was none yet, and wait until both servers call as them."""
        subject = f"person-{next(self.people)}"
        members = {"client_id": "sandbox-client", "subject": subject, "scope": "orders.read"}
        given = self.sandbox.command("consent", **members)["refresh_token"]
        self.home.set_secrets("Hub/Service", refresh_token=given)
        async with asyncio.timeout(PATIENCE):
            for server in range(len(self.servers)):
                while not await self._calls_as(subject, server):
                    await asyncio.sleep(0.02)  # the pace of the asking

    async def _calls_as(self, subject: str, server: int) -> bool:
        answer = await self.call(server=server)
        return answer.status_code == 200 and answer.json()["authenticated"]["as"] == subject

    async def arrived(self, kind: str, count: int) -> None:
        await asyncio.to_thread(self.sandbox.wait, kind, count)

    async def cli(self, *arguments: str) -> str:
        return await asyncio.to_thread(self.home.run, *arguments)

    def spends(self) -> list[tuple[int | None, bool]]:
        """The status that each refresh ended with, and whether its refresh token had been used before."""
        asked = self.sandbox.requests("token")
        return [(each["status"], each["refresh_token"]["reuse"]) for each in asked if each["refresh_token"]]

    def condition(self) -> dict[str, Any]:
        """What `status` says of the principal."""
        return next(row for row in self.home.json("status")["principals"] if row["principal"] == "Hub/Service")


@pytest.fixture(scope="module")
def running(home: Home, sandbox: Sandbox) -> Iterator[Hub]:
    home.apply(manifest_for(sandbox))
    key = home.create_key("alice")
    with home.serve("--workers", "1") as one, home.serve("--workers", "1") as other:
        yield Hub(home, sandbox, [one, other], key)


@pytest.fixture
async def hub(running: Hub) -> Hub:
    """Begin with a token that both servers use; connect anew where the test before ended without one."""
    running.sandbox.set(**ORDINARY)
    for kind in ("callout", "token"):
        running.sandbox.command("release", kind=kind)
    if {answer.status_code for answer in await running.both()} != {200}:
        await running.connect()
    running.sandbox.command("forget")
    return running


async def test_callers_at_expiry_share_one_grant_over_two_servers_and_the_winners_pair_is_kept(hub: Hub) -> None:
    for _ in range(2):  # the second round spends what the first one kept
        hub.sandbox.command("expire")
        hub.sandbox.command("hold", kind="token")
        calls = hub.calls()
        await hub.arrived("callout", len(calls))
        await hub.arrived("token", 1)
        hub.sandbox.command("release", kind="token")
        answers = await asyncio.gather(*calls)
        assert Counter(answer.status_code for answer in answers) == {200: len(calls)}
        assert hub.spends() == [(200, False)]
        hub.sandbox.command("forget")


async def test_answers_of_401_that_come_together_cost_one_grant_and_each_request_is_sent_again(hub: Hub) -> None:
    hub.sandbox.command("hold", kind="callout")
    calls = hub.calls()
    await hub.arrived("callout", len(calls))
    hub.sandbox.command("expire")
    hub.sandbox.command("release", kind="callout")
    answers = await asyncio.gather(*calls)
    assert {(each.status_code, each.headers["Callout-Replay"]) for each in answers} == {(200, "done")}
    assert len({each.json()["authenticated"]["token"] for each in answers}) == 1
    assert hub.spends() == [(200, False)]


async def test_a_401_that_comes_after_another_refreshed_uses_the_fresh_token_and_does_not_discard_it(hub: Hub) -> None:
    hub.sandbox.command("hold", kind="callout")
    late = asyncio.ensure_future(hub.call())
    await hub.arrived("callout", 1)
    hub.sandbox.command("expire")
    soon = asyncio.ensure_future(hub.call("/early"))  # which is judged although answers are held
    await hub.arrived("callout", 3)
    hub.sandbox.command("release", kind="callout")
    tokens = {(await each).json()["authenticated"]["token"] for each in (late, soon)}
    assert (await late).headers["Callout-Replay"] == "done"
    assert {(await hub.call()).json()["authenticated"]["token"]} == tokens
    assert hub.spends() == [(200, False)]


async def test_a_caller_that_hangs_up_during_the_grant_leaves_it_to_end_and_to_be_kept(hub: Hub) -> None:
    hub.sandbox.command("expire")
    hub.sandbox.command("hold", kind="token")
    at = urlsplit(hub.servers[0].gateway)
    _, writer = await asyncio.open_connection(at.hostname, at.port)
    writer.write(f"GET /callout/Hub HTTP/1.1\r\nHost: {at.netloc}\r\nCallout-Key: {hub.key}\r\n\r\n".encode())
    await hub.arrived("token", 1)
    writer.transport.abort()
    waiting = asyncio.ensure_future(hub.call())
    hub.sandbox.command("release", kind="token")
    assert (await waiting).status_code == 200
    assert [answer.status_code for answer in await hub.both()] == [200, 200]
    assert hub.spends() == [(200, False)]


async def test_a_credential_that_is_removed_during_its_refresh_is_not_brought_back(hub: Hub) -> None:
    hub.sandbox.command("expire")
    hub.sandbox.command("hold", kind="token")
    call = asyncio.ensure_future(hub.call())
    await hub.arrived("token", 1)
    await hub.cli("secret", "remove", "Hub/Service", "refresh_token")
    hub.sandbox.command("release", kind="token")
    answers = [await call, *await hub.both()]
    assert {answer.headers["Callout-Error"] for answer in answers} == {"principal_not_configured"}
    assert len(hub.spends()) == 1


async def test_what_was_asked_for_under_definitions_that_changed_meanwhile_is_not_used(hub: Hub) -> None:
    hub.sandbox.command("expire")
    hub.sandbox.command("hold", kind="token")
    call = asyncio.ensure_future(hub.call())
    await hub.arrived("token", 1)
    await asyncio.to_thread(hub.home.apply, manifest_for(hub.sandbox, scope="orders.read"))
    hub.sandbox.command("release", kind="token")
    answer = await call
    asked = ["scope=" in each["body_text"] for each in hub.sandbox.requests("token")]
    assert (answer.status_code, asked, hub.spends()) == (200, [False, True], [(200, False)] * 2)


@pytest.mark.parametrize(
    ("settings", "distinct"),
    [
        ({}, 3),
        ({"rotate_refresh_tokens": False}, 1),
        ({"rotate_refresh_tokens": False, "empty_refresh_token": True}, 1),
    ],
    ids=["rotated", "left out", "empty"],
)
async def test_whether_the_answer_rotates_the_refresh_token_or_not_the_right_one_is_kept(
    hub: Hub, settings: dict[str, bool], distinct: int
) -> None:
    hub.sandbox.set(**settings)
    for _ in range(3):
        hub.sandbox.command("expire")
        assert [answer.status_code for answer in await hub.both()] == [200, 200]
    assert hub.spends() == [(200, False)] * 3
    assert len({each["refresh_token"]["number"] for each in hub.sandbox.requests("token")}) == distinct


@pytest.mark.parametrize(
    "settings",
    [{"expires_in": said} for said in (None, 0, -5, "3600", "soon", 10**18)]
    + [{"expires_in": None, "expires_at": "seconds", "clock_offset": offset} for offset in (-600, 600)],
    ids=["missing", "0", "negative", "string", "word", "huge", "ten minutes behind", "ten minutes ahead"],
)
async def test_whatever_is_said_of_its_life_a_token_is_asked_for_once_and_used(
    hub: Hub, settings: dict[str, object]
) -> None:
    hub.sandbox.set(**settings)
    hub.sandbox.command("expire")
    answers = [answer.status_code for _ in range(3) for answer in await hub.both()]
    assert (answers, hub.spends()) == ([200] * 6, [(200, False)])


async def test_a_configuration_with_a_wrong_secret_does_not_get_the_token_of_another(hub: Hub) -> None:
    assert (await hub.call(name="Right")).status_code == 200
    wrong = await hub.call(name="Wrong")
    assert (wrong.headers["Callout-Error"], "invalid_client" in wrong.text) == ("token_endpoint_refused", True)
    assert (await hub.call(name="Right")).status_code == 200
    assert hub.sandbox.answers("token") == {200: 1, 401: 1}


async def until(hub: Hub, reason: str | None) -> set[str | None]:
    """Call until the answer has this reason (None: it is the external system's own); return the reasons before it."""
    before: set[str | None] = set()
    async with asyncio.timeout(PATIENCE):
        while True:
            said = (await hub.call()).headers.get("Callout-Error")
            if said == reason:
                return before
            before.add(said)
            await asyncio.sleep(0.05)  # the pace of the asking: after a failure there is a pause


async def test_invalid_grant_stops_at_once_and_says_that_a_new_connection_is_needed(hub: Hub) -> None:
    hub.sandbox.command("expire")
    hub.sandbox.command("fail", kind="invalid_grant")
    answers = [*await hub.both(), *await hub.both()]
    assert {answer.headers["Callout-Error"] for answer in answers} == {"reconnect_required"}
    assert REMEDY in answers[0].json()["remedy"][0]
    assert hub.sandbox.counts()["token"] == 1
    shown = await asyncio.to_thread(hub.condition)
    assert (shown["state"], shown["remedy_commands"]) == ("reconnect_required", [REMEDY])


@pytest.mark.parametrize(
    "kind", ["rate_limited", "server_error", "unavailable", "empty", "html_ok", "truncated_json", "reset"]
)
async def test_an_answer_that_may_pass_is_backed_off_from_and_tried_again_with_the_same_refresh_token(
    hub: Hub, kind: str
) -> None:
    hub.sandbox.command("expire")
    hub.sandbox.command("fail", kind=kind, retry_after=1)
    first = await hub.both()
    reasons = {answer.headers.get("Callout-Error") for answer in first}
    assert {None} != reasons <= {"token_endpoint_unreachable", "token_endpoint_refused", None}
    await until(hub, None)
    assert hub.sandbox.counts()["token"] == 2
    assert hub.spends()[-1:] == [(200, False)]


@pytest.mark.parametrize("kind", ["error_after_grant", "lost_answer", "short_body"])
async def test_a_failure_after_which_the_server_had_rotated_ends_in_a_stated_unknown_outcome(
    hub: Hub, kind: str
) -> None:
    hub.sandbox.command("expire")
    hub.sandbox.command("fail", kind=kind)
    assert await until(hub, "refresh_outcome_unknown") <= {"token_endpoint_unreachable"}
    assert {answer.headers["Callout-Error"] for answer in await hub.both()} == {"refresh_outcome_unknown"}
    assert [reuse for _, reuse in hub.spends()] == [False, True]
    shown = await asyncio.to_thread(hub.condition)
    assert (shown["state"], shown["remedy_commands"]) == ("outcome_unknown", [REMEDY])
