"""Requests that are taken whole: formulas in them are evaluated, or a header reads their body. No other waits."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest

from callout.core.errors import Refused
from callout.core.model.credentials import ExternalCredential
from callout.core.protocol import Needs
from callout.core.refresh.replay import ReplayContract
from callout.engine.evaluating import Formulas, Written
from callout.entrypoints.gateway import Limits

from .conftest import SECONDS, StandIn, answer, read_request, until
from .test_refreshing import stale_once
from .test_screening import SIGNS

LIMIT = 1000
BODIES = Formulas(headers=False, body=True, reads_body=False)
HEADERS = Formulas(headers=True, body=False, reads_body=False)


class Evaluating(StandIn):
    """Evaluates as a test sees at once: `{!token}` in lines and body is the generation of the token."""

    async def prepare(self, route, asked=None):
        ready = await super().prepare(route)
        if asked is None:
            return ready
        self.asked = [*getattr(self, "asked", []), asked]
        token = b"token-%d" % self.prepared
        lines = [line.replace(b"{!token}", token) for line in asked.lines]
        body = None if asked.body is None else asked.body.replace(b"{!token}", token)
        if body is not None:
            lines = [line for line in lines if not line.lower().startswith((b"content-length", b"transfer-encoding"))]
            lines.append(b"Content-Length: %d" % len(body))
        return replace(ready, written=Written(tuple(lines), body))


@pytest.fixture
async def limits() -> Limits:
    return Limits(formula_body_limit=LIMIT, replay_limit=8)


@pytest.fixture
async def world(world):
    world.engine.__class__ = Evaluating
    world.engine.route.formulas = BODIES
    return world


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_a_body_is_taken_whole_and_goes_on_with_its_new_length(world, framing) -> None:
    caller = await world.caller()
    framed = b"6\r\na{!tok\r\n6\r\nen}b\xff\n\r\n0\r\nX-T: 1\r\n\r\n" if framing == "chunked" else b"a{!token}b\xff\n"
    line = b"Transfer-Encoding: chunked" if framing == "chunked" else b"Content-Length: 12"
    caller.request(b"/callout/Orders", line, b"X-A: {!token}", method=b"POST")
    for position in range(0, len(framed), 4):
        caller.write(framed[position : position + 4])
        await asyncio.sleep(0)
    assert (await caller.answer()).status == 200
    (request,) = world.external.requests
    assert request.body == b"atoken-1b\xff\n"
    assert request.values(b"content-length") == [b"%d" % len(request.body)]
    assert request.values(b"transfer-encoding") == []


async def test_a_redirect_shows_nobody_what_was_added_to_the_query(world) -> None:
    class Adding(Evaluating):
        async def prepare(self, route, asked=None):
            ready = await super().prepare(route, asked)
            return replace(ready, written=replace(ready.written, target=b"/x?q=1&key=s3cret", added=frozenset({"key"})))

    world.engine.__class__ = Adding
    lines = (
        b"Location: https://h.example/x/?q='1'&k%65y=s3cret#key=mine",
        b"content-location: /x?key=s3cret",
        b'Link: <https://h.example/x?key=s3cret&page=2>; rel="next", <https://h.example/x?key=s3cret>; rel="first"',
        b"Refresh: 0; url=/x?page=2&key=s3cret",
        b"X-A: ?key=b",
    )
    world.external.said = lambda *_: answer(b"", *lines, start=b"HTTP/1.1 301 Moved")
    found = await world.ask(b"/callout/Orders/x?q=1", method=b"POST", body=b"x")
    assert b" /x?q=1&key=s3cret " in world.external.requests[-1].start
    assert found.values("Location") == ["https://h.example/x/?q='1'#key=mine"]
    assert found.values("Link") == ['<https://h.example/x?page=2>; rel="next", <https://h.example/x>; rel="first"']
    assert found.values("Refresh") == ["0; url=/x?page=2"]
    assert (found.values("Content-Location"), found.values("X-A")) == (["/x"], ["?key=b"])


async def test_the_next_request_on_the_connection_is_served_as_well(world) -> None:
    caller = await world.caller()
    for number in (1, 2):
        await caller.ask(b"/callout/Orders", method=b"POST", body=b"{!token}")
        assert world.external.requests[-1].body == b"token-%d" % number
    assert world.external.connections == 1


async def test_a_request_that_is_not_concerned_goes_the_usual_way(world) -> None:
    await world.ask(b"/callout/Orders/x")
    world.engine.route.formulas = HEADERS
    await world.ask(b"/callout/Orders/x", b"X-A: {x}", method=b"POST", body=b"{!token}")
    assert world.engine.prepared == 0
    assert world.external.requests[-1].body == b"{!token}"


async def test_headers_are_evaluated_while_the_body_goes_on_as_it_comes(world) -> None:
    world.engine.route.formulas = HEADERS
    seen = asyncio.Event()

    async def upload(reader, writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"X-A: token-1\r\n" in head
        assert await reader.readexactly(8) == b"{!token}"
        seen.set()
        assert await reader.readexactly(2 * LIMIT) == b"x" * 2 * LIMIT
        writer.write(answer())
        await writer.drain()

    world.external.script = upload
    caller = await world.caller()
    caller.request(b"/callout/Orders", b"Content-Length: %d" % (2 * LIMIT + 8), b"X-A: {!token}", method=b"POST")
    caller.write(b"{!token}")
    async with asyncio.timeout(SECONDS):
        await seen.wait()
    caller.write(b"x" * 2 * LIMIT)
    assert (await caller.answer()).status == 200


@pytest.mark.parametrize(
    ("formulas", "lines", "body"),
    [(Formulas(True, False, False), (b"X-A: {!$Credential.X.Body}",), True), (Formulas(False, False, True), (), True)],
    ids=["a header of the caller's", "a header of the admin's"],
)
async def test_a_header_that_reads_the_body_has_it_whole(world, formulas, lines, body) -> None:
    world.engine.route.formulas = formulas
    await world.ask(b"/callout/Orders", *lines, method=b"POST", body=b"hello")
    assert [asked.body for asked in world.engine.asked] == [b"hello"]
    await world.ask(b"/callout/Orders", *lines)
    assert [asked.body for asked in world.engine.asked] == [b"hello", None]


@pytest.mark.parametrize("framing", ["length", "chunked", "chunked in pieces"])
async def test_a_body_over_the_limit_is_refused_and_nothing_is_sent(world, framing) -> None:
    caller = await world.caller()
    size = LIMIT + 1
    framed = b"%x\r\n%b\r\n0\r\n\r\n" % (size, b"x" * size) if framing.startswith("chunked") else b"x" * size
    line = b"Transfer-Encoding: chunked" if framing.startswith("chunked") else b"Content-Length: %d" % size
    caller.request(b"/callout/Orders", line, method=b"POST")
    for position in range(0, len(framed), 300 if framing == "chunked in pieces" else size * 2):
        caller.write(framed[position : position + (300 if framing == "chunked in pieces" else size * 2)])
        await asyncio.sleep(0)
    found = await caller.answer()
    assert (found.status, found.problem["reason"]) == (413, "request_too_large")
    assert world.external.requests == []


async def test_a_body_that_says_beforehand_that_it_is_too_large_is_not_asked_for(world) -> None:
    caller = await world.caller()
    caller.request(b"/callout/Orders", b"Expect: 100-continue", b"Content-Length: 1001", method=b"POST")
    assert (await caller.answer()).problem["reason"] == "request_too_large"


@pytest.mark.parametrize(("spares", "named"), [("payload: unsigned", True), ("", False)])
async def test_a_body_that_is_too_large_to_be_signed_is_refused_with_what_an_admin_can_do(world, spares, named) -> None:
    route = world.engine.route
    route.formulas = Formulas(headers=False, body=False, reads_body=False, needs=Needs.BODY)
    route.slot = SimpleNamespace(protocol=SimpleNamespace(spares_bodies=spares))
    route.decision = SimpleNamespace(external_credential=ExternalCredential("Store", "aws_sigv4"))
    found = await world.ask(b"/callout/Orders", method=b"POST", body=b"x" * (LIMIT + 1))
    assert found.problem["reason"] == "request_too_large"
    remedies = " ".join(found.problem["remedy"])
    assert "CALLOUT_FORMULA_BODY_LIMIT" in remedies
    assert ("Set payload: unsigned for Store" in remedies) is named


async def test_a_lower_limit_of_every_request_counts_here_too(world) -> None:
    world.gateway.limits = replace(world.gateway.limits, request_limit=10)
    assert (await world.ask(b"/callout/Orders", method=b"POST", body=b"x" * 10)).status == 200
    assert world.engine.asked[0].longest == 10
    found = await world.ask(b"/callout/Orders", method=b"POST", body=b"x" * 11)
    assert found.problem["reason"] == "request_too_large"


async def test_a_body_of_exactly_the_limit_passes(world) -> None:
    assert (await world.ask(b"/callout/Orders", method=b"POST", body=b"x" * LIMIT)).status == 200


async def test_a_stale_token_is_replaced_and_the_formulas_are_evaluated_again(world) -> None:
    def stale(request, number: int) -> bytes:
        return stale_once(request, number) if b"token-2" in request.body else answer(b"no", start=b"HTTP/1.1 401 No")

    world.external.said = stale
    found = await world.ask(b"/callout/Orders", method=b"POST", body=b"longer than replay_limit {!token}")
    assert (found.body, found.values("Callout-Replay")) == (b"fresh", ["done"])
    bodies = [b"longer than replay_limit token-%d" % number for number in (1, 2)]
    assert [request.body for request in world.external.requests] == bodies


@pytest.mark.parametrize("sign", SIGNS)
async def test_an_answer_that_is_held_back_by_a_rule_is_followed_by_an_evaluation_with_the_new_token(
    world, sign
) -> None:
    rule, stale = SIGNS[sign]
    world.engine.route.rule(rule)
    world.external.said = lambda request, number: answer(b"fresh") if b"token-2" in request.body else stale
    found = await world.ask(b"/callout/Orders", method=b"POST", body=b"longer than replay_limit {!token}")
    assert (found.body, found.values("Callout-Replay")) == (b"fresh", ["done"])
    assert [request.body[-7:] for request in world.external.requests] == [b"token-1", b"token-2"]
    assert [request.values(b"content-length") for request in world.external.requests] == [[b"32"], [b"32"]]


async def test_what_replay_methods_leaves_out_is_not_sent_again_though_it_is_at_hand(world) -> None:
    world.engine.route.replay = ReplayContract(methods=frozenset({b"GET"}))
    world.external.said = lambda request, number: answer(b"no", start=b"HTTP/1.1 401 No")
    found = await world.ask(b"/callout/Orders", method=b"POST", body=b"{!token}")
    assert (found.status, found.values("Callout-Replay")) == (401, ["not-possible"])
    assert (await world.record())[9] == "not-possible/method_not_declared"
    assert len(world.external.requests) == 1
    await until(lambda: world.engine.refreshed == 1)


async def test_headers_that_are_evaluated_go_again_with_a_body_that_was_kept(world) -> None:
    world.engine.route.formulas = HEADERS
    world.external.said = lambda request, number: answer(b"fresh") if number > 1 else answer(start=b"HTTP/1.1 401 No")
    found = await world.ask(b"/callout/Orders", b"X-A: {!token}", method=b"POST", body=b"{!token}")
    assert (found.body, found.values("Callout-Replay")) == (b"fresh", ["done"])
    sent = [(request.values(b"x-a"), request.body) for request in world.external.requests]
    assert sent == [([b"token-1"], b"{!token}"), ([b"token-2"], b"{!token}")]


async def test_headers_that_are_evaluated_do_not_go_again_with_a_body_that_was_not_kept(world) -> None:
    world.engine.route.formulas = HEADERS
    world.external.said = lambda request, number: answer(b"no", start=b"HTTP/1.1 401 No")
    found = await world.ask(b"/callout/Orders", b"X-A: {!token}", method=b"POST", body=b"longer than replay_limit")
    assert found.values("Callout-Replay") == ["not-possible"]
    assert (await world.record())[9] == "not-possible/large_body_not_declared"
    assert len(world.external.requests) == 1


async def test_what_was_evaluated_is_sent_as_it_is_on_a_fresh_connection_where_the_kept_one_was_closed(world) -> None:
    async def once(reader, writer) -> None:
        world.external.requests.append(await read_request(reader))
        writer.write(answer())
        if world.external.connections > 1:
            return
        await read_request(reader)  # and closes without an answer

    world.external.script = once
    caller = await world.caller()
    await caller.ask(b"/callout/Orders", method=b"PUT", body=b"{!token}")
    found = await caller.ask(b"/callout/Orders", method=b"PUT", body=b"longer than replay_limit {!token}")
    assert (found.status, found.values("Callout-Replay")) == (200, [])
    assert world.external.requests[-1].body == b"longer than replay_limit token-2"
    assert world.engine.prepared == 2


async def test_nothing_is_evaluated_or_asked_for_before_the_rules_let_the_request_through(world) -> None:
    world.engine.route.demands = object()
    world.engine.refusing = Refused("method_not_allowed_here", "got POST; expected GET")
    caller = await world.caller()
    caller.request(b"/callout/Orders", b"Expect: 100-continue", b"Content-Length: 8", method=b"POST")
    found = await caller.answer()
    assert found.problem["reason"] == "method_not_allowed_here"
    assert (world.engine.prepared, world.external.requests) == (0, [])


async def test_a_body_that_does_not_come_to_its_end_is_what_is_missing_and_no_token(world) -> None:
    caller = await world.caller()
    caller.request(b"/callout/Orders", b"Content-Length: 8", b"Expect: 100-continue", method=b"POST")
    await caller.head()
    world.let_pass(31)
    detail = (await caller.answer()).problem["detail"]
    assert detail == "got no more of the request's body; expected it within 30 seconds"


async def test_a_caller_who_waits_for_it_is_asked_for_the_body(world) -> None:
    caller = await world.caller()
    caller.request(b"/callout/Orders", b"Expect: 100-continue", b"Content-Length: 8", method=b"POST")
    assert (await caller.head()).start == b"HTTP/1.1 100 Continue"
    caller.write(b"{!token}")
    assert (await caller.answer()).status == 200
    assert world.external.requests[0].body == b"token-1"


async def test_a_formula_that_fails_is_told_and_nothing_is_sent(world) -> None:
    world.engine.refusal = Refused("formula_failed", "body of the request, line 1, byte 1: got x; expected y")
    found = await world.ask(b"/callout/Orders", method=b"POST", body=b"{!token}")
    assert (found.status, found.problem["reason"]) == (424, "formula_failed")
    assert world.external.requests == []


async def test_a_caller_who_leaves_while_the_body_is_gathered_leaves_nothing_behind(world) -> None:
    caller = await world.caller()
    caller.request(b"/callout/Orders", b"Content-Length: 8", method=b"POST")
    caller.write(b"{!to")
    await asyncio.sleep(0)
    caller.leave()
    await world.record()
    assert world.external.requests == []
    assert world.engine.prepared == 0
