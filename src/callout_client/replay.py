"""Whether Callout sent a request again after it replaced a stale token: what an answer says in `Callout-Replay`."""

from __future__ import annotations

from enum import StrEnum

import httpx2

REPLAY_HEADER = "Callout-Replay"


class Replay(StrEnum):
    """What became of a request whose answer was a sign of stale credentials.

    done: the token was replaced and the request sent again; this is the second answer.
    not_possible: the token was replaced, but the request could not be sent again; this is the first answer. Repeat it.
    not_needed: a refresh had not helped just before, so none was made; this is the first answer, and it is meant.
    """

    DONE = "done"
    NOT_POSSIBLE = "not-possible"
    NOT_NEEDED = "not-needed"


def replay_of(response: httpx2.Response) -> Replay | None:
    """Return what an answer says of its replay; None where it was no sign of stale credentials, as mostly."""
    said = response.headers.get(REPLAY_HEADER)
    return Replay(said) if said in tuple(Replay) else None
