"""An audit trail in memory: the chain of the store, without a database."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from callout.core.chain import ACTS, Head, Kind, Row, Verification, walk
from callout.core.errors import StoreError
from callout.core.ports import AdminAct, Pruned, Segment


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class MemoryTrail:
    """Implements `AuditTrail`. `chain` are the rows and their hashes; a test may tamper with them."""

    def __init__(self) -> None:
        self.chain: list[tuple[Row, bytes]] = []
        self.end = Head()
        self.start = Head()

    def extend(self, at: datetime, kind: Kind, writer: str, records: bytes, *, ids=("", ""), count: int = 1) -> None:
        row = Row(self.end.seq + 1, stamp(at), kind, writer, *ids, count, records, self.end.hash)
        self.end = Head(row.seq, row.hash())
        self.chain.append((row, self.end.hash))

    def act(self, act: AdminAct) -> None:
        self.extend(act.at, Kind.ADMIN, act.who, json.dumps({"act": act.act, "what": act.what}).encode())

    def append_at(self, at: datetime, segment: Segment) -> None:
        ids = (segment.oldest, segment.newest)
        self.extend(at, Kind.CALLOUTS, segment.writer, segment.records, ids=ids, count=segment.count)

    async def head(self) -> Head:
        return self.end

    async def rows(
        self, limit: int, *, after: int = 0, before: int | None = None, kinds: Iterable[str] = (), newest: bool = False
    ):
        wanted = set(kinds)
        found = [
            (row, stored)
            for row, stored in self.chain
            if row.seq > after and (before is None or row.seq < before) and (not wanted or row.kind in wanted)
        ]
        return tuple((found[::-1] if newest else found)[:limit])

    async def written_since(self, moment: datetime) -> int | None:
        return next((row.seq for row, _ in self.chain if row.at >= stamp(moment)), None)

    async def verify(self, kept: Head | None = None) -> Verification:
        return walk(self.chain, start=self.start, kept=kept)

    async def prune(self, before: datetime, who: str, at: datetime, *, dry_run: bool = False) -> Pruned | None:
        found = await self.verify()
        if not found.held:
            raise StoreError(f"got an audit trail of which {found.broken}; expected one that holds")
        gone = [(row, stored) for row, stored in self.chain if row.at < stamp(before)]
        if not gone:
            return None
        acts = sum(row.kind in ACTS for row, _ in gone)
        callouts = sum(row.count for row, _ in gone if row.kind == Kind.CALLOUTS)
        if dry_run:
            return Pruned(Head(gone[-1][0].seq, gone[-1][1]), len(gone), acts, callouts, self.end)
        self.chain = self.chain[len(gone) :]
        self.start = Head(gone[-1][0].seq, gone[-1][1])
        said = {"act": "prune audit", "what": f"rows through {self.start.seq}"}
        self.extend(at, Kind.CHECKPOINT, who, json.dumps(said).encode())
        return Pruned(self.start, len(gone), acts, callouts, self.end)
