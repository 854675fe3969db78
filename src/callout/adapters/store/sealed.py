"""Rows of `secret`, and what hangs on them: written within a transaction that its caller began."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, insert, update

from callout.adapters.store.tables import (
    INTENT,
    LEASE,
    SECRET,
    STATED,
    TOKEN,
    TOKEN_ERROR,
    key_columns,
    of_key,
)
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.refresh.epoch import LINEAGE_SECRETS

#: What is kept of one key: all of it goes with what it belongs to.
_ALL = (SECRET, TOKEN, TOKEN_ERROR, LEASE, INTENT, STATED)


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
        versions = {"version": version, "own_version": version}
        row = key_columns(key) | {"name": name, "envelope": envelope, "set_at": set_at} | versions
        connection.execute(insert(SECRET).values(row))
    values_moved(connection, key, version, sealed)


def values_moved(
    connection: Connection, key: UserExternalCredentialKey, version: int, names: Collection[str] | None
) -> None:
    """Give every remaining value the new version, and drop what was obtained with the old values.

    Where no value that a refresh token hangs on is among the changed `names` (None: all), a stored one stays, and so
    does what is known of its refresh: the access token beside it is not used any more. Where all changed, the lineage
    ends as well: what a refresh that is under way brings is of the old one, and refused.
    """
    moved = {"version": version} if names is not None else {"version": version, "own_version": version}
    connection.execute(update(SECRET).where(of_key(SECRET, key)).values(moved))
    for table in (TOKEN_ERROR, STATED):
        connection.execute(delete(table).where(of_key(table, key)))
    if names is None or not LINEAGE_SECRETS.isdisjoint(names):
        for table in (TOKEN, LEASE, INTENT):
            connection.execute(delete(table).where(of_key(table, key)))
    else:
        connection.execute(delete(TOKEN).where(of_key(TOKEN, key), TOKEN.c.lineage == ""))


def drop_values_of_user(connection: Connection, user: str) -> None:
    """Drop every value, token and error of a user's own; those that principals share have an empty user."""
    if user:
        for table in _ALL:
            connection.execute(delete(table).where(table.c.user == user))


def drop_values_of_external_credential(connection: Connection, name: str) -> None:
    """Drop every value, token and error of an external credential, or of one principal (`EC/Principal`) of it."""
    external_credential, slash, principal = name.partition("/")
    for table in _ALL:
        whole = table.c.external_credential == external_credential
        connection.execute(delete(table).where(whole & (table.c.principal == principal) if slash else whole))
