"""The audit trail (port `AuditTrail`): appended to by every process, verified by walking it, pruned from its start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from callout.adapters.store.database import Database
from callout.adapters.store.errors import StoreError
from callout.adapters.store.tables import AUDIT, AUDIT_HEAD, stamp
from callout.core.chain import ACTS, Break, Fault, Head, Kind, Row, Verification, walk
from callout.core.ports import AdminAct, Clock, Pruned, Segment

_ROWS_AT_ONCE = 500

_COLUMNS = tuple(column for column in AUDIT.c if column.name != "hash")
#: The kind, where rows are wanted in their order: by the index of callout ids, SQLite would sort all of them for each page.
_KIND = func.coalesce(AUDIT.c.kind, "")
_SEGMENT = (AUDIT.c.writer, AUDIT.c.oldest, AUDIT.c.newest, AUDIT.c.count, AUDIT.c.records)


class SqlAuditTrail:
    """The chain in table `audit`. Rows are appended, and pruned from the start; `audit_head` holds the end."""

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
        statement = select(*_SEGMENT).where(_KIND == Kind.CALLOUTS).order_by(AUDIT.c.seq.desc()).limit(limit)
        return await self._database.read(lambda c: tuple(Segment(*row) for row in c.execute(statement)))

    async def rows(
        self, limit: int, *, after: int = 0, before: int | None = None, kinds: Iterable[str] = (), newest: bool = False
    ) -> tuple[tuple[Row, bytes], ...]:
        """Return rows between these two, exclusive, with their stored hashes; oldest first, or newest first."""
        statement = select(*_COLUMNS, AUDIT.c.hash).where(AUDIT.c.seq > after).limit(limit)
        statement = statement.order_by(AUDIT.c.seq.desc() if newest else AUDIT.c.seq)
        if before is not None:
            statement = statement.where(AUDIT.c.seq < before)
        if wanted := list(kinds):
            statement = statement.where(_KIND.in_(wanted))
        return await self._database.read(lambda c: tuple((Row(*r[:-1]), r[-1]) for r in c.execute(statement)))

    async def written_since(self, moment: datetime) -> int | None:
        """Return the number of the first row that was written at this time or later, or None."""
        return await self._database.read(lambda c: _written_since(c, moment))

    async def head(self) -> Head:
        """Return the end of the chain."""
        return await self._database.read(_head)

    async def verify(self, kept: Head | None = None) -> Verification:
        """Walk the whole chain, from one consistent view, and find the first row that does not hold."""
        return await self._database.read(lambda c: _verify(c, kept))

    async def prune(self, before: datetime, who: str, at: datetime, *, dry_run: bool = False) -> Pruned | None:
        """Remove the rows written before this time, and append a checkpoint. Raises `StoreError` on a broken chain."""
        found = await self._database.read(lambda c: _judged(c, before))
        if found is None:
            return None
        if dry_run:
            return await self._database.read(lambda c: _prunable(c, found))
        return await self._database.write(lambda c: _prune(c, found, before, who, at))


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


def _written_since(connection: Connection, moment: datetime) -> int | None:
    statement = select(func.min(AUDIT.c.seq)).where(AUDIT.c.at >= stamp(moment))
    return connection.execute(statement).scalar_one_or_none()


def _judged(connection: Connection, before: datetime) -> Head | None:
    """Return the last row to prune, from one consistent view in which the whole chain holds; None: there is none."""
    found = _verify(connection, None)
    if found.broken is not None:
        raise StoreError(
            f"an audit trail of which {found.broken}",
            "one that holds: pruning must not remove what shows who did that",
            "Find out who; `callout audit verify` names the row, `callout audit export` keeps what there is",
        )
    first_kept = _written_since(connection, before)
    through = found.head.seq if first_kept is None else first_kept - 1
    if through <= found.start.seq:
        return None
    return Head(through, connection.execute(select(AUDIT.c.hash).where(AUDIT.c.seq == through)).scalar_one())


def _prunable(connection: Connection, through: Head) -> Pruned:
    """Count what pruning would remove."""
    counted = select(AUDIT.c.kind, func.count(), func.sum(AUDIT.c.count)).where(AUDIT.c.seq <= through.seq)
    counts = {k: (rows, int(records)) for k, rows, records in connection.execute(counted.group_by(AUDIT.c.kind))}
    rows = sum(number for number, _ in counts.values())
    acts = sum(number for kind, (number, _) in counts.items() if kind in ACTS)
    return Pruned(through, rows, acts, counts.get(Kind.CALLOUTS, (0, 0))[1], _head(connection))


def _prune(connection: Connection, through: Head, before: datetime, who: str, at: datetime) -> Pruned | None:
    head = _head(connection, lock=True)
    if connection.execute(select(AUDIT.c.hash).where(AUDIT.c.seq == through.seq)).scalar_one_or_none() != through.hash:
        return None  # somebody else pruned meanwhile
    gone = _prunable(connection, through)
    counts = f"{gone.acts} acts, {gone.callouts} callouts"
    said = {
        "act": "prune audit",
        "what": f"rows through {through.seq}, written before {stamp(before)}: {counts}",
        "through": through.seq,
        "hash": through.hash.hex(),
    }
    records = msgspec.json.encode(said)
    checkpoint = Row(head.seq + 1, stamp(at), Kind.CHECKPOINT, who, "", "", 1, records, head.hash)
    _extend(connection, [checkpoint])
    connection.execute(delete(AUDIT).where(AUDIT.c.seq <= through.seq))
    return replace(gone, head=Head(checkpoint.seq, checkpoint.hash()))


def _verify(connection: Connection, kept: Head | None) -> Verification:
    def is_elsewhere(row_hash: bytes) -> bool:
        statement = select(func.count()).select_from(AUDIT).where(AUDIT.c.hash == row_hash)
        return bool(connection.execute(statement).scalar_one())

    found = walk(_rows(connection), start=_start(connection), kept=kept, is_elsewhere=is_elsewhere)
    if found.broken is not None and not (found.broken.fault is Fault.TRUNCATED and kept is not None):
        return found
    at_end = _fault_at_end(connection, found.head) or found.broken
    return Verification(found.rows, found.head, at_end, found.start)


def _start(connection: Connection) -> Head:
    """Return the row behind which the chain starts: what the newest checkpoint says, else row 0.

    One that says nothing readable was edited; the walk from row 0 then finds that the first rows are gone.
    """
    newest = select(AUDIT.c.records).where(AUDIT.c.kind == Kind.CHECKPOINT).order_by(AUDIT.c.seq.desc()).limit(1)
    records = connection.execute(newest).scalar_one_or_none()
    try:
        said = msgspec.json.decode(records) if records is not None else None
        return Head() if said is None else Head(int(said["through"]), bytes.fromhex(said["hash"]))
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        return Head()


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
