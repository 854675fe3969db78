"""What happens while a process is about its refresh: what was settled is not spent, what was revoked is not kept."""

import asyncio

import pytest

from callout.core.errors import Refused
from callout.engine.leases import MARGIN, SKEW, TOKEN_TIMEOUT
from tests.engine.rotating import HUB_SERVICE, UNREACHED, condition, hub_world, peer_of, token_of


@pytest.fixture
async def hub(tmp_path):
    async with hub_world(tmp_path) as made:
        yield made


async def test_a_late_entrant_reads_again_inside_the_lease_and_spends_nothing(hub) -> None:
    peer = await peer_of(hub)
    await token_of(peer)
    await token_of(hub)
    hub.clock.move(3601)
    look = await hub.store.user_external_credentials.look(HUB_SERVICE)
    newer = await token_of(hub)
    peer.tokens._refresher._store = LateLook(peer.tokens._refresher._store, look)
    assert await token_of(peer) == newer
    assert set(hub.server.spends.values()) == {1}


@pytest.mark.parametrize("replacing", [False, True])
async def test_what_a_refresh_brings_after_its_token_was_revoked_is_not_kept(hub, replacing) -> None:
    store, act = hub.store.user_external_credentials, hub.act("give up token")
    if replacing:
        await token_of(hub)
        hub.clock.move(3601)
    hub.server.gate, hub.server.arrived = asyncio.Event(), asyncio.Event()
    task = asyncio.ensure_future(token_of(hub))
    await hub.server.arrived.wait()
    await store.give_up_token(HUB_SERVICE, act, stated="it was revoked by ada")
    hub.server.gate.set()
    with pytest.raises(Refused, match="it was revoked by ada"):
        await task
    look = await store.look(HUB_SERVICE)
    assert (look.token, look.lease, look.intent) == (None, None, None)
    assert await condition(hub) == ("revoked", ["callout secret set Hub/Service refresh_token=-"])


async def test_a_refresh_whose_process_ended_is_not_shown_as_under_way_for_ever(hub) -> None:
    hub.server.gate, hub.server.arrived = asyncio.Event(), asyncio.Event()
    task = asyncio.ensure_future(token_of(hub))
    await hub.server.arrived.wait()
    assert (await condition(hub))[0] == "refreshing"
    for flight in tuple(hub.tokens._flights):
        flight.cancel()
    hub.tokens.leases.close()
    with pytest.raises(asyncio.CancelledError):
        await task
    hub.clock.move(TOKEN_TIMEOUT + MARGIN)
    assert (await condition(hub))[0] == "expiring"


class LateLook:
    """A store of which one look shows what was there some time ago."""

    def __init__(self, real, old) -> None:
        self._real, self._old = real, [old]

    async def look(self, key):
        return self._old.pop() if self._old else await self._real.look(key)

    def __getattr__(self, name):
        return getattr(self._real, name)


async def test_a_late_entrant_does_not_spend_what_was_stated_to_be_of_no_use(hub) -> None:
    peer = await peer_of(hub)
    look = await hub.store.user_external_credentials.look(HUB_SERVICE)
    hub.server.revoke_all()
    for made in (hub, peer):
        made.tokens._refresher._store = LateLook(made.tokens._refresher._store, look)
        with pytest.raises(Refused) as caught:
            await token_of(made)
        assert caught.value.reason.code == "reconnect_required"
    assert len(hub.server.forms) == 1


async def behind(hub, seconds: float):
    """Another process, which has not been called since the token was replaced, so many seconds ago; and its callout."""
    hub.server.lifetime = 86_400
    peer = await peer_of(hub)
    ours, theirs = hub.admit("Hub"), peer.admit("Hub")
    first, second = await hub.callouts.prepare(ours), await peer.callouts.prepare(theirs)
    await hub.callouts.refresh(ours, first, 401)
    hub.clock.move(seconds)
    return peer, theirs, second


async def test_a_process_whose_token_is_refused_adopts_the_one_that_was_stored_lately(hub) -> None:
    peer, route, ready = await behind(hub, SKEW - 1)
    assert (await peer.callouts.refresh(route, ready, 401)).generation == 2
    assert len(hub.server.forms) == 2


async def test_a_process_that_was_not_called_for_long_does_not_replay_with_what_may_be_refused_as_well(hub) -> None:
    peer, route, ready = await behind(hub, SKEW)
    assert (await peer.callouts.refresh(route, ready, 401)).generation == 3
    assert set(hub.server.spends.values()) == {1}


async def test_where_no_fresh_token_can_be_had_an_older_one_that_is_newer_than_the_refused_is_adopted(hub) -> None:
    peer, route, ready = await behind(hub, SKEW)
    hub.server.faults = [UNREACHED]
    assert (await peer.callouts.refresh(route, ready, 401)).generation == 2
    assert len(hub.server.forms) == 2
