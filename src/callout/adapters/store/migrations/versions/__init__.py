"""The migrations themselves. Alembic loads them by path."""
