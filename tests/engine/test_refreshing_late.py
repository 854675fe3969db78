"""A process that looked some time ago reads again inside the lease: it spends nothing that was settled meanwhile."""

import pytest

from callout.core.errors import Refused
from tests.engine.rotating import HUB_SERVICE, hub_world, peer_of, token_of


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
