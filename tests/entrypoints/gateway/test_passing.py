"""What is carried between caller and external system: every byte that is theirs, and none that is not."""

import asyncio
import random

import pytest

from .conftest import KEY, answer


async def test_the_request_s_path_and_query_follow_the_named_credential_s_byte_for_byte(world) -> None:
    for rest in (b"/items/%7Ex;a=1/%F0%9F?b=%2Fc&&d=e%20f?g", b"/a//b%2Fc/", b"?only=query", b"", b"/", b"/x?"):
        await world.ask(b"/callout/Orders" + rest)
    targets = [request.start.split(b" ")[1] for request in world.external.requests]
    assert targets == [
        b"/v2/items/%7Ex;a=1/%F0%9F?b=%2Fc&&d=e%20f?g",
        b"/v2/a//b%2Fc/",
        b"/v2?only=query",
        b"/v2",
        b"/v2/",
        b"/v2/x?",
    ]


async def test_header_lines_are_carried_as_they_were_written(world) -> None:
    lines = (
        b"X-MiXeD:  two  words",
        b"X-Dup: 1",
        b"Cookie: a=1",
        b"X-Dup: 2",
        b"X-Empty:",
        b"X-Latin: caf\xe9",
        b"X_U: 1",
    )
    await world.ask(b"/callout/Orders", *lines)
    assert tuple(world.external.requests[0].lines[3:]) == lines


async def test_what_callout_writes_wins_over_the_caller_s_own_in_any_case_and_number(world) -> None:
    await world.ask(b"/callout/Orders", b"AUTHORIZATION: Bearer mine", b"x-tenant: evil", b"X-TENANT: evil", b"X-A: 1")
    request = world.external.requests[0]
    assert request.values(b"authorization") == [b"Bearer token-0"]
    assert request.values(b"x-tenant") == [b"acme"]
    assert request.values(b"x-a") == [b"1"]


@pytest.mark.parametrize("named", [b"authorization", b"X-Tenant", b"host", b"authorization, x-a"])
async def test_connection_cannot_strip_what_callout_writes(world, named) -> None:
    await world.ask(b"/callout/Orders", b"Connection: " + named, b"X-A: 1")
    request = world.external.requests[0]
    assert request.values(b"authorization") == [b"Bearer token-0"]
    assert request.values(b"x-tenant") == [b"acme"]
    assert request.values(b"host") == [f"127.0.0.1:{world.external.port}".encode()]
    assert (request.values(b"x-a") == []) == (b"x-a" in named)


async def test_nothing_of_the_caller_s_proof_or_of_one_connection_leaves(world) -> None:
    await world.ask(
        b"/callout/Orders",
        b"Callout-Principal: P",
        b"Callout-Timeout: 3",
        b"Callout-Whatever: x",
        b"Connection: keep-alive, X-Hop",
        b"X-Hop: 1",
        b"Keep-Alive: 5",
        b"TE: trailers",
        b"Proxy-Authorization: Basic eA==",
    )
    request = world.external.requests[0]
    assert [line.partition(b":")[0] for line in request.lines] == [b"Host", b"X-Tenant", b"Authorization"]
    assert KEY not in b"".join(request.lines)


@pytest.mark.parametrize(
    "line", [b"X-Forwarded-Host: evil", b"X-Forwarded-Proto: https", b"Forwarded: host=evil", b"X-Original-URL: //evil"]
)
async def test_no_header_moves_a_callout_to_another_host(world, line) -> None:
    assert (await world.ask(b"/callout/Orders/x", line)).status == 200
    assert world.external.requests[0].values(b"host") == [f"127.0.0.1:{world.external.port}".encode()]


@pytest.mark.parametrize("start", [b"601 Custom Reason", b"712 ", b"999", b"200 \xc3\xa0 vous", b"418 I'm a teapot"])
async def test_status_and_reason_pass_unchanged(world, start) -> None:
    world.engine.stale = False
    world.external.said = lambda request, number: answer(start=b"HTTP/1.1 " + start)
    assert (await world.ask()).start == b"HTTP/1.1 " + start


