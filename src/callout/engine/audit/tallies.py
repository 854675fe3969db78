"""The callout log counted: how many callouts, how they ended, how long they took; over time, by name and by principal.

Records are sealed into the chain in segments, so they are counted here and not by the store: in a thread, the newest
first, and each but once, because a row of the chain never changes.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from callout.core.chain import Kind, Row
from callout.core.ports import AuditTrail
from callout.engine.audit.events import UNREADABLE

#: Rows of the chain that are counted at once; a segment of callouts is one row.
BLOCK = 200
#: Records that are counted at most, the newest, and blocks of rows; beyond it the count says from when it is whole.
MOST_COUNTED, MOST_BLOCKS = 200_000, 1_000
#: Blocks whose counts are kept.
BLOCKS_KEPT = 2_000
#: The finest time that is counted, in seconds, and the widths that callouts are shown by: at most so many of them.
FINEST = 60
WIDTHS = (60, 300, 900, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 604_800)
MOST_WIDTHS = 50
#: Each step of how long callouts took is this much longer than the one before: a percentile is exact within 5 %.
STEP = math.log(1.1)
#: The step of what took no time that could be measured.
QUICKEST = -100

#: Minute of the epoch (or a wider width of time, by number), named credential, external credential, principal.
Place = tuple[int, str, str, str]


Key = TypeVar("Key", str, int)


@dataclass(slots=True)
class Tally:
    """Counts of some callouts. `took` counts the answered ones by how long they took, in steps.

    `unseen` are successful ones that sampling left out: they are among `calls`, but not in `took`.
    """

    calls: int = 0
    refreshes: int = 0
    unseen: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    statuses: dict[int, int] = field(default_factory=dict)
    took: dict[int, int] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Add the counts of other callouts."""
        self.calls += other.calls
        self.refreshes += other.refreshes
        self.unseen += other.unseen
        if other.reasons:
            _add(self.reasons, other.reasons)
        _add(self.statuses, other.statuses)
        _add(self.took, other.took)

    @property
    def errors(self) -> int:
        """Callouts that Callout refused, whose answer was an error, or that had none."""
        answered = sum(count for status, count in self.statuses.items() if not 0 < status < 400)
        return sum(self.reasons.values()) + answered

    def percentile(self, share: float) -> float | None:
        """Return how long this share (0 to 1) of the answered callouts took at most, in milliseconds."""
        left = math.ceil(sum(self.took.values()) * share)
        for step in sorted(self.took):
            left -= self.took[step]
            if left <= 0:
                return float(f"{math.exp((step + 0.5) * STEP):.3g}")
        return None

    def members(self) -> dict[str, Any]:
        """Return the counts as JSON members."""
        classes: Counter[str] = Counter()
        for status, count in self.statuses.items():
            classes[f"{status // 100}xx" if status else "none"] += count
        return {
            "calls": self.calls,
            "errors": self.errors,
            "refreshes": self.refreshes,
            "reasons": dict(sorted(self.reasons.items(), key=lambda each: (-each[1], each[0]))),
            "answers": dict(sorted(classes.items())),
            **{f"p{share}_ms": self.percentile(share / 100) for share in (50, 95, 99)},
        }


def _add(mine: dict[Key, int], theirs: dict[Key, int]) -> None:
    for key, count in theirs.items():
        mine[key] = mine.get(key, 0) + count


@dataclass(slots=True)
class Counted:
    """What was counted: the tallies by place, what the log itself tells that it lacks, and from when it is whole."""

    tallies: dict[Place, Tally] = field(default_factory=dict)
    records: int = 0
    dropped: int = 0
    unreadable: int = 0
    since: datetime | None = None


