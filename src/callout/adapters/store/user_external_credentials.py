"""Sealed secrets and tokens of principals (port `UserExternalCredentials`). Envelopes go in and out unopened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from callout.adapters.store.audit import record_acts
from callout.adapters.store.generation import next_generation
from callout.adapters.store.refreshes import TOKEN_COLUMNS, SqlRefreshes, by_key
from callout.adapters.store.sealed import put_values, values_moved
from callout.adapters.store.tables import SECRET, TOKEN, TOKEN_ERROR, key_columns, of_key
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.ports import AdminAct, PrincipalHealth, StoredToken


class SqlUserExternalCredentials(SqlRefreshes):
    """Rows of `secret`, `token` and `token_error`. Writes of secrets raise the generation; those of tokens do not."""

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
            has_token = connection.execute(select(TOKEN.c.generation).where(of_key(TOKEN, key))).one_or_none()
            if removed or has_token is not None:
                values_moved(connection, key, next_generation(connection), names or None)
                record_acts(connection, [act])
            return removed

        return await self._database.write(work)

    async def secrets(self, key: UserExternalCredentialKey) -> Mapping[str, bytes]:
        """Return the envelopes by the names of their values."""
        statement = select(SECRET.c.name, SECRET.c.envelope).where(of_key(SECRET, key)).order_by(SECRET.c.name)
        return await self._database.read(lambda c: {row.name: row.envelope for row in c.execute(statement)})

    async def token(self, key: UserExternalCredentialKey) -> StoredToken | None:
        """Return the token that is stored, or None."""
        statement = select(*TOKEN_COLUMNS).where(of_key(TOKEN, key))

        def work(connection: Connection) -> StoredToken | None:
            row = connection.execute(statement).one_or_none()
            return None if row is None else StoredToken(key, *row)

        return await self._database.read(work)

    async def note_error(self, key: UserExternalCredentialKey, at: datetime, error: str) -> None:
        """Keep the last failure to obtain a token; it stays beside a later token, which tells its own time."""

        def work(connection: Connection) -> None:
            connection.execute(delete(TOKEN_ERROR).where(of_key(TOKEN_ERROR, key)))
            connection.execute(insert(TOKEN_ERROR).values(key_columns(key) | {"at": at, "error": error}))

        await self._database.write(work)

    async def health(self) -> tuple[PrincipalHealth, ...]:
        """Return what is stored of each key, in their order; keys of which nothing is stored are not in it."""
        return await self._database.read(_health)


_SHOWN_OF_A_TOKEN = tuple(column for column in TOKEN.c if not column.primary_key and column.name != "envelope")


def _health(connection: Connection) -> tuple[PrincipalHealth, ...]:
    names: dict[UserExternalCredentialKey, set[str]] = {}
    for key, row in by_key(connection, SECRET, SECRET.c.name):
        names.setdefault(key, set()).add(row.name)
    tokens = dict(by_key(connection, TOKEN, *_SHOWN_OF_A_TOKEN))
    errors = dict(by_key(connection, TOKEN_ERROR, TOKEN_ERROR.c.at, TOKEN_ERROR.c.error))
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
