"""After a refresh, refresh rules stay quiet for a while: what they fire at is hardly a stale token then.

A 400 in the additional status codes may be genuine, and a body may quote an error. So a rule other than 401 causes one
refresh of a token in a window at most, whether it helped or not. A 401 says by its definition that the credentials are
stale: it is quiet only after a refresh that did not help it, and for a second.
"""

from __future__ import annotations

from dataclasses import dataclass

from callout.core.refresh.rules import ALWAYS

#: How long a 401 is quiet after a refresh that did not help, in seconds.
ALWAYS_SECONDS = 1.0


@dataclass(slots=True)
class Debounce:
    """Until when the refresh rules of one token stay quiet (monotonic seconds).

    `seconds` is the length of the window; None: as the server is set up.
    """

    seconds: float | None = None
    until: float = 0.0
    always_until: float = 0.0

    def is_quiet(self, status: int, now: float) -> bool:
        """Say whether a rule that fires at this status is not listened to."""
        return now < (self.always_until if status == ALWAYS else self.until)

    def refreshed(self, now: float, default: float) -> None:
        """Note a refresh that a rule caused: a window begins. `default` is its length where none is given, in seconds."""
        self.until = now + (default if self.seconds is None else self.seconds)

    def was_helped(self, helped: bool, now: float, default: float) -> None:
        """Note whether the answer to the request that was sent again was a refusal no more."""
        length = default if self.seconds is None else self.seconds
        self.always_until = 0.0 if helped else now + min(ALWAYS_SECONDS, length)