async def test_answer_lines_pass_in_order_with_case_and_duplicates(world) -> None:
    lines = (b"X-MiXeD: 1", b"Set-Cookie: a=1", b"Set-Cookie: b=2", b"X-Empty:", b"X-Latin: caf\xe9", b"X_U: 1")
    world.external.said = lambda request, number: answer(b'{"big":12345678901234567890,"a":1,"a":2}\xff', *lines)
    found = await world.ask()
    assert tuple(found.lines[: len(lines)]) == lines
    assert found.body == b'{"big":12345678901234567890,"a":1,"a":2}\xff'
    assert found.lines[len(lines) :] == [b"Content-Length: 41", b"Callout-Id: id-1"]


async def test_an_external_system_cannot_pose_as_callout(world) -> None:
    world.external.said = lambda request, number: answer(
        b"",
        b"Callout-Error: caller_unknown",
        b"Callout-Id: forged",
        b"Callout-Replay: done",
        b"Connection: close, X-H",
        b"X-H: 1",
    )
    found = await world.ask()
    assert found.lines == [b"Content-Length: 0", b"Callout-Id: id-1"]


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        (b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n", [b"X-A: 1"]),
        (
            b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 77\r\n\r\n',
            [b'ETag: "x"', b"Content-Length: 77"],
        ),
    ],
)
async def test_answers_without_a_body_keep_their_lines_and_the_connection(world, said, lines) -> None:
    world.external.said = lambda request, number: said
    caller = await world.caller()
    for _ in range(2):
        found = await caller.ask()
        assert found.lines[:-1] == lines
    assert world.external.connections == 1


@pytest.mark.parametrize("framing", [b"Content-Length: 1234", b"Transfer-Encoding: chunked", b"X-None: 1"])
async def test_head_is_answered_without_a_body(world, framing) -> None:
    world.external.said = lambda request, number: b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n"
    caller = await world.caller()
    for _ in range(2):
        found = await caller.ask(method=b"HEAD")
        assert (found.status, found.values("Callout-Id")[0][:3]) == (200, "id-")
    assert world.external.connections == 1


async def test_interim_answers_are_skipped_and_an_upgrade_nobody_asked_for_is_not_passed(world) -> None:
    world.external.said = lambda request, number: b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + answer(b"final")
    assert (await world.ask()).body == b"final"
    world.external.said = lambda request, number: b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"
    found = await world.ask(b"/callout/Orders", method=b"POST", body=b"x")
    assert found.problem["reason"] == "external_system_unreachable"


async def test_one_connection_serves_many_callouts_on_one_connection(world) -> None:
    caller = await world.caller()
    for number in range(3):
        assert (await caller.ask(method=b"POST", body=b"%d" % number)).status == 200
    assert [request.body for request in world.external.requests] == [b"0", b"1", b"2"]
    assert world.external.connections == 1
    assert len(world.engine.records) == 3


async def test_a_pipelined_request_is_served_after_the_first_and_judged_on_its_own(world) -> None:
    world.external.said = lambda request, number: answer(request.start.split(b" ")[1])
    caller = await world.caller()
    caller.request(b"/callout/Orders/1", method=b"POST", body=b"one")
    caller.request(b"/callout/Nowhere/2")
    caller.write(b"\r\nGET /callout/Orders/3 HTTP/1.1\r\nHost: g\r\n\r\n")
    caller.request(b"/callout/Orders/4")
    statuses = [(await caller.answer()) for _ in range(4)]
    assert [each.status for each in statuses] == [200, 404, 401, 200]
    assert [request.start.split(b" ")[1] for request in world.external.requests] == [b"/v2/1", b"/v2/4"]


async def test_a_request_that_comes_byte_by_byte_is_served(world) -> None:
    caller = await world.caller()
    raw = b"POST /callout/Orders HTTP/1.1\r\nHost: g\r\nCallout-Key: co_key\r\nContent-Length: 2\r\n\r\nhi"
    for position in range(len(raw)):
        caller.write(raw[position : position + 1])
        await asyncio.sleep(0)
    assert (await caller.answer()).status == 200
    assert world.external.requests[0].body == b"hi"


