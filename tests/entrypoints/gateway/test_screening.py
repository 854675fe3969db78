"""Refresh rules about header and body: refreshed by their sign alone, and what is passed on is what came."""

import asyncio
import gzip

import pytest

from callout.core.errors import Refused
from callout.core.model.credentials import BodySign, HeaderSign, RefreshRule
from callout.entrypoints.gateway.screening import LONGEST_PAUSE

from .conftest import SECONDS, answer, read_request

SOAP = RefreshRule((500,), body=BodySign(soap_fault_code=("INVALID_SESSION_ID",)))
GRAPHQL = RefreshRule((200,), body=BodySign(json_pointer="/errors/*/extensions/code", equals=("UNAUTHENTICATED",)))
BEARER = RefreshRule((403,), header=HeaderSign("WWW-Authenticate", contains=('error="invalid_token"',)))

JSON, XML = b"Content-Type: application/json; charset=utf-8", b"Content-Type: text/xml"
CHALLENGE = b'www-authenticate: Bearer realm="x", error="INVALID_token"'
FAULT = (
    b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>'
    b"<faultcode>sf:%b</faultcode><faultstring>no</faultstring></s:Fault></s:Body></s:Envelope>"
)
ERROR = b'{"errors":[{"message":"no","extensions":{"code":"%b"}}],"data":null}'

OK, FORBIDDEN, FAILED = b"HTTP/1.1 200 OK", b"HTTP/1.1 403 Forbidden", b"HTTP/1.1 500 Server Error"
SIGNS = {
    "soap": (SOAP, answer(FAULT % b"INVALID_SESSION_ID", XML, start=FAILED)),
    "graphql": (GRAPHQL, answer(ERROR % b"UNAUTHENTICATED", JSON)),
    "graphql, packed": (
        GRAPHQL,
        answer(gzip.compress(ERROR % b"UNAUTHENTICATED"), JSON, b"Content-Encoding: gzip"),
    ),
    "header": (BEARER, answer(b"no", CHALLENGE, start=FORBIDDEN)),
}
NONE = {
    "soap": (SOAP, answer(FAULT % b"INVALID_FIELD", XML, start=FAILED)),
    "soap, as html": (SOAP, answer(FAULT % b"INVALID_SESSION_ID", b"Content-Type: text/html", start=FAILED)),
    "graphql": (GRAPHQL, answer(ERROR % b"FORBIDDEN", JSON)),
    "graphql, in a way not undone": (GRAPHQL, answer(ERROR % b"UNAUTHENTICATED", JSON, b"Content-Encoding: br")),
    "header": (BEARER, answer(b"no", b'WWW-Authenticate: Bearer error="insufficient_scope"', start=FORBIDDEN)),
    "header, of another status": (BEARER, answer(b"no", CHALLENGE, start=b"HTTP/1.1 404 Not Found")),
}


def once(said: bytes):
    return lambda request, number: said if request.values(b"authorization") == [b"Bearer token-0"] else answer(b"fresh")


@pytest.mark.parametrize("case", SIGNS)
async def test_an_answer_with_the_sign_of_a_rule_is_refreshed(world, case) -> None:
    rule, said = SIGNS[case]
    world.engine.route.rule(rule)
    world.external.said = once(said)
    found = await world.ask(method=b"POST", body=b"asked")
    assert (found.status, found.body, found.values("Callout-Replay")) == (200, b"fresh", ["done"])
    assert [request.body for request in world.external.requests] == [b"asked", b"asked"]
    assert (world.engine.refreshed, world.external.connections) == (1, 1)
    await world.record()
    assert world.engine.noticed[0][0].startswith(f"status {rule.statuses[0]} with ")


@pytest.mark.parametrize("case", NONE)
async def test_an_answer_of_the_same_status_without_the_sign_passes_byte_for_byte(world, case) -> None:
    rule, said = NONE[case]
    world.engine.route.rule(rule)
    world.external.said = lambda request, number: said
    found = await world.ask()
    head, _, body = said.partition(b"\r\n\r\n")
    assert [found.start, *found.lines] == [*head.split(b"\r\n"), b"Callout-Id: id-1"]
    assert (found.body, world.engine.refreshed) == (body, 0)


