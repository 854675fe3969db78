"""After a refresh that did not help, refresh rules stay quiet for a while: what they fire at is hardly a stale token.

A 400 in the additional status codes may be genuine, and a body may quote an error. So a refresh that a rule caused
begins a window, in which none but 401 causes another. It ends early where all that was sent again was accepted: then
what the rule found was a stale token indeed. A 401 says by its definition that the credentials are stale: it is quiet
only after a refresh that did not help it, and for a second.
"""

from __future__ import annotations

from dataclasses import dataclass

from callout.core.refresh.rules import ALWAYS

#: How long a 401 is quiet after a refresh that did not help, in seconds.
ALWAYS_SECONDS = 1.0


@dataclass(slots=True)
class Debounce:
    """Until when the refresh rules of one token stay quiet (monotonic seconds).

    `seconds` is the length of the window; None: as the server is set up. `refused`: something that was sent again with
    the token that is held was refused by a rule again.
    """

    seconds: float | None = None
    until: float = 0.0
    always_until: float = 0.0
    refused: bool = False

    def is_quiet(self, status: int, now: float) -> bool:
        """Say whether a rule that fires at this status is not listened to."""
        return now < (self.always_until if status == ALWAYS else self.until)

    def refreshed(self, now: float, default: float) -> None:
        """Note a refresh that a rule caused: a window begins. `default` is its length where none is given, in seconds."""
        self.until = now + self._length(default)
        self.refused = False

    def was_helped(self, helped: bool, now: float, default: float) -> None:
        """Note whether the answer to a request that was sent again was a refusal no more."""
        length = self._length(default)
        if not helped:
            self.refused = True
            self.until, self.always_until = now + length, now + min(ALWAYS_SECONDS, length)
        elif not self.refused:
            self.until = self.always_until = 0.0

    def _length(self, default: float) -> float:
        return default if self.seconds is None else self.seconds
