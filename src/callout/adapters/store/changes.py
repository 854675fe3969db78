"""Learning that another connection has written, for the price of one pragma.

SQLite: `PRAGMA data_version` on one kept connection moves when any other connection, of this process or another,
has committed. It reads no table and takes no lock that a writer would wait for.
"""

from __future__ import annotations

from sqlalchemy import Connection

from callout.adapters.store.database import Database, translated


class Changes:
    """Asked every 100 ms or so. True says that *something* was committed: then ask for the generation."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection = database.connect()
        self._seen = self._version()

    async def changed(self) -> bool:
        """Return True where anything was committed since the last call, or since the store was opened."""
        version = await self._database.in_thread(self._version)
        moved = version != self._seen
        self._seen = version
        return moved

    def close(self) -> None:
        """Close the kept connection."""
        self._connection.close()

    def _version(self) -> int:
        with translated(), self._connection.begin():  # a new transaction each time: within one it stands still
            return int(self._connection.exec_driver_sql("PRAGMA data_version").scalar_one())