async def test_a_second_refusal_by_the_same_sign_passes_whole(world) -> None:
    rule, said = SIGNS["soap"]
    world.engine.route.rule(rule)
    world.external.said = lambda request, number: said
    found = await world.ask()
    assert (found.status, found.body) == (500, FAULT % b"INVALID_SESSION_ID")
    assert (world.engine.refreshed, len(world.external.requests), world.engine.told) == (1, 2, [False])


async def test_the_answer_to_a_request_sent_again_tells_whether_the_refresh_helped(world) -> None:
    rule, said = SIGNS["graphql"]
    world.engine.route.rule(rule)
    world.external.said = lambda request, number: said if number == 1 else answer(b'{"data":1}', JSON)
    assert (await world.ask()).body == b'{"data":1}'
    assert world.engine.told == [True]


async def test_while_a_rule_is_quiet_its_answers_pass_and_that_is_noted(world) -> None:
    world.engine.stale = False
    rule, said = SIGNS["graphql"]
    world.engine.route.rule(rule)
    world.external.said = lambda request, number: said
    assert (await world.ask()).body == ERROR % b"UNAUTHENTICATED"
    await world.record()
    assert world.engine.noticed[0][1].startswith("the token was replaced a moment ago")


@pytest.mark.parametrize("case", SIGNS)
async def test_where_the_token_is_found_active_the_first_answer_passes_whole_and_that_is_noted(world, case) -> None:
    world.engine.active = True
    rule, said = SIGNS[case]
    world.engine.route.rule(rule)
    world.external.said = lambda request, number: said
    found = await world.ask(method=b"POST", body=b"asked")
    assert said.endswith(b"\r\n\r\n" + found.body)
    assert (found.values("Callout-Replay"), len(world.external.requests)) == (["not-needed"], 1)
    await world.record()
    assert "says that the token is active" in world.engine.noticed[0][1]


# --- the body, piece by piece -------------------------------------------------------------------------------------


