"""The hash chain of the audit trail: what a row's hash is, and what a broken chain looks like. Pure.

A row's hash is SHA-256 over `callout audit 1`, a line feed, and then each column in the order of `Row` without `hash`,
each as its length in 8 bytes, big-endian, and its bytes: text as UTF-8, numbers as decimal digits, hashes and records as they are. The
first row's previous hash is 32 zero bytes. Whoever can write the whole database can also write a new chain from some
row on, head included: to detect that too, keep the head that `callout audit head` prints somewhere else, and give it to
`callout audit verify --against` later.

Where old rows were pruned, the newest row of kind `checkpoint` says through which row, and that row's hash: the chain
then starts behind it. A checkpoint is a row like any other, so rows never go without one that says who, when and what.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

CONTEXT = b"callout audit 1\n"

#: The previous hash of the first row, and the head of an empty chain.
START = bytes(32)


class Kind(StrEnum):
    """What a row of the chain records."""

    ADMIN = "admin"
    CALLOUTS = "callouts"
    CHECKPOINT = "checkpoint"


#: What an admin did: rows that are never sampled, one act each.
ACTS = frozenset({Kind.ADMIN, Kind.CHECKPOINT})


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the chain. `at` is text as stored; the others are as in `Segment`."""

    seq: int
    at: str
    kind: str
    writer: str
    oldest: str
    newest: str
    count: int
    records: bytes
    previous_hash: bytes

    def hash(self) -> bytes:
        """Return the hash of this row."""
        columns = (
            self.seq,
            self.at,
            self.kind,
            self.writer,
            self.oldest,
            self.newest,
            self.count,
            self.records,
            self.previous_hash,
        )
        digest = hashlib.sha256(CONTEXT)
        for column in columns:
            encoded = column if isinstance(column, bytes) else str(column).encode("utf-8", "surrogateescape")
            digest.update(len(encoded).to_bytes(8, "big"))
            digest.update(encoded)
        return digest.digest()


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: the number of its last row (0: none) and that row's hash."""

    seq: int = 0
    hash: bytes = START

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash.hex()}"


def read_head(text: str) -> Head:
    """Read a head as `str` writes it: the number of its row, a colon, 64 hexadecimal digits. Raises `ValueError`."""
    found = re.fullmatch(r"([0-9]{1,18}):([0-9a-fA-F]{64})", text)
    if found is None:
        raise ValueError(f"got {text!r}; expected SEQ:HASH as `callout audit head` prints it")
    return Head(int(found[1]), bytes.fromhex(found[2]))


class Fault(StrEnum):
    """What was done to a row."""

    EDITED = "edited"
    DROPPED = "dropped"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    ADDED = "added"
    REWRITTEN = "rewritten"
    PRUNED = "pruned"


@dataclass(frozen=True, slots=True)
class Break:
    """The first row at which the chain does not hold: its number, and what was done to it."""

    seq: int
    fault: Fault

    def __str__(self) -> str:
        return f"row {self.seq} was {self.fault}"


@dataclass(frozen=True, slots=True)
class Verification:
    """What walking the chain found: how many rows held, the end of what held, and the first that did not (None: all held).

    `start` is the row behind which the chain starts: row 0, or the last that was pruned.
    """

    rows: int
    head: Head
    broken: Break | None = None
    start: Head = Head()

    @property
    def held(self) -> bool:
        """True where every row held and none is missing."""
        return self.broken is None


def walk(
    rows: Iterable[tuple[Row, bytes]],
    *,
    start: Head,
    kept: Head | None = None,
    is_elsewhere: Callable[[bytes], bool] = lambda _: False,
) -> Verification:
    """Follow rows with their stored hashes from `start` on. `is_elsewhere` tells whether some row has this hash.

    With `kept`, a head that was noted earlier, that row must be there as it was.
    """
    last = start
    if kept is not None and kept.seq <= start.seq and kept != start:
        fault = Fault.REWRITTEN if kept.seq == start.seq else Fault.PRUNED
        return Verification(0, start, Break(kept.seq, fault), start)
    for row, stored_hash in rows:
        fault_found = _fault(last, row, stored_hash, is_elsewhere)
        if fault_found is None and kept is not None and row.seq == kept.seq and stored_hash != kept.hash:
            fault_found = Fault.REWRITTEN
        if fault_found is not None:
            return Verification(last.seq - start.seq, last, Break(last.seq + 1, fault_found), start)
        last = Head(row.seq, stored_hash)
    if kept is not None and kept.seq > last.seq:
        return Verification(last.seq - start.seq, last, Break(last.seq + 1, Fault.TRUNCATED), start)
    return Verification(last.seq - start.seq, last, None, start)


def _fault(last: Head, row: Row, stored_hash: bytes, is_elsewhere: Callable[[bytes], bool]) -> Fault | None:
    """Say what is wrong with the row that comes after `last`, or None."""
    if row.seq != last.seq + 1:
        return Fault.DROPPED if row.seq > last.seq + 1 else Fault.ADDED
    if row.previous_hash != last.hash:
        # It names another row as the one before it: if that row is there, the rows stand in another order.
        moved = row.previous_hash != START and is_elsewhere(row.previous_hash)
        return Fault.REORDERED if moved else Fault.EDITED
    return None if row.hash() == stored_hash else Fault.EDITED
