"""Refusals: what is not acceptable is refused before a byte leaves, and every refusal says which and why."""

import json

import pytest

from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.reasons import Telling

from .conftest import KEY

HEAD = b"POST /callout/Orders/x HTTP/1.1\r\nHost: g\r\nCallout-Key: co_key\r\n"

MALFORMED = {
    "both framings": HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
    "a signed length": HEAD + b"Content-Length: +5\r\n\r\nabcde",
    "chunkedx": HEAD + b"Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n",
    "two codings": HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bare LF": b"GET /callout/Orders HTTP/1.1\nHost: g\nCallout-Key: co_key\n\n",
    "obs-fold": HEAD + b"X-A: 1\r\n folded\r\n\r\n",
    "a space before the colon": HEAD + b"X-A : 1\r\n\r\n",
    "two hosts": HEAD + b"Host: h\r\n\r\n",
    "no host": b"GET /callout/Orders HTTP/1.1\r\nCallout-Key: co_key\r\n\r\n",
    "NUL": HEAD + b"X-A: a\x00b\r\n\r\n",
    "HTTP/1.2": b"GET /callout/Orders HTTP/1.2\r\nHost: g\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "CONNECT": b"CONNECT orders:443 HTTP/1.1\r\nHost: g\r\n\r\n",
    "TRACE": b"TRACE /callout/Orders HTTP/1.1\r\nHost: g\r\n\r\n",
    "absolute form": b"GET http://evil/callout/Orders HTTP/1.1\r\nHost: g\r\n\r\n",
    "h2c": HEAD + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n",
    "websocket": HEAD + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "a bad chunk with the head": HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "two keys": HEAD + b"Callout-Key: co_other\r\n\r\n",
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED)
async def test_a_request_that_others_could_read_differently_never_leaves(world, raw) -> None:
    caller = await world.caller()
    caller.write(raw)
    found = await caller.answer()
    assert (found.status, found.problem["reason"]) == (400, "malformed_request")
    assert found.values("Callout-Error") == ["malformed_request"]
    assert found.values("Callout-Id") == [found.problem["callout_id"]]
    assert found.values("Connection") == ["close"]
    assert await caller.ended()
    assert world.external.connections == 0
    assert (await world.record())[-1].reason.code == "malformed_request"


async def test_a_broken_chunk_later_in_an_upload_is_refused(world) -> None:
    caller = await world.caller()
    caller.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    caller.write(b"zzz\r\n")
    found = await caller.answer()
    assert found.problem["reason"] == "malformed_request"
    assert await caller.ended()


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"])
async def test_a_head_that_is_too_large_is_refused(world, end) -> None:
    caller = await world.caller()
    caller.write(HEAD + b"X-Big: " + b"b" * 70_000 + end)
    found = await caller.answer()
    assert (found.status, found.problem["reason"]) == (413, "request_too_large")
    assert await caller.ended()


async def test_a_head_of_20_kb_is_carried(world) -> None:
    assert (await world.ask(b"/callout/Orders", b"X-Big: " + b"b" * 20_000)).status == 200


@pytest.mark.parametrize(
    "path",
    [
        b"/callout/Orders/../admin",
        b"/callout/Orders/%2e%2e/admin",
        b"/callout/Orders/a%2f..%2fb",
        b"/callout/Orders/a\\b",
        b"/callout/Orders/a%5cb",
        b"/callout/Orders/a%00",
        b"/callout/Orders/a%0d%0aX: 1",
        b"/callout/Orders/a#b",
        b"/callout/Orders/caf\xc3\xa9",
        b"/",
        b"/callout",
        b"/setup",
        b"/callout/Orders/" + b"a" * 20_000,
    ],
)
async def test_targets_that_servers_could_read_in_two_ways_are_refused(world, path) -> None:
    found = await world.ask(path)
    assert (found.status, found.problem["reason"]) == (400, "malformed_request")
    assert world.external.connections == 0


@pytest.mark.parametrize("name", [b"Nowhere", b"Orders%2f", b"Orders@evil", b"orders", b"", b"Orders:80"])
async def test_another_name_is_another_named_credential(world, name) -> None:
    assert (await world.ask(b"/callout/" + name + b"/x")).status == 404


async def test_a_refusal_says_reason_blame_and_remedy(world) -> None:
    found = await world.ask(b"/callout/Nowhere")
    assert (found.status, found.start) == (404, b"HTTP/1.1 404 Not Found")
    problem = found.problem
    assert (problem["reason"], problem["blame"]) == ("named_credential_not_found", "caller")
    assert "Nowhere" in problem["detail"]
    assert found.values("Callout-Id") == ["id-1"]
    record = await world.record()
    assert (record[1], record[2], record[5], record[-1].reason.code) == (
        None,
        "Nowhere",
        404,
        "named_credential_not_found",
    )


