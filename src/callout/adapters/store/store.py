"""The store as one object: open it, use its parts, close it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect

from callout.adapters.store import sqlite
from callout.adapters.store.audit import SqlAuditTrail
from callout.adapters.store.changes import Changes
from callout.adapters.store.connections import SqlConnections
from callout.adapters.store.data_keys import SqlDataKeys
from callout.adapters.store.database import Database
from callout.adapters.store.definitions import SqlDefinitions
from callout.adapters.store.envelopes import SqlEnvelopes
from callout.adapters.store.errors import StoreError
from callout.adapters.store.sign_ins import SqlSignIns
from callout.adapters.store.tables import REVISION
from callout.adapters.store.user_external_credentials import SqlUserExternalCredentials
from callout.core.ports import Clock

BUSY_TIMEOUT_SECONDS = 5.0


class Store:
    """An open database and the ports that it implements. Each process opens its own, after any fork."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._changes = Changes(database)
        self.definitions = SqlDefinitions(database)
        self.user_external_credentials = SqlUserExternalCredentials(database)
        self.connections = SqlConnections(database)
        self.sign_ins = SqlSignIns(database)
        self.audit = SqlAuditTrail(database, clock)
        self.data_keys = SqlDataKeys(database)
        self.envelopes = SqlEnvelopes(database)

    @classmethod
    def open(
        cls,
        url_or_path: str | Path,
        *,
        clock: Clock,
        read_only: bool = False,
        busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS,
    ) -> Store:
        """Open a database that `migrate.create` made; blocks for some milliseconds.

        `StoreError` where it is missing, broken, or has a schema that is older or newer than this version needs.
        """
        path = sqlite.path_of(url_or_path)
        engine = sqlite.open_engine(path, read_only=read_only, busy_timeout_seconds=busy_timeout_seconds)
        database = Database(engine)
        try:
            with database.reading() as connection:
                refuse_other_schema(connection, path)
            return cls(database, clock)
        except BaseException:
            database.close()
            raise

    async def changed(self) -> bool:
        """Return True where anything was committed since the last call: then ask for the generation."""
        return await self._changes.changed()

    def close(self) -> None:
        """Let running work end and close every connection."""
        self._changes.close()
        self._database.close()


def refuse_other_schema(connection: Connection, path: Path) -> None:
    """Raise `StoreError` unless the schema is the one that this version reads and writes."""
    found = stored_revision(connection)
    if found is None:
        raise StoreError(
            f"a database at {path} that is not Callout's",
            "one that `callout init` made",
            "Correct the path, or make the database with `callout init`",
        )
    if found < REVISION:
        raise StoreError(
            f"the older schema {found} at {path}", REVISION, "Make a backup, then run `callout db migrate`"
        )
    refuse_newer_schema(found, path)


def refuse_newer_schema(found: str, path: Path) -> None:
    """Raise `StoreError` for a schema that a newer version of Callout made."""
    if found > REVISION:
        raise StoreError(
            f"the schema {found} at {path}, which a newer Callout made",
            f"{REVISION} at most",
            "Run the newer Callout, or bring back the backup from before it",
        )


def stored_revision(connection: Connection) -> str | None:
    """Return the migration that the database is at, or None where no migration has run."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").one_or_none()
    return None if row is None else str(row[0])
