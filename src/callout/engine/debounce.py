"""After a refresh, refresh rules stay quiet for a while: what they fire at is hardly a stale token then.

A 400 in the additional status codes may be genuine: such a status causes one refresh of a token in a window at most,
whether that helped or not. A rule about header or body is quiet for the window unless the refresh helped: then what it
found was a sign indeed. A 401 says by its definition that the credentials are stale: it is quiet only after a refresh
that did not help it, and for a second.
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
    signed_until: float = 0.0
    always_until: float = 0.0

    def is_quiet(self, status: int, now: float, *, signed: bool) -> bool:
        """Say whether a rule that fires at this status, by itself or by a sign, is not listened to."""
        if status == ALWAYS:
            return now < self.always_until
        return now < (self.signed_until if signed else self.until)

    def refreshed(self, now: float, default: float) -> None:
        """Note a refresh that a rule caused: a window begins. `default` is its length where none is given, in seconds."""
        self.until = self.signed_until = now + (default if self.seconds is None else self.seconds)

    def was_helped(self, helped: bool, now: float, default: float) -> None:
        """Note whether the answer to the request that was sent again was a refusal no more."""
        length = default if self.seconds is None else self.seconds
        self.always_until = 0.0 if helped else now + min(ALWAYS_SECONDS, length)
        self.signed_until = 0.0 if helped else now + length
