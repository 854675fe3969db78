import asyncio

import httpx2
import pytest

from callout.sandbox import Sandbox
from callout.sandbox.control import ROUTES
from callout.sandbox.journal import KEPT
from tests.sandbox.asking import CLIENT, ask_token, bearer, refresh

Http = httpx2.AsyncClient


async def test_the_list_names_every_command_and_every_fault(sandbox: Sandbox, http: Http) -> None:
    members = (await http.get(sandbox.control_url)).json()
    assert len(members["routes"]) == len(ROUTES)
    assert members["settings"]["stale_status"] == 401
    assert "hang" in members["fault_kinds"]


async def test_every_listed_command_exists(sandbox: Sandbox, http: Http) -> None:
    base = sandbox.control_url.removesuffix("/control")
    for method, path in ROUTES:
        assert (await http.request(method, base + path, params={"timeout": "0"})).status_code in (200, 400)


async def test_tokens_expire_at_once(sandbox: Sandbox, http: Http) -> None:
    headers = await bearer(http, sandbox)
    assert (await http.post(f"{sandbox.control_url}/expire")).json() == {"expired": 1}
    assert (await http.get(sandbox.url, headers=headers)).status_code == 401


async def test_settings_change_together_or_not_at_all(sandbox: Sandbox, http: Http) -> None:
    url = f"{sandbox.control_url}/settings"
    changed = await http.patch(url, json={"stale_status": 601, "expires_in": "soon"})
    assert (changed.json()["stale_status"], changed.json()["expires_in"]) == (601, "soon")
    refused = await http.patch(url, json={"stale_status": 999, "lifetime": "long"})
    assert (refused.status_code, refused.json()["error"]) == (400, "got lifetime 'long'; expected int or float")
    assert sandbox.commands.settings.stale_status == 601


@pytest.mark.parametrize(
    "members",
    [
        {"stale_status": 1000},
        {"stale_status": True},
        {"default_authentication": "magic"},
        {"client_authentication": "magic"},
        {"token_delay_ms": -1},
        {"self": 1},
    ],
)
async def test_settings_that_make_no_sense_are_refused(
    sandbox: Sandbox, http: Http, members: dict[str, object]
) -> None:
    before = sandbox.commands.settings
    answer = await http.patch(f"{sandbox.control_url}/settings", json=members)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("got ")
    assert sandbox.commands.settings == before


async def test_token_requests_fail_as_told(sandbox: Sandbox, http: Http) -> None:
    told = await http.post(f"{sandbox.control_url}/fail", json={"kind": "unavailable", "count": 2})
    assert told.json() == {"faults": [{"kind": "unavailable", "left": 2}]}
    assert (await ask_token(http, sandbox)).status_code == 503
    assert sandbox.commands.state()["faults"] == [{"kind": "unavailable", "left": 1}]


async def test_requests_are_counted_and_listed_as_received(sandbox: Sandbox, http: Http) -> None:
    await http.post(f"{sandbox.url}/orders", headers=await bearer(http, sandbox), json={"n": 1})
    await http.get(f"{sandbox.url}/open/status/601")
    state = (await http.get(sandbox.control_url)).json()
    assert state["counts"] == {"token": 1, "callout": 2}
    assert state["answers"] == {"token": {"200": 1}, "callout": {"200": 1, "601": 1}}
    url = f"{sandbox.control_url}/requests"
    listed = (await http.get(url)).json()["requests"]
    assert [(r["kind"], r["method"], r["path"], r["status"]) for r in listed] == [
        ("token", "POST", "/token", 200),
        ("callout", "POST", "/orders", 200),
        ("callout", "GET", "/open/status/601", 601),
    ]
    assert listed[0]["body_text"] == "grant_type=client_credentials"
    assert listed[0]["authenticated"] == {"by": "client", "as": "sandbox-client"}
    assert ["Authorization", "Basic …"] in listed[0]["headers"]
    one = (await http.get(url, params={"last": 1, "kind": "token"})).json()["requests"]
    assert [r["path"] for r in one] == ["/token"]
    assert (await http.get(url, params={"last": 0})).json()["requests"] == []


