"""A store learns, for the price of one pragma, that anyone has written: itself, another store, another process."""

from __future__ import annotations

from callout.adapters.store.store import Store
from tests.adapters.store.conftest import SqliteDatabase, act, key, segment


async def test_nothing_has_changed_on_a_quiet_store(store: Store) -> None:
    await store.definitions.load()
    assert [await store.changed() for _ in range(3)] == [False, False, False]


async def test_a_write_of_this_store_is_seen_once(store: Store) -> None:
    await store.definitions.write([], [act()])
    assert [await store.changed(), await store.changed()] == [True, False]


async def test_a_write_of_another_store_is_seen_again_and_again(database: SqliteDatabase) -> None:
    watching, writing = database.open(), database.open()
    for _ in range(3):
        await writing.user_external_credentials.put_secrets(key(), {"a": b"1"}, act())
        assert await watching.changed()


async def test_a_write_between_opening_and_the_first_question_is_not_missed(database: SqliteDatabase) -> None:
    watching = database.open()
    database.open().audit.append(segment("1", "2"))
    assert await watching.changed()


async def test_a_write_that_was_undone_is_no_change(database: SqliteDatabase) -> None:
    store = database.open()
    database.rows("BEGIN IMMEDIATE")  # and its connection closes, which rolls back
    assert not await store.changed()


async def test_a_read_only_store_sees_changes_too(database: SqliteDatabase) -> None:
    watching, writing = database.open(read_only=True), database.open()
    await writing.definitions.write([], [act()])
    assert await watching.changed()
