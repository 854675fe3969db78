"""The audit trail as JSON Lines (https://jsonlines.org): the events to read, and the rows to verify them by.

The first line has type `export` and says behind which row the file starts; then come, for each row of the chain, its
events and a line of type `row` with every column that its hash is over; the last line has type `head`. The format of
the lines of type `row` is that of `core.chain`: text of the columns, hashes in hexadecimal.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from callout.core.chain import Head, Row
from callout.engine.audit.events import events_of

#: Version of this format.
FORMAT = 1


def line_of(members: dict[str, Any]) -> str:
    """Write one line, in ASCII: bytes that are no text survive as lone surrogates."""
    return json.dumps(members, separators=(",", ":"))


def opening(version: str, start: Head) -> str:
    """Write the first line. `version` is Callout's."""
    return line_of({"type": "export", "format": FORMAT, "version": version, "after": str(start)})


def closing(head: Head) -> str:
    """Write the last line."""
    return line_of({"type": "head", "head": str(head)})


def lines_of(rows: Iterable[tuple[Row, bytes]]) -> list[str]:
    """Write the events and the row of each."""
    lines: list[str] = []
    for row, stored_hash in rows:
        lines += map(line_of, events_of(row))
        lines.append(line_of(row_members(row, stored_hash)))
    return lines


def row_members(row: Row, stored_hash: bytes) -> dict[str, Any]:
    """Return a row as JSON members."""
    return {
        "type": "row",
        "seq": row.seq,
        "at": row.at,
        "kind": row.kind,
        "writer": row.writer,
        "oldest": row.oldest,
        "newest": row.newest,
        "count": row.count,
        "records": row.records.decode("utf-8", "surrogateescape"),
        "previous_hash": row.previous_hash.hex(),
        "hash": stored_hash.hex(),
    }


def row_of(members: dict[str, Any]) -> tuple[Row, bytes]:
    """Read a row from its members. Raises `LookupError`, `TypeError` or `ValueError` where they are not a row's."""
    texts = {name: str(members[name]) for name in ("at", "kind", "writer", "oldest", "newest")}
    row = Row(
        seq=int(members["seq"]),
        **texts,
        count=int(members["count"]),
        records=members["records"].encode("utf-8", "surrogateescape"),
        previous_hash=bytes.fromhex(members["previous_hash"]),
    )
    return row, bytes.fromhex(members["hash"])
