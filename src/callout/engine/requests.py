"""What is judged for each request, after the ladder: its method and path, and the rate limits that it falls under.

Most routes have neither: `demands_of` returns None, and their requests pay for nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from callout.core.access.decide import Decision
from callout.core.access.request import METHOD_OVERRIDES, RequestRules, judge_request, methods_in_query, rules_of
from callout.core.explanation import Explanation, Remedy, Step
from callout.core.model.org import Org
from callout.engine.limits import Bucket, RateLimits

RATE_REASON = "rate_limited"
#: Longest method of a header that is shown, in characters.
_LONGEST_METHOD = 40


@dataclass(frozen=True, slots=True, eq=False)
class Demands:
    """What the requests of one route have to keep."""

    rules: RequestRules | None
    buckets: tuple[Bucket, ...]

    def steps(self) -> tuple[Step, ...]:
        """Say what is demanded, for the record of a callout that kept it."""
        worded = self.rules.worded() if self.rules is not None else []
        rules = (Step("rules", held=True, detail="; ".join(worded)),) if worded else ()
        return (*rules, *self.limit_steps())

    def limit_steps(self) -> tuple[Step, ...]:
        """Say which rate limits there are. What is left of them only the worker knows."""
        worded = "; ".join(str(bucket.limit) for bucket in self.buckets)
        return (Step("rate_limits", held=True, detail=f"{worded}; each worker counts on its own"),) if worded else ()

    def judge(self, method: str, path: bytes, overriding: Sequence[str] = ()) -> tuple[Step, ...]:
        """Judge a request by its rules; `path` is what follows the URL of the named credential, query and all."""
        if self.rules is None:
            return ()
        return judge_request(self.rules, method, path.partition(b"?")[0], overriding)


def demands_of(org: Org, decision: Decision, limits: RateLimits, now: datetime, monotonic: float) -> Demands | None:
    """Return what the requests of an allowed decision have to keep, or None where that is nothing.

    `monotonic` is the time of the rate limits, in seconds.
    """
    rules = rules_of(org, decision, now)
    named, caller = decision.named_credential, decision.caller
    assert named is not None
    assert caller is not None
    buckets = limits.buckets(named, caller, monotonic)
    return Demands(rules, buckets) if rules is not None or buckets else None


def overriding(
    demands: Demands, target: bytes, headers: Callable[[], Sequence[tuple[bytes, bytes]]]
) -> tuple[str, ...]:
    """Return the methods that query and headers name beside the request's own, where methods are restricted."""
    if demands.rules is None or not demands.rules.restrict_methods:
        return ()
    named = (value for name, value in headers() if name.lower() in METHOD_OVERRIDES)
    in_headers = (value.decode("latin-1").strip().upper()[:_LONGEST_METHOD] for value in named)
    return (*in_headers, *methods_in_query(target.partition(b"?")[2]))


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of asking the rate limits: the decision where one refuses, when to come again, and what is noted."""

    refused: Decision | None = None
    retry_after: int | None = None
    noted: str = ""


def take_turn(decision: Decision, demands: Demands, limits: RateLimits, now: float) -> Turn:
    """Ask the rate limits for one callout."""
    refusing, seconds, observed = limits.take(demands.buckets, now)
    if refusing is None:
        return Turn(noted="; ".join(f"more than {bucket.limit}: not refused" for bucket in observed))
    name = refusing.named_credential
    detail = f"got more than {refusing.limit} on {name}; expected at most that many in this worker"
    remedy = Remedy(f"Wait {seconds} s and repeat")
    step = Step("rate_limits", held=False, detail=detail, reason=RATE_REASON, remedies=(remedy,))
    return Turn(with_steps(decision, (step,)), seconds)


def with_steps(decision: Decision, steps: Sequence[Step]) -> Decision:
    """Return the decision with these steps after its own."""
    return replace(decision, explanation=Explanation((*decision.explanation.steps, *steps)))
