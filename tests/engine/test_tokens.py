"""A token is obtained once for everybody, kept sealed, replaced by generation, and never used when it has expired."""

import asyncio
import traceback

import pytest

from callout.core.errors import Refused
from callout.core.message import HttpResponse
from callout.engine.tokens import LONGEST_BACK_OFF
from tests.engine.conftest import ORDERS, SERVICE, json_answer, replace


async def token_of(world) -> str:
    ready = await world.callouts.prepare(world.admit())
    return ready.head.decode().split("Bearer ")[1].split("\r\n")[0]


async def test_a_token_is_obtained_when_it_is_first_needed(world) -> None:
    assert world.server.requests == []
    assert await token_of(world) == "token-1"
    assert world.server.forms == [{"grant_type": "client_credentials", "scope": "orders.read"}]


async def test_many_callers_at_once_cause_one_token_request(world) -> None:
    world.server.gate = asyncio.Event()
    waiting = [asyncio.ensure_future(token_of(world)) for _ in range(50)]
    while not world.server.requests:
        await asyncio.sleep(0)
    world.server.gate.set()
    assert set(await asyncio.gather(*waiting)) == {"token-1"}
    assert len(world.server.requests) == 1


async def test_a_caller_that_hangs_up_does_not_cancel_the_token_request(world) -> None:
    world.server.gate = asyncio.Event()
    first = asyncio.ensure_future(token_of(world))
    while not world.server.requests:
        await asyncio.sleep(0)
    first.cancel()
    second = asyncio.ensure_future(token_of(world))
    world.server.gate.set()
    assert await second == "token-1"
    assert len(world.server.requests) == 1


async def test_replacing_an_older_generation_adopts_the_newer_one_without_a_request(world) -> None:
    route = world.admit()
    old = await world.callouts.prepare(route)
    new = await world.callouts.refresh(route, old, 401)
    assert (old.generation, new.generation) == (1, 2)
    late = await world.callouts.refresh(route, old, 401)
    assert late.generation == 2
    assert len(world.server.requests) == 2


async def test_another_process_adopts_the_stored_token(world) -> None:
    await token_of(world)
    other = world.another_process()
    await other.org.load()
    assert await token_of(other) == "token-1"
    assert len(world.server.requests) == 1


async def test_a_process_that_is_asked_to_replace_adopts_what_another_has_replaced(world) -> None:
    other = world.another_process()
    await other.org.load()
    ours, theirs = world.admit(), other.admit()
    first, second = await world.callouts.prepare(ours), await other.callouts.prepare(theirs)
    await world.callouts.refresh(ours, first, 401)
    adopted = await other.callouts.refresh(theirs, second, 401)
    assert b"token-2" in adopted.head
    assert len(world.server.requests) == 2


async def test_the_stored_token_is_sealed(world, tmp_path) -> None:
    await token_of(world)
    row = await world.store.user_external_credentials.token(SERVICE)
    assert row.generation == 1
    assert b"token-1" not in row.envelope
    world.store.close()
    assert b"token-1" not in b"".join(p.read_bytes() for p in tmp_path.iterdir())


async def test_a_token_obtained_with_other_secrets_is_not_used(world) -> None:
    await token_of(world)
    await world.put_secrets(SERVICE, client_secret="another")
    assert await token_of(world) == "token-2"


async def test_a_token_obtained_under_other_definitions_is_not_used(world) -> None:
    await token_of(world)
    await world.define(replace(ORDERS, parameters={**ORDERS.parameters, "scope": "orders.write"}))
    assert await token_of(world) == "token-2"
    assert world.server.forms[-1]["scope"] == "orders.write"


async def test_a_change_that_does_not_concern_the_token_keeps_it(world) -> None:
    await token_of(world)
    await world.define(replace(ORDERS, label="Orders"))
    assert await token_of(world) == "token-1"


async def test_an_expired_token_is_replaced_before_anything_is_sent(world) -> None:
    await token_of(world)
    world.clock.move(3600)
    assert await token_of(world) == "token-2"


async def test_a_token_about_to_expire_is_replaced_while_the_one_in_hand_is_used(world) -> None:
    await token_of(world)
    world.clock.move(3600 - 30)
    assert await token_of(world) == "token-1"
    while len(world.server.requests) < 2 or world.admit().slot.flight is not None:
        await asyncio.sleep(0)
    assert await token_of(world) == "token-2"


async def test_when_the_server_is_down_a_token_that_still_holds_goes_on_being_used(world) -> None:
    await token_of(world)
    world.clock.move(3600 - 30)
    world.server.answers = [Refused("external_system_unreachable", "down")] * 2
    assert await token_of(world) == "token-1"
    while world.admit().slot.flight is not None:
        await asyncio.sleep(0)
    assert await token_of(world) == "token-1"
    world.clock.move(31)
    with pytest.raises(Refused) as caught:
        await token_of(world)
    assert caught.value.reason.code == "token_endpoint_unreachable"


