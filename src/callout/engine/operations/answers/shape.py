"""What every answer has in common: the base of their shapes, and what an answer to a change says beside."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType


class Answer(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Base of the answers. Every member is declared: the tests refuse an answer with another one."""


class Receipt(Answer):
    """What became of a token that is kept no longer: whether it was revoked where it came from."""

    reference: str
    endpoint: str
    token: str
    revoked: bool
    status: int | None
    at: datetime
    because: str | None
    remedy: str | None
    recorded: bool


class Done(Answer):
    """What a change says: whether anything changed, and in words what is so now."""

    changed: bool
    message: str
    #: There only where tokens went with the change.
    revocations: list[Receipt] | UnsetType = UNSET


class NamedDone(Done, kw_only=True):
    """A change of one definition by name."""

    name: str


_DONE: tuple[tuple[str, Any, Any], ...] = (
    ("revocations", list[Receipt] | UnsetType, UNSET),
    ("changed", bool, msgspec.NODEFAULT),
    ("message", str, msgspec.NODEFAULT),
)


def changed(kind: type[Answer]) -> type[msgspec.Struct]:
    """Return the shape of an answer that shows this, and says what a change did (`Done`)."""
    return msgspec.defstruct(
        f"{kind.__name__}Changed",
        _DONE,
        bases=(kind,),
        module=kind.__module__,
        kw_only=True,
        forbid_unknown_fields=True,
    )
