"""A refresh as the store remembers it: the lease on it, the intent that it began with, and the end that was stated.

A refresh that was cut off leaves its intent behind, so that whoever comes next knows what may have been spent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from callout.core.model.credentials import UserExternalCredentialKey


class State(StrEnum):
    """What is the matter with the token of one principal (and user), the best first."""

    CONNECTED = "connected"
    EXPIRING = "expiring"
    REFRESHING = "refreshing"
    NO_TOKEN_YET = "no_token_yet"
    FAILING = "failing"
    OUTCOME_UNKNOWN = "outcome_unknown"
    RECONNECT_REQUIRED = "reconnect_required"
    REVOKED = "revoked"


#: The states that nothing but a new secret or definition ends: no grant is spent in them.
ENDS = frozenset({State.OUTCOME_UNKNOWN, State.RECONNECT_REQUIRED, State.REVOKED})


class Phase(StrEnum):
    """How far a refresh is known to have come: nothing has left yet, or the grant may have."""

    INTENDED = "intended"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class Intent:
    """What a refresh is about to do, written before anything leaves.

    `fingerprint` is everything that decides the token, `replaces` the generation to be replaced. `spent` is the
    SHA-256 of the refresh token that the grant spends; None where asking again is harmless. `doubtful` is True where
    the same refresh token was sent before and no answer is known: it may be spent already. `lineage` is what the
    refresh token hangs on (see `core.refresh.epoch`); the store fills it in.
    """

    key: UserExternalCredentialKey
    fingerprint: str
    replaces: int
    because: str
    started_at: datetime
    spent: bytes | None = None
    phase: Phase = Phase.INTENDED
    doubtful: bool = False
    lineage: str = ""

    @property
    def is_unsettled(self) -> bool:
        """True where a grant that can be spent once may have left, and what became of it is not known."""
        return self.spent is not None and (self.doubtful or self.phase is Phase.SENT)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to refresh one token, or to sweep. `fence` is higher than that of any lease before it.

    `beat` rises with each renewal. `expires_at` is on the holder's clock; see `engine.leases` for who may judge by it.
    """

    key: UserExternalCredentialKey
    fence: int
    owner: str
    beat: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Stated:
    """An end that was stated: of the token with this fingerprint, in one of `ENDS`, and what was seen."""

    key: UserExternalCredentialKey
    state: State
    fingerprint: str
    since: datetime
    detail: str


class Outcome(StrEnum):
    """What became of a write of the store.

    `done`; `held`: another holds the lease; `moved`: another generation is stored; `superseded`: definitions or
    secrets are others; `carried`: the same, but the refresh token goes on under the new ones.
    """

    DONE = "done"
    HELD = "held"
    MOVED = "moved"
    SUPERSEDED = "superseded"
    CARRIED = "carried"


@dataclass(frozen=True, slots=True)
class Begun:
    """What came of the wish to refresh: where `outcome` is `DONE`, the lease, and the intent as it was written."""

    outcome: Outcome
    lease: Lease | None = None
    intent: Intent | None = None
