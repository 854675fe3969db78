"""Rows of `secret`, and what hangs on them: written within a transaction that its caller began."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, insert, update

from callout.adapters.store.tables import SECRET, TOKEN, TOKEN_ERROR, key_columns, of_key
from callout.core.model.credentials import UserExternalCredentialKey


def put_values(
    connection: Connection,
    key: UserExternalCredentialKey,
    sealed: Mapping[str, bytes],
    version: int,
    *,
    set_at: datetime,
) -> None:
    """Set these values and leave others; drops the token and its last error, which the old ones caused."""
    connection.execute(delete(SECRET).where(of_key(SECRET, key), SECRET.c.name.in_(list(sealed))))
    for name, envelope in sealed.items():
        row = key_columns(key) | {"name": name, "envelope": envelope, "version": version, "set_at": set_at}
        connection.execute(insert(SECRET).values(row))
    values_moved(connection, key, version)


def values_moved(connection: Connection, key: UserExternalCredentialKey, version: int) -> None:
    """Give every remaining value the new version, and drop what was obtained with the old values."""
    connection.execute(update(SECRET).where(of_key(SECRET, key)).values(version=version))
    connection.execute(delete(TOKEN).where(of_key(TOKEN, key)))
    connection.execute(delete(TOKEN_ERROR).where(of_key(TOKEN_ERROR, key)))


def drop_values_of_user(connection: Connection, user: str) -> None:
    """Drop every value, token and error of a user's own; those that principals share have an empty user."""
    if user:
        for table in (SECRET, TOKEN, TOKEN_ERROR):
            connection.execute(delete(table).where(table.c.user == user))


def drop_values_of_external_credential(connection: Connection, name: str) -> None:
    """Drop every value, token and error of an external credential, those of users too."""
    for table in (SECRET, TOKEN, TOKEN_ERROR):
        connection.execute(delete(table).where(table.c.external_credential == name))
