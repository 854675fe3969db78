"""Grants that can be asked for again without harm (client credentials): one lease for all, and no store is no obstacle."""

import asyncio

import pytest

from callout.core.errors import Refused, StoreError
from callout.engine.diagnosis import diagnose
from tests.engine.conftest import SERVICE, json_answer
from tests.engine.rotating import adopting


async def token_of(world) -> str:
    ready = await world.callouts.prepare(world.admit())
    return ready.head.decode().split("Bearer ")[1].split("\r\n")[0]


class Blocked:
    """A store of which some calls fail."""

    def __init__(self, real, *names: str) -> None:
        self._real, self.names = real, names

    def __getattr__(self, name):
        if name not in self.names:
            return getattr(self._real, name)

        async def failing(*_: object, **__: object):
            raise StoreError("got SQLITE_READONLY; expected to write")

        return failing


async def saved(world) -> None:
    while world.tokens.unsaved:
        if world.clock.sleepers:  # else it is being written, which takes as long as the machine likes
            world.clock.move(1)
        await asyncio.sleep(0)


async def test_a_store_that_cannot_be_written_does_not_keep_a_harmless_token_from_being_used(world) -> None:
    store = Blocked(world.store.user_external_credentials, "begin_refresh")
    world.tokens._refresher._store = store
    assert await token_of(world) == "token-1"
    assert (await token_of(world), world.tokens.unsaved) == ("token-1", 1)
    diagnosed = await diagnose(world.callouts, "Orders", user="alice")
    assert any("in memory only" in step["detail"] for step in diagnosed["steps"])
    store.names = ()
    await saved(world)
    assert (await world.store.user_external_credentials.token(SERVICE)).generation == 1
    other = world.another_process()
    await other.org.load()
    assert await token_of(other) == "token-1"


async def test_a_token_of_secrets_that_changed_meanwhile_is_not_written_afterwards(world) -> None:
    store = Blocked(world.store.user_external_credentials, "look")
    world.tokens._refresher._store = store
    await token_of(world)
    await world.put_secrets(SERVICE, client_secret="another")
    store.names = ()
    await saved(world)
    assert await world.store.user_external_credentials.token(SERVICE) is None
    assert await token_of(world) == "token-2"


async def test_a_token_that_the_store_did_not_take_keeps_others_waiting_only_until_it_does(world) -> None:
    store = Blocked(world.store.user_external_credentials, "keep_token")
    world.tokens._refresher._store = store
    await token_of(world)
    other = world.another_process()
    await other.org.load()
    theirs = asyncio.ensure_future(token_of(other))
    store.names = ()
    await saved(world)
    assert await adopting(other, theirs) == "token-1"
    assert len(world.server.requests) == 1


async def test_a_lease_that_was_left_behind_when_the_store_failed_is_taken_over_by_its_own_process(world) -> None:
    store = Blocked(world.store.user_external_credentials, "end_refresh")
    world.tokens._refresher._store = store
    world.server.answers = [json_answer(503, {})]
    with pytest.raises(Refused, match="503"):
        await token_of(world)
    store.names = ()
    world.clock.move(1)
    assert await token_of(world) == "token-1"


async def test_a_server_that_gives_the_same_token_until_it_is_about_to_expire_is_not_asked_in_a_loop(world) -> None:
    await token_of(world)
    ends = world.clock.now().timestamp() + 3600
    for _ in range(3600):
        world.clock.move(1)
        left = ends - world.clock.now().timestamp()
        if left <= 0:
            break
        world.server.answers = [json_answer(200, {"access_token": "token-1", "expires_in": left})]
        assert await token_of(world) == "token-1"
        while world.tokens._flights:
            await asyncio.sleep(0)
    assert 2 <= len(world.server.requests) <= 4
    world.server.answers = []
    assert await token_of(world) == "token-2"


async def test_no_lease_and_no_intent_is_left_when_all_is_well(world) -> None:
    await token_of(world)
    look = await world.store.user_external_credentials.look(SERVICE)
    assert (look.lease, look.intent, look.stated, look.generation) == (None, None, None, 1)
