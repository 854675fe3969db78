"""Sampling leaves out successful callouts alone, by their id, and says how many."""

import json

import pytest

from callout.core.errors import Refused
from callout.engine.records import Records, is_sampled
from tests.world import CountedEntropy, HandClock


class Kept:
    """A trail that keeps what is appended."""

    def __init__(self) -> None:
        self.segments = []

    def append(self, segment) -> None:
        self.segments.append(segment)

    def bodies(self) -> list[dict]:
        return [json.loads(segment.records) for segment in self.segments]


@pytest.fixture
def kept() -> Kept:
    return Kept()


def records_of(kept: Kept, sampling: float) -> Records:
    return Records(kept, HandClock(), CountedEntropy(), sampling)


def record(records: Records, *, status=200, replay=None, refused=None, stale=0) -> str:
    callout_id = records.next_id()
    records.record(callout_id, None, "Orders", b"GET", b"/", status, 0, 0, 0.0, replay, refused, None, stale)
    return callout_id.decode()


def test_a_sample_has_the_share_that_was_asked_for_and_the_same_callouts_each_time() -> None:
    ids = [b"%025x" % number for number in range(10_000)]
    sampled = [each for each in ids if is_sampled(each, 0.25)]
    assert 2_300 < len(sampled) < 2_700
    assert set(sampled) <= {each for each in ids if is_sampled(each, 0.5)}
    assert all(is_sampled(each, 1.0) for each in ids)
    assert not any(is_sampled(each, 0.0) for each in ids)


def test_what_is_left_out_is_counted_in_its_segment(kept) -> None:
    records = records_of(kept, 0.5)
    ids = [record(records) for _ in range(100)]
    records.flush()
    (body,) = kept.bodies()
    assert [row[0] for row in body["records"]] == [each for each in ids if is_sampled(each.encode(), 0.5)]
    assert body["not_kept"] == [["Orders", 200, 100 - len(body["records"])]]
    assert records.not_kept == 100 - kept.segments[0].count
    assert records.by_status == {(200, ""): 100}


@pytest.mark.parametrize(
    "outcome",
    [
        {"status": 403, "refused": Refused("callouts_disabled", "x")},
        {"replay": "done"},
        {"replay": "not-possible", "status": 401, "stale": 401},
        {"status": 500},
        {"status": 404},
        {"status": 712},
        {"status": 0},
    ],
    ids=str,
)
def test_refused_failed_replayed_and_abandoned_callouts_are_always_kept(kept, outcome) -> None:
    records = records_of(kept, 0.0)
    callout_id = record(records, **outcome)
    record(records)
    records.flush()
    (body,) = kept.bodies()
    assert [row[0] for row in body["records"]] == [callout_id]
    assert body["not_kept"] == [["Orders", 200, 1]]


def test_a_segment_of_which_nothing_is_kept_still_counts(kept) -> None:
    records = records_of(kept, 0.0)
    record(records)
    assert records.flush() == 1
    assert (kept.segments[0].count, kept.bodies()[0]["not_kept"]) == (0, [["Orders", 200, 1]])


def test_without_sampling_a_segment_says_nothing_of_it(kept) -> None:
    records = records_of(kept, 1.0)
    record(records)
    records.flush()
    assert {"not_kept", "dropped"}.isdisjoint(kept.bodies()[0])


def test_lost_records_are_told_once_in_the_next_segment(kept) -> None:
    records = records_of(kept, 1.0)
    records.dropped = 5
    for _ in range(2):
        record(records)
        records.flush()
    assert [body.get("dropped") for body in kept.bodies()] == [5, None]
