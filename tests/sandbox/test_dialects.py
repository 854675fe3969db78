"""Every way in which a token endpoint departs from the RFC, on command."""

import asyncio
import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs

import httpx2
import pytest

from callout.sandbox import BadCommand, Client, Sandbox
from tests.sandbox.asking import ask_token, introspect, refresh
from tests.sandbox.conftest import Clock

Http = httpx2.AsyncClient
WALL = 1_700_000_000.0


def given(sandbox: Sandbox) -> str:
    return sandbox.commands.consent("sandbox-client", "alice", "api")


@pytest.mark.parametrize(
    ("form", "end"),
    [
        ("seconds", 1_700_004_600),
        ("milliseconds", 1_700_004_600_000),
        ("rfc3339", datetime.fromtimestamp(1_700_004_600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")),
    ],
)
async def test_the_end_of_a_token_is_said_in_three_forms(sandbox: Sandbox, http: Http, form: str, end: object) -> None:
    sandbox.commands.set(expires_at=form, expires_in=None)
    answer = (await ask_token(http, sandbox)).json()
    assert answer["expires_at"] == end
    assert "expires_in" not in answer


async def test_a_wrong_clock_shows_in_the_date_and_in_the_end(sandbox: Sandbox, http: Http) -> None:
    sandbox.commands.set(expires_at="seconds", clock_offset=-600, send_date=True)
    answer = await ask_token(http, sandbox)
    assert answer.json()["expires_at"] == 1_700_004_000
    assert parsedate_to_datetime(answer.headers["date"]).timestamp() == WALL + 1000 - 600


@pytest.mark.parametrize(
    ("form", "kind"),
    [("form", "application/x-www-form-urlencoded"), ("text", "text/plain"), ("json", "application/json")],
)
async def test_token_answers_have_the_format_that_is_set(sandbox: Sandbox, http: Http, form: str, kind: str) -> None:
    sandbox.commands.set(answer_format=form, answer_status=201)
    answer = await ask_token(http, sandbox)
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (201, kind)
    read = {k: v[0] for k, v in parse_qs(answer.text).items()} if form == "form" else json.loads(answer.text)
    assert (await introspect(http, sandbox, read["access_token"]))["active"]


async def test_members_stand_where_they_are_told_to(sandbox: Sandbox, http: Http) -> None:
    sandbox.commands.set(answer_fields={"access_token": "/data/token", "expires_in": "/data/life"})
    answer = (await ask_token(http, sandbox)).json()
    assert set(answer) == {"data", "token_type", "scope"}
    assert answer["data"]["life"] == 3600


@pytest.mark.parametrize("accepted", ["json", "any"])
async def test_token_requests_may_be_json(sandbox: Sandbox, http: Http, accepted: str) -> None:
    sandbox.commands.set(request_format=accepted)
    asked = {"grant_type": "client_credentials", "client_id": "sandbox-client", "client_secret": "sandbox-secret"}
    assert (await http.post(sandbox.token_endpoint, json=asked)).status_code == 200
    assert (await ask_token(http, sandbox)).status_code == (400 if accepted == "json" else 200)
    bad = await http.post(sandbox.token_endpoint, content=b"[", headers={"Content-Type": "application/json"})
    assert bad.json()["error"] == "invalid_request"


async def test_a_public_client_has_no_secret(http: Http) -> None:
    async with Sandbox(clients=(Client("app", ""), Client("server", "secret"))) as sandbox:
        form = {"grant_type": "client_credentials", "client_id": "app"}
        assert (await http.post(sandbox.token_endpoint, data=form)).status_code == 200
        assert (await http.post(sandbox.token_endpoint, data={**form, "client_id": "server"})).status_code == 401


async def test_a_refresh_that_rotates_nothing_may_answer_with_an_empty_refresh_token(
    sandbox: Sandbox, http: Http
) -> None:
    sandbox.commands.set(rotate_refresh_tokens=False, empty_refresh_token=True)
    token = given(sandbox)
    assert [(await refresh(http, sandbox, token)).json()["refresh_token"] for _ in range(2)] == ["", ""]


async def test_within_the_grace_a_rotated_refresh_token_may_be_used_again(
    sandbox: Sandbox, http: Http, clock: Clock
) -> None:
    sandbox.commands.set(reuse_grace=30)
    token = given(sandbox)
    first = (await refresh(http, sandbox, token)).json()["refresh_token"]
    clock.seconds += 29
    again = (await refresh(http, sandbox, token)).json()["refresh_token"]
    assert len({token, first, again}) == 3
    clock.seconds += 1
    assert (await refresh(http, sandbox, token)).json()["error"] == "invalid_grant"
    assert (await refresh(http, sandbox, again)).json()["error"] == "invalid_grant"  # its family is revoked


async def test_a_refresh_token_that_nobody_uses_dies(sandbox: Sandbox, http: Http, clock: Clock) -> None:
    sandbox.commands.set(refresh_inactivity=100, rotate_refresh_tokens=False)
    token = given(sandbox)
    for _ in range(3):
        clock.seconds += 99
        assert (await refresh(http, sandbox, token)).status_code == 200
    clock.seconds += 100
    answer = await refresh(http, sandbox, token)
    assert (answer.status_code, answer.json()["error_description"]) == (
        400,
        "the refresh token was not used for too long",
    )


async def test_the_journal_says_which_refresh_token_was_spent_and_whether_it_was_reuse(
    sandbox: Sandbox, http: Http
) -> None:
    first, other = given(sandbox), given(sandbox)
    for token in (first, other, first):
        await refresh(http, sandbox, token)
    await refresh(http, sandbox, "unknown")
    await ask_token(http, sandbox)
    asked = (await http.get(f"{sandbox.control_url}/requests?kind=token")).json()["requests"]
    assert [(each["refresh_token"], each["status"]) for each in asked] == [
        ({"number": 1, "family": 1, "reuse": False}, 200),
        ({"number": 2, "family": 2, "reuse": False}, 200),
        ({"number": 1, "family": 1, "reuse": True}, 400),
        (None, 400),
        (None, 200),
    ]


async def test_a_server_may_rotate_and_then_fail(sandbox: Sandbox, http: Http) -> None:
    token = given(sandbox)
    sandbox.commands.fail("error_after_grant")
    sandbox.commands.fail("error_after_grant", status=503)
    assert (await refresh(http, sandbox, token)).status_code == 500
    assert (await ask_token(http, sandbox)).status_code == 503
    assert (await refresh(http, sandbox, token)).json()["error"] == "invalid_grant"


async def test_an_answer_may_stop_half_way_until_it_is_released(sandbox: Sandbox, http: Http) -> None:
    sandbox.commands.hold("half")
    sandbox.commands.fail("half_held")
    asking = asyncio.ensure_future(ask_token(http, sandbox))
    await sandbox.commands.arrived("half")
    assert not asking.done()
    sandbox.commands.release("half")
    assert (await introspect(http, sandbox, (await asking).json()["access_token"]))["active"]


async def test_any_answer_at_all_can_be_given(sandbox: Sandbox, http: Http) -> None:
    fail = {"kind": "answer", "status": 418, "content_type": "text/x", "body": "tea", "retry_after": "Thu, 01 Jan 2026"}
    assert (await http.post(f"{sandbox.control_url}/fail", json=fail)).status_code == 200
    answer = await ask_token(http, sandbox)
    assert (answer.status_code, answer.headers["content-type"], answer.text) == (418, "text/x", "tea")
    assert answer.headers["retry-after"] == "Thu, 01 Jan 2026"


@pytest.mark.parametrize(
    "settings",
    [
        {"expires_at": "days"},
        {"answer_format": "xml"},
        {"answer_status": 300},
        {"answer_fields": {"access_token": "data.token"}},
        {"answer_fields": {"access_token": 7}},
        {"answer_fields": []},
        {"request_format": "xml"},
        {"reuse_grace": "long"},
    ],
)
def test_a_dialect_that_makes_no_sense_is_refused(sandbox: Sandbox, settings: dict[str, object]) -> None:
    with pytest.raises(BadCommand):
        sandbox.commands.set(**settings)


@pytest.mark.parametrize("members", [{"body": 7}, {"content_type": ["a"]}])
def test_a_body_is_text(sandbox: Sandbox, members: dict[str, object]) -> None:
    with pytest.raises(BadCommand, match="expected text"):
        sandbox.commands.fail("answer", **members)