class Tallies:
    """Counts the log of one store, in blocks of rows; what was counted of a block that is full is kept."""

    def __init__(self, trail: AuditTrail) -> None:
        self._trail = trail
        self._kept: dict[int, Counted] = {}

    async def since(self, moment: datetime, width: int) -> Counted:
        """Count the callouts that began at this time or later, in widths of so many seconds (a multiple of `FINEST`)."""
        counted, first = Counted(since=moment), math.floor(moment.timestamp() / FINEST)
        last = (await self._trail.head()).seq // BLOCK
        for number in range(last, -1, -1):
            block = self._kept.get(number) or await self._read(number, full=number < last)
            if block.since is None and number < last:
                break  # what stood before was pruned
            _take_over(counted, block, first, width // FINEST)
            if block.since is not None and block.since < moment:
                break
            if counted.records >= MOST_COUNTED or last - number >= MOST_BLOCKS:
                counted.since = block.since
                break
        return counted

    async def _read(self, number: int, *, full: bool) -> Counted:
        """Count one block: the rows of which this is the number. Blocks that are full never change, and are kept."""
        rows = await self._trail.rows(BLOCK, after=number * BLOCK - 1, before=(number + 1) * BLOCK)
        block = await asyncio.to_thread(_counted, [row for row, _ in rows])
        if full:
            self._kept[number] = block
            if len(self._kept) > BLOCKS_KEPT:
                del self._kept[min(self._kept)]
        return block


def _take_over(whole: Counted, part: Counted, first: int, minutes: int) -> None:
    whole.records += part.records
    whole.dropped += part.dropped
    whole.unreadable += part.unreadable
    for (minute, name, external, principal), tally in part.tallies.items():
        if minute >= first:
            place = (minute // minutes, name, external, principal)
            mine = whole.tallies.get(place)
            if mine is None:
                mine = whole.tallies[place] = Tally()
            mine.add(tally)


class _Described(msgspec.Struct):
    """What is counted of a route; the rest of what a segment says of it is passed over."""

    named_credential: str | None = None
    external_credential: str | None = None
    principal: str | None = None


class _Body(msgspec.Struct):
    """A segment, as `engine.records` writes it."""

    epoch: float
    routes: list[_Described]
    records: list[list[Any]]
    not_kept: list[tuple[str, int, int]] = []
    dropped: int = 0


_BODY = msgspec.json.Decoder(_Body)


def _counted(rows: Sequence[Row]) -> Counted:
    """Count rows, the oldest first; one that was edited so that it cannot be read counts as that."""
    whole = Counted(since=datetime.fromisoformat(rows[0].at) if rows else None)
    for row in rows:
        if row.kind == Kind.CALLOUTS:
            try:
                _take_over(whole, _tallied(_BODY.decode(row.records), row), 0, 1)
            except UNREADABLE:
                whole.unreadable += 1
    return whole


def _tallied(body: _Body, row: Row) -> Counted:
    """Count the records of a segment: `engine.records` says what stands where in them."""
    places = [(r.named_credential or "", r.external_credential or "", r.principal or "") for r in body.routes]
    counted = Counted(records=row.count, dropped=body.dropped)
    tallies = counted.tallies
    for _, started, number, _, _, status, took, _, _, *rest in body.records:
        refusal = rest[1] if rest else None
        name, external, principal = places[number]
        name = name or (refusal["named_credential"] if refusal is not None else "")
        place = (int((body.epoch + started) // FINEST), name, external, principal)
        tally = tallies.get(place)
        if tally is None:
            tally = tallies[place] = Tally()
        tally.calls += 1
        if refusal is not None:
            _add(tally.reasons, {refusal["reason"]: 1})
        else:
            step = int(math.log(took * 1000) // STEP) if took > 0 else QUICKEST
            tally.statuses[status] = tally.statuses.get(status, 0) + 1
            tally.took[step] = tally.took.get(step, 0) + 1
        if rest and rest[0] is not None and rest[2]:
            tally.refreshes += 1
    minute = int(datetime.fromisoformat(row.at).timestamp() // FINEST)
    for name, status, count in body.not_kept:
        unseen = Tally(calls=count, unseen=count, statuses={status: count})
        tallies.setdefault((minute, name, "", ""), Tally()).add(unseen)
    return counted


def width_of(since: datetime, until: datetime) -> int:
    """Return by what width of time (in seconds) a span is shown."""
    seconds = (until - since).total_seconds()
    return next((width for width in WIDTHS if seconds <= width * MOST_WIDTHS), WIDTHS[-1])


def series_of(tallies: Mapping[Place, Tally], since: datetime, until: datetime) -> list[dict[str, Any]]:
    """Return the counts over time: one entry for each width of time, also where nothing happened."""
    width = width_of(since, until)
    first, last = (int(moment.timestamp() // width) for moment in (since, until))
    whole = {number: Tally() for number in range(first, last + 1)}
    for (number, *_), tally in tallies.items():
        if number in whole:
            whole[number].add(tally)
    return [
        {
            "at": datetime.fromtimestamp(number * width, UTC).isoformat(timespec="seconds"),
            "calls": tally.calls,
            "errors": tally.errors,
            "refreshes": tally.refreshes,
            "p50_ms": tally.percentile(0.5),
            "p95_ms": tally.percentile(0.95),
        }
        for number, tally in whole.items()
    ]
