"""Verifies an exported file: its rows are a chain, its events are those of its rows, and it is whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from callout.core.chain import Break, Fault, Head, Row, Verification, read_head, walk
from callout.engine.audit.events import events_of
from callout.engine.audit.jsonl import FORMAT, line_of, row_of
from callout.engine.setup import Result


@dataclass
class _Reading:
    """What was read so far: the end of the rows, the events that wait for their row, the first line that is wrong."""

    lines: Iterator[tuple[int, str]]
    start: Head = field(default_factory=Head)
    told_head: Head | None = None
    fault: str | None = None

    def begin(self) -> str | None:
        """Read the first line; returns what is wrong with it."""
        number, line = next(self.lines, (1, ""))
        members = _members(line)
        if members.get("type") == "export" and members.get("format") == FORMAT:
            with suppress(LookupError, TypeError, ValueError):
                self.start = read_head(members["after"])
                return None
        return f"line {number}: got {line[:60]!r}; expected the first line of an export in format jsonl"

    def rows(self) -> Iterator[tuple[Row, bytes]]:
        """Yield the rows, and note what is wrong with the lines around them."""
        events: list[str] = []
        for number, line in self.lines:
            members = _members(line)
            kind = members.get("type")
            if self.told_head is not None:
                self.fault = f"line {number}: was added after the last line"
            elif kind == "row":
                try:
                    row, stored_hash = row_of(members)
                except (LookupError, TypeError, ValueError, AttributeError):
                    self.fault = f"line {number}: cannot be read as a row"
                    return
                yield row, stored_hash
                if events != [line_of(event) for event in events_of(row)]:
                    self.fault = f"line {number}: the events before it are not those of row {row.seq}"
                events = []
            elif kind == "head":
                self._close(number, members, events)
            else:
                events.append(line)
            if self.fault is not None:
                return

    def _close(self, number: int, members: dict[str, Any], events: list[str]) -> None:
        try:
            self.told_head = read_head(members["head"])
        except (LookupError, TypeError, ValueError):
            self.fault = f"line {number}: cannot be read as the last line"
        if events:
            self.fault = f"line {number}: the events before it are not those of any row"


def verify_exported(lines: Iterable[str], kept: Head | None = None) -> Result:
    """Verify the lines of an export in format `jsonl`; with `kept`, that this row is in it as it was.

    Returns the members that `audit.verify` returns.
    """
    reading = _Reading((n, line.rstrip("\r\n")) for n, line in enumerate(lines, 1))
    wrong = reading.begin()
    if wrong is not None:
        return {**verification_members(Verification(0, reading.start)), "ok": False, "broken": wrong}
    found = walk(reading.rows(), start=reading.start, kept=kept)
    broken = reading.fault or (str(found.broken) if found.broken else None)
    if broken is None:
        at_end = _fault_at_end(found.head, reading.told_head)
        broken = str(at_end) if at_end else None
    return {**verification_members(found), "ok": broken is None, "broken": broken}


def verification_members(found: Verification) -> Result:
    """Return what verifying found as JSON members."""
    return {
        "ok": found.held,
        "rows": found.rows,
        "broken": str(found.broken) if found.broken else None,
        "head": str(found.head),
        "starts_after": str(found.start) if found.start.seq else None,
    }


def _fault_at_end(last: Head, told: Head | None) -> Break | None:
    if told is None or told.seq > last.seq:
        return Break(last.seq + 1, Fault.TRUNCATED)
    if told.seq < last.seq:
        return Break(told.seq + 1, Fault.ADDED)
    return None if told == last else Break(last.seq, Fault.EDITED)


def _members(line: str) -> dict[str, Any]:
    try:
        members = json.loads(line)
    except ValueError:
        return {}
    return members if isinstance(members, dict) else {}
