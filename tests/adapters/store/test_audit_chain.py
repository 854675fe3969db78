"""Edit, drop, reorder, truncate: whatever is done to the audit chain behind Callout's back is found, and its row named."""

from __future__ import annotations

import hashlib

import pytest

from callout.adapters.store import audit
from callout.adapters.store.errors import StoreError
from callout.adapters.store.store import Store
from callout.core.chain import Break, Fault
from tests.adapters.store.conftest import SqliteDatabase, act, segment


@pytest.fixture
async def chain(database: SqliteDatabase) -> Store:
    """Eight rows: a segment, an act, and so on."""
    store = database.open()
    for number in range(4):
        store.audit.append(segment(f"{number}0", f"{number}9"))
        await store.definitions.write([], [act(f"act {number}")])
    return store


async def broken(store: Store) -> Break | None:
    verification = await store.audit.verify()
    assert verification.held == (verification.broken is None)
    return verification.broken


async def test_an_untouched_chain_holds(chain: Store) -> None:
    verification = await chain.audit.verify()
    assert (verification.rows, verification.broken, verification.head.seq) == (8, None, 8)


async def test_an_empty_chain_holds(store: Store) -> None:
    assert (await store.audit.verify()).held


@pytest.mark.parametrize(
    "edit",
    [
        "at = '2020-01-01T00:00:00.000000Z'",
        "at = 'no time at all'",
        "kind = 'admin'",
        "writer = 'mallory'",
        "oldest = '0'",
        "newest = '99'",
        "count = count + 1",
        "records = CAST('[]' AS BLOB)",
        "previous_hash = randomblob(32)",
        "hash = zeroblob(32)",
    ],
)
@pytest.mark.parametrize("row", [1, 5, 7])
async def test_an_edit_of_any_column_is_found(chain: Store, database: SqliteDatabase, row: int, edit: str) -> None:
    changed = database.rows(f"UPDATE audit SET {edit} WHERE seq = ? RETURNING seq", row)
    assert changed == [(row,)]
    assert await broken(chain) == Break(row, Fault.EDITED)


async def test_an_edit_with_its_hash_made_anew_is_found_at_the_next_row(chain: Store, database: SqliteDatabase) -> None:
    columns = database.rows(
        "UPDATE audit SET writer = 'mallory' WHERE seq = 3 "
        "RETURNING seq, at, kind, writer, oldest, newest, count, records, previous_hash"
    )[0]
    database.rows("UPDATE audit SET hash = ? WHERE seq = 3", documented_hash(*columns))
    assert await broken(chain) == Break(4, Fault.EDITED)


async def test_an_edited_last_row_with_its_hash_made_anew_is_found(chain: Store, database: SqliteDatabase) -> None:
    columns = database.rows(
        "UPDATE audit SET writer = 'mallory' WHERE seq = 8 "
        "RETURNING seq, at, kind, writer, oldest, newest, count, records, previous_hash"
    )[0]
    database.rows("UPDATE audit SET hash = ? WHERE seq = 8", documented_hash(*columns))
    assert await broken(chain) == Break(8, Fault.EDITED)


@pytest.mark.parametrize(("row", "count"), [(1, 1), (4, 1), (4, 3), (7, 1)])
async def test_dropped_rows_are_found(chain: Store, database: SqliteDatabase, row: int, count: int) -> None:
    database.rows("DELETE FROM audit WHERE seq >= ? AND seq < ?", row, row + count)
    assert await broken(chain) == Break(row, Fault.DROPPED)


async def test_a_dropped_row_whose_gap_was_closed_is_found(chain: Store, database: SqliteDatabase) -> None:
    database.rows("DELETE FROM audit WHERE seq = 4")
    for seq in range(5, 9):
        database.rows("UPDATE audit SET seq = ? WHERE seq = ?", seq - 1, seq)
    assert await broken(chain) == Break(4, Fault.EDITED)


@pytest.mark.parametrize("pair", [(3, 4), (2, 7)])
async def test_rows_that_changed_places_are_found(
    chain: Store, database: SqliteDatabase, pair: tuple[int, int]
) -> None:
    one, other = pair
    for before, after in [(one, 100), (other, one), (100, other)]:
        database.rows("UPDATE audit SET seq = ? WHERE seq = ?", after, before)
    assert await broken(chain) == Break(one, Fault.REORDERED)


@pytest.mark.parametrize("kept", [7, 4, 0])
async def test_rows_cut_off_the_end_are_found(chain: Store, database: SqliteDatabase, kept: int) -> None:
    database.rows("DELETE FROM audit WHERE seq > ?", kept)
    assert await broken(chain) == Break(kept + 1, Fault.TRUNCATED)


async def test_a_head_that_was_set_back_is_found(chain: Store, database: SqliteDatabase) -> None:
    database.rows("UPDATE audit_head SET seq = 5, hash = (SELECT hash FROM audit WHERE seq = 5)")
    assert await broken(chain) == Break(6, Fault.ADDED)


async def test_rows_put_before_the_first_are_found(chain: Store, database: SqliteDatabase) -> None:
    database.rows(
        "INSERT INTO audit SELECT 0, at, kind, writer, oldest, newest, count, records, previous_hash, hash "
        "FROM audit WHERE seq = 1"
    )
    assert await broken(chain) == Break(1, Fault.ADDED)


async def test_a_removed_head_is_found_and_stops_further_writing(chain: Store, database: SqliteDatabase) -> None:
    database.rows("DELETE FROM audit_head")
    assert await broken(chain) == Break(9, Fault.TRUNCATED)
    with pytest.raises(StoreError, match="got no head of the audit chain"):
        chain.audit.append(segment("1", "2"))


async def test_what_held_is_told_with_the_break(chain: Store, database: SqliteDatabase) -> None:
    (held,) = database.rows("SELECT hash FROM audit WHERE seq = 4")[0]
    database.rows("UPDATE audit SET writer = 'mallory' WHERE seq = 5")
    verification = await chain.audit.verify()
    assert (verification.rows, verification.head.hash, str(verification.broken)) == (4, held, "row 5 was edited")


async def test_a_chain_longer_than_one_batch_is_walked_whole(store: Store, database: SqliteDatabase) -> None:
    await store.definitions.write([], [act(str(n)) for n in range(2 * audit._ROWS_AT_ONCE)])
    assert (await store.audit.verify()).rows == 2 * audit._ROWS_AT_ONCE
    last = 2 * audit._ROWS_AT_ONCE
    database.rows("UPDATE audit SET writer = 'mallory' WHERE seq = ?", last)
    assert await broken(store) == Break(last, Fault.EDITED)


async def test_the_hash_is_the_one_that_the_format_describes(chain: Store, database: SqliteDatabase) -> None:
    previous = bytes(32)
    for *columns, stored in database.rows("SELECT * FROM audit ORDER BY seq"):
        assert columns[-1] == previous
        assert documented_hash(*columns) == stored
        previous = stored


def documented_hash(*columns: object) -> bytes:
    """Written from the text of `chain` alone, as another program would."""
    whole = b"callout audit 1\n"
    for column in columns:
        encoded = column if isinstance(column, bytes) else str(column).encode()
        whole += len(encoded).to_bytes(8, "big") + encoded
    return hashlib.sha256(whole).digest()
