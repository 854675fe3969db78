"""What Alembic runs to migrate: on the connection it is given, inside that connection's transaction."""

from __future__ import annotations

from alembic import context

from callout.adapters.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,  # Alembic's default for SQLite is False, because of the driver's way that `sqlite` avoids
)
context.run_migrations()
