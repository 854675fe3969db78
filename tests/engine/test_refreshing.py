"""One refresh token, several processes: it is spent once, what came of it is stored, or what happened is stated."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from callout.adapters.store.store import Store
from callout.core.errors import Refused, StoreError
from callout.engine.diagnosis import diagnose
from callout.engine.leases import RENEWAL, TOKEN_TIMEOUT
from tests.engine.conftest import LivingNodes, build, json_answer, replace
from tests.engine.rotating import (
    DROPPED,
    HUB,
    HUB_SERVICE,
    HUB_URL,
    LOST,
    UNREACHED,
    RotatingServer,
    adopting,
    condition,
    connect,
    hub_world,
    peer_of,
    token_of,
)

REMEDY = ["callout secret set Hub/Service refresh_token=-"]


@pytest.fixture
async def hub(tmp_path):
    async with hub_world(tmp_path) as made:
        yield made


async def settle() -> None:
    """Give what must not happen a chance to; what must happen is waited for with `until`."""
    for _ in range(20):
        await asyncio.sleep(0.001)


async def until(happened) -> None:
    while not await happened():
        await asyncio.sleep(0)


async def landed(hub) -> None:
    """Wait until no refresh is under way in this process."""
    while hub.tokens._flights:
        await asyncio.sleep(0)


async def refused(made) -> Refused:
    with pytest.raises(Refused) as caught:
        await token_of(made)
    return caught.value


async def sending(hub) -> asyncio.Task:
    """A callout whose token request has reached the server and is held there."""
    hub.server.gate, hub.server.arrived = asyncio.Event(), asyncio.Event()
    task = asyncio.ensure_future(token_of(hub))
    await hub.server.arrived.wait()
    return task


def let_go(hub) -> None:
    hub.server.gate.set()
    hub.server.gate = None


async def test_each_refresh_token_is_spent_once_and_the_next_one_is_kept(hub) -> None:
    first = await token_of(hub)
    hub.clock.move(3601)
    second = await token_of(hub)
    assert first != second
    assert set(hub.server.spends.values()) == {1}
    assert await condition(hub) == ("connected", [])


async def test_two_processes_make_one_grant_and_the_second_adopts_it(hub) -> None:
    peer = await peer_of(hub)
    ours = await sending(hub)
    theirs = asyncio.ensure_future(token_of(peer))
    await settle()
    assert not theirs.done()
    let_go(hub)
    token = await ours
    assert await adopting(peer, theirs) == token
    assert len(hub.server.forms) == 1


async def test_a_waiting_process_looks_by_itself_now_and_then(hub) -> None:
    peer = await peer_of(hub)
    ours = await sending(hub)
    theirs = asyncio.ensure_future(token_of(peer))
    await settle()
    let_go(hub)
    token = await ours
    while not theirs.done():
        hub.clock.move(1)
        await settle()
    assert await theirs == token


async def test_a_caller_that_hangs_up_during_the_grant_loses_nothing(hub) -> None:
    caller = await sending(hub)
    caller.cancel()
    let_go(hub)
    token = await token_of(hub)
    assert len(hub.server.forms) == 1
    assert hub.server.accepts(token)


async def test_an_answer_that_was_lost_after_the_server_rotated_ends_in_a_stated_unknown_outcome(hub) -> None:
    hub.server.faults = [LOST]
    assert (await refused(hub)).reason.code == "token_endpoint_unreachable"
    hub.clock.move(10)
    unknown = await refused(hub)
    assert unknown.reason.code == "refresh_outcome_unknown"
    assert [r.command for r in unknown.remedies] == REMEDY
    assert await condition(hub) == ("outcome_unknown", REMEDY)


async def test_an_answer_that_was_lost_although_nothing_was_spent_is_made_good_by_the_next_try(hub) -> None:
    hub.server.faults = [DROPPED]
    assert (await refused(hub)).reason.code == "token_endpoint_unreachable"
    hub.clock.move(10)
    assert hub.server.accepts(await token_of(hub))
    assert await condition(hub) == ("connected", [])


async def test_a_request_that_never_left_leaves_no_doubt(hub) -> None:
    hub.server.faults = [UNREACHED]
    await refused(hub)
    hub.server.revoke_all()
    hub.clock.move(10)
    assert (await refused(hub)).reason.code == "reconnect_required"


@pytest.mark.parametrize(
    "answer",
    [
        json_answer(503, {}),
        json_answer(500, {"error": "server_error"}),
        replace(json_answer(200, {}), body=b""),
        replace(json_answer(200, {}), body=b"<html>Please sign in</html>"),
        replace(json_answer(200, {}), body=b'{"access_token": "cut'),
    ],
    ids=["503", "500", "empty", "html", "truncated"],
)
async def test_an_answer_that_says_nothing_leaves_the_outcome_open(hub, answer) -> None:
    hub.server.faults = [answer]
    await refused(hub)
    assert (await hub.store.user_external_credentials.look(HUB_SERVICE)).intent.is_unsettled
    hub.server.revoke_all()
    hub.clock.move(10)
    assert (await refused(hub)).reason.code == "refresh_outcome_unknown"


async def test_what_was_stated_is_remembered_by_every_process_and_nothing_more_is_spent(hub) -> None:
    hub.server.revoke_all()
    assert (await refused(hub)).reason.code == "reconnect_required"
    peer = await peer_of(hub)
    for _ in range(3):
        hub.clock.move(60)
        for made in (hub, peer):
            again = await refused(made)
            assert (again.reason.code, [r.command for r in again.remedies]) == ("reconnect_required", REMEDY)
    assert len(hub.server.forms) == 1
    diagnosed = await diagnose(peer.callouts, "Hub", user="alice")
    assert (diagnosed["reason"], diagnosed["remedy_commands"]) == ("reconnect_required", REMEDY)


async def test_a_new_grant_ends_what_was_stated(hub) -> None:
    hub.server.revoke_all()
    await refused(hub)
    await connect(hub)
    assert hub.server.accepts(await token_of(hub))
    assert await condition(hub) == ("connected", [])


async def test_changed_definitions_are_tried_once_although_an_end_was_stated(hub) -> None:
    hub.server.revoke_all()
    await refused(hub)
    hub.server.revoked.clear()
    await hub.define(replace(HUB, parameters={**HUB.parameters, "scope": "hub.read"}))
    assert hub.server.accepts(await token_of(hub))


async def test_while_the_access_token_holds_an_unknown_outcome_is_left_alone_until_it_is_needed(hub) -> None:
    token = await token_of(hub)
    hub.clock.move(3590)
    hub.server.faults = [LOST]
    assert await token_of(hub) == token
    await landed(hub)
    for _ in range(3):
        hub.clock.move(2)
        assert await token_of(hub) == token
        await landed(hub)
    assert len(hub.server.forms) == 2
    assert (await condition(hub))[0] == "failing"
    hub.clock.move(10)
    assert (await refused(hub)).reason.code == "refresh_outcome_unknown"
    assert len(hub.server.forms) == 3


async def test_a_refusal_of_the_external_system_makes_an_unknown_outcome_needed(hub) -> None:
    await token_of(hub)
    route = hub.admit("Hub")
    ready = await hub.callouts.prepare(route)
    hub.server.faults = [DROPPED]
    with pytest.raises(Refused):
        await hub.callouts.refresh(route, ready, 401)
    hub.clock.move(10)
    fresh = await hub.callouts.refresh(route, ready, 401)
    assert fresh.generation == 2


async def test_while_the_token_endpoint_is_down_the_access_token_is_used_and_an_expired_one_never(hub) -> None:
    token = await token_of(hub)
    hub.clock.move(3590)
    hub.server.faults = [UNREACHED] * 9
    assert await token_of(hub) == token
    await landed(hub)
    hub.clock.move(11)
    assert (await refused(hub)).reason.code == "token_endpoint_unreachable"


async def test_a_peer_that_just_rotated_is_adopted_instead_of_believing_invalid_grant(hub) -> None:
    """A release without leases, or a process whose lease ran out, may have spent it."""
    peer = await peer_of(hub)
    task = await sending(hub)
    lease = (await hub.store.user_external_credentials.look(HUB_SERVICE)).lease
    peer.nodes.gone.add(lease.owner)  # the peer takes it for dead
    hub.server.gate, gate = None, hub.server.gate
    theirs = await token_of(peer)
    gate.set()
    assert await task == theirs
    assert await condition(hub) == ("connected", [])


@pytest.mark.parametrize("peers_timeout", [TOKEN_TIMEOUT, 0.1])
async def test_a_token_endpoint_slower_than_the_lease_finds_it_renewed(hub, peers_timeout) -> None:
    peer = await peer_of(hub, token_timeout=peers_timeout)
    task = await sending(hub)
    theirs = asyncio.ensure_future(token_of(peer))

    async def waits_to_renew() -> bool:
        return any(due - hub.clock.monotonic() == RENEWAL for due, _ in hub.clock.sleepers)

    for renewals in range(1, 12):
        await until(waits_to_renew)
        hub.clock.move(RENEWAL)

        async def renewed(beat: int = renewals) -> bool:
            return (await hub.store.user_external_credentials.lease(HUB_SERVICE)).beat == beat

        await until(renewed)
        await settle()
    assert (len(hub.server.forms), theirs.done()) == (0, False)
    let_go(hub)
    token = await task
    assert await adopting(peer, theirs) == token
    assert len(hub.server.forms) == 1


async def test_what_is_written_after_the_lease_was_lost_is_fenced_off_and_frees_nobody_elses(hub) -> None:
    store = hub.store.user_external_credentials
    task = await sending(hub)
    old = (await store.look(HUB_SERVICE)).lease
    taken = await store.take_lease(HUB_SERVICE, "another", hub.clock.now(), over=old)
    assert taken.fence > old.fence
    let_go(hub)

    async def given_up() -> bool:
        return not hub.tokens.leases._ours

    await until(given_up)
    look = await store.look(HUB_SERVICE)
    assert (look.lease, look.token) == (taken, None)
    await store.drop_lease(old)
    assert await store.lease(HUB_SERVICE) == taken
    task.cancel()


async def test_a_store_that_cannot_be_written_is_found_out_before_the_grant_is_spent(hub) -> None:
    blocked = Blocked(hub.store.user_external_credentials, {"begin_refresh", "note_sent", "note_error"})
    hub.tokens._refresher._store = blocked
    for name in ("begin_refresh", "note_sent"):
        blocked.names = {name}
        error = await refused(hub)
        assert error.reason.code == "overloaded"
        assert "was not spent" in error.detail
        hub.clock.move(10)
    assert hub.server.forms == []
    blocked.names = set()
    assert hub.server.accepts(await token_of(hub))


async def test_a_store_that_fails_after_the_grant_gets_the_new_pair_as_soon_as_it_takes_it(hub) -> None:
    blocked = Blocked(hub.store.user_external_credentials, {"keep_token"})
    hub.tokens._refresher._store = blocked
    token = await token_of(hub)
    assert (await token_of(hub), hub.tokens.unsaved) == (token, 1)
    diagnosed = await diagnose(hub.callouts, "Hub", user="alice")
    assert any("in memory only" in step["detail"] for step in diagnosed["steps"])
    blocked.names = set()
    while hub.tokens.unsaved:
        hub.clock.move(1)
        await settle()
    peer = await peer_of(hub)
    assert await token_of(peer) == token
    assert len(hub.server.forms) == 1


async def test_a_pair_that_the_store_did_not_take_is_written_when_the_process_stops(hub) -> None:
    blocked = Blocked(hub.store.user_external_credentials, {"keep_token"})
    hub.tokens._refresher._store = blocked
    token = await token_of(hub)
    blocked.names = set()
    await hub.tokens.close()
    peer = await peer_of(hub)
    assert await token_of(peer) == token


class Blocked:
    """A store of which some writes fail."""

    def __init__(self, real, names) -> None:
        self._real, self.names = real, names

    def __getattr__(self, name):
        if name not in self.names:
            return getattr(self._real, name)

        async def failing(*_: object, **__: object):
            raise StoreError("got no room on the disk; expected some. Make room")

        return failing


async def test_a_token_deleted_during_its_refresh_does_not_come_back(hub) -> None:
    task = await sending(hub)
    await hub.store.user_external_credentials.remove_secrets(HUB_SERVICE, None, hub.act("remove secrets"))
    let_go(hub)
    with pytest.raises(Refused) as caught:
        await task
    assert caught.value.reason.code == "principal_not_configured"
    look = await hub.store.user_external_credentials.look(HUB_SERVICE)
    assert (look.token, look.lease, look.intent) == (None, None, None)


async def test_a_refused_token_whose_definitions_change_meanwhile_is_replaced_under_the_new_ones(hub) -> None:
    await token_of(hub)
    route = hub.admit("Hub")
    ready = await hub.callouts.prepare(route)
    hub.server.gate, hub.server.arrived = asyncio.Event(), asyncio.Event()
    task = asyncio.ensure_future(hub.callouts.refresh(route, ready, 401))
    await hub.server.arrived.wait()
    await hub.define(replace(HUB, parameters={**HUB.parameters, "scope": "hub.read"}))
    let_go(hub)
    assert (await task).generation == 3
    assert hub.server.forms[-1]["scope"] == "hub.read"


async def test_a_callout_that_would_go_elsewhere_by_the_new_definitions_is_refused_instead(hub) -> None:
    task = await sending(hub)
    await hub.define(replace(HUB_URL, url="https://elsewhere.example.com"))
    await connect(hub)
    let_go(hub)
    with pytest.raises(Refused, match="changed while its token was asked for"):
        await task


async def test_a_database_that_another_has_locked_is_told_apart_from_a_lease_that_another_holds(hub, tmp_path) -> None:
    with closing(sqlite3.connect(tmp_path / "callout.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        error = await refused(hub)
        assert (error.reason.code, "SQLITE_BUSY" in error.detail) == ("overloaded", True)
        assert hub.server.forms == []
        other.execute("ROLLBACK")
    hub.clock.move(10)
    assert hub.server.accepts(await token_of(hub))


async def test_a_database_that_can_only_be_read_is_found_out_before_the_grant_is_spent(hub, tmp_path) -> None:
    store = Store.open(tmp_path / "callout.db", clock=hub.clock, read_only=True)
    peer = build(hub.clock, store, hub.vault, hub.server, LivingNodes("reader", set()))
    await peer.org.load()
    error = await refused(peer)
    assert (error.reason.code, "was not spent" in error.detail) == ("overloaded", True)
    assert hub.server.forms == []
    store.close()


async def test_a_grant_that_is_replaced_during_its_refresh_wins_over_what_the_old_one_brought(hub) -> None:
    task = await sending(hub)
    fresh = await connect(hub)
    let_go(hub)
    token = await task
    assert hub.server.accepts(token)
    assert hub.server.forms[-1]["refresh_token"] == fresh
    assert await token_of(hub) == token


async def test_a_new_grant_does_not_wait_for_the_refresh_of_the_old_one(hub) -> None:
    task = await sending(hub)
    await connect(hub)
    gate, hub.server.gate = hub.server.gate, None
    token = await token_of(hub)
    gate.set()
    assert await task == token
    assert hub.server.accepts(token)
    assert await condition(hub) == ("connected", [])


@pytest.mark.parametrize("change", ["definition", "client secret"])
async def test_what_does_not_concern_the_refresh_token_lets_it_go_on(hub, change) -> None:
    await token_of(hub)
    task = None
    if change == "definition":
        hub.clock.move(3601)
        task = await sending(hub)
        await hub.define(replace(HUB, parameters={**HUB.parameters, "scope": "hub.read"}))
        let_go(hub)
        assert hub.server.accepts(await task)
        assert [form.get("scope") for form in hub.server.forms] == [None, None, "hub.read"]
    else:
        await hub.put_secrets(HUB_SERVICE, client_secret="rotated")
        assert hub.server.accepts(await token_of(hub))
        assert len(hub.server.forms) == 2  # the access token of the old definitions was not used
    assert set(hub.server.spends.values()) == {1}


async def test_a_server_that_does_not_rotate_keeps_its_refresh_token(tmp_path) -> None:
    async with hub_world(tmp_path, RotatingServer(rotates=False)) as hub:
        for _ in range(3):
            assert hub.server.accepts(await token_of(hub))
            hub.clock.move(3601)
        assert list(hub.server.spends.values()) == [3]


@pytest.mark.parametrize("minutes", [-10, 10])
async def test_clocks_that_are_ten_minutes_apart_do_not_break_a_lease(hub, minutes) -> None:
    peer = await peer_of(hub)
    peer.tokens.leases._clock = peer.tokens._refresher._clock = Skewed(hub.clock, minutes)
    task = await sending(hub)
    theirs = asyncio.ensure_future(token_of(peer))
    for _ in range(3):
        hub.clock.move(14.0)
        await settle()
    assert not theirs.done()
    let_go(hub)
    token = await task
    assert await adopting(peer, theirs) == token
    assert len(hub.server.forms) == 1


class Skewed:
    """A clock that is so many minutes ahead of another."""

    def __init__(self, clock, minutes: int) -> None:
        self._clock, self._minutes = clock, minutes

    def now(self):
        return self._clock.now() + timedelta(minutes=self._minutes)

    def __getattr__(self, name):
        return getattr(self._clock, name)
