"""Rows of `password`, `session`, `invitation` and `failed_sign_in` (port `SignIns`).

None of these writes raises the generation: no callout is decided by them. Removing or deactivating a user does, and
takes them along in that same transaction (`drop_sign_in_of_user`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from callout.adapters.store.audit import record_acts
from callout.adapters.store.database import Database
from callout.adapters.store.generation import generation_of
from callout.adapters.store.tables import FAILED_SIGN_IN, INVITATION, PASSWORD, SESSION
from callout.core.errors import Outdated
from callout.core.model.sign_in import Allowance, Invitation, Password, Proven, Session
from callout.core.ports import AdminAct

#: Failures are forgotten when so long none has followed.
FORGOTTEN_AFTER = timedelta(days=1)


class SqlSignIns:
    """What belongs together is one transaction, with its act in the audit chain."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- passwords --------------------------------------------------------------------------------------------

    async def password(self, user: str) -> Password | None:
        """Return the password of a user, or None."""
        wanted = select(PASSWORD).where(PASSWORD.c.user == user)
        row = await self._database.read(lambda connection: connection.execute(wanted).mappings().one_or_none())
        return Password(**row) if row is not None else None

    async def has_password(self) -> bool:
        """Say whether any user has a password."""
        one = select(PASSWORD.c.user).limit(1)
        return await self._database.read(lambda connection: connection.execute(one).one_or_none() is not None)

    async def put_password(
        self, password: Password, act: AdminAct, *, expects: int, keep: bytes = b"", invitation: bytes = b""
    ) -> bool:
        """Set a password, and end invitations and other sessions of its user; False where the invitation was used."""

        def work(connection: Connection) -> bool:
            _expect(connection, expects)
            invited = select(INVITATION.c.user).where(INVITATION.c.digest == invitation)
            if invitation and connection.execute(invited).scalar_one_or_none() != password.user:
                return False
            connection.execute(delete(PASSWORD).where(PASSWORD.c.user == password.user))
            row = {"user": password.user, "digest": password.digest, "changed_at": password.changed_at}
            connection.execute(insert(PASSWORD).values(row))
            connection.execute(delete(INVITATION).where(INVITATION.c.user == password.user))
            connection.execute(delete(SESSION).where(SESSION.c.user == password.user, SESSION.c.digest != keep))
            record_acts(connection, [act])
            return True

        return await self._database.write_durably(work)

    async def replace_digest(self, password: Password, digest: str) -> None:
        """Put another digest of the same password in the place of this one."""
        same = (PASSWORD.c.user == password.user) & (PASSWORD.c.digest == password.digest)
        await self._database.write(
            lambda connection: connection.execute(update(PASSWORD).where(same).values(digest=digest))
        )

    # --- invitations ------------------------------------------------------------------------------------------

    async def put_invitation(self, invitation: Invitation, act: AdminAct, *, expects: int) -> None:
        """Keep an invitation, in the place of an earlier one of its user."""

        def work(connection: Connection) -> None:
            _expect(connection, expects)
            connection.execute(delete(INVITATION).where(INVITATION.c.user == invitation.user))
            connection.execute(insert(INVITATION).values({n: getattr(invitation, n) for n in INVITATION.c.keys()}))  # noqa: SIM118 - no mapping
            record_acts(connection, [act])

        await self._database.write(work)

    async def invitation(self, digest: bytes) -> Invitation | None:
        """Return the invitation with this digest, or None."""
        wanted = select(INVITATION).where(INVITATION.c.digest == digest)
        row = await self._database.read(lambda connection: connection.execute(wanted).mappings().one_or_none())
        return Invitation(**row) if row is not None else None

    # --- sessions ---------------------------------------------------------------------------------------------

    async def begin(
        self, session: Session, act: AdminAct, *, expects: int, replaces: bytes = b"", password: str = ""
    ) -> None:
        """Keep a session, and end the one that it takes the place of; those that have ended go."""

        def work(connection: Connection) -> None:
            _expect(connection, expects)
            held = select(PASSWORD.c.digest).where(PASSWORD.c.user == session.user)
            if password and connection.execute(held).scalar_one_or_none() != password:
                raise Outdated(f"got a password of {session.user} that was changed meanwhile; expected the present one")
            over = (SESSION.c.ends_at <= session.began_at) | (SESSION.c.digest == replaces)
            connection.execute(delete(SESSION).where(over))
            connection.execute(insert(SESSION).values({n: getattr(session, n) for n in SESSION.c.keys()}))  # noqa: SIM118 - no mapping
            record_acts(connection, [act])

        await self._database.write(work)

    async def session(self, digest: bytes) -> Session | None:
        """Return the session with this digest, or None."""
        found = await self._database.read(lambda connection: _sessions(connection, SESSION.c.digest == digest))
        return found[0] if found else None

    async def sessions(self, user: str) -> tuple[Session, ...]:
        """Return the sessions of a user, oldest first."""
        return await self._database.read(lambda connection: _sessions(connection, SESSION.c.user == user))

    async def see(self, digest: bytes, at: datetime) -> None:
        """Note that a session was used."""
        used = update(SESSION).where(SESSION.c.digest == digest).values(seen_at=at)
        await self._database.write(lambda connection: connection.execute(used))

    async def end(self, digests: Collection[bytes], act: AdminAct | None) -> int:
        """End these sessions; where there was none, nothing is written."""

        def work(connection: Connection) -> int:
            count = connection.execute(delete(SESSION).where(SESSION.c.digest.in_(list(digests)))).rowcount
            if count and act is not None:
                record_acts(connection, [act])
            return count

        return await self._database.write(work)

    # --- attempts ---------------------------------------------------------------------------------------------

    async def attempt(self, allowances: Collection[Allowance], now: datetime) -> datetime | None:
        """Count an attempt as failed, or return when the next may be made. Of several at once, each is counted."""

        def work(connection: Connection) -> datetime | None:
            connection.execute(delete(FAILED_SIGN_IN).where(FAILED_SIGN_IN.c.last_at <= now - FORGOTTEN_AFTER))
            subjects = [allowance.subject for allowance in allowances]
            rows = connection.execute(select(FAILED_SIGN_IN).where(FAILED_SIGN_IN.c.subject.in_(subjects)))
            known = {row.subject: row for row in rows}
            latest = max((row.next_at for row in known.values()), default=now)
            if latest > now:
                return latest
            for each in allowances:
                failures = known[each.subject].failures + 1 if each.subject in known else 1
                row = {"failures": failures, "last_at": now, "next_at": now + each.wait(failures)}
                if each.subject in known:
                    same = update(FAILED_SIGN_IN).where(FAILED_SIGN_IN.c.subject == each.subject)
                    connection.execute(same.values(row))
                else:
                    connection.execute(insert(FAILED_SIGN_IN).values(subject=each.subject, **row))
            return None

        return await self._database.write(work)

    async def succeeded(self, allowances: Collection[Allowance]) -> None:
        """Take back what the last attempt counted; where that clears, forget all failures."""
        clearing = [each.subject for each in allowances if each.clears]
        counting = [each.subject for each in allowances if not each.clears]
        back = {"failures": FAILED_SIGN_IN.c.failures - 1, "next_at": FAILED_SIGN_IN.c.last_at}

        def work(connection: Connection) -> None:
            connection.execute(delete(FAILED_SIGN_IN).where(FAILED_SIGN_IN.c.subject.in_(clearing)))
            connection.execute(update(FAILED_SIGN_IN).where(FAILED_SIGN_IN.c.subject.in_(counting)).values(back))

        await self._database.write(work)

    async def failed(self, act: AdminAct) -> None:
        """Record an attempt that failed."""
        await self._database.write(lambda connection: record_acts(connection, [act]))


def drop_sign_in_of_user(connection: Connection, user: str, *, password_too: bool) -> None:
    """End the sessions and invitations of a user; with `password_too`, forget the password as well."""
    for table in (SESSION, INVITATION, *((PASSWORD,) if password_too else ())):
        connection.execute(delete(table).where(table.c.user == user))


def _sessions(connection: Connection, which: ColumnElement[bool]) -> tuple[Session, ...]:
    wanted = select(SESSION).where(which).order_by(SESSION.c.began_at, SESSION.c.digest)
    rows = connection.execute(wanted).mappings()
    return tuple(Session(**{**row, "proof": Proven(row["proof"])}) for row in rows)


def _expect(connection: Connection, generation: int) -> None:
    found = generation_of(connection)
    if found != generation:
        raise Outdated(f"got generation {found}; expected {generation}")
