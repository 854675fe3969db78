"""What nobody asks for is seen to: cut-off refreshes are ended, idle tokens refreshed, by one process of many."""

import pytest

from callout.core.errors import StoreError
from callout.engine.leases import MARGIN, SKEW, TOKEN_TIMEOUT
from callout.engine.sweeper import LEADER
from tests.engine.conftest import replace
from tests.engine.rotating import (
    DROPPED,
    HUB,
    HUB_SERVICE,
    LOST,
    UNREACHED,
    condition,
    connect,
    hub_world,
    peer_of,
    token_of,
)

DAY = 86400.0


@pytest.fixture
async def hub(tmp_path):
    async with hub_world(tmp_path) as made:
        await made.define(replace(HUB, inactivity_limit="30d"))
        yield made


async def look(hub):
    return await hub.store.user_external_credentials.look(HUB_SERVICE)


async def test_an_idle_refresh_token_is_used_before_the_provider_ends_it(hub) -> None:
    await token_of(hub)
    hub.clock.move(14 * DAY)
    await hub.sweeper.sweep()
    assert len(hub.server.forms) == 1
    hub.clock.move(9 * DAY)
    await hub.sweeper.sweep()
    assert (len(hub.server.forms), (await look(hub)).token.obtained_because) == (2, "idle")
    await hub.sweeper.sweep()
    assert len(hub.server.forms) == 2


async def test_so_is_one_that_nobody_has_called_yet(hub) -> None:
    peer = await peer_of(hub)
    hub.clock.move(23 * DAY)
    await peer.sweeper.sweep()
    assert len(hub.server.forms) == 1
    assert await condition(hub) == ("connected", [])


async def test_without_a_limit_nothing_is_refreshed_that_nobody_asks_for(hub) -> None:
    await token_of(hub)
    await hub.define(HUB)
    hub.clock.move(300 * DAY)
    await hub.sweeper.sweep()
    assert len(hub.server.forms) == 1


async def test_of_many_processes_one_sweeps_and_another_takes_over_when_it_is_gone(hub) -> None:
    peer = await peer_of(hub)
    await hub.sweeper.sweep()
    held = await hub.store.user_external_credentials.lease(LEADER)
    hub.clock.move(23 * DAY)
    await peer.sweeper.sweep()
    assert (hub.server.forms, held.owner) == ([], hub.nodes.name)
    peer.nodes.gone.add(hub.nodes.name)
    await peer.sweeper.sweep()
    assert len(hub.server.forms) == 1
    taken = await hub.store.user_external_credentials.lease(LEADER)
    assert (taken.owner, taken.fence > held.fence) == (peer.nodes.name, True)
    await hub.sweeper.sweep()  # the former leader sees that it leads no more
    assert await hub.store.user_external_credentials.lease(LEADER) == taken


async def test_a_leader_that_stops_leaves_the_lease_to_the_next(hub) -> None:
    peer = await peer_of(hub)
    await hub.sweeper.sweep()
    await hub.sweeper.close()
    await peer.sweeper.sweep()
    assert (await hub.store.user_external_credentials.lease(LEADER)).owner == peer.nodes.name


async def test_a_leader_of_which_nothing_is_known_is_followed_when_its_lease_was_seen_unrenewed(hub) -> None:
    peer, store = await peer_of(hub), hub.store.user_external_credentials
    ends = hub.clock.now()
    await store.take_lease(LEADER, "on another machine", ends, over=None)
    await peer.sweeper.sweep()
    hub.clock.move(TOKEN_TIMEOUT + MARGIN - 1)
    await peer.sweeper.sweep()
    assert (await store.lease(LEADER)).owner == "on another machine"
    hub.clock.move(1)
    await peer.sweeper.sweep()
    assert (await store.lease(LEADER)).owner == peer.nodes.name


async def test_a_lease_of_yesterday_is_not_waited_for(hub) -> None:
    store = hub.store.user_external_credentials
    await store.take_lease(LEADER, "on another machine", hub.clock.now(), over=None)
    hub.clock.move(SKEW)
    await hub.sweeper.sweep()
    assert (await store.lease(LEADER)).owner == hub.nodes.name


async def cut_off(hub, fault) -> None:
    """Leave a refresh behind as a process leaves it that is killed after it noted that the grant leaves."""
    hub.server.faults = [fault]
    with pytest.raises(Exception, match="token endpoint"):
        await token_of(hub)


@pytest.mark.parametrize(("fault", "state"), [(DROPPED, "connected"), (LOST, "outcome_unknown")])
async def test_a_refresh_that_was_cut_off_is_ended_at_the_start_of_another_process(hub, fault, state) -> None:
    await cut_off(hub, fault)
    peer = await peer_of(hub)
    await peer.sweeper.sweep()
    assert (await condition(hub))[0] == state
    assert (await look(hub)).intent is None
    before = len(hub.server.forms)
    hub.clock.move(60)
    await peer.sweeper.sweep()
    assert len(hub.server.forms) == before


async def test_a_refresh_that_was_cut_off_waits_while_the_token_holds(hub) -> None:
    await token_of(hub)
    hub.clock.move(3590)
    hub.server.faults = [LOST]
    await token_of(hub)
    while hub.tokens._flights:
        await hub.sweeper._store.lease(LEADER)
    peer = await peer_of(hub)
    await peer.sweeper.sweep()
    assert len(hub.server.forms) == 2
    hub.clock.move(11)
    await peer.sweeper.sweep()
    assert len(hub.server.forms) == 3


async def test_what_fails_is_left_alone_for_longer_and_longer(hub) -> None:
    await cut_off(hub, DROPPED)
    hub.server.faults = [UNREACHED] * 99
    tries = []
    for _ in range(100):
        hub.clock.move(10)
        before = len(hub.server.faults)
        await hub.sweeper.sweep()
        tries.append(before - len(hub.server.faults))
    assert 5 <= sum(tries) <= 8


async def test_what_was_stated_is_left_alone(hub) -> None:
    hub.server.revoke_all()
    hub.clock.move(23 * DAY)
    await hub.sweeper.sweep()
    assert (await condition(hub))[0] == "reconnect_required"
    hub.clock.move(23 * DAY)
    await hub.sweeper.sweep()
    assert len(hub.server.forms) == 1
    await connect(hub)
    hub.clock.move(23 * DAY)
    await hub.sweeper.sweep()
    assert (await condition(hub))[0] == "connected"


async def test_a_store_that_cannot_be_read_is_told_to_who_sweeps(hub) -> None:
    class Unreadable:
        async def lease(self, key):
            raise StoreError("got a locked database")

    hub.sweeper._store = Unreadable()
    with pytest.raises(StoreError):
        await hub.sweeper.sweep()


async def test_sweeps_come_at_times_that_differ(hub) -> None:
    rests = []
    hub.sweeper._clock = type("Noting", (), {"sleep": lambda _, seconds: noted(rests, seconds)})()
    for _ in range(20):
        await hub.sweeper.rest()
    assert len(set(rests)) > 1
    assert all(10 <= seconds < 15 for seconds in rests)


async def noted(rests: list[float], seconds: float) -> None:
    rests.append(seconds)
