"""Old rows go from the start, never silently: a checkpoint in the chain says so, and what is left is verified from it."""

from datetime import timedelta

import msgspec
import pytest

from callout.adapters.store.errors import StoreError
from callout.adapters.store.store import Store
from callout.core.chain import Break, Fault, Head, Kind
from tests.adapters.store.conftest import START, SqliteDatabase, act, segment

LATER = START + timedelta(days=1)


@pytest.fixture
async def chain(database: SqliteDatabase) -> Store:
    """Ten rows: segments written a second apart (the clock of the store steps), each behind an act at START."""
    store = database.open()
    for number in range(5):
        await store.definitions.write([], [act(f"act {number}")])
        store.audit.append(segment(f"{number}0", f"{number}9"))
    return store


async def pruned_before_row(store: Store, seq: int) -> None:
    """Prune so that the row `seq`, a segment, is the first that stays."""
    number = seq // 2
    await store.audit.prune(START + timedelta(seconds=number), "alice", LATER)


async def test_whole_old_rows_go_and_the_rest_is_verified_from_the_checkpoint(chain: Store) -> None:
    found = await chain.audit.prune(START + timedelta(seconds=3), "alice", LATER)
    assert found is not None
    assert (found.through.seq, found.rows, found.acts, found.callouts) == (5, 5, 3, 4)
    verification = await chain.audit.verify()
    assert (verification.held, verification.rows, verification.start) == (True, 6, found.through)
    assert verification.head == found.head


async def test_a_dry_run_tells_the_same_and_removes_nothing(chain: Store) -> None:
    before = await chain.audit.verify()
    would = await chain.audit.prune(START + timedelta(seconds=3), "alice", LATER, dry_run=True)
    assert (await chain.audit.verify()) == before
    done = await chain.audit.prune(START + timedelta(seconds=3), "alice", LATER)
    assert would is not None
    assert (would.through, would.rows, would.acts, would.callouts) == (
        done.through,
        done.rows,
        done.acts,
        done.callouts,
    )


async def test_the_checkpoint_says_who_pruned_what_and_when(chain: Store) -> None:
    await pruned_before_row(chain, 6)
    ((row, _),) = await chain.audit.rows(1, kinds=[Kind.CHECKPOINT])
    said = msgspec.json.decode(row.records)
    assert (row.writer, row.at[:10], said["act"], said["through"]) == ("alice", "2026-03-02", "prune audit", 5)


async def test_everything_may_go_and_the_chain_goes_on(chain: Store) -> None:
    assert await chain.audit.prune(LATER, "alice", LATER) is not None
    await chain.definitions.write([], [act("after")])
    verification = await chain.audit.verify()
    assert (verification.held, verification.rows, verification.start.seq, verification.head.seq) == (True, 2, 10, 12)


async def test_pruning_again_starts_the_chain_at_the_newer_checkpoint(chain: Store) -> None:
    await pruned_before_row(chain, 4)
    await pruned_before_row(chain, 8)
    verification = await chain.audit.verify()
    assert (verification.held, verification.start.seq) == (True, 7)


async def test_nothing_old_leaves_the_chain_as_it_was(chain: Store) -> None:
    head = await chain.audit.head()
    assert await chain.audit.prune(START - timedelta(days=1), "alice", LATER) is None
    assert await chain.audit.head() == head


async def test_a_broken_chain_is_not_pruned(chain: Store, database: SqliteDatabase) -> None:
    database.rows("UPDATE audit SET writer = 'mallory' WHERE seq = 2")
    with pytest.raises(StoreError, match="row 2 was edited"):
        await chain.audit.prune(LATER, "alice", LATER)
    assert database.rows("SELECT count(*) FROM audit") == [(10,)]


@pytest.mark.parametrize(
    ("tampering", "broken"),
    [
        ("DELETE FROM audit WHERE seq = 6", Break(6, Fault.DROPPED)),
        ("DELETE FROM audit WHERE kind = 'checkpoint'", Break(1, Fault.DROPPED)),
        ("UPDATE audit SET kind = 'admin' WHERE kind = 'checkpoint'", Break(1, Fault.DROPPED)),
        ("UPDATE audit SET records = CAST('{' AS BLOB) WHERE kind = 'checkpoint'", Break(1, Fault.DROPPED)),
        ("UPDATE audit SET writer = 'mallory' WHERE kind = 'checkpoint'", Break(11, Fault.EDITED)),
        ("UPDATE audit SET writer = 'mallory' WHERE seq = 8", Break(8, Fault.EDITED)),
    ],
)
async def test_tampering_after_a_prune_is_found(
    chain: Store, database: SqliteDatabase, tampering: str, broken: Break
) -> None:
    await pruned_before_row(chain, 6)
    database.rows(tampering)
    assert (await chain.audit.verify()).broken == broken


async def test_rows_that_go_without_a_checkpoint_are_found(chain: Store, database: SqliteDatabase) -> None:
    database.rows("DELETE FROM audit WHERE seq <= 4")
    assert (await chain.audit.verify()).broken == Break(1, Fault.DROPPED)


async def test_a_kept_head_finds_a_trail_that_was_cut_short_together_with_its_head(
    chain: Store, database: SqliteDatabase
) -> None:
    kept = await chain.audit.head()
    database.rows("DELETE FROM audit WHERE seq > 6")
    database.rows("UPDATE audit_head SET seq = 6, hash = (SELECT hash FROM audit WHERE seq = 6)")
    assert (await chain.audit.verify()).held
    assert (await chain.audit.verify(kept)).broken == Break(7, Fault.TRUNCATED)


async def test_a_kept_head_finds_a_trail_that_was_written_anew(chain: Store, database: SqliteDatabase) -> None:
    kept = await chain.audit.head()
    database.rows("DELETE FROM audit")
    database.rows("UPDATE audit_head SET seq = 0, hash = zeroblob(32)")
    for number in range(10):
        await chain.definitions.write([], [act(f"forged {number}")])
    assert (await chain.audit.verify()).held
    assert (await chain.audit.verify(kept)).broken == Break(10, Fault.REWRITTEN)


async def test_a_kept_head_holds_while_the_chain_grows_and_is_pruned_up_to_it(chain: Store) -> None:
    kept = await chain.audit.head()
    assert (await chain.audit.verify(kept)).held
    await chain.audit.prune(LATER, "alice", LATER)
    assert (await chain.audit.verify(kept)).held
    assert (await chain.audit.verify(Head(9, bytes(32)))).broken == Break(9, Fault.PRUNED)


async def test_rows_are_read_between_two_and_of_some_kinds(chain: Store) -> None:
    audit = chain.audit
    assert [row.seq for row, _ in await audit.rows(3, after=2)] == [3, 4, 5]
    assert [row.seq for row, _ in await audit.rows(9, after=2, before=9, kinds=[Kind.CALLOUTS])] == [4, 6, 8]
    assert [row.seq for row, _ in await audit.rows(2, newest=True)] == [10, 9]
    assert await audit.written_since(START + timedelta(seconds=3)) == 6
    assert await audit.written_since(LATER) is None