@pytest.mark.parametrize("seed", range(12))
async def test_requests_are_found_however_their_bytes_are_cut(world, seed) -> None:
    start = b" /callout/Orders HTTP/1.1\r\nHost: g\r\nCallout-Key: co_key\r\n"
    bodies = [
        b"",
        b"Content-Length: 9\r\n\r\nGET / HTT",
        b"Transfer-Encoding: chunked\r\n\r\n3\r\n0\r\n\r\n0\r\n\r\n",
        b"",
    ]
    methods = [b"GET", b"POST", b"PUT", b"HEAD"]
    raw = b"".join(m + start + (body or b"\r\n") for m, body in zip(methods, bodies, strict=True)) * 3
    caller, cuts = await world.caller(), random.Random(seed)
    while raw:
        size = cuts.choice((1, 2, 7, 40, 150))
        caller.write(raw[:size])
        raw = raw[size:]
        for _ in range(cuts.choice((0, 0, 1, 5))):
            await asyncio.sleep(0)
    for method in methods * 3:
        assert (await caller.answer(head_only=method == b"HEAD")).status == 200
    seen = [(request.start.split(b" ")[0], request.body) for request in world.external.requests]
    assert seen == [(m, body.partition(b"\r\n\r\n")[2]) for m, body in zip(methods, bodies, strict=True)] * 3


async def test_chunks_and_trailers_pass_unchanged_both_ways(world) -> None:
    framed = b"5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 42\r\n\r\n"
    world.external.said = lambda request, number: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + framed
    caller = await world.caller()
    for _ in range(2):
        caller.request(b"/callout/Orders", b"Transfer-Encoding: chunked", method=b"POST")
        caller.write(framed)
        assert (await caller.answer()).body == framed
    assert [request.body for request in world.external.requests] == [framed, framed]
    assert world.external.connections == 1


async def test_a_body_until_the_close_is_put_into_chunks_so_that_the_caller_sees_its_end(world) -> None:
    async def until_close(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\nX-A: 1\r\n\r\nfirst")
        await writer.drain()

    world.external.script = until_close
    caller = await world.caller()
    found = await caller.ask()
    assert (found.start, found.body) == (b"HTTP/1.1 200 OK", b"5\r\nfirst\r\n0\r\n\r\n")
    world.external.script = None
    assert (await caller.ask()).status == 200


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nol\r\n1\r\nd\r\n0\r\nX-T: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold",
    ],
)
async def test_a_caller_of_http_1_0_gets_plain_bytes_and_a_close(world, said) -> None:
    world.external.said = lambda request, number: said
    caller = await world.caller()
    caller.write(b"GET /callout/Orders HTTP/1.0\r\nCallout-Key: co_key\r\n\r\n")
    found = await caller.head()
    assert found.values("Transfer-Encoding") == []
    assert found.values("Connection") == ["close"]
    assert await caller.reader.read() == b"old"


async def test_a_caller_who_asks_to_close_is_answered_and_closed(world) -> None:
    caller = await world.caller()
    found = await caller.ask(b"/callout/Orders", b"Connection: close")
    assert found.values("Connection") == ["close"]
    assert await caller.ended()
    assert (await world.ask()).status == 200
    assert world.external.connections == 1


async def test_the_engine_is_asked_with_what_the_caller_sent(world) -> None:
    await world.ask(b"/callout/Orders", b"Callout-Principal: P", b"X-A: 1")
    assert world.engine.admitted == [("Orders", [], KEY, None, b"P")]
    caller = await world.caller()
    caller.write(b"GET /callout/Orders HTTP/1.1\r\nHost: g\r\nauthorization: Bearer co_x\r\nX-Api-Key: k\r\n\r\n")
    await caller.answer()
    headers = [(b"Host", b"g"), (b"authorization", b"Bearer co_x"), (b"X-Api-Key", b"k")]
    assert world.engine.admitted[1] == ("Orders", headers, None, b"Bearer co_x", None)


async def test_a_record_is_made_of_every_callout(world) -> None:
    await world.ask(b"/callout/Orders/x?q=1", method=b"POST", body=b"four")
    callout_id, route, name, method, target, status, sent, received, started, replay, refused = await world.record()
    assert (callout_id, route, name, method, target) == (
        b"id-1",
        world.engine.route,
        "Orders",
        b"POST",
        b"/callout/Orders/x?q=1",
    )
    assert (status, sent, received, replay, refused) == (200, 4, 2, None, None)
    assert started > 0
