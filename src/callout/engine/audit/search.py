"""The callout log, searched: newest first, or on from where the last look ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from callout.core.chain import Kind, Row
from callout.core.ports import AuditTrail
from callout.engine.audit.events import UNREADABLE, callouts_of

#: Records that one search looks through at most; beyond it the search says that it ended early.
MOST_LOOKED_THROUGH = 200_000
#: Rows of the chain that are read at once.
ROWS_AT_ONCE = 20

Members = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which callouts are looked for; None: any. `is_own` says whether the one who asks may see a record.

    `before` is a callout id: only older ones are looked for.
    """

    name: str | None = None
    user: str | None = None
    reason: str | None = None
    since: datetime | None = None
    is_own: Callable[[Members], bool] = lambda _: True
    before: str | None = None

    def has(self, record: Members) -> bool:
        """True for a record that is looked for."""
        return (
            (self.name is None or record["named_credential"] == self.name)
            and (self.user is None or record["caller"]["user"] == self.user)
            and (self.reason is None or record["reason"] == self.reason)
            and (self.since is None or datetime.fromisoformat(record["at"]) >= self.since)
            and (self.before is None or str(record["callout_id"]) < self.before)
            and self.is_own(record)
        )


async def newest(trail: AuditTrail, wanted: Wanted, limit: int) -> Members:
    """Return the newest records that are wanted, newest first, and a cursor for `following`."""
    cursor = (await trail.head()).seq
    found: list[Members] = []
    before, looked_through = cursor + 1, 0
    while looked_through < MOST_LOOKED_THROUGH:
        rows = await trail.rows(ROWS_AT_ONCE, before=before, kinds=[Kind.CALLOUTS], newest=True)
        for row, _ in rows:
            if wanted.before is None or row.oldest < wanted.before:
                found += await _wanted(row, wanted)
                looked_through += row.count
        if len(rows) < ROWS_AT_ONCE or _is_older(rows[-1][0], wanted.since):
            return _members(found, limit, cursor, complete=True)
        if _is_settled(found, limit, rows[-1][0]):
            return _members(found, limit, cursor, complete=True)
        before = rows[-1][0].seq
    return _members(found, limit, cursor, complete=len(found) >= limit)


def _is_settled(found: list[Members], limit: int, last: Row) -> bool:
    """True where no older row holds a newer callout than those that are shown: several processes write in turns."""
    if len(found) < limit:
        return False
    return bool(last.newest < sorted((record["callout_id"] for record in found), reverse=True)[limit - 1])


async def following(trail: AuditTrail, wanted: Wanted, limit: int, cursor: int) -> Members:
    """Return wanted records that were written after `cursor`, of a few rows at once, newest first."""
    rows = await trail.rows(ROWS_AT_ONCE, after=cursor, kinds=[Kind.CALLOUTS])
    found: list[Members] = []
    reached = cursor
    for row, _ in rows:
        more = await _wanted(row, wanted)
        if found and len(found) + len(more) > limit:
            break
        found += more
        reached = row.seq
    return {**_members(found, len(found), reached, complete=True), "older": None}


async def _wanted(row: Row, wanted: Wanted) -> list[Members]:
    """Return what is wanted of a row; nothing of one that was edited so that it cannot be read (`audit verify`)."""
    try:
        return [record for record in await asyncio.to_thread(callouts_of, row) if wanted.has(record)]
    except UNREADABLE:
        return []


def _is_older(row: Row, since: datetime | None) -> bool:
    """True where a row was written before the time: no older row holds a callout that began after it."""
    return since is not None and row.at < since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _members(found: list[Members], limit: int, cursor: int, *, complete: bool) -> Members:
    found.sort(key=lambda record: str(record["callout_id"]), reverse=True)
    older = found[limit - 1]["callout_id"] if 0 < limit <= len(found) else None
    return {"callouts": found[:limit], "cursor": cursor, "complete": complete, "older": older}
