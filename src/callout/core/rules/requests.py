"""Rules over what restricts requests: methods, patterns of paths, rate limits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from callout.core.access.pattern import refusal_of_pattern
from callout.core.errors import Problem
from callout.core.model.credentials import RateLimit

METHOD = r"[A-Z][A-Z0-9_-]{0,31}"
MOST_METHODS = 32
#: Every pattern is compared with every path that is not allowed.
MOST_PATTERNS = 100
MOST_RATE_LIMITS = 8
MOST_CALLS = 1_000_000_000
#: Longest span of a rate limit: 31 days, in seconds.
LONGEST_SPAN = 31 * 24 * 3600


def method_problems(methods: Sequence[str], place: str) -> Iterator[Problem]:
    """Judge a list of methods."""
    if len(methods) > MOST_METHODS:
        yield Problem(place, f"{len(methods)} methods", f"at most {MOST_METHODS}")
    for index, method in enumerate(methods):
        here = f"{place}[{method}]"
        if re.fullmatch(METHOD, method) is None:
            upper = method.upper()
            hint = upper if re.fullmatch(METHOD, upper) else None
            yield Problem(here, repr(method), "a method in capitals, such as GET", hint)
        elif method in methods[:index]:
            yield Problem(here, f"{method!r} twice", "each method once")


def path_problems(patterns: Sequence[str], place: str) -> Iterator[Problem]:
    """Judge a list of patterns of paths."""
    if len(patterns) > MOST_PATTERNS:
        yield Problem(place, f"{len(patterns)} patterns", f"at most {MOST_PATTERNS}")
    for index, pattern in enumerate(patterns):
        here = f"{place}[{pattern}]"
        expected = refusal_of_pattern(pattern)
        if expected is not None:
            yield Problem(here, f"pattern {pattern!r}", expected)
        elif pattern in patterns[:index]:
            yield Problem(here, f"{pattern!r} twice", "each pattern once")


def rate_limit_problems(limits: Sequence[RateLimit], place: str) -> Iterator[Problem]:
    """Judge a list of rate limits."""
    if len(limits) > MOST_RATE_LIMITS:
        yield Problem(place, f"{len(limits)} rate limits", f"at most {MOST_RATE_LIMITS}")
    for index, limit in enumerate(limits):
        here = f"{place}[{index}]"
        if not 1 <= limit.calls <= MOST_CALLS:
            yield Problem(f"{here}.calls", str(limit.calls), f"from 1 to {MOST_CALLS} calls")
        if not 1 <= limit.seconds <= LONGEST_SPAN:
            yield Problem(f"{here}.seconds", str(limit.seconds), f"from 1 to {LONGEST_SPAN} seconds")
        if limit in limits[:index]:
            yield Problem(here, f"{limit} twice", "each rate limit once")
