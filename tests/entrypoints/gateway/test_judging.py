"""Requests of a route that has demands are judged before anything leaves, on exactly the bytes that are sent."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callout.core.access.target import join
from callout.core.errors import Refused

DEMANDS = object()


async def test_a_route_without_demands_is_not_judged(world) -> None:
    assert (await world.ask(b"/callout/Orders/items")).status == 200
    assert world.engine.judged == []


@pytest.mark.parametrize("rest", ["", "/", "//items", "/items/%7e7;x=1?a=/b//c", "?q"])
async def test_what_is_judged_is_what_is_sent(world, rest) -> None:
    world.engine.route.demands = DEMANDS
    assert (await world.ask(b"/callout/Orders" + rest.encode())).status == 200
    ((method, target, _, callout_id),) = world.engine.judged
    assert world.external.requests[0].start == method + b" " + target + b" HTTP/1.1"
    assert callout_id == b"id-1"


async def test_a_refused_request_never_leaves_and_is_recorded(world) -> None:
    world.engine.route.demands = DEMANDS
    world.engine.refusing = Refused("path_not_allowed", "got path '/admin'; expected /items/*")
    found = await world.ask(b"/callout/Orders/admin")
    assert (found.status, found.problem["reason"]) == (403, "path_not_allowed")
    assert world.external.connections == 0
    assert (await world.record())[-1].reason.code == "path_not_allowed"


async def test_a_rate_limited_request_says_when_to_come_again(world) -> None:
    world.engine.route.demands = DEMANDS
    world.engine.refusing = Refused("rate_limited", "got too many", retry_after=17)
    found = await world.ask(b"/callout/Orders/items")
    assert (found.status, found.values("Retry-After")) == (429, ["17"])
    assert found.values("Callout-Error") == ["rate_limited"]


async def test_the_callers_headers_can_be_judged_too(world) -> None:
    world.engine.route.demands = DEMANDS
    caller = await world.caller()
    caller.write(
        b"POST /callout/Orders/x HTTP/1.1\r\nHost: g\r\nCallout-Key: co_key\r\n"
        b"X-HTTP-Method-Override: DELETE\r\nContent-Length: 0\r\n\r\n"
    )
    await caller.answer()
    assert (b"x-http-method-override", b"DELETE") in {(n.lower(), v) for n, v in world.engine.judged[0][2]}


@given(st.text(st.sampled_from("/.%;aA7*?2fF"), max_size=12))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_a_target_that_is_joined_keeps_the_callers_bytes(rest) -> None:
    raw = ("/" + rest).encode()
    try:
        target = join(b"/v2", raw)
    except Refused:
        return
    assert target == b"/v2/" + raw.lstrip(b"/") or target.startswith(b"/v2/?")
