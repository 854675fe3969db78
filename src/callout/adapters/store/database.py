"""Transactions: what runs in one, in which thread, and what becomes of its errors.

SQLAlchemy is used synchronously, in a few threads of the store's own. The statements, the audit thread, migrations and
start-up then share one way of working; a task that is cancelled never leaves a transaction half done, because its
thread goes on to the end; and the event loop pays one hop a transaction instead of one a statement.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from callout.adapters.store import sqlite
from callout.adapters.store.errors import StoreError

T = TypeVar("T")

_THREADS = 4


class Database:
    """An open database. `reading` and `writing` block; `read` and `write` run their work in a thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="callout-store")
        # Writers of one process queue here, in order, rather than poll for SQLite's lock.
        self._one_writer = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view of the database, for as long as the block runs (`StoreError`)."""
        with translated(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self, *, durably: bool = False) -> Iterator[Connection]:
        """One transaction that holds the write lock from its start; an error undoes all of it (`StoreError`).

        `durably`: it is on the disk when the block ends, where else a loss of power could undo it.
        """
        with self._one_writer, translated(), self._engine.connect() as plain:
            connection = plain.execution_options(**{sqlite.WRITES: True, sqlite.DURABLE: durably})
            with connection.begin():
                yield connection

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run work in one reading transaction."""
        return await self.in_thread(lambda: self._run(self.reading, work))

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run work in one writing transaction. Once it runs, cancelling the caller does not stop it."""
        return await self.in_thread(lambda: self._run(self.writing, work))

    async def write_durably(self, work: Callable[[Connection], T]) -> T:
        """Run work as `write` does; when this returns, what it wrote is on the disk."""
        return await self.in_thread(lambda: self._run(lambda: self.writing(durably=True), work))

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Run blocking work in a thread of the store."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def connect(self) -> Connection:
        """Return a connection to keep; the caller closes it (`StoreError`)."""
        with translated():
            return self._engine.connect()

    def close(self) -> None:
        """Let work that runs come to its end, then close every connection."""
        self._threads.shutdown(wait=True)
        self._engine.dispose()

    @staticmethod
    def _run(transaction: Callable[[], AbstractContextManager[Connection]], work: Callable[[Connection], T]) -> T:
        with transaction() as connection:
            return work(connection)


@contextmanager
def translated() -> Iterator[None]:
    """Turn an error of the database library into a `StoreError`."""
    try:
        yield
    except DBAPIError as error:
        raise sqlite.explain(error.orig) from error
    except SQLAlchemyError as error:
        raise StoreError(
            f"{type(error).__name__} ({error})", "the database to answer", "Repeat; if it stays, report this error"
        ) from error