async def test_only_the_last_requests_are_kept(sandbox: Sandbox, http: Http) -> None:
    for number in range(KEPT + 5):
        await http.get(f"{sandbox.url}/open/{number}")
    kept = sandbox.commands.requests()
    assert (len(kept), kept[0].target, sandbox.commands.count("callout")) == (KEPT, "/open/5", KEPT + 5)


async def test_one_can_wait_for_requests_to_arrive(sandbox: Sandbox, http: Http) -> None:
    url = f"{sandbox.control_url}/wait"
    waiting = asyncio.create_task(http.get(url, params={"kind": "callout", "count": 2, "timeout": 60}))
    for _ in range(2):
        await http.get(f"{sandbox.url}/open")
    assert (await waiting).json() == {"count": 2}
    late = await http.get(url, params={"kind": "callout", "count": 3, "timeout": 0})
    assert (late.status_code, late.json()["error"]) == (400, "got 2 callout requests in time; expected 3")


async def test_answers_are_held_and_released(sandbox: Sandbox, http: Http) -> None:
    held = await http.post(f"{sandbox.control_url}/hold", json={"kind": "callout"})
    assert held.json() == {"held": ["callout"]}
    called = asyncio.create_task(http.get(f"{sandbox.url}/open"))
    await sandbox.commands.arrived("callout")
    assert not called.done()
    await http.post(f"{sandbox.control_url}/release", json={"kind": "callout"})
    assert (await called).status_code == 200
    assert (await http.post(f"{sandbox.control_url}/hold", json={"kind": "all"})).status_code == 400


async def test_a_user_consents(sandbox: Sandbox, http: Http) -> None:
    members = {"client_id": CLIENT[0], "subject": "alice", "scope": "api"}
    token = (await http.post(f"{sandbox.control_url}/consent", json=members)).json()["refresh_token"]
    assert (await refresh(http, sandbox, token)).status_code == 200


async def test_forget_counts_from_zero_and_keeps_tokens(sandbox: Sandbox, http: Http) -> None:
    headers = await bearer(http, sandbox)
    await http.post(f"{sandbox.control_url}/forget")
    assert sandbox.commands.state()["counts"] == {"token": 0, "callout": 0}
    assert (await http.get(sandbox.url, headers=headers)).status_code == 200


async def test_reset_begins_anew(sandbox: Sandbox, http: Http) -> None:
    headers = await bearer(http, sandbox)
    sandbox.commands.set(stale_status=601)
    sandbox.commands.fail("html")
    sandbox.commands.hold("token")
    answer = (await http.post(f"{sandbox.control_url}/reset")).json()
    assert (answer["faults"], answer["held"], answer["counts"]) == ([], [], {"token": 0, "callout": 0})
    assert (await http.get(sandbox.url, headers=headers)).status_code == 401
    assert (await ask_token(http, sandbox)).status_code == 200


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
async def test_a_web_page_cannot_give_commands(sandbox: Sandbox, http: Http, headers: dict[str, str]) -> None:
    answer = await http.post(f"{sandbox.control_url}/reset", headers=headers)
    assert answer.status_code == 403


@pytest.mark.parametrize("content", [b"{", b"[1]", b" " * 70_000])
async def test_a_command_that_is_no_json_object_is_refused(sandbox: Sandbox, http: Http, content: bytes) -> None:
    answer = await http.post(f"{sandbox.control_url}/fail", content=content)
    assert answer.status_code == 400


async def test_an_unknown_command_is_told_the_known_ones(sandbox: Sandbox, http: Http) -> None:
    answer = await http.post(f"{sandbox.control_url}/explode")
    assert answer.status_code == 404
    assert "POST /control/expire" in answer.json()["expected"]


@pytest.mark.parametrize("last", ["x", "inf"])
async def test_a_count_that_is_no_number_is_refused(sandbox: Sandbox, http: Http, last: str) -> None:
    answer = await http.get(f"{sandbox.control_url}/requests", params={"last": last})
    assert (answer.status_code, answer.json()["error"]) == (400, f"got last {last!r}; expected a number")
