"""Rows of `lease`, `intent` and `stated`, and of `token` as refreshes write it (port `UserExternalCredentials`).

Each write is one transaction that begins with the write lock, so that what it compares cannot move before it writes,
and that is on the disk when it returns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, Table, delete, insert, select, update

from callout.adapters.store.audit import record_acts
from callout.adapters.store.database import Database
from callout.adapters.store.epochs import epoch_of
from callout.adapters.store.generation import next_generation
from callout.adapters.store.sealed import values_moved
from callout.adapters.store.tables import (
    INTENT,
    LEASE,
    ORG,
    SECRET,
    STATED,
    TOKEN,
    TOKEN_ERROR,
    key_columns,
    of_key,
)
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.model.refreshes import Begun, Intent, Lease, Outcome, Phase, State, Stated
from callout.core.ports import FIRST, AdminAct, Look, StoredToken

Key = UserExternalCredentialKey


class SqlRefreshes:
    """What a refresh reads and writes. The generation of the definitions stays as it is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(self, key: Key) -> Look:
        """Return everything that is stored of one token, seen at one moment."""
        return await self._database.read(lambda connection: _look(connection, key))

    async def looks(self) -> tuple[Look, ...]:
        """Return the same of every key of which anything is stored, in their order."""
        return await self._database.read(_looks)

    async def begin_refresh(self, intent: Intent, owner: str, expires_at: datetime, *, over: Lease | None) -> Begun:
        """Take the lease and write the intent. A lease that is there is taken over where it is `over`, unchanged."""

        def work(connection: Connection) -> Begun:
            epoch = epoch_of(connection, intent.key)
            if epoch is None or epoch.fingerprint != intent.fingerprint:
                return Begun(Outcome.SUPERSEDED)
            ended = connection.execute(
                select(STATED.c.fingerprint).where(of_key(STATED, intent.key))
            ).scalar_one_or_none()
            if ended == intent.fingerprint or _generation(connection, intent.key) != intent.replaces:
                return Begun(Outcome.MOVED)
            lease = _take(connection, intent.key, owner, expires_at, over)
            if lease is None:
                return Begun(Outcome.HELD)
            before = _intent(connection, intent.key)
            doubtful = before is not None and before.is_unsettled and before.spent == intent.spent
            lineage = epoch.lineage if intent.spent is not None else ""
            kept = replace(intent, doubtful=doubtful, lineage=lineage)
            _put(connection, INTENT, intent.key, _intent_columns(kept) | {"fence": lease.fence})
            return Begun(Outcome.DONE, lease, kept)

        return await self._database.write_durably(work)

    async def renew_lease(self, lease: Lease, expires_at: datetime) -> Lease | None:
        """Renew a lease; None where it is lost."""
        renewed = replace(lease, beat=lease.beat + 1, expires_at=expires_at)
        values = {"beat": renewed.beat, "expires_at": expires_at}

        def work(connection: Connection) -> Lease | None:
            return renewed if connection.execute(update(LEASE).where(_same(lease)).values(values)).rowcount else None

        return await self._database.write(work)

    async def note_sent(self, lease: Lease) -> bool:
        """Note that the grant leaves now; False where the lease is lost."""

        def work(connection: Connection) -> bool:
            if connection.execute(select(LEASE.c.fence).where(_same(lease))).one_or_none() is None:
                return False
            mine = of_key(INTENT, lease.key) & (INTENT.c.fence == lease.fence)
            return connection.execute(update(INTENT).where(mine).values(phase=str(Phase.SENT))).rowcount == 1

        return await self._database.write_durably(work)

    async def keep_token(self, lease: Lease, intent: Intent, token: StoredToken) -> Outcome:
        """Store what was obtained and end intent and lease.

        A lease that ran out meanwhile does not matter where nobody has taken it: the generation is what is compared.
        """

        def work(connection: Connection) -> Outcome:
            holder = connection.execute(select(LEASE.c.fence).where(of_key(LEASE, lease.key))).one_or_none()
            if holder is not None and holder.fence != lease.fence:
                return Outcome.HELD
            epoch = epoch_of(connection, lease.key)
            same = epoch is not None and epoch.fingerprint == token.fingerprint
            carried = epoch is not None and bool(intent.lineage) and epoch.lineage == intent.lineage
            outcome = Outcome.DONE if same else Outcome.CARRIED if carried else Outcome.SUPERSEDED
            if _generation(connection, lease.key) != intent.replaces:
                outcome = Outcome.MOVED
            if outcome in (Outcome.DONE, Outcome.CARRIED):
                write_token(connection, token, intent.lineage)
                connection.execute(delete(STATED).where(of_key(STATED, lease.key)))
            connection.execute(delete(INTENT).where(of_key(INTENT, lease.key)))
            connection.execute(delete(LEASE).where(_same(lease)))
            return outcome

        return await self._database.write_durably(work)

    async def end_refresh(self, lease: Lease, intent: Intent, *, unsettled: bool, stated: Stated | None = None) -> Look:
        """Give up the lease, and end the intent unless it is `unsettled`; keep what is stated. Look in the same moment.

        A lease that was lost is left alone; nothing is stated then, nor where another generation is stored or another
        fingerprint is in force.
        """

        def work(connection: Connection) -> Look:
            if connection.execute(delete(LEASE).where(_same(lease))).rowcount:
                if not unsettled:
                    connection.execute(delete(INTENT).where(of_key(INTENT, lease.key)))
                epoch = epoch_of(connection, lease.key)
                in_force = epoch is not None and epoch.fingerprint == intent.fingerprint
                if stated is not None and in_force and _generation(connection, lease.key) == intent.replaces:
                    _put(connection, STATED, lease.key, _stated_columns(stated))
            return _look(connection, lease.key)

        return await self._database.write_durably(work)

    async def swap_token(self, token: StoredToken, *, replaces: int) -> bool:
        """Write where the stored generation is `replaces` (0: none stored); False where it is another.

        That is compared and written in one transaction, so that of several processes one wins. The time of the last
        refresh is kept across a token that is none. `ValueError` for a generation that does not rise.
        """
        if token.generation <= replaces:
            raise ValueError(f"got generation {token.generation}; expected one above {replaces}")

        def work(connection: Connection) -> bool:
            if token.fingerprint:
                epoch = epoch_of(connection, token.key)
                if epoch is None or epoch.fingerprint != token.fingerprint:
                    return False
            if _generation(connection, token.key) != replaces:
                return False
            write_token(connection, token, "")
            return True

        return await self._database.write(work)

    async def give_up_token(self, key: Key, act: AdminAct, *, stated: str | None) -> bool:
        """Drop a token and what is known of its refresh; where `stated` is given, state that it was revoked, and why.

        Returns whether there was one. A refresh that is under way loses its lease, and what it brings is refused.
        """

        def work(connection: Connection) -> bool:
            had = connection.execute(select(TOKEN.c.generation).where(of_key(TOKEN, key))).one_or_none() is not None
            if had or stated is not None:
                values_moved(connection, key, next_generation(connection), None)
                epoch = epoch_of(connection, key)
                if stated is not None and epoch is not None:
                    end = Stated(key, State.REVOKED, epoch.fingerprint, act.at, stated)
                    _put(connection, STATED, key, _stated_columns(end))
                record_acts(connection, [act])
            return had

        return await self._database.write_durably(work)

    async def take_lease(self, key: Key, owner: str, expires_at: datetime, *, over: Lease | None) -> Lease | None:
        """Take a lease without an intent; None where another has it."""
        return await self._database.write(lambda connection: _take(connection, key, owner, expires_at, over))

    async def lease(self, key: Key) -> Lease | None:
        """Return the lease that is held, or None."""
        return await self._database.read(lambda connection: _lease(connection, key))

    async def drop_lease(self, lease: Lease) -> None:
        """Give up a lease; one that was lost is left alone."""
        await self._database.write(lambda connection: connection.execute(delete(LEASE).where(_same(lease))))