async def said_in_pieces(world, head: bytes, *pieces: bytes) -> asyncio.Event:
    """Have the first request answered with a head, then a piece each time that the event is set."""
    more = asyncio.Event()

    async def script(reader, writer) -> None:
        request = await read_request(reader)
        world.external.requests.append(request)
        writer.write(head + b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await more.wait()
            more.clear()

    world.external.script = script
    return more


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@pytest.mark.parametrize(
    "kind", [b"text/event-stream", b"application/octet-stream", b"text/html", b"application/x-ndjson", b"image/png"]
)
async def test_a_stream_that_no_rule_is_about_is_not_held_for_a_moment(world, kind) -> None:
    world.engine.route.rule(GRAPHQL)
    first, second = b'data: {"errors":[]}\n\n', b"data: 2\n\n"
    head = OK + b"\r\nTransfer-Encoding: chunked\r\nContent-Type: " + kind
    more = await said_in_pieces(world, head, chunk(first), chunk(second) + b"0\r\n\r\n")
    caller = await world.caller()
    caller.request()
    found = await caller.head()
    async with asyncio.timeout(SECONDS):
        assert await caller.reader.readexactly(len(chunk(first))) == chunk(first)
        more.set()
        assert await caller.reader.readexactly(len(chunk(second)) + 5) == chunk(second) + b"0\r\n\r\n"
    assert found.values("Content-Type") == [kind.decode()]


async def test_a_stream_that_does_not_begin_like_json_is_passed_on_at_once(world) -> None:
    world.engine.route.rule(GRAPHQL)
    more = await said_in_pieces(
        world, OK + b"\r\nTransfer-Encoding: chunked\r\n" + JSON, chunk(b": hello"), b"0\r\n\r\n"
    )
    caller = await world.caller()
    caller.request()
    assert (await caller.head()).status == 200
    more.set()


@pytest.mark.parametrize("framing", ["chunked", "until close"])
async def test_a_slow_json_stream_is_passed_on_after_a_pause_as_it_came(world, framing) -> None:
    world.engine.route.rule(GRAPHQL)
    head = OK + b"\r\n" + JSON + (b"\r\nTransfer-Encoding: chunked" if framing == "chunked" else b"")
    pieces = [b'{"data":[1', b',2],"errors":[]}']
    sent = [chunk(pieces[0]), chunk(pieces[1]) + b"0\r\n\r\n"] if framing == "chunked" else pieces
    more = await said_in_pieces(world, head, *sent)
    caller = await world.caller()
    caller.request()
    await world.screening()
    world.let_pass(2 * LONGEST_PAUSE)
    found = await caller.head()  # comes before the external system sends anything more
    more.set()
    more_text = b""
    async with asyncio.timeout(SECONDS):
        while b"0\r\n\r\n" not in more_text:
            more.set()
            more_text += await caller.reader.readuntil(b"\r\n")
            if more_text.endswith(b"\r\n0\r\n"):
                more_text += await caller.reader.readexactly(2)
    assert found.values("Transfer-Encoding") == ["chunked"]
    unchunked = b"".join(line for line in more_text.split(b"\r\n") if b"{" in line or b"}" in line)
    assert unchunked == b"".join(pieces)
    assert world.engine.refreshed == 0


async def test_a_sign_that_comes_in_pieces_is_found_before_the_body_ends(world) -> None:
    world.engine.route.rule(SOAP)
    body = FAULT % b"INVALID_SESSION_ID"
    half = body.index(b"SESSION")
    head = FAILED + b"\r\n" + XML + b"\r\nContent-Length: 100000"
    more = await said_in_pieces(world, head, body[:half], body[half:])
    caller = await world.caller()
    caller.request()
    async with asyncio.timeout(SECONDS):
        while not world.external.requests:
            await asyncio.sleep(0)
        more.set()
        while not world.engine.refreshed:
            await asyncio.sleep(0)
    world.external.script = None
    assert (await caller.answer()).values("Callout-Replay") == ["done"]


@pytest.mark.parametrize("size", [1, 100, 65_536, 300_000])
@pytest.mark.parametrize("framing", ["length", "chunked", "until close"])
async def test_a_long_answer_is_judged_by_its_beginning_and_passes_byte_for_byte(world, size, framing) -> None:
    world.engine.route.rule(GRAPHQL)
    body = b'{"data":"' + bytes(65 + at % 26 for at in range(size)) + b'"}'

    async def script(reader, writer) -> None:
        await read_request(reader)
        line = {"length": b"Content-Length: %d" % len(body), "chunked": b"Transfer-Encoding: chunked"}.get(framing)
        writer.write(b"\r\n".join((OK, JSON, *([line] if line else [b"Connection: close"]), b"", b"")))
        for at in range(0, len(body), 50_000):
            part = body[at : at + 50_000]
            writer.write(chunk(part) if framing == "chunked" else part)
            await writer.drain()
        writer.write(b"0\r\n\r\n" if framing == "chunked" else b"")
        await writer.drain()
        if framing != "until close":
            await reader.read()

    world.external.script = script
    found = await world.ask()
    got = found.body
    if framing != "length":
        got, left = b"", found.body
        while left and (length := int(left.partition(b"\r\n")[0], 16)):
            start = left.index(b"\r\n") + 2
            got, left = got + left[start : start + length], left[start + length + 2 :]
    assert got == body
    assert world.engine.refreshed == 0


async def test_an_answer_that_breaks_off_while_it_is_judged_is_cut_short_as_it_came(world) -> None:
    world.engine.route.rule(GRAPHQL)
    await said_in_pieces(world, OK + b"\r\nContent-Length: 100\r\n" + JSON, b'{"data":')
    caller = await world.caller()
    caller.request()
    async with asyncio.timeout(SECONDS):
        while not world.external.requests:
            await asyncio.sleep(0)
        world.external.stop()
        assert (await caller.head()).status == 200
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await caller.reader.readexactly(100)


async def test_an_answer_that_is_framing_more_than_content_is_not_held_in_memory(world) -> None:
    world.engine.route.rule(GRAPHQL)
    seen, written = asyncio.Event(), []
    block = b"".join(b"1;x=" + b"y" * 1000 + b"\r\nz\r\n" for _ in range(50))

    async def script(reader, writer) -> None:
        await read_request(reader)
        writer.write(OK + b"\r\nTransfer-Encoding: chunked\r\n" + JSON + b"\r\n\r\n" + chunk(b'{"data":"'))
        while not seen.is_set():
            writer.write(block)
            await writer.drain()
            written.append(len(block))

    world.external.script = script
    caller = await world.caller()
    caller.request()
    assert (await caller.head()).status == 200
    seen.set()
    assert sum(written) < 16_000_000  # of 66 MB that have 64 KiB of content in them


async def test_the_answer_to_head_is_not_waited_for(world) -> None:
    world.engine.route.rule(GRAPHQL)
    world.external.said = lambda request, number: answer(ERROR % b"UNAUTHENTICATED", JSON)
    assert (await world.ask(method=b"HEAD")).status == 200


# --- where no other token can be had ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [10, 60_000, 2_000_000])
async def test_where_the_refresh_fails_and_the_token_is_good_the_first_answer_passes_whole(world, size) -> None:
    world.engine.good = True
    world.engine.refusal = Refused("token_endpoint_unreachable", "it is down")
    body = bytes(at % 251 for at in range(size))
    world.external.said = lambda request, number: answer(body, b"X-First: 1", start=b"HTTP/1.1 601 Expired")
    found = await world.ask()
    assert (found.start, found.values("X-First"), found.body) == (b"HTTP/1.1 601 Expired", ["1"], body)
    assert found.values("Callout-Replay") == ["not-possible"]
    assert (await world.record())[9] == "not-possible"
    assert world.engine.noticed == [("status 601", "it is down")]


@pytest.mark.parametrize(("status", "good"), [(b"601 Expired", False), (b"401 Unauthorized", True)])
async def test_a_401_or_an_answer_to_a_token_that_is_no_longer_good_does_not_pass(world, status, good) -> None:
    world.engine.good = good
    world.engine.refusal = Refused("reconnect_required", "it was revoked")
    world.external.said = lambda request, number: answer(b"no", start=b"HTTP/1.1 " + status)
    assert (await world.ask()).problem["reason"] == "reconnect_required"


async def test_a_refresh_that_takes_too_long_does_not_hold_an_answer_that_may_be_genuine(world) -> None:
    world.engine.good, world.engine.gate = True, asyncio.Event()
    world.external.said = lambda request, number: answer(b"genuine", start=b"HTTP/1.1 601 Expired")
    caller = await world.caller()
    caller.request(b"/callout/Orders", b"Callout-Timeout: 2")
    await world.screening()
    world.let_pass(2)
    found = await caller.answer()
    assert (found.status, found.body) == (601, b"genuine")
    world.engine.gate.set()
    async with asyncio.timeout(SECONDS):
        while world.engine.route.ready.generation != 1:
            await asyncio.sleep(0)
    assert len(world.external.requests) == 1


async def test_a_caller_who_waited_for_a_token_in_vain_is_not_told_that_the_external_system_is_slow(world) -> None:
    world.engine.gate = asyncio.Event()
    world.external.said = lambda request, number: answer(b"", start=b"HTTP/1.1 401 Unauthorized")
    caller = await world.caller()
    caller.request(b"/callout/Orders", b"Callout-Timeout: 2")
    await world.screening()
    world.let_pass(2)
    found = await caller.answer()
    assert (found.status, found.problem["reason"]) == (504, "timed_out")
    assert "got no token" in found.problem["detail"]
    assert "token endpoint" in found.problem["remedy"][0]
    world.engine.gate.set()


# --- what speaks for a rule that is not there ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "told"), [(b'{"error":"invalid_token"}', True), (b'{"error":"invalid_request"}', False)]
)
async def test_a_body_that_says_that_the_token_is_invalid_is_noted_and_passes(world, body, told) -> None:
    world.external.said = lambda request, number: answer(body, JSON, start=b"HTTP/1.1 400 Bad Request")
    assert (await world.ask()).body == body
    await world.record()
    assert (world.engine.says_stale, world.engine.refreshed) == ([told], 0)
