"""Definitions and callers' keys (port `Definitions`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from callout.adapters.store import bodies
from callout.adapters.store.audit import record_acts
from callout.adapters.store.database import Database
from callout.adapters.store.errors import StoreError
from callout.adapters.store.tables import CALLER_KEY, DEFINITION, ORG, SECRET
from callout.core.errors import Outdated
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.model.org import Definition, Org
from callout.core.model.people import CallerKey
from callout.core.ports import AdminAct, Change


class SqlDefinitions:
    """Definitions as JSON bodies, keys as rows. Each write is one transaction with its acts in the audit chain."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def generation(self) -> int:
        """Return the generation: it rises with every change of definitions, keys and secrets."""
        return await self._database.read(_generation)

    async def load(self) -> Org:
        """Read everything that is defined, from one consistent view (`StoreError` where a body does not read)."""
        return await self._database.read(_load)

    async def write(self, changes: Sequence[Change], acts: Sequence[AdminAct], *, expects: int | None = None) -> int:
        """Apply all changes or none, in order; returns the new generation (`DefinitionError`, `StoreError`).

        `Outdated` where another writer was faster than the changes that were made from generation `expects`.

        Secrets and tokens have a life of their own: those of a credential that is removed stay, sealed, until
        `remove_secrets`.
        """
        written = [_row(change) for change in changes]

        def work(connection: Connection) -> int:
            generation = raise_generation(connection)
            if expects is not None and generation != expects + 1:
                raise Outdated(f"got generation {generation - 1}; expected {expects}")
            for change, row in zip(changes, written, strict=True):
                same = (DEFINITION.c.section == change.section) & (DEFINITION.c.name == change.name)
                connection.execute(delete(DEFINITION).where(same))
                if row is not None:
                    connection.execute(insert(DEFINITION).values(row))
            record_acts(connection, acts)
            return generation

        return await self._database.write(work)

    async def put_key(self, key: CallerKey, act: AdminAct) -> None:
        """Add a key, or change the one with its digest; `StoreError` where its prefix is taken by another."""
        columns = {name: getattr(key, name) for name in _KEY_COLUMNS}

        def work(connection: Connection) -> None:
            raise_generation(connection)
            try:
                changed = connection.execute(
                    update(CALLER_KEY).where(CALLER_KEY.c.digest == key.digest).values(columns)
                )
                if changed.rowcount == 0:
                    connection.execute(insert(CALLER_KEY).values(columns))
            except IntegrityError as error:
                raise StoreError(
                    f"a key whose prefix {key.prefix!r} is taken", "a new key", "Make another key"
                ) from error
            record_acts(connection, [act])

        await self._database.write(work)

    async def remove_key(self, prefix: str, act: AdminAct) -> bool:
        """Remove the key with this prefix; False where there is none, and then nothing is written."""

        def work(connection: Connection) -> bool:
            if connection.execute(delete(CALLER_KEY).where(CALLER_KEY.c.prefix == prefix)).rowcount == 0:
                return False
            raise_generation(connection)
            record_acts(connection, [act])
            return True

        return await self._database.write(work)


_KEY_COLUMNS = tuple(column.name for column in CALLER_KEY.c)


def raise_generation(connection: Connection) -> int:
    """Raise the generation by one and return it. The row's lock also puts writers in order."""
    connection.execute(update(ORG).values(generation=ORG.c.generation + 1))
    return _generation(connection)


def _generation(connection: Connection) -> int:
    return int(connection.execute(select(ORG.c.generation)).scalar_one())


def _row(change: Change) -> dict[str, str | int] | None:
    if change.definition is None:
        bodies.refuse_unknown_section(change.section, change.name)
        return None
    return {
        "section": change.section,
        "name": change.name,
        "body": bodies.encode(change.section, change.name, change.definition),
        "format_version": bodies.FORMAT_VERSION,
    }


def _load(connection: Connection) -> Org:
    configured, versions = _secrets(connection)
    return Org.of(
        *_definitions(connection),
        generation=_generation(connection),
        keys=_keys(connection),
        configured=configured,
        secret_versions=versions,
    )


def _definitions(connection: Connection) -> list[Definition]:
    statement = select(DEFINITION).order_by(DEFINITION.c.section, DEFINITION.c.name)
    return [bodies.decode(*row) for row in connection.execute(statement)]


def _keys(connection: Connection) -> tuple[CallerKey, ...]:
    statement = select(CALLER_KEY).order_by(CALLER_KEY.c.prefix)
    return tuple(CallerKey(**row) for row in connection.execute(statement).mappings())


def _secrets(
    connection: Connection,
) -> tuple[Mapping[UserExternalCredentialKey, frozenset[str]], Mapping[UserExternalCredentialKey, int]]:
    """Return the names of the values that are set, and the version of each key's values. No value is read."""
    names: dict[UserExternalCredentialKey, set[str]] = {}
    versions: dict[UserExternalCredentialKey, int] = {}
    columns = (SECRET.c.external_credential, SECRET.c.principal, SECRET.c.user, SECRET.c.name, SECRET.c.version)
    for external_credential, principal, user, name, version in connection.execute(select(*columns)):
        key = UserExternalCredentialKey(external_credential, principal, user)
        names.setdefault(key, set()).add(name)
        versions[key] = version
    return {key: frozenset(found) for key, found in names.items()}, versions
