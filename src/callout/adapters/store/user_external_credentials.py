"""Sealed secrets and tokens of principals (port `UserExternalCredentials`). Envelopes go in and out unopened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Row, Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from callout.adapters.store.audit import record_acts
from callout.adapters.store.database import Database
from callout.adapters.store.generation import next_generation
from callout.adapters.store.sealed import put_values, values_moved
from callout.adapters.store.tables import SECRET, TOKEN, TOKEN_ERROR, key_columns, of_key
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.ports import FIRST, AdminAct, PrincipalHealth, StoredToken


class SqlUserExternalCredentials:
    """Rows of `secret`, `token` and `token_error`. Writes of secrets raise the generation; those of tokens do not."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put_secrets(
        self,
        key: UserExternalCredentialKey,
        sealed: Mapping[str, bytes],
        act: AdminAct,
        *,
        expects: int | None = None,
    ) -> None:
        """Set these values and leave others; drops the token and its last error, which the old ones caused.

        `Outdated` where another writer was faster than what was made from generation `expects`.
        """

        def work(connection: Connection) -> None:
            version = next_generation(connection, expects)
            put_values(connection, key, sealed, version, set_at=act.at)
            record_acts(connection, [act])

        await self._database.write(work)

    async def remove_secrets(self, key: UserExternalCredentialKey, names: Sequence[str] | None, act: AdminAct) -> int:
        """Remove these values (None: all) and the token; returns how many values went.

        Where nothing is there to remove, nothing is written.
        """
        chosen = of_key(SECRET, key) if names is None else of_key(SECRET, key) & SECRET.c.name.in_(list(names))

        def work(connection: Connection) -> int:
            removed = connection.execute(delete(SECRET).where(chosen)).rowcount
            had_token = connection.execute(delete(TOKEN).where(of_key(TOKEN, key))).rowcount
            if removed or had_token:
                values_moved(connection, key, next_generation(connection))
                record_acts(connection, [act])
            return removed

        return await self._database.write(work)

    async def secrets(self, key: UserExternalCredentialKey) -> Mapping[str, bytes]:
        """Return the envelopes by the names of their values."""
        statement = select(SECRET.c.name, SECRET.c.envelope).where(of_key(SECRET, key)).order_by(SECRET.c.name)
        return await self._database.read(lambda c: {row.name: row.envelope for row in c.execute(statement)})

    async def token(self, key: UserExternalCredentialKey) -> StoredToken | None:
        """Return the token that is stored, or None."""
        statement = select(*_TOKEN_COLUMNS).where(of_key(TOKEN, key))

        def work(connection: Connection) -> StoredToken | None:
            row = connection.execute(statement).one_or_none()
            return None if row is None else StoredToken(key, *row)

        return await self._database.read(work)

    async def swap_token(self, token: StoredToken, *, replaces: int) -> bool:
        """Write where the stored generation is `replaces` (0: none stored); False where it is another.

        One statement compares and writes, so that of several processes one wins. The time of the last refresh is kept
        across a token that is none. `ValueError` for a generation that does not rise.
        """
        if token.generation <= replaces:
            raise ValueError(f"got generation {token.generation} for a token; expected one above {replaces}")
        values = {column.name: getattr(token, column.name) for column in _TOKEN_COLUMNS}
        if token.obtained_because != FIRST:
            values["last_refresh_at"] = token.issued_at

        def first(connection: Connection) -> bool:
            try:
                connection.execute(insert(TOKEN).values(key_columns(token.key) | values))
            except IntegrityError:  # the primary key is what compares: a token is there
                return False
            return True

        def next_one(connection: Connection) -> bool:
            same = of_key(TOKEN, token.key) & (TOKEN.c.generation == replaces)
            return connection.execute(update(TOKEN).where(same).values(values)).rowcount == 1

        return await self._database.write(next_one if replaces else first)

    async def note_error(self, key: UserExternalCredentialKey, at: datetime, error: str) -> None:
        """Keep the last failure to obtain a token; it stays beside a later token, which tells its own time."""

        def work(connection: Connection) -> None:
            connection.execute(delete(TOKEN_ERROR).where(of_key(TOKEN_ERROR, key)))
            connection.execute(insert(TOKEN_ERROR).values(key_columns(key) | {"at": at, "error": error}))

        await self._database.write(work)

    async def health(self) -> tuple[PrincipalHealth, ...]:
        """Return what is stored of each key, in their order; keys of which nothing is stored are not in it."""
        return await self._database.read(_health)


_TOKEN_COLUMNS = (TOKEN.c.generation, TOKEN.c.envelope, TOKEN.c.issued_at, TOKEN.c.expires_at, TOKEN.c.obtained_because)
_SHOWN_OF_A_TOKEN = tuple(column for column in TOKEN.c if not column.primary_key and column.name != "envelope")


def _health(connection: Connection) -> tuple[PrincipalHealth, ...]:
    names: dict[UserExternalCredentialKey, set[str]] = {}
    for key, row in _by_key(connection, SECRET, SECRET.c.name):
        names.setdefault(key, set()).add(row.name)
    tokens = dict(_by_key(connection, TOKEN, *_SHOWN_OF_A_TOKEN))
    errors = dict(_by_key(connection, TOKEN_ERROR, TOKEN_ERROR.c.at, TOKEN_ERROR.c.error))
    found = []
    for key in sorted(names.keys() | tokens.keys() | errors.keys()):
        token, error = tokens.get(key), errors.get(key)
        found.append(
            PrincipalHealth(
                key,
                frozenset(names.get(key, ())),
                generation=token.generation if token else 0,
                issued_at=token.issued_at if token else None,
                expires_at=token.expires_at if token else None,
                obtained_because=token.obtained_because if token else "",
                last_refresh_at=token.last_refresh_at if token else None,
                last_error_at=error.at if error else None,
                last_error=error.error if error else None,
            )
        )
    return tuple(found)


def _by_key(
    connection: Connection, table: Table, *columns: Column[Any]
) -> Iterator[tuple[UserExternalCredentialKey, Row[Any]]]:
    """Yield the key of every row of a table, and the row with these columns."""
    names = (table.c.external_credential, table.c.principal, table.c.user)
    for row in connection.execute(select(*names, *columns)):
        yield UserExternalCredentialKey(row.external_credential, row.principal, row.user), row
