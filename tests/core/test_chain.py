"""A chain is walked from where it starts, and a head that somebody kept is looked for on the way."""

import pytest

from callout.core.chain import START, Break, Fault, Head, Kind, Row, read_head, walk


def chain_of(length: int, start: Head | None = None) -> list[tuple[Row, bytes]]:
    last = start or Head()
    rows = []
    for _ in range(length):
        row = Row(last.seq + 1, "2026-01-01T00:00:00.000000Z", Kind.ADMIN, "alice", "", "", 1, b"{}", last.hash)
        last = Head(row.seq, row.hash())
        rows.append((row, last.hash))
    return rows


def head_of(rows: list[tuple[Row, bytes]]) -> Head:
    return Head(rows[-1][0].seq, rows[-1][1])


def test_a_head_is_read_as_it_is_written() -> None:
    head = head_of(chain_of(3))
    assert read_head(str(head)) == head
    assert str(Head()) == "0:" + "00" * 32


@pytest.mark.parametrize(
    "text", ["", "3", "3:", "x:" + "00" * 32, "3:" + "00" * 31, "-1:" + "00" * 32, "3:" + "zz" * 32]
)
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected SEQ:HASH"):
        read_head(text)


def test_a_kept_head_that_is_still_in_the_chain_holds() -> None:
    rows = chain_of(5)
    for number in range(1, 6):
        assert walk(rows, start=Head(), kept=head_of(rows[:number])).held
    assert walk(rows, start=Head(), kept=Head()).held


def test_a_chain_that_was_written_anew_from_scratch_is_found_by_a_kept_head() -> None:
    rows = chain_of(5)
    kept = Head(3, bytes(31) + b"x")
    assert walk(rows, start=Head()).held
    assert walk(rows, start=Head(), kept=kept).broken == Break(3, Fault.REWRITTEN)


def test_a_chain_that_was_cut_short_with_its_head_is_found_by_a_kept_head() -> None:
    rows = chain_of(5)
    assert walk(rows[:3], start=Head()).held
    assert walk(rows[:3], start=Head(), kept=head_of(rows)).broken == Break(4, Fault.TRUNCATED)


def test_a_chain_starts_behind_what_was_pruned() -> None:
    rows = chain_of(6)
    start = head_of(rows[:2])
    found = walk(rows[2:], start=start)
    assert (found.held, found.rows, found.start) == (True, 4, start)
    assert walk(rows[3:], start=start).broken == Break(3, Fault.DROPPED)
    assert walk(rows[1:], start=start).broken == Break(3, Fault.ADDED)


def test_a_kept_head_of_a_pruned_row_proves_nothing_but_the_last_of_them_does() -> None:
    rows = chain_of(6)
    start = head_of(rows[:3])
    assert walk(rows[3:], start=start, kept=start).held
    assert walk(rows[3:], start=start, kept=head_of(rows[:2])).broken == Break(2, Fault.PRUNED)
    assert walk(rows[3:], start=start, kept=Head(3, START)).broken == Break(3, Fault.REWRITTEN)
