"""The callout log: newest first, narrowed, followed, and to each caller their own alone."""

from dataclasses import replace

import pytest

from callout.core.model.people import Caller
from callout.core.reasons import Telling
from callout.engine.operations import OperationRefused
from tests.engine.audit.conftest import record
from tests.judging import JudgedOperations

ALICE = Caller("alice", None, "key co_y…")
ACME = Caller("alice", "acme", "key co_z…")


async def logged(shop, caller=None, **wanted) -> list[str]:
    found = await (shop.run("callout.log", caller, **wanted) if caller else shop.run("callout.log", **wanted))
    return [each["callout_id"] for each in found["callouts"]]


def refused_of(shop, user: str, **more) -> str:
    return record(shop, user=user, status=403, refused="principal_not_granted", **more)


async def test_callouts_come_newest_first_whatever_segments_they_are_in(shop) -> None:
    ids = []
    for size in (1, 3, 2):
        ids += [refused_of(shop, "alice") for _ in range(size)]
        shop.records.flush()
    assert await logged(shop) == ids[::-1]
    assert await logged(shop, limit=2) == [ids[5], ids[4]]


async def test_callouts_are_narrowed_by_name_user_reason_and_time(shop) -> None:
    old = refused_of(shop, "alice")
    shop.clock.move(hours=3)
    shop.records.tick()
    bobs = refused_of(shop, "bob")
    other = record(shop, user="bob", name="Weather", status=503, refused="overloaded")
    shop.records.flush()
    assert await logged(shop, user="bob") == [other, bobs]
    assert await logged(shop, name="Weather") == [other]
    assert await logged(shop, reason="principal_not_granted") == [bobs, old]
    assert await logged(shop, since="1h") == [other, bobs]
    assert await logged(shop, user="bob", reason="overloaded", name="Orders") == []


async def test_a_caller_sees_their_own_callouts_and_no_others(shop) -> None:
    own = refused_of(shop, "alice")
    refused_of(shop, "bob")
    shop.records.flush()
    assert await logged(shop, ALICE) == [own]
    assert await logged(shop, ALICE, user="alice") == [own]
    assert await logged(shop, ACME) == []
    with pytest.raises(OperationRefused, match="expected your own"):
        await shop.run("callout.log", ALICE, user="bob")


async def test_where_users_are_told_the_code_alone_the_log_tells_no_more(shop) -> None:
    refused_of(shop, "alice")
    shop.records.flush()
    told = JudgedOperations(replace(shop.operations.uses, telling=Telling.CODE))
    (found,) = (await told.run("callout.log", {}, ALICE))["callouts"]
    assert (found["reason"], found["detail"], found["remedy_commands"]) == ("principal_not_granted", None, [])


async def test_what_is_recorded_after_a_look_is_found_by_its_cursor(shop) -> None:
    refused_of(shop, "alice")
    shop.records.flush()
    first = await shop.run("callout.log")
    assert (await shop.run("callout.log", cursor=first["cursor"]))["callouts"] == []
    new = [refused_of(shop, "bob"), refused_of(shop, "alice")]
    shop.records.flush()
    found = await shop.run("callout.log", cursor=first["cursor"])
    assert [each["callout_id"] for each in found["callouts"]] == new[::-1]
    assert (await shop.run("callout.log", cursor=found["cursor"]))["callouts"] == []


async def test_following_passes_over_what_is_not_wanted(shop) -> None:
    first = await shop.run("callout.log")
    refused_of(shop, "bob")
    shop.records.flush()
    found = await shop.run("callout.log", cursor=first["cursor"], user="alice")
    assert (found["callouts"], found["cursor"] > first["cursor"]) == ([], True)


async def test_a_search_that_looked_through_too_much_says_so(shop, monkeypatch) -> None:
    from callout.engine.audit import search

    monkeypatch.setattr(search, "MOST_LOOKED_THROUGH", 20)
    for _ in range(25):
        refused_of(shop, "bob")
        shop.records.flush()
    assert not (await shop.run("callout.log", user="alice"))["complete"]
    assert (await shop.run("callout.log", user="bob", limit=5))["complete"]


async def test_a_row_that_was_edited_hides_no_other(shop) -> None:
    shown = refused_of(shop, "alice")
    shop.records.flush()
    refused_of(shop, "alice")
    shop.records.flush()
    row, stored = shop.store.trail.chain[-1]
    shop.store.trail.chain[-1] = (replace(row, records=b'{"records":7}'), stored)
    assert await logged(shop) == [shown]


async def test_older_ones_are_reached_page_by_page_each_once_also_where_two_processes_wrote(shop) -> None:
    ids = []
    for number in range(60):
        ids.append(refused_of(shop, "alice"))
        if number % 2:
            shop.records.flush()
            if number % 4 == 3:  # the other process wrote first what happened later
                chain = shop.store.trail.chain
                (a, x), (b, y) = chain[-2:]
                chain[-2:] = [(replace(b, seq=a.seq), y), (replace(a, seq=b.seq), x)]
    seen, before = [], None
    while True:
        page = await shop.run("callout.log", limit=7, before=before)
        seen += [each["callout_id"] for each in page["callouts"]]
        before = page["older"]
        if before is None:
            break
    assert seen == ids[::-1]
    assert (await shop.run("callout.log", limit=5, cursor=0))["older"] is None