async def test_without_a_stated_expiry_the_token_is_used_until_it_is_refused(world) -> None:
    world.server.expires_in = None
    await token_of(world)
    world.clock.move(86400 * 365)
    assert await token_of(world) == "token-1"


async def test_a_refusal_of_the_token_endpoint_names_it_and_hides_the_secret(world) -> None:
    body = {"error": "invalid_client", "error_description": "the-secret is wrong"}
    world.server.answers = [json_answer(401, body)]
    with pytest.raises(Refused) as caught:
        await token_of(world)
    assert caught.value.reason.code == "token_endpoint_refused"
    assert "invalid_client" in caught.value.detail
    assert "the-secret" not in str(caught.value)
    assert [step.name for step in caught.value.explanation.steps][-1] == "token"
    health = await world.store.user_external_credentials.health()
    assert "invalid_client" in next(h for h in health if h.key == SERVICE).last_error


async def test_a_refusal_is_remembered_for_a_moment_so_that_callers_do_not_storm_the_token_endpoint(world) -> None:
    world.server.answers = [HttpResponse(503, "", (), b"")]
    for _ in range(5):
        with pytest.raises(Refused):
            await token_of(world)
    assert len(world.server.requests) == 1
    world.clock.move(0.3)
    assert await token_of(world) == "token-1"


async def test_the_pause_after_failures_stays_bounded_however_many_there_were(world) -> None:
    route = world.admit()
    route.slot.failures = 5000
    world.server.answers = [HttpResponse(503, "", (), b"")]
    for _ in range(3):
        with pytest.raises(Refused):
            await world.callouts.prepare(route)
    assert len(world.server.requests) == 1
    assert world.clock.monotonic() < route.slot.retry_at <= world.clock.monotonic() + LONGEST_BACK_OFF


async def test_an_expired_token_is_not_sent_even_for_the_grace_of_a_second(world) -> None:
    world.server.expires_in = 10
    route = world.admit()
    await world.callouts.prepare(route)
    world.clock.move(9.9)
    world.server.answers = [HttpResponse(503, "", (), b"")]
    ready = await world.callouts.prepare(route)
    assert ready.fresh_until <= world.clock.monotonic() + 0.11
    while route.slot.flight is not None:
        await asyncio.sleep(0)


async def test_while_the_token_endpoint_fails_a_genuine_400_passes_and_a_401_is_still_asked_about(world) -> None:
    route = world.admit()
    ready = await world.callouts.prepare(route)
    world.server.answers = [HttpResponse(503, "", (), b"")]
    with pytest.raises(Refused):
        await world.callouts.refresh(route, ready, 400)
    assert not world.callouts.is_stale(route, ready, 400)
    assert world.callouts.is_stale(route, ready, 401)


async def test_a_token_says_why_it_was_obtained(world) -> None:
    route = world.admit()
    first = await world.callouts.prepare(route)
    store = world.store.user_external_credentials
    assert (await store.token(SERVICE)).obtained_because == "first"
    await world.callouts.refresh(route, first, 601)
    assert (await store.token(SERVICE)).obtained_because == "status 601"
    world.clock.move(3600)
    await world.callouts.prepare(route)
    assert (await store.token(SERVICE)).obtained_because == "expiry"


async def test_a_private_network_that_is_no_longer_allowed_is_not_allowed_for_the_token_endpoint_either(world) -> None:
    await world.define(replace(ORDERS, allow_private_network=True))
    await token_of(world)
    assert world.admit().slot.allow_private_network
    await world.define(replace(ORDERS, allow_private_network=False))
    assert not world.admit().slot.allow_private_network


async def test_an_unreachable_token_endpoint_is_not_told_as_the_named_credentials_url(world) -> None:
    world.server.answers = [Refused("external_system_unreachable", "down")]
    with pytest.raises(Refused) as caught:
        await token_of(world)
    assert "token endpoint" in str(caught.value.remedies[0])


async def test_a_token_request_may_take_as_long_as_the_settings_say(world) -> None:
    peer = world.another_process(token_timeout=5.0)
    await peer.org.load()
    await peer.callouts.prepare(peer.admit())
    assert world.server.timeouts == [5.0]


async def test_a_refusal_that_is_remembered_keeps_nothing_of_those_who_were_refused_by_it(world) -> None:
    world.server.answers = [json_answer(400, {"error": "invalid_client"})]
    for _ in range(3):
        with pytest.raises(Refused) as caught:
            await token_of(world)
    before = len(traceback.extract_tb(caught.value.__cause__.__traceback__))
    for _ in range(20):
        with pytest.raises(Refused) as caught:
            await token_of(world)
    assert len(traceback.extract_tb(caught.value.__cause__.__traceback__)) == before


async def test_a_refresh_that_failed_is_explained_as_the_step_that_obtains_the_token(world) -> None:
    route = world.admit()
    ready = await world.callouts.prepare(route)
    world.server.answers = [HttpResponse(503, "", (), b"")]
    with pytest.raises(Refused) as caught:
        await world.callouts.refresh(route, ready, 401)
    assert caught.value.explanation.steps[-1].name == "token"
