"""Every sealed value and token, whoever's it is, so that all can be sealed again under another data key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from callout.adapters.store.database import Database
from callout.adapters.store.tables import SECRET, TOKEN, key_columns, of_key
from callout.core.model.credentials import UserExternalCredentialKey


@dataclass(frozen=True, slots=True)
class Sealed:
    """One envelope and where it is: the value of this name, or the token where the name is None.

    `fingerprint` is what a token is bound to; empty for a value, and for a token that an earlier release stored.
    """

    key: UserExternalCredentialKey
    name: str | None
    envelope: bytes
    fingerprint: str = ""


class SqlEnvelopes:
    """The envelopes in rows of `secret` and `token`. Nothing else of a row changes, nor does the generation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[Sealed]:
        """Return every envelope there is."""
        return await self._database.read(_all)

    async def replace(self, sealed_again: Sequence[tuple[Sealed, bytes]]) -> int:
        """Put envelopes in the place of others, in one transaction; one that was written anew since is left.

        Returns how many were replaced.
        """
        return await self._database.write(lambda connection: sum(_replace(connection, *one) for one in sealed_again))


def _all(connection: Connection) -> list[Sealed]:
    columns = tuple(key_columns(UserExternalCredentialKey("", "")))
    found = []
    for table, own in ((SECRET, SECRET.c.name), (TOKEN, TOKEN.c.fingerprint)):
        wanted = [*(table.c[column] for column in columns), table.c.envelope, own]
        for *names, envelope, told in connection.execute(select(*wanted)):
            key = UserExternalCredentialKey(*names)
            found.append(Sealed(key, told, envelope) if table is SECRET else Sealed(key, None, envelope, told or ""))
    return found


def _replace(connection: Connection, sealed: Sealed, envelope: bytes) -> int:
    table = TOKEN if sealed.name is None else SECRET
    same = of_key(table, sealed.key) & (table.c.envelope == sealed.envelope)
    if sealed.name is not None:
        same &= SECRET.c.name == sealed.name
    return connection.execute(update(table).where(same).values(envelope=envelope)).rowcount
