"""What SQLite reports reaches the user as got, expected and a remedy; blame Callout; never a stack of a library."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from callout.adapters.store import sqlite
from callout.adapters.store.database import Database
from callout.adapters.store.errors import StoreError
from callout.adapters.store.store import Store
from callout.core.errors import CalloutError
from callout.core.model.people import CallerKey
from callout.core.reasons import Blame
from tests.adapters.store.conftest import START, SqliteDatabase, SteppingClock, act, key, segment


@pytest.fixture
def locked(database: SqliteDatabase) -> Iterator[SqliteDatabase]:
    """A database whose write lock another connection holds."""
    with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield database


def test_a_store_error_is_an_error_of_callout() -> None:
    assert issubclass(StoreError, CalloutError)
    assert StoreError.blame is Blame.CALLOUT


def test_a_store_error_keeps_its_three_parts() -> None:
    error = StoreError("this", "that", "Do so")
    assert (str(error), error.got, error.expected, error.remedy) == (
        "got this; expected that. Do so", "this", "that", "Do so",
    )  # fmt: skip


async def test_a_locked_database_says_who_to_look_for(locked: SqliteDatabase) -> None:
    store = locked.open(busy_timeout_seconds=0.05)
    with pytest.raises(StoreError, match=r"got SQLITE_BUSY \(database is locked\); expected the write lock"):
        await store.definitions.write([], [act()])
    with pytest.raises(StoreError, match="Another process holds it"):
        store.audit.append(segment("1", "2"))


async def test_readers_do_not_wait_for_a_writer(locked: SqliteDatabase) -> None:
    store = locked.open(busy_timeout_seconds=0.05)
    assert (await store.definitions.load()).generation == 0


async def test_a_writer_waits_for_the_lock_until_it_is_free(database: SqliteDatabase) -> None:
    store = database.open(busy_timeout_seconds=30)
    with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = store._database._threads.submit(store.audit.append, segment("1", "2"))
        assert await store.audit.recent(10) == ()
        assert not waiting.done()
        other.execute("ROLLBACK")
    waiting.result(timeout=30)
    assert await store.audit.recent(10) == (segment("1", "2"),)


async def test_a_read_only_store_reads_and_refuses_to_write(database: SqliteDatabase) -> None:
    await database.open().definitions.write([], [act()])
    store = database.open(read_only=True)
    assert await store.definitions.generation() == 1
    with pytest.raises(StoreError, match=r"got SQLITE_READONLY.*; expected to write"):
        await store.user_external_credentials.put_secrets(key(), {"a": b"1"}, act())


def test_a_missing_database_is_not_made_by_opening(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"got no database at .*; expected one\. Make it with `callout init`"):
        Store.open(tmp_path / "none.db", clock=SteppingClock())
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_kind_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("To whom it may concern\n" * 100)
    with pytest.raises(StoreError, match=r"got SQLITE_NOTADB \(file is not a database\); expected an SQLite database"):
        Store.open(tmp_path / "text.db", clock=SteppingClock())


async def test_a_corrupt_database_sends_to_the_backup(database: SqliteDatabase) -> None:
    (page_size,) = database.rows("PRAGMA page_size")[0]
    (root,) = database.rows("SELECT rootpage FROM sqlite_master WHERE name = 'org'")[0]
    database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    with database.path.open("r+b") as file:
        file.seek((root - 1) * page_size)
        file.write(b"\xee" * page_size)
    with pytest.raises(StoreError, match=r"got SQLITE_CORRUPT.*back from a backup"):
        await database.open().definitions.load()


def test_a_database_that_went_away_after_it_was_found_is_named(database: SqliteDatabase) -> None:
    engine = sqlite.open_engine(database.path, read_only=False, busy_timeout_seconds=1)
    database.path.rename(database.path.with_name("away.db"))
    with pytest.raises(StoreError, match=r"got SQLITE_CANTOPEN \(unable to open database file\); expected to open"):
        Database(engine).connect()


@pytest.mark.parametrize(
    ("code", "remedy"),
    [("SQLITE_FULL", "Make room on the disk"), ("SQLITE_IOERR_WRITE", "system's log"), ("SQLITE_LOCKED", "Wait")],
)
def test_errors_of_the_disk_have_their_remedies(code: str, remedy: str) -> None:
    error = sqlite3.OperationalError("canary")
    error.sqlite_errorname = code
    assert remedy in sqlite.explain(error).remedy


async def test_no_error_shows_what_was_to_be_stored(database: SqliteDatabase) -> None:
    store, canary = database.open(), CallerKey(b"\x01" * 32, "co_abcd", "alice", None, START, label="canary-7f3a")
    await store.definitions.put_key(canary, act())
    with pytest.raises(StoreError) as refused:
        await store.definitions.put_key(replace(canary, digest=b"\x02" * 32), act())
    error: BaseException | None = refused.value
    while error is not None:
        assert "canary-7f3a" not in repr(error) + str(error)
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("url", ["postgresql://callout:canary-7f3a@db/callout", "mysql://x", "sqlite://", "://"])
def test_a_url_of_another_kind_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(StoreError, match="expected sqlite:///PATH") as refused:
        Store.open(url, clock=SteppingClock())
    assert "canary-7f3a" not in str(refused.value)
