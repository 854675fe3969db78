"""Makes a database and brings an older one to the schema of this version. Forward only; blocks.

A database is migrated only while no other process has it open. A release that runs on does not look at the schema
again, and what it does not know of (the lease on a refresh) it would not keep: so old and new never share a database.
A new release refuses an older schema, an old one a newer (`store`), and this closes the gap between the two.

Alembic is loaded by the first migration that runs, not before: a server that finds its schema in order never does.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from callout.adapters.store import sqlite
from callout.adapters.store.database import Database
from callout.adapters.store.errors import StoreError
from callout.adapters.store.store import BUSY_TIMEOUT_SECONDS, refuse_newer_schema, stored_revision
from callout.adapters.store.tables import REVISION

if TYPE_CHECKING:
    from alembic.config import Config


@dataclass(frozen=True, slots=True)
class Migration:
    """What a migration did: from which schema (None: an empty database) to which."""

    before: str | None
    after: str

    @property
    def changed(self) -> bool:
        """True where the schema was not there yet."""
        return self.before != self.after


def create(url_or_path: str | Path) -> None:
    """Make a new database of mode 0600 with the present schema; `StoreError` where a file is there already."""
    path = sqlite.path_of(url_or_path)
    sqlite.create_file(path)
    try:
        migrate(path)
    except BaseException:
        sqlite.remove_file(path)
        raise


def remove(url_or_path: str | Path) -> None:
    """Remove a database that `create` made and that came to nothing; every store on it is closed."""
    sqlite.remove_file(sqlite.path_of(url_or_path))


def migrate(url_or_path: str | Path, *, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> Migration:
    """Bring an existing database to the present schema, whole or not at all, in one transaction.

    `StoreError` where it is missing, broken, newer than this version of Callout, or open in another process for longer
    than the busy timeout.
    """
    path = sqlite.path_of(url_or_path)
    deadline = time.monotonic() + busy_timeout_seconds
    while True:
        done = _attempt(path, busy_timeout_seconds)
        if done is not None:
            return done
        if time.monotonic() >= deadline:
            raise StoreError(
                f"the database at {path}, which another process has open",
                "it for this process alone",
                "Stop every `callout serve` on this home, then run `callout db migrate` again",
            )
        time.sleep(0.02 + os.getpid() % 32 / 1000)  # two that migrate at once must not keep meeting


def _attempt(path: Path, busy_timeout_seconds: float) -> Migration | None:
    """Migrate; None where another process has the database open."""
    engine = sqlite.open_engine(path, read_only=False, busy_timeout_seconds=busy_timeout_seconds)
    database = Database(engine)
    try:
        with database.reading() as connection:
            before = stored_revision(connection)
        if before is not None:
            refuse_newer_schema(before, path)
            if before == REVISION:
                return Migration(before, REVISION)
            if not sqlite.alone(engine):
                return None
        with database.writing() as connection:
            if before is not None and not sqlite.still_alone(connection):
                return None
            upgrade(connection, REVISION)
        sqlite.not_alone(engine)
        return Migration(before, REVISION)
    finally:
        database.close()


def upgrade(connection: Connection, revision: str) -> None:
    """Run the migrations up to this one, within the transaction of the connection."""
    from alembic import command

    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def alembic_config() -> Config:
    """Return Alembic's configuration. There is no ini file: all that it needs is where the scripts are."""
    from alembic.config import Config

    config = Config()
    scripts = Path(__file__).parent / "migrations"
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))  # % is the ini format's own
    return config
