"""Definitions and callers' keys (port `Definitions`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from callout.adapters.store import bodies
from callout.adapters.store.audit import record_acts
from callout.adapters.store.database import Database
from callout.adapters.store.errors import StoreError
from callout.adapters.store.generation import generation_of, next_generation
from callout.adapters.store.sealed import drop_values_of_external_credential, drop_values_of_user, put_values
from callout.adapters.store.sign_ins import drop_sign_in_of_user
from callout.adapters.store.tables import CALLER_KEY, DEFINITION, SECRET
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.model.issuers import TrustedIssuer, key_of_issuer
from callout.core.model.org import SECTIONS, Definition, Org
from callout.core.model.own_certificates import Certificate, key_of_certificate
from callout.core.model.people import CallerKey, Package, User
from callout.core.ports import AdminAct, Change, Sealed


class SqlDefinitions:
    """Definitions as JSON bodies, keys as rows. Each write is one transaction with its acts in the audit chain."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._loaded: Org | None = None

    async def generation(self) -> int:
        """Return the generation: it rises with every change of definitions, keys and secrets."""
        return await self._database.read(generation_of)

    async def load(self) -> Org:
        """Read everything that is defined, from one consistent view (`StoreError` where a body does not read).

        What was read last is returned again while its generation is that of the store: reading thousands takes long.
        """
        known = self._loaded

        def work(connection: Connection) -> Org:
            unmoved = known is not None and known.generation == generation_of(connection)
            return known if unmoved and known is not None else _load(connection)

        self._loaded = org = await self._database.read(work)
        return org

    async def write(
        self,
        changes: Sequence[Change],
        acts: Sequence[AdminAct],
        *,
        expects: int | None = None,
        sealed: Sealed | None = None,
        forget: Collection[str] = (),
    ) -> int:
        """Apply all changes, in order, and set all values, or none; returns the new generation.

        Of the external credentials, and of the principals (`EC/Principal`), in `forget`, every value and token goes.

        `DefinitionError`, `StoreError`; `Outdated` where another writer was faster than what was made from generation
        `expects`. With a user go keys and their own values, with a package its keys: a later one of the same name
        must find none. Values and tokens of a credential that is removed stay, sealed, until `remove_secrets`.
        """
        written = [_row(change) for change in changes]

        def work(connection: Connection) -> int:
            generation = next_generation(connection, expects)
            for change, row in zip(changes, written, strict=True):
                same = (DEFINITION.c.section == change.section) & (DEFINITION.c.name == change.name)
                connection.execute(delete(DEFINITION).where(same))
                if row is not None:
                    connection.execute(insert(DEFINITION).values(row))
                else:
                    _drop_what_goes_with(connection, change)
                if isinstance(change.definition, User) and not change.definition.active:
                    drop_sign_in_of_user(connection, change.name, password_too=False)
            for external_credential in forget:
                drop_values_of_external_credential(connection, external_credential)
            for key, values in (sealed or {}).items():
                put_values(connection, key, values, generation, set_at=acts[-1].at)
            record_acts(connection, acts)
            return generation

        return await self._database.write(work)

    async def put_key(
        self, key: CallerKey, *acts: AdminAct, expects: int | None = None, ending: CallerKey | None = None
    ) -> None:
        """Add a key, and change the one that it takes the place of (`ending`), in one transaction.

        `StoreError` where it or its prefix is taken or `ending` is gone, `Outdated` where the definitions moved.
        """

        def work(connection: Connection) -> None:
            next_generation(connection, expects)
            try:
                connection.execute(insert(CALLER_KEY).values(_columns_of(key)))
            except IntegrityError as error:
                raise StoreError(
                    f"a key whose prefix {key.prefix!r} is taken", "a new key", "Make another key"
                ) from error
            if ending is not None:
                same = update(CALLER_KEY).where(CALLER_KEY.c.digest == ending.digest)
                if connection.execute(same.values(_columns_of(ending))).rowcount == 0:
                    raise StoreError(f"no key {ending.prefix!r}", "one that is there", "Make a new key")
            record_acts(connection, acts)

        await self._database.write(work)

    async def change_key(self, key: CallerKey, act: AdminAct, *, expects: int | None = None) -> bool:
        """Change the key with this digest; False where there is none, and then nothing is written.

        `Outdated` where the definitions moved.
        """
        same = update(CALLER_KEY).where(CALLER_KEY.c.digest == key.digest)

        def work(connection: Connection) -> bool:
            if connection.execute(same.values(_columns_of(key))).rowcount == 0:
                return False
            next_generation(connection, expects)
            record_acts(connection, [act])
            return True

        return await self._database.write(work)

    async def remove_key(self, prefix: str, act: AdminAct) -> bool:
        """Remove the key with this prefix; False where there is none, and then nothing is written."""

        def work(connection: Connection) -> bool:
            if connection.execute(delete(CALLER_KEY).where(CALLER_KEY.c.prefix == prefix)).rowcount == 0:
                return False
            next_generation(connection)
            record_acts(connection, [act])
            return True

        return await self._database.write(work)


_KEY_COLUMNS = tuple(column.name for column in CALLER_KEY.c)


def _columns_of(key: CallerKey) -> dict[str, object]:
    return {name: getattr(key, name) for name in _KEY_COLUMNS}


def _drop_what_goes_with(connection: Connection, removed: Change) -> None:
    if removed.section == SECTIONS[User]:
        connection.execute(delete(CALLER_KEY).where(CALLER_KEY.c.user == removed.name))
        drop_values_of_user(connection, removed.name)
        drop_sign_in_of_user(connection, removed.name, password_too=True)
    elif removed.section == SECTIONS[Package]:
        connection.execute(delete(CALLER_KEY).where(CALLER_KEY.c.namespace == removed.name))
    elif removed.section == SECTIONS[TrustedIssuer]:
        drop_values_of_external_credential(connection, key_of_issuer(removed.name).external_credential)
    elif removed.section == SECTIONS[Certificate]:
        drop_values_of_external_credential(connection, key_of_certificate(removed.name).external_credential)


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
        generation=generation_of(connection),
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
