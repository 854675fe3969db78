"""A circuit breaker as a value: whether one more request may go to an endpoint that keeps failing.

Closed, it lets everything through. It opens after `THRESHOLD` transient failures in a row, or as soon as the server
says for how long it wants to be left alone. When its pause has passed it is half-open: one request is the probe, and
what becomes of that one closes it, or opens it for twice as long. A pause is jittered, so that processes that share a
dead endpoint do not come back at one moment. Times are seconds of one monotonic clock; nothing here reads it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

#: Transient failures in a row that open it.
THRESHOLD = 5
#: The first pause and the longest, in seconds; each further one is twice as long as the one before.
FIRST_PAUSE, LONGEST_PAUSE, MOST_DOUBLINGS = 1.0, 60.0, 10
#: How long those wait who come while the probe is on its way, in seconds.
PROBE_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """`failures` in a row, `openings` since the last success, and whether the probe is on its way."""

    failures: int = 0
    openings: int = 0
    open_until: float = 0.0
    probing: bool = False

    @property
    def is_closed(self) -> bool:
        """True where every request goes through."""
        return self.openings == 0

    def pause(self, now: float) -> float:
        """Return how many seconds are to be waited before a request may go; 0 where it may go now."""
        if self.is_closed:
            return 0.0
        if now < self.open_until:
            return self.open_until - now
        return PROBE_PAUSE if self.probing else 0.0

    def entered(self) -> Breaker:
        """Return what it is after a request was let through: of a half-open one that is the probe."""
        return self if self.is_closed else replace(self, probing=True)

    def answered(self) -> Breaker:
        """Return what it is after the server answered, whether it granted or refused: closed."""
        return Breaker()

    def left(self) -> Breaker:
        """Return what it is after a request that says nothing about the server: given up, or never sent."""
        return replace(self, probing=False)

    def failed(self, now: float, *, jitter: float, retry_after: float | None = None) -> Breaker:
        """Return what it is after a transient failure. `jitter` is a random number from 0 up to 1.

        A failure of a request that was let through before it opened counts, but does not lengthen the pause.
        """
        failures = self.failures + 1
        asked = retry_after * (1 + jitter / 10) if retry_after else 0.0
        if not self.is_closed and not self.probing:
            return replace(self, failures=failures, open_until=max(self.open_until, now + asked))
        if self.is_closed and failures < THRESHOLD and not asked:
            return replace(self, failures=failures)
        doubled = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self.openings, MOST_DOUBLINGS))
        own = doubled * (0.5 + jitter / 2)
        return Breaker(failures, self.openings + 1, now + max(own, asked))
