import asyncio

import httpx2
import pytest

from callout.sandbox import BadCommand, Sandbox
from callout.sandbox.faults import FAULTS
from tests.sandbox.asking import CLIENT, ask_token, introspect, raw, refresh

Http = httpx2.AsyncClient
ANSWERED = [kind for kind, fault in FAULTS.items() if fault.status is not None]
REQUEST = (
    b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 83\r\n\r\n"
    b"grant_type=client_credentials&client_id=sandbox-client&client_secret=sandbox-secret"
)


@pytest.mark.parametrize("kind", ANSWERED)
async def test_a_fault_is_answered_once_and_then_all_is_well(sandbox: Sandbox, http: Http, kind: str) -> None:
    sandbox.commands.fail(kind)
    answer = await ask_token(http, sandbox)
    assert answer.status_code == FAULTS[kind].status
    assert answer.content == FAULTS[kind].body
    assert (await ask_token(http, sandbox)).status_code == 200


async def test_faults_come_in_the_order_asked_for_and_as_often(sandbox: Sandbox, http: Http) -> None:
    sandbox.commands.fail("unavailable", 2)
    sandbox.commands.fail("html")
    statuses = [(await ask_token(http, sandbox)).status_code for _ in range(4)]
    assert statuses == [503, 503, 502, 200]


async def test_a_fault_without_a_count_lasts_until_the_reset(sandbox: Sandbox, http: Http) -> None:
    sandbox.commands.fail("server_error", None)
    assert {(await ask_token(http, sandbox)).status_code for _ in range(3)} == {500}
    sandbox.commands.reset()
    assert (await ask_token(http, sandbox)).status_code == 200


async def test_too_many_requests_says_when_to_come_back(sandbox: Sandbox, http: Http) -> None:
    sandbox.commands.fail("rate_limited", retry_after=7)
    answer = await ask_token(http, sandbox)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


async def test_a_fault_can_have_another_status(sandbox: Sandbox, http: Http) -> None:
    sandbox.commands.fail("html", status=451)
    assert (await ask_token(http, sandbox)).status_code == 451


async def test_a_form_encoded_answer_holds_a_right_token(sandbox: Sandbox, http: Http) -> None:
    sandbox.commands.fail("form_encoded")
    answer = await ask_token(http, sandbox)
    assert answer.headers["content-type"] == "application/x-www-form-urlencoded"
    token = dict(pair.split("=") for pair in answer.text.split("&"))["access_token"]
    assert (await introspect(http, sandbox, token))["active"] is True


async def test_a_reset_cuts_the_connection_and_grants_nothing(sandbox: Sandbox) -> None:
    sandbox.commands.fail("reset")
    with pytest.raises(ConnectionResetError):
        await raw(sandbox.issuer, REQUEST)
    assert sandbox.commands.requests(kind="token")[-1].status is None


async def test_a_short_body_ends_half_way(sandbox: Sandbox) -> None:
    sandbox.commands.fail("short_body")
    head, _, body = (await raw(sandbox.issuer, REQUEST)).partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    assert head.startswith(b"HTTP/1.1 200 ")
    assert 0 < len(body) < length


async def test_a_lost_answer_has_rotated_the_refresh_token(sandbox: Sandbox, http: Http) -> None:
    token = sandbox.commands.consent(CLIENT[0], "alice", "api")
    sandbox.commands.fail("lost_answer")
    with pytest.raises(httpx2.TransportError):
        await refresh(http, sandbox, token)
    assert (await refresh(http, sandbox, token)).json()["error"] == "invalid_grant"


async def test_a_refused_request_is_refused_though_a_fault_of_right_answers_was_due(
    sandbox: Sandbox, http: Http
) -> None:
    sandbox.commands.fail("lost_answer")
    assert (await ask_token(http, sandbox, scope="nuclear")).json()["error"] == "invalid_scope"


async def test_a_slow_answer_comes_later(sandbox: Sandbox, http: Http) -> None:
    sandbox.commands.fail("slow", delay_ms=50)
    sandbox.commands.set(token_delay_ms=1)
    begun = asyncio.get_running_loop().time()
    assert (await ask_token(http, sandbox)).status_code == 200
    assert asyncio.get_running_loop().time() - begun >= 0.05


async def test_a_hanging_endpoint_never_answers(sandbox: Sandbox, http: Http) -> None:
    sandbox.commands.fail("hang")
    asked = asyncio.create_task(ask_token(http, sandbox))
    await sandbox.commands.arrived("token")
    assert (await ask_token(http, sandbox)).status_code == 200  # others are served meanwhile
    assert not asked.done()
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)


async def test_answers_are_held_back_until_released(sandbox: Sandbox, http: Http) -> None:
    sandbox.commands.hold("token")
    asked = [asyncio.create_task(ask_token(http, sandbox)) for _ in range(3)]
    await sandbox.commands.arrived("token", 3)
    assert not any(each.done() for each in asked)
    sandbox.commands.release("token")
    assert [answer.status_code for answer in await asyncio.gather(*asked)] == [200, 200, 200]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"kind": "explode"}, "got fault 'explode'; expected one of slow,"),
        ({"kind": "html", "count": 0}, "got count 0; expected 1 or more"),
        ({"kind": "html", "count": True}, "got count True"),
        ({"kind": "html", "status": 199}, "got status 199; expected 200 to 999"),
        ({"kind": "slow", "delay_ms": -1}, "got delay_ms -1; expected 0 or more"),
        ({"kind": "slow", "delay": 1}, "got member 'delay'; expected one of kind"),
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused(
    sandbox: Sandbox, members: dict[str, object], expected: str
) -> None:
    with pytest.raises(BadCommand, match=expected.replace("(", "\\(")):
        sandbox.commands.fail(**members)  # type: ignore[arg-type]
