"""Health over time: what the log counts, by name, by principal and over time; and what it says that it does not know."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest

from callout.core.model.people import Caller
from callout.engine.audit import tallies
from callout.engine.records import Records
from tests.engine.audit.conftest import record
from tests.world import START, make_shop

VIEWER = Caller("admin", None, "key co_x…")


@dataclass(eq=False)
class Told:
    """What a record tells of its route."""

    decision: SimpleNamespace
    demands: None = None


@pytest.fixture
async def shop():
    return await make_shop()


def took(shop, milliseconds: float, *, status: int = 200, replay=None, stale: int = 0, name="Orders") -> None:
    """Record an answered callout of a route by a name."""
    decision = SimpleNamespace(
        name=name,
        caller=Caller("alice"),
        external_credential=SimpleNamespace(name=name),
        principal=SimpleNamespace(name="Service"),
        explanation=SimpleNamespace(steps=()),
    )
    route = Told(decision)
    started = shop.clock.monotonic() - milliseconds / 1000
    more = (0, 0, started, replay, None, None, stale)
    shop.callouts.record(shop.callouts.next_id(), route, name, b"GET", b"/a", status, *more)


async def healthy(shop, since="1h", caller=VIEWER):
    shop.records.flush()
    return await shop.run("health", caller, since=since)


async def test_callouts_are_counted_with_how_they_ended_and_how_long_they_took(shop) -> None:
    for milliseconds in [10] * 90 + [100] * 9 + [1000]:
        took(shop, milliseconds)
    took(shop, 5, status=503)
    took(shop, 5, status=0)
    took(shop, 5, replay="done", stale=401)
    record(shop, status=403, refused="principal_not_granted", name="Weather")
    total = (await healthy(shop))["total"]
    assert (total["calls"], total["errors"], total["refreshes"]) == (104, 3, 1)
    assert total["reasons"] == {"principal_not_granted": 1}
    assert total["answers"] == {"2xx": 101, "5xx": 1, "none": 1}
    for share, milliseconds in (("p50_ms", 10), ("p95_ms", 100), ("p99_ms", 100)):
        assert total[share] == pytest.approx(milliseconds, rel=0.06)


async def test_each_name_and_each_principal_has_its_own_counts(shop) -> None:
    took(shop, 10)
    took(shop, 10)
    took(shop, 10, status=500, name="Weather")
    record(shop, status=404, refused="named_credential_not_found", name="Nowhere")
    found = await healthy(shop)
    assert [(n["name"], n["calls"], n["errors"]) for n in found["named_credentials"]] == [
        ("Orders", 2, 0),
        ("Nowhere", 1, 1),
        ("Weather", 1, 1),
    ]
    assert {e["name"]: e["calls"] for e in found["external_credentials"]} == {"Orders": 2, "Weather": 1}
    used = {row["principal"]: row["used"] and row["used"]["calls"] for row in found["principals"]}
    assert used == {"Orders/Service": 2}
    assert found["states"] == {"not_configured": 1}


async def test_time_is_shown_in_widths_also_where_nothing_happened(shop) -> None:
    shop.clock.move(minutes=1)
    shop.records.tick()
    took(shop, 10)
    shop.clock.move(hours=2)
    shop.records.tick()
    took(shop, 10, status=500)
    found = await healthy(shop, "24h")
    assert found["bucket_seconds"] == 1800
    assert len(found["series"]) == 49
    assert [(s["at"], s["calls"], s["errors"]) for s in found["series"] if s["calls"]] == [
        ("2026-01-01T00:00:00+00:00", 1, 0),
        ("2026-01-01T02:00:00+00:00", 1, 1),
    ]
    assert [found["named_credentials"][0][f"{m}_over_time"][-5] for m in ("calls", "errors")] == [1, 0]
    assert (await healthy(shop, "30m"))["total"]["calls"] == 1


async def test_what_sampling_left_out_is_counted_by_name_and_said(shop) -> None:
    records = Records(shop.store, shop.clock, shop.entropy, sampling=0.0)
    shop.callouts.record, shop.records.flush = records.record, records.flush
    for status in (200, 200, 500):
        took(shop, 10, status=status)
    found = await healthy(shop)
    assert (found["left_out"], found["total"]["calls"], found["total"]["errors"]) == (2, 3, 1)
    assert [(e["name"], e["calls"]) for e in found["external_credentials"]] == [("Orders", 3)]
    assert found["principals"][0]["used"]["calls"] == 1, "what was left out names no principal"


async def test_more_records_than_are_counted_are_said_to_be_more(shop, monkeypatch) -> None:
    monkeypatch.setattr(tallies, "BLOCK", 2)
    monkeypatch.setattr(tallies, "MOST_COUNTED", 3)
    for _ in range(8):
        took(shop, 10)
        shop.clock.move(minutes=10)
        shop.records.tick()
        shop.records.flush()
        last, stored = shop.store.trail.chain[-1]
        moved = replace(last, at=shop.clock.now().isoformat())
        shop.store.trail.chain[-1] = (moved, stored)
    found = await healthy(shop, "24h")
    assert not found["complete"]
    assert 3 <= found["total"]["calls"] < 8
    assert found["since"] > START.isoformat()


async def test_full_blocks_are_read_once_and_the_last_one_each_time(shop, monkeypatch) -> None:
    monkeypatch.setattr(tallies, "BLOCK", 4)
    trail, read = shop.store.trail, []
    rows = trail.rows

    async def watched(limit, **wanted):
        read.append(wanted["after"])
        return await rows(limit, **wanted)

    monkeypatch.setattr(trail, "rows", watched)
    for count in (9, 10):
        while len(trail.chain) < count:
            took(shop, 10)
            shop.records.flush()
        await healthy(shop)
    assert [each for each in read if each < 7] == [3, -1], "the first two blocks, once"
    assert read.count(7) == 2


async def test_an_edited_row_is_counted_as_that(shop) -> None:
    took(shop, 10)
    shop.records.flush()
    row, stored = shop.store.trail.chain[-1]
    for edited in (
        b"{",
        b'{"epoch":1,"routes":[],"records":[[1]]}',
        b'{"epoch":0,"routes":[],"records":[["",0,7,0,0,0,0,0,0]]}',
    ):
        shop.store.trail.chain[-1] = (replace(row, records=edited), stored)
        shop.operations.uses.audit._tallies._kept.clear()
        found = await healthy(shop)
        assert (found["unreadable"], found["total"]["calls"]) == (1, 0)


async def test_nothing_is_nothing_and_a_time_to_come_is_refused(shop) -> None:
    found = await healthy(shop)
    assert (found["total"]["calls"], found["total"]["p95_ms"], found["complete"]) == (0, None, True)
    assert (found["named_credentials"], found["approvals"], found["certificates"]) == ([], [], [])
    for wrong in ("soon", "2099-01-01"):
        with pytest.raises(Exception, match="since"):
            await healthy(shop, wrong)


async def test_pending_approvals_and_certificates_that_end_are_part_of_it(shop) -> None:
    await shop.run("certificate.create", name="Old", days=1)
    brought = '{"external_credentials": {"P": {"protocol": "basic", "principals": {"S": {}}}}, "named_credentials": {"P": {"url": "https://p.example.com", "external_credential": "P"}}}'
    await shop.run("package.upgrade", namespace="acme", manifest=brought)
    found = await healthy(shop)
    assert [each["named_credential"] for each in found["approvals"]] == ["P"]
    assert [(each["name"], each["state"]) for each in found["certificates"]] == [("Old", "ends_soon")]
