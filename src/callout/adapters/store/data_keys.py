"""The wrapped data-encryption keys. The store keeps them for the vault and can unwrap none.

Used when a process starts, by `init` and by `keys rotate`, so these functions block.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from callout.adapters.store.audit import record_acts
from callout.adapters.store.database import Database
from callout.adapters.store.errors import StoreError
from callout.adapters.store.generation import next_generation
from callout.adapters.store.tables import DATA_KEY
from callout.core.ports import AdminAct


class SqlDataKeys:
    """Rows of `data_key`, by id. A data key is never removed: an envelope somewhere may need it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self) -> dict[int, bytes]:
        """Return every wrapped key by its id, in order."""
        with self._database.reading() as connection:
            rows = connection.execute(select(DATA_KEY.c.id, DATA_KEY.c.wrapped).order_by(DATA_KEY.c.id))
            return {row.id: row.wrapped for row in rows}

    def add(self, number: int, wrapped: bytes, act: AdminAct) -> None:
        """Add a wrapped key; `StoreError` where the id is taken. Processes that run learn of any but the first."""
        with self._database.writing() as connection:
            try:
                connection.execute(insert(DATA_KEY).values(id=number, wrapped=wrapped, created_at=act.at))
            except IntegrityError as error:
                raise StoreError(
                    f"the data key {number} already", "a new id", "Another process has rotated just now: look again"
                ) from error
            if number > 1:
                next_generation(connection)
            record_acts(connection, [act])

    def replace(self, wrapped: Mapping[int, bytes], act: AdminAct, *, before: Mapping[int, bytes]) -> None:
        """Put re-wrapped keys in place of all; `StoreError` where those that are there are not exactly `before`."""
        with self._database.writing() as connection:
            rows = connection.execute(select(DATA_KEY.c.id, DATA_KEY.c.wrapped))
            if {row.id: row.wrapped for row in rows} != dict(before) or set(before) != set(wrapped):
                # A key that was left out would stay wrapped by the old master key, which is about to go away.
                raise StoreError(
                    f"re-wrapped data keys {sorted(wrapped)}",
                    "exactly those that are there, unchanged since they were read",
                    "Another process has rotated just now: rotate again",
                )
            for number, record in wrapped.items():
                connection.execute(update(DATA_KEY).where(DATA_KEY.c.id == number).values(wrapped=record))
            record_acts(connection, [act])
