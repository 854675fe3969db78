"""The store: definitions, sealed secrets and tokens, wrapped data keys and the audit chain. It never sees plaintext.

`store.Store` opens it all; `migrate` makes and upgrades a database. Importing this package alone is cheap:
SQLAlchemy is loaded by `store`, Alembic only when a migration runs. Statements are written once, in SQLAlchemy Core, for every
kind of database; what only SQLite has is in `sqlite`.
"""
