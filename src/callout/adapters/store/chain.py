"""The hash chain of the audit trail: what a row's hash is, and what a broken chain looks like. Pure.

A row's hash is SHA-256 over `callout audit 1`, a line feed, and then each column in the order of `Row` without `hash`,
each as its length in 8 bytes, big-endian, and its bytes: text as UTF-8, numbers as decimal digits, hashes and records as they are. The
first row's previous hash is 32 zero bytes. Whoever can write the whole database can also write a new chain from some
row on, head included: to detect that too, keep the head that `callout audit verify` prints somewhere else.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

CONTEXT = b"callout audit 1\n"

#: The previous hash of the first row, and the head of an empty chain.
START = bytes(32)


class Kind(StrEnum):
    """What a row of the chain records."""

    ADMIN = "admin"
    CALLOUTS = "callouts"


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


class Fault(StrEnum):
    """What was done to a row."""

    EDITED = "edited"
    DROPPED = "dropped"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Break:
    """The first row at which the chain does not hold: its number, and what was done to it."""

    seq: int
    fault: Fault

    def __str__(self) -> str:
        return f"row {self.seq} was {self.fault}"


@dataclass(frozen=True, slots=True)
class Verification:
    """What walking the chain found: how many rows held, the end of what held, and the first that did not (None: all held)."""

    rows: int
    head: Head
    broken: Break | None = None

    @property
    def held(self) -> bool:
        """True where every row held and none is missing."""
        return self.broken is None
