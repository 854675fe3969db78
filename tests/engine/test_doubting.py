"""Where a sign may be genuine, the authorization server is asked first whether the token is active (RFC 7662)."""

import asyncio

import pytest

from callout.core.errors import Refused
from callout.engine.doubting import SECONDS
from tests.engine.conftest import ORDERS, json_answer, replace

DECLARED = {"introspection_endpoint": "https://id.example.com/introspect"}
ACTIVE, INACTIVE = json_answer(200, {"active": True}), json_answer(200, {"active": False})


@pytest.fixture
async def asked(world):
    """A world whose external credential declares an introspection endpoint, with a route and a token in hand."""
    await world.define(replace(ORDERS, parameters={**ORDERS.parameters, **DECLARED}))
    route = world.admit()
    return world, route, await world.callouts.prepare(route)


def urls(world) -> list[str]:
    return [request.url.rpartition("/")[2] for request in world.server.requests]


async def test_a_token_that_is_active_is_not_replaced_and_not_asked_about_again_for_a_while(asked) -> None:
    world, route, ready = asked
    world.server.answers = [ACTIVE]
    assert world.callouts.is_stale(route, ready, 400)
    assert await world.callouts.refresh(route, ready, 400) is None
    assert (urls(world), world.callouts.refreshes) == (["token", "introspect"], {})
    assert world.server.timeouts[-1] == SECONDS
    assert not world.callouts.is_stale(route, ready, 400)
    world.clock.move(31)
    assert world.callouts.is_stale(route, ready, 400)


async def test_many_doubts_at_once_are_one_question(asked) -> None:
    world, route, ready = asked
    world.server.answers, world.server.gate = [ACTIVE], asyncio.Event()
    doubts = [asyncio.ensure_future(world.callouts.refresh(route, ready, 400)) for _ in range(20)]
    while len(world.server.requests) < 2:
        await asyncio.sleep(0)
    world.server.gate.set()
    assert await asyncio.gather(*doubts) == [None] * 20
    assert urls(world) == ["token", "introspect"]


@pytest.mark.parametrize(
    "answer",
    [INACTIVE, json_answer(503, {}), json_answer(200, {"active": "yes"}), Refused("timed_out", "no answer")],
    ids=["inactive", "failing", "no answer to the question", "silent"],
)
async def test_a_token_that_is_not_active_for_certain_is_replaced(asked, answer) -> None:
    world, route, ready = asked
    world.server.answers = [answer]
    fresh = await world.callouts.refresh(route, ready, 400)
    assert fresh.generation == ready.generation + 1
    assert urls(world) == ["token", "introspect", "token"]


async def test_a_401_is_not_doubted(asked) -> None:
    world, route, ready = asked
    assert (await world.callouts.refresh(route, ready, 401)).generation == ready.generation + 1
    assert urls(world) == ["token", "token"]


async def test_a_401_is_believed_also_after_the_token_was_found_active(asked) -> None:
    world, route, ready = asked
    world.server.answers = [ACTIVE]
    await world.callouts.refresh(route, ready, 400)
    assert world.callouts.is_stale(route, ready, 401)


async def test_nobody_is_asked_where_no_endpoint_is_declared(world) -> None:
    route = world.admit()
    ready = await world.callouts.prepare(route)
    assert (await world.callouts.refresh(route, ready, 400)).generation == ready.generation + 1
    assert urls(world) == ["token", "token"]


async def test_a_token_that_was_replaced_meanwhile_is_adopted_whatever_was_said_of_the_old_one(asked) -> None:
    world, route, ready = asked
    world.server.answers, world.server.gate = [ACTIVE], asyncio.Event()
    doubt = asyncio.ensure_future(world.callouts.refresh(route, ready, 400))
    while len(world.server.requests) < 2:
        await asyncio.sleep(0)
    gate, world.server.gate = world.server.gate, None
    world.server.answers = [json_answer(200, {"access_token": "newer"}), ACTIVE]
    newer = await world.callouts.refresh(route, ready, 401)
    gate.set()
    assert (await doubt).generation == newer.generation
