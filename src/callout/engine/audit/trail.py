"""The use cases of the audit trail: list acts, search callouts, export, verify, tell the head, prune."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from callout.core.chain import ACTS, Head, Row, read_head
from callout.core.errors import DefinitionError, Problem, Refused, StoreError
from callout.core.ports import AuditTrail, Clock
from callout.engine.audit import cef, jsonl, ocsf, search
from callout.engine.audit.events import events_of
from callout.engine.audit.exported import verification_members
from callout.engine.audit.search import Wanted
from callout.engine.audit.tallies import Counted, Tallies
from callout.engine.moments import moment, past
from callout.engine.setup import Result

#: Rows of the chain on one page of an export.
ROWS_ON_A_PAGE = 20
#: The formats whose lines are events alone.
_WRITERS: dict[str, Callable[[dict[str, Any], str], str]] = {"cef": cef.line_of, "ocsf": ocsf.line_of}


class Audit:
    """The audit trail of one store. `version` is Callout's, which exports name."""

    def __init__(self, trail: AuditTrail, clock: Clock, version: str) -> None:
        self._trail = trail
        self._clock = clock
        self._version = version
        self._tallies = Tallies(trail)

    def began(self, text: str) -> datetime:
        """Read a time that is not to come. Raises `Refused(malformed_request)`."""
        with _malformed():
            return past(text, self._clock.now(), "since")

    async def counted(self, since: datetime, width: int) -> Counted:
        """Count the callouts since a time, in widths of so many seconds."""
        return await self._tallies.since(since, width)

    def since(self, text: str | None, place: str = "since") -> datetime | None:
        """Read a time that a request names, or None. Raises `Refused(malformed_request)`."""
        with _malformed():
            return None if text is None else moment(text, self._clock.now(), place)

    async def callouts(self, wanted: Wanted, limit: int, cursor: int | None) -> Result:
        """Return the newest callouts that are wanted; with a cursor, those that were recorded after it."""
        if cursor is None:
            return await search.newest(self._trail, wanted, limit)
        return await search.following(self._trail, wanted, limit, cursor)

    async def acts(self, limit: int, who: str | None, since: str | None) -> Result:
        """List what admins did, newest first."""
        began = self.since(since)
        first = 1 if began is None else await self._trail.written_since(began)
        if first is None:
            return {"acts": []}
        found: list[dict[str, Any]] = []
        before: int | None = None
        while len(found) < limit:
            rows = await self._trail.rows(limit, after=first - 1, before=before, kinds=ACTS, newest=True)
            shown = (event for row, _ in rows for event in events_of(row))
            found += (_shown(event) for event in shown if who in (None, event.get("who")))
            if len(rows) < limit:
                break
            before = rows[-1][0].seq
        return {"acts": found[:limit]}

    async def head(self) -> Result:
        """Tell the end of the chain: keep it elsewhere, and `verify` proves later that it is still in the chain."""
        head = await self._trail.head()
        return {"head": str(head), "seq": head.seq, "hash": head.hash.hex()}

    async def verify(self, against: str | None) -> Result:
        """Walk the chain; with `against`, a head that was kept elsewhere, see that it is still in it."""
        kept = None if against is None else kept_head(against)
        return verification_members(await self._trail.verify(kept))

    async def prune(self, who: str, before: str, *, dry_run: bool = False) -> Result:
        """Remove the rows written before a time, and leave a checkpoint that says so. Raises `StoreError`."""
        now = self._clock.now()
        with _malformed():
            until = past(before, now, "before")
        pruned = await self._trail.prune(until, who, now, dry_run=dry_run)
        if pruned is None:
            message = f"Nothing was written before {until.isoformat(timespec='seconds')}"
            return {"changed": False, "rows": 0, "acts": 0, "callouts": 0, "message": message}
        what = f"rows through {pruned.through.seq} ({pruned.acts} acts, {pruned.callouts} callouts)"
        done = f"Would remove {what}; nothing was changed" if dry_run else f"Removed {what}; the head is {pruned.head}"
        return {
            "changed": not dry_run,
            "rows": pruned.rows,
            "acts": pruned.acts,
            "callouts": pruned.callouts,
            "through": str(pruned.through),
            "head": str(pruned.head),
            "message": done,
        }

    async def export(
        self, form: str, since: str | None, until: str | None, after: int | None, through: int | None
    ) -> Result:
        """Return one page of an export: its lines, and `after` and `through` for the next one (`done`: the last).

        Whole rows are exported: what was written between the two times, which is within seconds of when it happened.
        """
        if after is None or through is None:
            after, through = await self._range(since, until)
            first = True
        else:
            first = False
        rows = await self._trail.rows(ROWS_ON_A_PAGE, after=after, before=through + 1) if through > after else ()
        self._judge_page(rows, after, through, first=first)
        reached = rows[-1][0].seq if rows else through
        lines = self._lines(form, rows, after, first=first, last=reached >= through)
        return {"lines": lines, "after": reached, "through": through, "done": reached >= through}

    async def _range(self, since: str | None, until: str | None) -> tuple[int, int]:
        """Return the row before the first, and the last row, of what was written between two times."""
        begins, ends = self.since(since), self.since(until, "until")
        head = (await self._trail.head()).seq
        first = 1 if begins is None else await self._trail.written_since(begins)
        behind = None if ends is None else await self._trail.written_since(ends)
        through = head if behind is None else behind - 1
        oldest = await self._trail.rows(1, after=0 if first is None else first - 1)
        after = through if first is None or not oldest else oldest[0][0].seq - 1
        return min(after, through), through

    @staticmethod
    def _judge_page(rows: tuple[tuple[Row, bytes], ...], after: int, through: int, *, first: bool) -> None:
        if first or after >= through or (rows and rows[0][0].seq == after + 1):
            return
        raise StoreError(
            f"got no row {after + 1} of the audit trail; expected one: it was pruned, or dropped, during the export. "
            "Run the export again; `callout audit verify` tells the two apart"
        )

    def _lines(
        self, form: str, rows: tuple[tuple[Row, bytes], ...], after: int, *, first: bool, last: bool
    ) -> list[str]:
        if form != "jsonl":
            writer = _WRITERS[form]
            return [writer(event, self._version) for row, _ in rows for event in events_of(row)]
        start = Head(after, rows[0][0].previous_hash) if rows else Head()
        lines = [jsonl.opening(self._version, start)] if first else []
        lines += jsonl.lines_of(rows)
        if last:
            lines.append(jsonl.closing(Head(rows[-1][0].seq, rows[-1][1]) if rows else start))
        return lines


def kept_head(text: str) -> Head:
    """Read a head that somebody kept. Raises `Refused(malformed_request)`."""
    try:
        return read_head(text)
    except ValueError:
        expected = "SEQ:HASH, as `callout audit head` prints it"
        raise Refused("malformed_request", str(Problem("against", repr(text[:80]), expected))) from None


@contextmanager
def _malformed() -> Iterator[None]:
    """Turn a time that cannot be read into a refusal of the request: it is no definition."""
    try:
        yield
    except DefinitionError as error:
        raise Refused("malformed_request", str(error)) from None


def _shown(event: dict[str, Any]) -> dict[str, Any]:
    return {name: event.get(name) for name in ("seq", "at", "who", "act", "what")}
