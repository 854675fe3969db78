"""What a row of the chain tells, as events: acts, callouts, and how many callouts it tells nothing of.

Every event has `type`, `seq` (its row) and `at` (RFC 3339, UTC). An `act` has who, act, what; a `callout` the members of
`callout explain` but for its steps; `not_kept` counts what sampling left out and `dropped` what was lost.
"""

from __future__ import annotations

from typing import Any

import msgspec

from callout.core.chain import ACTS, Row
from callout.core.ports import Segment
from callout.engine.records import records_of

Event = dict[str, Any]

#: What reading a row ends with that somebody edited.
UNREADABLE = (
    msgspec.DecodeError,
    UnicodeDecodeError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    OverflowError,
)


def callouts_of(row: Row) -> list[Event]:
    """Return the records of a row of callouts, with their steps. Raises one of `UNREADABLE`."""
    return records_of(Segment(row.writer, row.oldest, row.newest, row.count, row.records))


def events_of(row: Row) -> list[Event]:
    """Return the events of a row; one of type `unreadable` where its content was edited so that it cannot be read."""
    head = {"seq": row.seq, "at": row.at}
    try:
        if row.kind in ACTS:
            said = msgspec.json.decode(row.records)
            return [{"type": "act", **head, "who": row.writer, "act": str(said["act"]), "what": str(said["what"])}]
        body = msgspec.json.decode(row.records)
        events: list[Event] = [_callout(row, record) for record in callouts_of(row)]
        for name, status, count in body.get("not_kept", ()):
            events.append({"type": "not_kept", **head, "named_credential": name, "status": status, "count": count})
        if body.get("dropped"):
            events.append({"type": "dropped", **head, "count": body["dropped"]})
    except UNREADABLE:
        return [{"type": "unreadable", **head}]
    return events


def _callout(row: Row, record: Event) -> Event:
    kept = {name: value for name, value in record.items() if name != "steps"}
    return {"type": "callout", "seq": row.seq, **kept}
