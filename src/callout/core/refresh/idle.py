"""When a refresh token that nobody uses is refreshed, so that the provider does not end it for inactivity."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta

#: What an inactivity limit looks like: a whole number and its unit.
PATTERN = r"^[1-9][0-9]{0,5}[smhd]$"
EXPECTED = "a whole number with a unit: 3600s, 90m, 12h, 30d"

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LIMIT = re.compile(PATTERN)


def refusal_of_limit(limit: str) -> str | None:
    """Say what was expected instead of this limit; None where it is one, or empty."""
    return EXPECTED if limit and _LIMIT.fullmatch(limit) is None else None


def seconds_of(limit: str) -> int:
    """Return a limit in seconds; `ValueError` where it is none."""
    if _LIMIT.fullmatch(limit) is None:
        raise ValueError(f"got {limit!r}; expected {EXPECTED}")
    return int(limit[:-1]) * _UNITS[limit[-1]]


def due_at(used_at: datetime, limit: str, name: str) -> datetime:
    """Return when to refresh what was last used then: between a half and three quarters of the limit later.

    Where in between is decided by the name, so that tokens that were obtained together do not come due together, and a
    quarter of the limit is left for tries that fail.
    """
    jitter = int.from_bytes(hashlib.sha256(name.encode()).digest()[:2], "big") / 65536
    return used_at + timedelta(seconds=seconds_of(limit) * (0.5 + jitter / 4))
