"""Rows of `attempt` and `spent_link`, and the transaction that a connection ends with (port `Connections`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from callout.adapters.store.audit import record_acts
from callout.adapters.store.database import Database
from callout.adapters.store.epochs import epoch_of
from callout.adapters.store.generation import next_generation
from callout.adapters.store.refreshes import write_token
from callout.adapters.store.sealed import put_values
from callout.adapters.store.tables import ATTEMPT, SPENT_LINK, key_columns
from callout.core.errors import Outdated
from callout.core.model.connections import Attempt
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.ports import AdminAct, StoredToken
from callout.core.protocol import CONNECTION

_NAMES = ("digest", "who", "session", "fingerprint", "envelope", "return_url", "link", "began_at", "expires_at")


class SqlConnections:
    """Attempts are of one browser (or device) each; whoever takes one has it alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put_attempt(self, attempt: Attempt) -> None:
        """Keep an attempt; those that ended before it began go."""

        def work(connection: Connection) -> None:
            connection.execute(delete(ATTEMPT).where(ATTEMPT.c.expires_at <= attempt.began_at))
            connection.execute(insert(ATTEMPT).values(_columns(attempt)))

        await self._database.write(work)

    async def take_attempt(self, digest: bytes) -> Attempt | None:
        """Return an attempt and remove it, in one transaction."""

        def work(connection: Connection) -> Attempt | None:
            found = _found(connection, digest)
            connection.execute(delete(ATTEMPT).where(ATTEMPT.c.digest == digest))
            return found

        return await self._database.write(work)

    async def attempt(self, digest: bytes) -> Attempt | None:
        """Return an attempt and leave it."""
        return await self._database.read(lambda connection: _found(connection, digest))

    async def change_attempt(self, attempt: Attempt) -> bool:
        """Put a changed attempt in the place of one that is there."""
        same = update(ATTEMPT).where(ATTEMPT.c.digest == attempt.digest).values(_columns(attempt))
        return await self._database.write(lambda connection: connection.execute(same).rowcount == 1)

    async def is_spent(self, link: bytes) -> bool:
        """Say whether a link was used already."""
        return await self._database.read(lambda connection: _is_spent(connection, link))

    async def connect(
        self,
        token: StoredToken,
        sealed: bytes,
        act: AdminAct,
        *,
        expects: int,
        link: bytes = b"",
        link_ends: datetime | None = None,
    ) -> bool:
        """Store the token of a new authorization and spend the link, or neither. What was obtained before is dropped."""

        def work(connection: Connection) -> bool:
            if link and _is_spent(connection, link):
                return False
            generation = next_generation(connection, expects)
            put_values(connection, token.key, {CONNECTION: sealed}, generation, set_at=act.at)
            epoch = epoch_of(connection, token.key)
            if epoch is None or epoch.fingerprint != token.fingerprint:
                raise Outdated(f"got a token of other definitions of {token.key}; expected one of those in force")
            write_token(connection, token, epoch.lineage)
            connection.execute(delete(SPENT_LINK).where(SPENT_LINK.c.expires_at <= act.at))
            if link:
                connection.execute(insert(SPENT_LINK).values(digest=link, expires_at=link_ends or act.at))
            record_acts(connection, [act])
            return True

        return await self._database.write_durably(work)


def _is_spent(connection: Connection, link: bytes) -> bool:
    return connection.execute(select(SPENT_LINK.c.digest).where(SPENT_LINK.c.digest == link)).one_or_none() is not None


def _found(connection: Connection, digest: bytes) -> Attempt | None:
    row = connection.execute(select(ATTEMPT).where(ATTEMPT.c.digest == digest)).one_or_none()
    return _attempt_of(row) if row is not None else None


def _columns(attempt: Attempt) -> dict[str, Any]:
    return key_columns(attempt.key) | {name: getattr(attempt, name) for name in _NAMES}


def _attempt_of(row: Row[Any]) -> Attempt:
    key = UserExternalCredentialKey(row.external_credential, row.principal, row.user)
    return Attempt(key=key, **{name: getattr(row, name) for name in _NAMES})
