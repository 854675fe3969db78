"""The callout log: every callout once, nothing secret, found again by its id."""

import pytest

from callout.core.errors import Refused, StoreError
from callout.engine.records import Records
from tests.engine.conftest import ACME_KEY, BOB_KEY


def record(
    world,
    route=None,
    *,
    status=200,
    replay=None,
    refused=None,
    target=b"/callout/Orders/a?token=x",
    ready=None,
    stale=0,
) -> str:
    callout_id = world.records.next_id()
    started = world.clock.monotonic()
    world.clock.move(0.25)
    world.callouts.record(
        callout_id, route, "Orders", b"GET", target, status, 3, 5, started, replay, refused, ready, stale
    )
    return callout_id.decode()


async def test_a_callout_is_found_by_its_id_with_the_whole_ladder(world) -> None:
    callout_id = record(world, world.admit())
    record(world, world.admit())
    assert world.records.flush() == 2
    found = await world.log.explain(callout_id)
    assert (found["callout_id"], found["status"], found["allowed"]) == (callout_id, 200, True)
    assert found["caller"] == {"user": "alice", "namespace": None}
    assert [step["name"] for step in found["steps"]][:3] == ["caller", "named_credential", "enabled"]
    assert found["duration_ms"] == pytest.approx(250)
    assert (found["sent_bytes"], found["received_bytes"]) == (3, 5)


async def test_the_query_is_not_kept(world) -> None:
    callout_id = record(world, world.admit())
    world.records.flush()
    assert (await world.log.explain(callout_id))["path"] == "/callout/Orders/a"


async def test_a_refused_callout_keeps_its_reason_remedy_and_who_it_was(world) -> None:
    with pytest.raises(Refused) as caught:
        world.admit(key=BOB_KEY)
    callout_id = record(world, status=403, refused=caught.value)
    world.records.flush()
    found = await world.log.explain(callout_id)
    assert (found["reason"], found["allowed"], found["caller"]["user"]) == ("principal_not_granted", False, "bob")
    assert found["remedy_commands"][0].startswith("callout permission-set assign")


async def test_a_replayed_callout_says_so(world) -> None:
    callout_id = record(world, world.admit(), replay="done", stale=601)
    world.records.flush()
    found = await world.log.explain(callout_id)
    assert found["replay"] == "done"
    steps = {step["name"]: step["detail"] for step in found["steps"]}
    assert "601" in steps["refresh"]
    assert "replay" in steps


async def test_a_callout_that_could_not_be_sent_again_says_why_and_what_to_do(world) -> None:
    callout_id = record(world, world.admit(), replay="not-possible/method_not_declared", status=401, stale=401)
    world.records.flush()
    found = await world.log.explain(callout_id)
    assert (found["replay"], found["allowed"], found["reason"]) == ("not-possible", True, None)
    step = next(step for step in found["steps"] if step["name"] == "replay")
    assert (step["held"], step["reason"]) == (False, "replay_not_possible")
    assert "replay_methods of Orders does not name GET" in step["detail"]
    assert step["remedy_commands"] == ["callout named-credential allow-replay Orders GET"]


async def test_a_record_of_an_earlier_release_is_read(world) -> None:
    callout_id = record(world, world.admit(), replay="not-possible", status=401, stale=401)
    world.records.flush()
    found = await world.log.explain(callout_id)
    step = next(step for step in found["steps"] if step["name"] == "replay")
    assert "was not kept whole" in step["detail"]


async def test_a_refresh_that_was_not_needed_is_said(world) -> None:
    callout_id = record(world, world.admit(), replay="not-needed", status=401)
    world.records.flush()
    found = await world.log.explain(callout_id)
    assert found["replay"] == "not-needed"
    assert "none was made" in next(step["detail"] for step in found["steps"] if step["name"] == "refresh")
    assert [step["name"] for step in found["steps"]].count("replay") == 0


async def test_a_callout_keeps_the_trace_of_the_token_that_it_was_sent_with(world) -> None:
    route = world.admit()
    first = await world.callouts.prepare(route)
    before = record(world, route, ready=first)
    second = await world.callouts.refresh(route, first, 401)
    after = record(world, route, ready=second)
    world.records.flush()
    tokens = {}
    for callout_id in (before, after):
        found = await world.log.explain(callout_id)
        tokens[callout_id] = next(step["detail"] for step in found["steps"] if step["name"] == "token")
    assert tokens[before].startswith("generation 1,")
    assert tokens[after].startswith("generation 2,")


async def test_callouts_of_one_token_are_known_as_such_and_nothing_of_it_is_shown(world) -> None:
    route = world.admit()
    first = await world.callouts.prepare(route)
    ids = [record(world, route, ready=first), record(world, route, ready=first)]
    ids.append(record(world, route, ready=await world.callouts.refresh(route, first, 401)))
    world.records.flush()
    names = [(await world.log.explain(each))["token"] for each in ids]
    assert names[0] == names[1] != names[2]
    assert names[0].startswith("Orders/Service/")
    assert "token-1" not in names[0]


async def test_an_answer_that_said_itself_that_the_token_is_stale_says_so(world) -> None:
    said = world.records.next_id()
    route = world.admit()
    world.callouts.record(said, route, "Orders", b"GET", b"/", 400, 0, 0, 0.0, None, None, None, 0, True)
    silent = record(world, route, status=400)
    world.records.flush()
    assert (await world.log.explain(said.decode()))["says_stale"] is True
    assert (await world.log.explain(silent))["says_stale"] is False


async def test_a_refused_callout_of_package_code_is_recorded_under_its_user_and_namespace(world) -> None:
    with pytest.raises(Refused) as caught:
        world.admit(key=ACME_KEY)
    callout_id = record(world, status=403, refused=caught.value)
    world.records.flush()
    assert (await world.log.explain(callout_id))["caller"] == {"user": "alice", "namespace": "acme"}


async def test_an_unknown_id_is_not_found(world) -> None:
    assert await world.log.explain("0" * 25) is None


async def test_ids_are_unique_and_sort_by_time(world) -> None:
    first = [world.records.next_id() for _ in range(1000)]
    world.clock.move(1)
    world.records.tick()
    later = world.records.next_id()
    assert len({*first}) == 1000
    assert first == sorted(first)
    assert later > first[-1]


async def test_recent_lists_the_newest_first(world) -> None:
    ids = []
    for _ in range(3):
        ids.append(record(world, world.admit()))
        world.records.flush()
    assert [each["callout_id"] for each in await world.log.recent(2)] == [ids[2], ids[1]]


class FullDisk:
    def append(self, segment):
        raise StoreError("disk full")


async def test_records_that_cannot_be_written_are_kept_for_the_next_time(world) -> None:
    from callout.adapters.system import SystemEntropy

    records = Records(FullDisk(), world.clock, SystemEntropy())
    records.record(records.next_id(), None, "Orders", b"GET", b"/", 200, 0, 0, 0.0, None, None, None, 0)
    with pytest.raises(StoreError):
        records.flush()
    assert records.waiting == 1
