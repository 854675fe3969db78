"""Answers about the audit trail."""

from __future__ import annotations

from datetime import datetime

from msgspec import UNSET, UnsetType

from callout.engine.operations.answers.shape import Answer


class Act(Answer):
    """What an admin did."""

    seq: int
    at: datetime
    who: str
    act: str
    what: str


class Acts(Answer):
    """What admins did, newest first."""

    acts: list[Act]


class TrailPage(Answer):
    """A page of the audit trail; `after` and `through` ask for the next one, until it is `done`."""

    lines: list[str]
    after: int
    through: int
    done: bool


class TrailHead(Answer):
    """The head of the hash chain: keep it elsewhere, and verify against it."""

    head: str
    seq: int
    hash: str


class TrailVerified(Answer):
    """Whether the hash chain holds, and where it breaks."""

    ok: bool
    rows: int
    broken: str | None
    head: str
    starts_after: str | None


class TrailPruned(Answer):
    """How much of the audit trail went, or would go where it was a dry run."""

    changed: bool
    rows: int
    acts: int
    callouts: int
    message: str
    through: str | UnsetType = UNSET
    head: str | UnsetType = UNSET
