"""Refresh tokens that rotate, at a server that others wrote and that revokes the whole family when one is used twice.

Two `serve` processes share one store; a proxy that spoils connections stands between them and the token endpoint.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator

import httpx2
import pytest

from tests.counterparties.consent import consent
from tests.counterparties.rotating import ROTATING, SCOPE, World, rotating_world
from tests.counterparties.tcp_proxy import Fault
from tests.journeys.processes import PATIENCE

#: Callouts that are under way at once in each process.
AT_ONCE = 25
ROUNDS = 3


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with rotating_world(tmp_path_factory.mktemp("rotation"), processes=2) as world:
        yield world


@pytest.fixture(autouse=True)
async def connected(world: World) -> None:
    world.proxy.faults.clear()
    world.connect()
    await world.succeeds()
    await world.statuses(1)


async def test_eight_parallel_raw_refreshes_lose_the_grant_at_this_server(world: World) -> None:
    tokens = consent(world.provider.ready, ROTATING, "bob", SCOPE)
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    pair = (ROTATING["client_id"], ROTATING["client_secret"])

    async def refresh(refresh_token: str) -> httpx2.Response:
        async with httpx2.AsyncClient(trust_env=False, auth=pair, timeout=PATIENCE) as client:
            return await client.post(
                world.provider.ready["token_endpoint"], data={**form, "refresh_token": refresh_token}
            )

    answers = await asyncio.gather(*(refresh(tokens["refresh_token"]) for _ in range(8)))
    winners = [answer.json()["refresh_token"] for answer in answers if answer.status_code == 200]
    assert Counter(answer.status_code for answer in answers)[400] >= 1
    assert [(await refresh(winner)).status_code for winner in winners] == [400] * len(winners)


async def test_two_processes_at_expiry_make_one_grant_and_lose_none(world: World) -> None:
    for _ in range(ROUNDS):
        before = len(world.grants())
        world.let_access_token_go_stale()
        assert await world.statuses(AT_ONCE) == {200: 2 * AT_ONCE}
        assert [grant["status"] for grant in world.grants()[before:]] == [200]


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.HANG])
async def test_a_request_that_never_reached_the_server_is_made_again(world: World, fault: Fault) -> None:
    before = len(world.grants())
    world.let_access_token_go_stale()
    world.proxy.faults.append(fault)
    first = await world.call(world.servers[0])
    assert first.status_code in (200, 503), first.text
    await world.succeeds()
    assert not world.proxy.faults
    assert [grant["status"] for grant in world.grants()[before:]] == [200]


async def test_an_answer_that_comes_byte_by_byte_is_read_whole(world: World) -> None:
    before = len(world.grants())
    world.let_access_token_go_stale()
    world.proxy.faults.append(Fault.DRIP)
    assert (await world.call(world.servers[0])).status_code == 200
    assert [grant["status"] for grant in world.grants()[before:]] == [200]


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.HALF_CLOSE, Fault.UNSEEN])
async def test_a_pair_that_was_lost_on_its_way_is_stated_and_the_remedy_mends_it(world: World, fault: Fault) -> None:
    before = len(world.grants())
    world.let_access_token_go_stale()
    world.proxy.faults.append(fault)
    answer = await world.call(world.servers[0])
    seen = [answer.json().get("reason")]
    async with asyncio.timeout(PATIENCE):
        while answer.headers.get("Callout-Error") != "refresh_outcome_unknown":
            answer = await world.call(world.servers[0])
            seen.append(answer.json().get("reason"))
            await asyncio.sleep(0.05)  # the pace of the asking: a transient failure is tried again after a pause
    assert set(seen) <= {"token_endpoint_unreachable", "refresh_outcome_unknown"}, seen
    outcomes = [(grant["status"], grant.get("detail")) for grant in world.grants()[before:]]
    assert outcomes == [(200, None), (400, "refresh token already used")]
    both = [(await world.call(server)).headers["Callout-Error"] for server in world.servers]
    assert both == ["refresh_outcome_unknown"] * 2
    assert len(world.grants()) == before + 2, "no further token is spent on it"
    health = world.home.json("status")
    assert "outcome_unknown" in str(health), health
    world.connect()
    await world.succeeds()
