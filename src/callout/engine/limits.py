"""Rate limits: token buckets of one process. Each worker counts on its own, so N workers let through N times as many.

A bucket starts full with `calls` tokens and gains `calls` each `seconds`. A callout takes one from every bucket that
it falls under, or, where one that refuses is empty, none from any.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from callout.core.model.credentials import LimitScope, NamedCredential, RateLimit
from callout.core.model.org import Org
from callout.core.model.people import Caller

#: Named credential, limit, and whose: user and namespace, or nobody's where all callers share it.
BucketKey = tuple[str, RateLimit, tuple[str, str | None] | None]


class Bucket:
    """What is left of one rate limit at one time. Times are monotonic seconds."""

    __slots__ = ("_at", "_left", "limit", "named_credential")

    def __init__(self, named_credential: str, limit: RateLimit, now: float) -> None:
        self.named_credential = named_credential
        self.limit = limit
        self._left = float(limit.calls)
        self._at = now

    def wait(self, now: float) -> float:
        """Return how many seconds remain until a token is there; 0.0 where one is."""
        rate = self.limit.calls / self.limit.seconds
        if now > self._at:
            self._left = min(float(self.limit.calls), self._left + (now - self._at) * rate)
            self._at = now
        return 0.0 if self._left >= 1.0 else (1.0 - self._left) / rate

    def take(self) -> None:
        """Take a token; `wait` said that one is there."""
        self._left -= 1.0


class RateLimits:
    """The buckets of one process, and how often each limit was exceeded."""

    def __init__(self) -> None:
        self._buckets: dict[BucketKey, Bucket] = {}
        #: Callouts beyond a limit, by named credential, scope, and whether it only observes.
        self.exceeded: dict[tuple[str, LimitScope, bool], int] = {}

    def buckets(self, named: NamedCredential, caller: Caller, now: float) -> tuple[Bucket, ...]:
        """Return the buckets that this caller's callouts by this name fall under."""
        return tuple(self._bucket(named.name, limit, caller, now) for limit in named.rate_limits)

    def _bucket(self, name: str, limit: RateLimit, caller: Caller, now: float) -> Bucket:
        own = (caller.user, caller.namespace) if limit.per is LimitScope.CALLER else None
        key = (name, limit, own)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(name, limit, now)
        return bucket

    def keep_current(self, org: Org) -> None:
        """Drop the buckets of limits that are no longer defined, and of users who are gone; others go on."""
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if _is_current(org, *key)}

    def take(self, buckets: Sequence[Bucket], now: float) -> tuple[Bucket | None, int, tuple[Bucket, ...]]:
        """Take a token of each bucket.

        Returns the bucket that refuses or None, after how many whole seconds to come again, and the exceeded ones
        that only observe. Nothing is taken where one refuses.
        """
        waits = [(bucket.wait(now), bucket) for bucket in buckets]
        refusing = max((each for each in waits if each[0] and not each[1].limit.observe), key=_first, default=None)
        if refusing is not None:
            self._count((refusing[1],))
            return refusing[1], max(1, math.ceil(refusing[0])), ()
        for wait, bucket in waits:
            if not wait:
                bucket.take()
        observed = tuple(bucket for wait, bucket in waits if wait)
        self._count(observed)
        return None, 0, observed

    def _count(self, buckets: Iterable[Bucket]) -> None:
        for bucket in buckets:
            key = (bucket.named_credential, bucket.limit.per, bucket.limit.observe)
            self.exceeded[key] = self.exceeded.get(key, 0) + 1


def _first(pair: tuple[float, Bucket]) -> float:
    return pair[0]


def _is_current(org: Org, name: str, limit: RateLimit, own: tuple[str, str | None] | None) -> bool:
    named = org.named_credentials.get(name)
    return named is not None and limit in named.rate_limits and (own is None or own[0] in org.users)
