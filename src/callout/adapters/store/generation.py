"""The generation: one number that rises with every write that decisions may depend on, and orders the writers."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from callout.adapters.store.tables import ORG
from callout.core.errors import Outdated


def generation_of(connection: Connection) -> int:
    """Return the generation."""
    return int(connection.execute(select(ORG.c.generation)).scalar_one())


def next_generation(connection: Connection, expects: int | None = None) -> int:
    """Raise the generation by one and return it. The row's lock also puts writers in order.

    `Outdated` where it was not the one that is expected; the caller's transaction is then undone.
    """
    connection.execute(update(ORG).values(generation=ORG.c.generation + 1))
    generation = generation_of(connection)
    if expects is not None and generation != expects + 1:
        raise Outdated(f"got generation {generation - 1}; expected {expects}")
    return generation
