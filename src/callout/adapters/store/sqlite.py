"""What only SQLite has: the file, its pragmas, how a transaction begins, and what its errors mean.

WAL: readers never wait for the writer, nor the writer for readers. `synchronous=NORMAL`: in WAL mode that cannot
corrupt the database, and a crash of the process loses nothing; a loss of *power* may undo the last few commits, whole ones and in order.
In exchange a commit costs about 9 µs rather than 200 and more, so that the audit of callouts keeps up. What must not be
lost even then (a refresh token that was spent) is written with `synchronous=FULL`. Writes
begin with `BEGIN IMMEDIATE`: the lock is waited for at the start, where waiting is safe; a transaction that reads
first and writes later would fail at once when another has written in between.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from callout.adapters.store.errors import StoreError

#: Execution option of a connection whose transaction will write.
WRITES = "callout_writes"
#: Execution option of one whose commit is to be on the disk when it returns.
DURABLE = "callout_durable"

_CONNECTIONS = 8

_RESTORE = "Stop Callout and bring the database back from a backup"


def path_of(url_or_path: str | Path) -> Path:
    """Return the file that a path or an `sqlite:///` URL names; `StoreError` for another kind of database."""
    text = str(url_or_path)
    if "://" not in text:
        return Path(text)
    try:
        url = make_url(text)
    except ArgumentError:
        raise StoreError("a database URL that cannot be read", "sqlite:///PATH", "Correct the URL") from None
    if url.get_backend_name() != "sqlite" or not url.database:
        # Only the scheme is told: a URL may hold a password.
        raise StoreError(f"the database {url.drivername}://…", "sqlite:///PATH", "Give the path of an SQLite file")
    return Path(url.database)


def create_file(path: Path) -> None:
    """Make an empty file that its owner alone may read and write; SQLite gives the WAL files the same mode."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise StoreError(
            f"a file at {path} already", "none", "Run `callout db migrate` to upgrade it, or choose another place"
        ) from None
    except OSError as error:
        raise StoreError(
            f"{error.strerror!r} at {path}", "to create the database", "Make its directory, or choose another place"
        ) from error


def remove_file(path: Path) -> None:
    """Remove a database that was only just made and came to nothing, with its WAL files."""
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(OSError):
            path.with_name(path.name + suffix).unlink()


def open_engine(path: Path, *, read_only: bool, busy_timeout_seconds: float) -> Engine:
    """Open an existing file; never makes one. `StoreError` where there is none."""
    try:
        present = path.is_file()
    except OSError as error:
        raise StoreError(
            f"{error.strerror!r} at {path}", "to open the database", "Let the user who runs Callout reach it"
        ) from error
    if not present:
        raise StoreError(f"no database at {path}", "one", "Make it with `callout init`, or correct the path")
    uri = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rw'}"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            uri, uri=True, timeout=busy_timeout_seconds, isolation_level=None, check_same_thread=False
        )

    engine = create_engine(
        "sqlite+pysqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=_CONNECTIONS,
        max_overflow=_CONNECTIONS,
        hide_parameters=True,  # an error must not carry an envelope into a log
    )

    def prepare(connection: Any, _entry: ConnectionPoolEntry) -> None:
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA query_only=ON" if read_only else "PRAGMA journal_mode=WAL")

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin)
    return engine


def alone(engine: Engine) -> bool:
    """Take the database out of WAL mode, which SQLite does only for the one connection that there is; say if it did."""
    connection = engine.raw_connection()
    try:
        return bool(connection.cursor().execute("PRAGMA journal_mode=DELETE").fetchone()[0] == "delete")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return False
        raise explain(error) from error
    finally:
        connection.close()


def still_alone(connection: Connection) -> bool:
    """Say, once the write lock is held, whether nobody has come since `alone`: whoever opens it turns WAL on again."""
    return str(connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()) == "delete"


def not_alone(engine: Engine) -> None:
    """Put the database into WAL mode again."""
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()


def _begin(connection: Connection) -> None:
    """Begin by hand: the driver's own way begins late and never IMMEDIATE (isolation_level is None above)."""
    options = connection.get_execution_options()
    if not options.get(WRITES, False):
        connection.exec_driver_sql("BEGIN")
        return
    connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if options.get(DURABLE, False) else 'NORMAL'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def explain(error: BaseException | None) -> StoreError:
    """Say what an error of the driver means, and what mends it."""
    code = getattr(error, "sqlite_errorname", "") or ""
    text = str(error)
    for prefix, (expected, remedy) in _MEANINGS.items():
        if code.startswith(prefix):
            return StoreError(f"{code} ({text})", expected, remedy)
    return StoreError(f"{code or type(error).__name__} ({text})", "the statement to succeed", "Report this error")


#: By the start of SQLite's error name (https://sqlite.org/rescode.html): what was expected, and the remedy.
_MEANINGS = {
    "SQLITE_BUSY": (
        "the write lock within the busy timeout",
        "Another process holds it: wait and repeat, or end what keeps the database open",
    ),
    "SQLITE_LOCKED": ("a table that is not locked", "Wait and repeat"),
    "SQLITE_READONLY": (
        "to write",
        "Run as the owner of the database, and let its file and directory be writable by that user",
    ),
    "SQLITE_CORRUPT": ("a whole database", _RESTORE),
    "SQLITE_NOTADB": ("an SQLite database", f"Correct the path. If it is the right one: {_RESTORE.lower()}"),
    "SQLITE_CANTOPEN": ("to open the database", "Let its file and directory be readable by the user who runs Callout"),
    "SQLITE_FULL": ("room on the disk", "Make room on the disk and repeat"),
    "SQLITE_IOERR": ("the disk to work", "Look into the system's log for errors of the disk"),
    "SQLITE_CONSTRAINT": ("a row that fits the others", "Repeat: another process may have written the same row"),
}
