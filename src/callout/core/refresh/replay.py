"""May this request be sent again after a refresh, and where is its body kept until that is known?

Who may be repeated (RFC 9110 section 9.2.2):

- Idempotent methods do the same done twice or once, so they need no declaration.
- Others are repeated because a refresh rule matched: it says that the request was refused before anything was done.
  For 401 that is HTTP's own word ("has not been applied", section 15.5.2), for the rest the word of the admin who wrote
  the rule. That covers what is kept in memory; a larger body is kept only for a method that was declared.
- A named credential that declares methods means these and no others.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

from callout.core.explanation import Remedy

#: Done twice they do the same as done once (RFC 9110 section 9.2.2).
IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})


class Obstacle(StrEnum):
    """Why a request could not be sent again."""

    METHOD_NOT_DECLARED = "method_not_declared"
    LARGE_BODY_NOT_DECLARED = "large_body_not_declared"
    BODY_TOO_LARGE = "body_too_large"
    BODY_STILL_COMING = "body_still_coming"
    SPOOL_LOST = "spool_lost"


class Mark(StrEnum):
    """What `Callout-Replay` says."""

    DONE = "done"
    NOT_POSSIBLE = "not-possible"
    NOT_NEEDED = "not-needed"


@dataclass(frozen=True, slots=True)
class Replay:
    """What became of sending a request again, where a refresh rule matched its answer."""

    mark: Mark
    obstacle: Obstacle | None = None

    @property
    def line(self) -> bytes:
        """The header line of the answer."""
        return b"Callout-Replay: " + self.mark.value.encode()

    def __str__(self) -> str:
        return f"{self.mark}/{self.obstacle}" if self.obstacle is not None else self.mark.value

    @classmethod
    def read(cls, text: str) -> Replay:
        """Read what `str` wrote; records of earlier releases have no obstacle."""
        mark, _, obstacle = text.partition("/")
        return cls(Mark(mark), Obstacle(obstacle) if obstacle else None)


DONE = Replay(Mark.DONE)
NOT_NEEDED = Replay(Mark.NOT_NEEDED)


class Room(Enum):
    """Where a request's body may be kept: nowhere, in memory, or in memory and then in a file."""

    NONE = 0
    MEMORY = 1
    FILE = 2


@dataclass(frozen=True, slots=True)
class ReplayContract:
    """What a named credential says of sending requests again.

    `possible`: its protocol obtains a token, so that a refresh can change anything. `methods` are the declared ones,
    none: the default above. `idempotency_header` is the name of the header that carries one value per callout.
    """

    possible: bool = True
    methods: frozenset[bytes] = frozenset()
    idempotency_header: bytes = b""

    def room(self, method: bytes) -> Room:
        """Return where a body is kept. That of an idempotent method also survives a connection that was closed."""
        declared = method in self.methods if self.methods else method in IDEMPOTENT
        if self.possible and declared:
            return Room.FILE
        return Room.MEMORY if method in IDEMPOTENT or self._permits(method) else Room.NONE

    def obstacle(self, method: bytes, *, request_complete: bool, lost: Obstacle | None) -> Obstacle | None:
        """Return why a first attempt cannot be sent again, or None. `lost`: why its body was not kept, if it was not."""
        if not self._permits(method):
            return Obstacle.METHOD_NOT_DECLARED
        if lost is not None:
            return lost
        return None if request_complete else Obstacle.BODY_STILL_COMING

    def adds_key(self, method: bytes) -> bool:
        """Say whether a request of this method bears the idempotency header."""
        return self.idempotency_header != b"" and method not in IDEMPOTENT

    def worded(self, method: str, *, gathered: bool = False) -> str:
        """Say what happens to a request of this method after a refresh. `gathered`: its body is taken whole."""
        name = method.encode()
        if not self.possible:
            return "the protocol obtains no token: nothing is refreshed, and nothing sent again"
        if not self._permits(name):
            return f"{method} is never sent again: replay_methods does not name it"
        room = "replay_file_limit" if self.room(name) is Room.FILE else "replay_limit"
        room = "formula_body_limit" if gathered else room
        return f"{method} is sent again after a refresh, once, with a body of up to {room}"

    def _permits(self, method: bytes) -> bool:
        return self.possible and (not self.methods or method in self.methods)


def remedies_of(obstacle: Obstacle, named_credential: str, method: str) -> tuple[str, tuple[Remedy, ...]]:
    """Return what stood in the way, and what an admin can do about it for the next time."""
    declare = Remedy(
        f"Declare that {method} may be sent again",
        f"callout named-credential allow-replay {named_credential} {method}",
    )
    again = Remedy("Repeat the callout: its credentials are fresh now")
    match obstacle:
        case Obstacle.METHOD_NOT_DECLARED:
            return f"replay_methods of {named_credential} does not name {method}", (again, declare)
        case Obstacle.LARGE_BODY_NOT_DECLARED:
            detail = f"its body is larger than replay_limit, and {method} is not declared in replay_methods"
            return detail, (again, declare)
        case Obstacle.BODY_TOO_LARGE:
            raise_it = Remedy(
                "Start `callout serve` with a CALLOUT_REPLAY_FILE_LIMIT above the size of the body, in bytes"
            )
            return "its body is larger than replay_file_limit", (again, raise_it)
        case Obstacle.BODY_STILL_COMING:
            return "its body was still coming when the answer began", (again,)
        case Obstacle.SPOOL_LOST:
            space = Remedy(
                "Make room in the folder that CALLOUT_REPLAY_DIRECTORY names; the log of `callout serve` says why"
            )
            return "the file that kept its body was lost", (again, space)
