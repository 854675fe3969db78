"""Transactions: consistent when they read, whole or undone when they write, and ended by nothing from outside."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, select, update

from callout.adapters.store import sqlite
from callout.adapters.store.database import Database
from callout.adapters.store.tables import ORG
from tests.adapters.store.conftest import SqliteDatabase, act

GENERATION = select(ORG.c.generation)


@pytest.fixture
def transactions(database: SqliteDatabase) -> Iterator[Database]:
    opened = Database(sqlite.open_engine(database.path, read_only=False, busy_timeout_seconds=1.5))
    yield opened
    opened.close()


def set_generation(connection: Connection, number: int) -> None:
    connection.execute(update(ORG).values(generation=number))


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 1), ("foreign_keys", 1), ("busy_timeout", 1500)]
)
def test_every_connection_has_its_pragmas(transactions: Database, pragma: str, value: object) -> None:
    with transactions.reading() as one, transactions.reading() as two:
        found = [connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() for connection in (one, two)]
    assert found == [value, value]


async def test_a_reader_sees_one_state_however_long_it_reads(transactions: Database, database: SqliteDatabase) -> None:
    store = database.open()
    with transactions.reading() as connection:
        before = connection.execute(GENERATION).scalar_one()
        await store.definitions.write([], [act()])
        assert connection.execute(GENERATION).scalar_one() == before
    with transactions.reading() as connection:
        assert connection.execute(GENERATION).scalar_one() == before + 1


async def test_an_error_undoes_all_that_was_written(transactions: Database) -> None:
    def work(connection: Connection) -> None:
        set_generation(connection, 7)
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        await transactions.write(work)
    with transactions.reading() as connection:
        assert connection.execute(GENERATION).scalar_one() == 0


async def test_a_write_that_runs_ends_though_its_caller_is_cancelled(database: SqliteDatabase) -> None:
    transactions = Database(sqlite.open_engine(database.path, read_only=False, busy_timeout_seconds=1))
    started, go_on = threading.Event(), threading.Event()

    def work(connection: Connection) -> None:
        set_generation(connection, 7)
        started.set()
        go_on.wait(30)

    task = asyncio.create_task(transactions.write(work))
    assert await asyncio.to_thread(started.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    transactions.close()  # waits for what runs
    assert await database.open().definitions.generation() == 7


async def test_writers_of_one_process_queue_rather_than_collide(database: SqliteDatabase) -> None:
    transactions = Database(sqlite.open_engine(database.path, read_only=False, busy_timeout_seconds=0))
    raising = update(ORG).values(generation=ORG.c.generation + 1)
    await asyncio.gather(*(transactions.write(lambda connection: connection.execute(raising)) for _ in range(60)))
    assert await transactions.read(lambda connection: connection.execute(GENERATION).scalar_one()) == 60
    transactions.close()


async def test_closing_twice_is_no_matter(database: SqliteDatabase) -> None:
    store = database.open()
    store.close()
    store.close()
