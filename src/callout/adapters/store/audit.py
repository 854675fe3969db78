"""The audit trail (port `AuditTrail`): appended to by every process, verified by walking it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from callout.adapters.store.chain import Break, Fault, Head, Kind, Row, Verification
from callout.adapters.store.database import Database
from callout.adapters.store.errors import StoreError
from callout.adapters.store.tables import AUDIT, AUDIT_HEAD, stamp
from callout.core.ports import AdminAct, Clock, Segment

_ROWS_AT_ONCE = 500

_COLUMNS = tuple(column for column in AUDIT.c if column.name != "hash")
_SEGMENT = (AUDIT.c.writer, AUDIT.c.oldest, AUDIT.c.newest, AUDIT.c.count, AUDIT.c.records)


class SqlAuditTrail:
    """The chain in table `audit`. Rows are only ever appended; `audit_head` holds the end."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def append(self, segment: Segment) -> None:
        """Append one segment in a transaction of its own; blocks, so call it from a thread (`StoreError`)."""
        at = stamp(self._clock.now())
        with self._database.writing() as connection:
            head = _head(connection, lock=True)
            row = Row(
                head.seq + 1,
                at,
                Kind.CALLOUTS,
                segment.writer,
                segment.oldest,
                segment.newest,
                segment.count,
                segment.records,
                head.hash,
            )
            _extend(connection, [row])

    async def segments(self, callout_id: str) -> tuple[Segment, ...]:
        """Return the segments whose ids enclose this one, newest first."""
        statement = (
            select(*_SEGMENT)
            .where(AUDIT.c.kind == Kind.CALLOUTS, AUDIT.c.newest >= callout_id, AUDIT.c.oldest <= callout_id)
            .order_by(AUDIT.c.seq.desc())
        )
        return await self._database.read(lambda c: tuple(Segment(*row) for row in c.execute(statement)))

    async def recent(self, limit: int) -> tuple[Segment, ...]:
        """Return the newest segments, newest first."""
        statement = select(*_SEGMENT).where(AUDIT.c.kind == Kind.CALLOUTS).order_by(AUDIT.c.seq.desc()).limit(limit)
        return await self._database.read(lambda c: tuple(Segment(*row) for row in c.execute(statement)))

    async def verify(self) -> Verification:
        """Walk the whole chain, from one consistent view, and find the first row that does not hold."""
        return await self._database.read(_verify)


def record_acts(connection: Connection, acts: Sequence[AdminAct]) -> None:
    """Append acts to the chain, one row each, in the transaction of the change that they describe."""
    head = _head(connection, lock=True)
    rows: list[Row] = []
    for act in acts:
        previous = rows[-1].hash() if rows else head.hash
        records = msgspec.json.encode({"act": act.act, "what": act.what})
        rows.append(Row(head.seq + len(rows) + 1, stamp(act.at), Kind.ADMIN, act.who, "", "", 1, records, previous))
    _extend(connection, rows)


def _head(connection: Connection, *, lock: bool = False) -> Head:
    statement = select(AUDIT_HEAD.c.seq, AUDIT_HEAD.c.hash)
    row = connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    if row is None:
        raise StoreError(
            "no head of the audit chain",
            "one row in audit_head",
            "Someone removed it: find out who, and bring the database back from a backup",
        )
    return Head(row.seq, row.hash)


def _extend(connection: Connection, rows: Sequence[Row]) -> None:
    """Append rows that already follow on the head, and move the head."""
    if not rows:
        return
    written = [{column.name: getattr(row, column.name) for column in _COLUMNS} | {"hash": row.hash()} for row in rows]
    connection.execute(insert(AUDIT), written)
    connection.execute(update(AUDIT_HEAD).values(seq=rows[-1].seq, hash=written[-1]["hash"]))


def _verify(connection: Connection) -> Verification:
    last = Head()
    for row, stored_hash in _rows(connection):
        fault = _fault(connection, last, row, stored_hash)
        if fault is not None:
            return Verification(last.seq, last, Break(last.seq + 1, fault))
        last = Head(row.seq, stored_hash)
    return Verification(last.seq, last, _fault_at_end(connection, last))


def _fault(connection: Connection, last: Head, row: Row, stored_hash: bytes) -> Fault | None:
    """Say what is wrong with the row that comes after `last`, or None."""
    if row.seq != last.seq + 1:
        return Fault.DROPPED if row.seq > last.seq + 1 else Fault.ADDED
    if row.previous_hash != last.hash:
        # It names another row as the one before it: if that row is there, the rows stand in another order.
        elsewhere = select(func.count()).select_from(AUDIT).where(AUDIT.c.hash == row.previous_hash)
        moved = row.previous_hash != Head().hash and connection.execute(elsewhere).scalar_one() > 0
        return Fault.REORDERED if moved else Fault.EDITED
    return None if row.hash() == stored_hash else Fault.EDITED


def _fault_at_end(connection: Connection, last: Head) -> Break | None:
    """Compare where the rows end with where the head says that they do."""
    row = connection.execute(select(AUDIT_HEAD.c.seq, AUDIT_HEAD.c.hash)).one_or_none()
    if row is None or row.seq > last.seq:
        return Break(last.seq + 1, Fault.TRUNCATED)
    if row.seq < last.seq:
        return Break(row.seq + 1, Fault.ADDED)
    return None if row.hash == last.hash else Break(last.seq, Fault.EDITED)


def _rows(connection: Connection) -> Iterator[tuple[Row, bytes]]:
    """Yield every row with its stored hash, in order, a few hundred at once."""
    reached: int | None = None
    while True:
        statement = select(*_COLUMNS, AUDIT.c.hash).order_by(AUDIT.c.seq).limit(_ROWS_AT_ONCE)
        if reached is not None:
            statement = statement.where(AUDIT.c.seq > reached)
        batch = connection.execute(statement).all()
        for *columns, stored_hash in batch:
            yield Row(*columns), stored_hash
        if len(batch) < _ROWS_AT_ONCE:
            return
        reached = batch[-1].seq