def _same(lease: Lease) -> ColumnElement[bool]:
    return of_key(LEASE, lease.key) & (LEASE.c.fence == lease.fence)


def _take(connection: Connection, key: Key, owner: str, expires_at: datetime, over: Lease | None) -> Lease | None:
    """Write the lease where there is none, or the one there is is `over`, not renewed since; None otherwise."""
    if _lease(connection, key) not in (None, over):
        return None
    connection.execute(update(ORG).values(fence=ORG.c.fence + 1))
    fence = int(connection.execute(select(ORG.c.fence)).scalar_one())
    lease = Lease(key, fence, owner, 0, expires_at)
    values = {"fence": fence, "owner": owner, "beat": 0, "expires_at": expires_at}
    _put(connection, LEASE, key, values)
    return lease


def _put(connection: Connection, table: Table, key: Key, values: dict[str, Any]) -> None:
    connection.execute(delete(table).where(of_key(table, key)))
    connection.execute(insert(table).values(key_columns(key) | values))


def write_token(connection: Connection, token: StoredToken, lineage: str) -> None:
    """Write a token, in the place of one that is there."""
    values: dict[str, Any] = {name: getattr(token, name) for name in _TOKEN_NAMES} | {"lineage": lineage}
    if token.obtained_because != FIRST:
        values["last_refresh_at"] = token.issued_at
    if connection.execute(update(TOKEN).where(of_key(TOKEN, token.key)).values(values)).rowcount == 0:
        connection.execute(insert(TOKEN).values(key_columns(token.key) | values))


