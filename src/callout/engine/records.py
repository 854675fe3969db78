"""The callout log: one record for each callout, kept in memory as a tuple, written in segments from a thread.

A callout id sorts by time: milliseconds of the last tick, a count, and the writer. Records never hold a query,
a header or a body. What is the same for all callouts of a route is written once a segment.

Where successful callouts are sampled, the callout id alone decides which are kept: anyone can tell afterwards whether one
had to be. A segment says how many it left out, of which named credential and with which status, and how many were lost
before it because too many waited.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import msgspec

from callout.core.errors import Refused
from callout.core.explanation import Explanation, Remedy, Step
from callout.core.ports import AuditTrail, Clock, Entropy, Segment
from callout.core.reasons import reason
from callout.core.refresh.replay import Mark, Replay, remedies_of
from callout.engine.explain import refusal_members, step_members
from callout.engine.routes import Ready, Route

#: Records that may wait in memory; beyond it the oldest are dropped and counted, so that a full disk stops no callout.
MOST_WAITING = 200_000
#: Records in one segment: few enough that writing one holds the loop up for less than a millisecond.
SEGMENT = 500
#: Segments that are read first for the newest records.
FEW_SEGMENTS = 8

#: What a row holds, by its place: see the arguments of `record`; when the callout ended stands before the last.
Row = tuple[
    bytes,
    Route | None,
    str,
    bytes,
    bytes,
    int,
    int,
    int,
    float,
    str | None,
    Refused | None,
    Ready | None,
    int,
    float,
    bool,
    tuple[str, str] | None,
]


class Records:
    """Collects records and writes them. `next_id` and `record` are called on the loop, `flush` from a thread."""

    def __init__(self, trail: AuditTrail, clock: Clock, entropy: Entropy, sampling: float = 1.0) -> None:
        self._trail = trail
        self._clock = clock
        self._sampling = sampling
        self._now = clock.monotonic
        self._rows: list[Row] = []
        self._suffix = entropy.bytes(4).hex().encode()
        self._prefix = b""
        self._count = 0
        self._wall = clock.now()
        self._monotonic = clock.monotonic()
        self.dropped = 0
        self._dropped_told = 0
        self.not_kept = 0
        self._notes: dict[bytes, str] = {}
        self._wanted: set[bytes] = set()
        self.by_status: dict[tuple[int, str], int] = {}
        self.tick()

    @property
    def waiting(self) -> int:
        """How many records are not written yet."""
        return len(self._rows)

    def tick(self) -> None:
        """Take over the time for the ids to come; called a few times a second, on the loop."""
        self._wall, self._monotonic = self._clock.now(), self._clock.monotonic()
        prefix = b"%011x" % int(self._wall.timestamp() * 1000)
        if prefix > self._prefix:
            self._prefix, self._count = prefix, 0

    def next_id(self) -> bytes:
        """Return a new callout id: 25 lower-case hexadecimal digits that sort by time."""
        self._count += 1
        return b"%b%06x%b" % (self._prefix, self._count, self._suffix)

    def note(self, callout_id: bytes, noted: str) -> None:
        """Keep what is to be said of a callout beside its record, which comes later."""
        if len(self._notes) >= MOST_WAITING:  # those of records that were dropped
            self._notes.clear()
        self._notes[callout_id] = noted

    def keep(self, callout_id: bytes) -> None:
        """Keep the record of a callout that is under way, whatever the sample says: somebody waits for it."""
        self._wanted.add(callout_id)

    def record(
        self,
        callout_id: bytes,
        route: Route | None,
        name: str,
        method: bytes,
        target: bytes,
        status: int,
        sent: int,
        received: int,
        started: float,
        replay: str | None,
        refused: Refused | None,
        ready: Ready | None,
        stale_status: int,
        says_stale: bool = False,
        noticed: tuple[str, str] | None = None,
    ) -> None:
        """Keep one record.

        `started` is monotonic seconds, `sent` and `received` are body bytes; `ready` is what was written last,
        `stale_status` the answer that a refresh rule named, or 0; `says_stale`: the answer was no sign by any rule,
        and yet says itself that the token is stale. `noticed` is the sign of stale credentials that a refresh rule found,
        and why no refresh followed from it, either of them empty.
        """
        self._rows.append(
            (
                callout_id,
                route,
                name,
                method,
                target,
                status,
                sent,
                received,
                started,
                replay,
                refused,
                ready,
                stale_status,
                self._now(),
                says_stale,
                noticed,
            )
        )

    def flush(self) -> int:
        """Write what waits; returns how many records were written. Raises `StoreError`, and then keeps them."""
        rows, self._rows = self._rows, []
        written = 0
        try:
            while written < len(rows):
                batch = rows[written : written + SEGMENT]
                dropped = self.dropped
                kept = batch if self._sampling >= 1 else [row for row in batch if self._keeps(row)]
                self._trail.append(self._segment(batch, kept, dropped - self._dropped_told))
                self._dropped_told = dropped
                self.not_kept += len(batch) - len(kept)
                self._tally(batch)
                for row in batch if self._notes or self._wanted else ():
                    self._notes.pop(row[0], None)
                    self._wanted.discard(row[0])
                written += len(batch)
        except Exception:
            kept = rows[written:] + self._rows
            self.dropped += max(0, len(kept) - MOST_WAITING)
            self._rows = kept[-MOST_WAITING:]
            raise
        return written

    def _tally(self, batch: list[Row]) -> None:
        for key, count in Counter((row[5], row[10].reason.code if row[10] else "") for row in batch).items():
            self.by_status[key] = self.by_status.get(key, 0) + count

    def _keeps(self, row: Row) -> bool:
        """Keep all but successful callouts, and of those the ones that the sample has."""
        plain = row[9] is None and row[10] is None and not row[12] and 0 < row[5] < 400
        return not plain or row[0] in self._wanted or is_sampled(row[0], self._sampling)

    def _segment(self, batch: list[Row], kept: list[Row], dropped: int) -> Segment:
        """Encode a batch. This is most of what a record costs, so it is one comprehension for the plain ones."""
        made = dict.fromkeys((row[1], row[11]) for row in kept)
        numbers = {key: number for number, key in enumerate(made)}
        records: list[tuple[Any, ...]] = [
            (
                row[0].decode(),
                row[8],
                numbers[row[1], row[11]],
                row[3].decode("latin-1"),
                row[4].partition(b"?")[0].decode("latin-1"),
                row[5],
                row[13] - row[8],
                row[6],
                row[7],
            )
            for row in kept
        ]
        for number, row in enumerate(kept):
            noted = self._notes.get(row[0]) if self._notes else None
            if row[9] is not None or row[10] is not None or row[14] or row[15] or noted is not None:
                refusal = _refusal(row[10], row[2]) if row[10] is not None else None
                records[number] += (row[9], refusal, row[12], row[14], noted, row[15])
        ids = [row[0] for row in batch]
        body: dict[str, Any] = {
            "v": 1,
            "epoch": self._wall.timestamp() - self._monotonic,
            "routes": [_described(route, ready) if route is not None else {} for route, ready in made],
            "records": records,
        }
        if len(kept) < len(batch):
            body["not_kept"] = _not_kept(batch, kept)
        if dropped:
            body["dropped"] = dropped
        return Segment(
            self._suffix.decode(), min(ids).decode(), max(ids).decode(), len(kept), msgspec.json.encode(body)
        )


def is_sampled(callout_id: bytes, sampling: float) -> bool:
    """Say whether a sample of this share (0 to 1) has this callout: by its id, so that it is the same for everyone."""
    return int.from_bytes(hashlib.sha256(callout_id).digest()[:8], "big") < sampling * 2**64


def _not_kept(batch: list[Row], kept: list[Row]) -> list[tuple[str, int, int]]:
    """Count what was left out, by name and status."""
    counts = Counter((row[2], row[5]) for row in batch)
    counts.subtract((row[2], row[5]) for row in kept)
    return [(name, status, count) for (name, status), count in sorted(counts.items()) if count]


def _described(route: Route, ready: Ready | None) -> dict[str, Any]:
    decision = route.decision
    caller = decision.caller
    return {
        "user": caller.user if caller else None,
        "namespace": caller.namespace if caller else None,
        "on_behalf_of": caller.on_behalf_of if caller else None,
        "named_credential": decision.name,
        "external_credential": decision.external_credential.name if decision.external_credential else None,
        "principal": decision.principal.name if decision.principal else None,
        "token": _token(route, ready),
        "steps": [
            step_members(step)
            for step in (
                *decision.explanation.steps,
                *(route.demands.steps() if route.demands is not None else ()),
                *(ready.stages if ready is not None else ()),
            )
        ],
    }


def _token(route: Route, ready: Ready | None) -> str | None:
    """Name the token that was sent, so that the callouts of one token are known as such; it shows nothing of it."""
    if ready is None or not ready.generation:
        return None
    return f"{route.slot.key}/{route.slot.fingerprint[:8]}/{ready.generation}"


def _refusal(refused: Refused, name: str) -> dict[str, Any]:
    explanation = refused.explanation or Explanation()
    return {
        "reason": refused.reason.code,
        "detail": refused.detail,
        "who": refused.who,
        "namespace": refused.namespace,
        "principal": refused.principal,
        "on_behalf_of": refused.on_behalf_of,
        "named_credential": name,
        "remedy": [str(remedy) for remedy in refused.remedies],
        "remedy_commands": [remedy.command for remedy in refused.remedies if remedy.command],
        "steps": [step_members(step) for step in explanation.steps],
    }


def records_of(segment: Segment) -> list[dict[str, Any]]:
    """Return the records of a segment as JSON members, in the order in which they were written."""
    body = msgspec.json.decode(segment.records)
    return [_members(row, body["routes"], body["epoch"]) for row in body["records"]]


def _members(row: list[Any], routes: list[dict[str, Any]], epoch: float) -> dict[str, Any]:
    callout_id, started, number, method, path, status, took, sent, received, *rest = row
    absent: list[Any] = [None, None, 0, False, None, None]
    replay, refusal, stale_status, says_stale, noted, noticed = rest + absent[len(rest) :]
    route = routes[number]
    members: dict[str, Any] = {
        "callout_id": callout_id,
        "at": datetime.fromtimestamp(epoch + started, UTC).isoformat(timespec="milliseconds"),
        "allowed": refusal is None,
        **refusal_members(Explanation()),
        "caller": {"user": route.get("user"), "namespace": route.get("namespace")},
        "on_behalf_of": route.get("on_behalf_of"),
        "named_credential": route.get("named_credential"),
        "external_credential": route.get("external_credential"),
        "principal": route.get("principal"),
        "method": method,
        "path": path,
        "status": status,
        "duration_ms": round(took * 1000, 3),
        "sent_bytes": sent,
        "received_bytes": received,
        "replay": Replay.read(replay).mark.value if replay is not None else None,
        "token": route.get("token"),
        "says_stale": says_stale,
        "steps": list(route.get("steps", ())),
    }
    if refusal is not None:
        known = reason(refusal["reason"])
        members |= {
            "reason": known.code,
            "blame": known.blame.value,
            "title": known.title,
            "detail": refusal["detail"],
            "remedy": refusal["remedy"],
            "remedy_commands": refusal["remedy_commands"],
            "named_credential": members["named_credential"] or refusal["named_credential"],
            "principal": members["principal"] or refusal.get("principal"),
            "steps": refusal["steps"] or members["steps"],
        }
        if members["caller"]["user"] is None:
            members["caller"] = {"user": refusal["who"], "namespace": refusal["namespace"]}
            members["on_behalf_of"] = refusal.get("on_behalf_of")
    if noted is not None:
        members["steps"].append(_event("rate_limits", noted))
    sign, why_not = noticed or ("", "")
    members["steps"] += _noticed_steps(sign, why_not)
    if replay is not None and not why_not:
        sign = sign or f"status {stale_status}"
        members["steps"] += _replay_steps(Replay.read(replay), sign, members["named_credential"], method)
    members["steps"].append(_event("answer", f"status {status} from {'Callout' if refusal else 'the external system'}"))
    return members


def _noticed_steps(sign: str, why_not: str) -> list[dict[str, Any]]:
    """Explain an answer that was returned though a refresh rule was about it: `why_not` says why nothing followed."""
    if why_not and sign:
        passed = f"the answer had {sign}, which is a sign of stale credentials; it was returned as it is: {why_not}"
        return [_event("refresh", passed)]
    return [_event("refresh", f"no refresh rule could judge the body of the answer: {why_not}")] if why_not else []


def _replay_steps(replay: Replay, sign: str, named_credential: str, method: str) -> list[dict[str, Any]]:
    """Explain what followed from a first answer that had this sign of stale credentials."""
    if replay.mark is Mark.NOT_NEEDED:
        kept = f"the answer had {sign}, a sign of stale credentials, but a refresh had not helped just before: none was made"
        return [_event("refresh", kept)]
    stale = f"the first answer had {sign}, which is a sign of stale credentials: the token was replaced, once"
    if replay.mark is Mark.DONE:
        sent_again = "the same request was sent again; its answer is the one returned"
        return [_event("refresh", stale), _event("replay", sent_again)]
    why, remedies = "its body was not kept whole", tuple[Remedy, ...]()  # all that earlier releases recorded
    if replay.obstacle is not None:
        why, remedies = remedies_of(replay.obstacle, named_credential, method)
    detail = f"this request could not be sent again: {why}; the first answer was returned"
    step = Step("replay", held=False, detail=detail, reason="replay_not_possible", remedies=remedies)
    return [_event("refresh", stale), step_members(step)]


def _event(name: str, detail: str) -> dict[str, Any]:
    return {"name": name, "held": True, "detail": detail, "reason": None, "remedy": [], "remedy_commands": []}


class CalloutLog:
    """Reads the callout log."""

    def __init__(self, trail: AuditTrail) -> None:
        self._trail = trail

    async def explain(self, callout_id: str) -> dict[str, Any] | None:
        """Return the record of one callout with its explanation, or None where the log does not hold it."""
        for segment in await self._trail.segments(callout_id):
            for members in records_of(segment):
                if members["callout_id"] == callout_id:
                    return members
        return None

    async def recent(self, limit: int) -> list[dict[str, Any]]:
        """Return the newest records, newest first."""
        found: list[dict[str, Any]] = []
        for segment in await self._segments(limit):
            found.extend(reversed(records_of(segment)))
            if len(found) >= limit:
                break
        return found[:limit]

    async def _segments(self, limit: int) -> tuple[Segment, ...]:
        """Read as many of the newest segments as hold so many records, and few more: each may hold thousands."""
        asked = min(limit, FEW_SEGMENTS)
        while True:
            segments = await self._trail.recent(asked)
            enough = sum(segment.count for segment in segments) >= limit
            if enough or len(segments) < asked or asked >= limit:
                return segments
            asked = min(limit, asked * 8)
