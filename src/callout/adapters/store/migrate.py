"""Makes a database and brings an older one to the schema of this version. Forward only; blocks.

Alembic is loaded by the first migration that runs, not before: a server that finds its schema in order never does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from callout.adapters.store import sqlite
from callout.adapters.store.database import Database
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

    `StoreError` where it is missing, broken, locked, or newer than this version of Callout.
    """
    path = sqlite.path_of(url_or_path)
    database = Database(sqlite.open_engine(path, read_only=False, busy_timeout_seconds=busy_timeout_seconds))
    try:
        with database.writing() as connection:  # a second process that migrates waits here, and then finds it done
            before = stored_revision(connection)
            if before is not None:
                refuse_newer_schema(before, path)
            if before != REVISION:
                upgrade(connection, REVISION)
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