def _generation(connection: Connection, key: Key) -> int:
    return int(connection.execute(select(TOKEN.c.generation).where(of_key(TOKEN, key))).scalar_one_or_none() or 0)


_TOKEN_NAMES = ("generation", "envelope", "issued_at", "expires_at", "obtained_because", "fingerprint")
TOKEN_COLUMNS = tuple(TOKEN.c[name] for name in _TOKEN_NAMES)


def _intent_columns(intent: Intent) -> dict[str, Any]:
    names = ("fingerprint", "replaces", "because", "started_at", "spent", "lineage")
    return {name: getattr(intent, name) for name in names} | {
        "phase": str(intent.phase),
        "doubtful": int(intent.doubtful),
    }


def _stated_columns(stated: Stated) -> dict[str, Any]:
    return {
        "state": str(stated.state),
        "fingerprint": stated.fingerprint,
        "since": stated.since,
        "detail": stated.detail,
    }


def _lease(connection: Connection, key: Key) -> Lease | None:
    row = connection.execute(select(LEASE).where(of_key(LEASE, key))).one_or_none()
    return _lease_of(key, row) if row is not None else None


def _lease_of(key: Key, row: Row[Any]) -> Lease:
    return Lease(key, row.fence, row.owner, row.beat, row.expires_at)


def _intent(connection: Connection, key: Key) -> Intent | None:
    row = connection.execute(select(INTENT).where(of_key(INTENT, key))).one_or_none()
    return _intent_of(key, row) if row is not None else None


def _intent_of(key: Key, row: Row[Any]) -> Intent:
    return Intent(
        key,
        row.fingerprint,
        row.replaces,
        row.because,
        row.started_at,
        spent=row.spent,
        phase=Phase(row.phase),
        doubtful=bool(row.doubtful),
        lineage=row.lineage,
    )


def _stated_of(key: Key, row: Row[Any]) -> Stated:
    return Stated(key, State(row.state), row.fingerprint, row.since, row.detail)


def _look(connection: Connection, key: Key) -> Look:
    found = {
        table.name: connection.execute(select(table).where(of_key(table, key))).one_or_none() for table in _OF_A_LOOK
    }
    secrets = connection.execute(select(SECRET.c.set_at).where(of_key(SECRET, key))).scalars().all()
    return _joined(connection, key, found, max(secrets, default=None))


_OF_A_LOOK = (TOKEN, LEASE, INTENT, STATED, TOKEN_ERROR)


def _joined(connection: Connection, key: Key, found: dict[str, Row[Any] | None], set_at: datetime | None) -> Look:
    token, lease, intent, stated, error = (found.get(table.name) for table in _OF_A_LOOK)
    lineage_holds = False
    if token is not None and token.lineage:
        epoch = epoch_of(connection, key)
        lineage_holds = epoch is not None and epoch.lineage == token.lineage
    return Look(
        key,
        StoredToken(key, *(getattr(token, name) for name in _TOKEN_NAMES)) if token is not None else None,
        lineage_holds,
        _lease_of(key, lease) if lease is not None else None,
        _intent_of(key, intent) if intent is not None else None,
        _stated_of(key, stated) if stated is not None else None,
        set_at,
        error.at if error is not None else None,
        error.error if error is not None else "",
    )


def _looks(connection: Connection) -> tuple[Look, ...]:
    found: dict[Key, dict[str, Row[Any] | None]] = {}
    for table in _OF_A_LOOK:
        for key, row in by_key(connection, table, *(c for c in table.c if not c.primary_key)):
            found.setdefault(key, {})[table.name] = row
    set_at: dict[Key, datetime] = {}
    for key, row in by_key(connection, SECRET, SECRET.c.set_at):
        set_at[key] = max(row.set_at, set_at.get(key, row.set_at))
    keys = sorted(key for key in found.keys() | set_at.keys() if key.external_credential)
    return tuple(_joined(connection, key, found.get(key, {}), set_at.get(key)) for key in keys)


def by_key(connection: Connection, table: Table, *columns: Column[Any]) -> Iterator[tuple[Key, Row[Any]]]:
    """Yield the key of every row of a table, and the row with these columns."""
    names = (table.c.external_credential, table.c.principal, table.c.user)
    for row in connection.execute(select(*names, *columns)):
        yield Key(row.external_credential, row.principal, row.user), row