async def test_an_unknown_caller_is_told_how_to_prove_who_it_is(world) -> None:
    caller = await world.caller()
    caller.write(b"GET /callout/Orders HTTP/1.1\r\nHost: g\r\n\r\n")
    found = await caller.answer()
    assert (found.status, found.values("WWW-Authenticate")) == (401, ['Bearer realm="callout"'])


async def test_a_guest_is_told_the_code_that_hides_whether_the_name_exists(world, monkeypatch) -> None:
    def admit(*_):
        raise Refused("callouts_disabled", "Secrets is disabled", telling=Telling.CODE, to_guest=True)

    monkeypatch.setattr(world.engine, "admit", admit)
    found = await world.ask()
    assert (found.status, found.values("Callout-Error")) == (403, ["principal_not_granted"])
    assert b"Secrets" not in found.body
    assert (await world.record())[-1].reason.code == "callouts_disabled"


async def test_a_refusal_may_name_a_url_and_a_time_to_wait(world) -> None:
    world.engine.route.ready = None
    world.engine.refusal = Refused(
        "rate_limited", "too many", Remedy("wait", "sleep 7"), connect_url="https://c.example/", retry_after=7
    )
    found = await world.ask()
    assert (found.status, found.values("Retry-After")) == (429, ["7"])
    assert (found.problem["connect_url"], found.problem["remedy_commands"]) == ("https://c.example/", ["sleep 7"])


async def test_head_is_refused_without_a_body(world) -> None:
    caller = await world.caller()
    found = await caller.ask(b"/callout/Nowhere", method=b"HEAD")
    assert int(found.values("Content-Length")[0]) > 0
    assert (await caller.ask()).status == 200


async def test_a_refused_request_s_body_does_not_become_the_next_request(world) -> None:
    caller = await world.caller()
    smuggled = b"GET /callout/Orders HTTP/1.1\r\nHost: g\r\nCallout-Key: co_key\r\n\r\n"
    assert (await caller.ask(b"/callout/Nowhere", method=b"POST", body=smuggled)).status == 404
    assert (await caller.ask()).status == 200
    assert len(world.external.requests) == 1


async def test_a_large_body_that_is_refused_leaves_the_answer_readable(world) -> None:
    caller = await world.caller()
    caller.request(b"/callout/Nowhere", b"Content-Length: 400000", method=b"POST")
    caller.write(b"x" * 200_000)
    found = await caller.answer()
    assert (found.status, found.values("Connection")) == (404, ["close"])
    assert await caller.ended()


async def test_an_external_system_that_cannot_be_reached_is_said(world) -> None:
    world.external.stop()
    found = await world.ask()
    assert (found.status, found.problem["reason"]) == (502, "external_system_unreachable")
    assert found.problem["blame"] == "external"


async def test_a_private_address_that_is_not_allowed_is_refused(world) -> None:
    world.engine.route.destination = type(world.engine.route.destination)("http", "localhost", world.external.port)
    found = await world.ask()
    assert (found.status, found.problem["reason"]) == (403, "address_not_allowed")
    assert "allow_private_network" in found.problem["remedy"][0]
    assert world.external.connections == 0


@pytest.mark.parametrize("step", ["admit", "prepare"])
async def test_an_error_of_our_own_is_answered_and_shows_nothing(world, monkeypatch, caplog, step) -> None:
    def fail(*_):
        raise RuntimeError(KEY.decode())

    world.engine.route.ready = None
    monkeypatch.setattr(world.engine, step, fail)
    found = await world.ask()
    assert (found.status, found.problem["reason"]) == (503, "overloaded")
    assert KEY not in found.body
    assert "id-1 failed: RuntimeError" in caplog.text
    assert KEY.decode() not in caplog.text


@pytest.mark.parametrize("path", [b"/healthz", b"/readyz", b"/.well-known/callout", b"/healthz?x=1"])
async def test_the_gateway_s_own_pages_are_json(world, path) -> None:
    caller = await world.caller()
    found = await caller.ask(path)
    assert (found.status, found.values("Content-Type")) == (200, ["application/json"])
    assert isinstance(json.loads(found.body), dict)
    assert (await caller.ask(path, method=b"HEAD")).status == 200
    assert (await caller.ask(path, method=b"POST", body=b"x")).status == 400
    assert (await caller.ask()).status == 200
