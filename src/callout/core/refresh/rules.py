"""Is this answer a sign of stale credentials?

Status 401 always is (RFC 9110 section 15.5.2). An external credential may list others: 4xx, 6xx, 7xx, 8xx, 9xx.
1xx to 3xx are no refusals, and a 5xx is the external system's own failure: both are refused where they are defined.
"""

from __future__ import annotations

ALWAYS = 401


def refresh_statuses(additional_status_codes: tuple[int, ...]) -> frozenset[int]:
    """Return every status that is a sign of stale credentials."""
    return frozenset((ALWAYS, *additional_status_codes))


def refusal_of(status: int) -> str | None:
    """Say why a status cannot be an additional status code, or None where it can."""
    if 400 <= status < 500 or 600 <= status <= 999:
        return None
    if 500 <= status < 600:
        return "a 5xx is the external system's own failure; a sign in its header or body is for a refresh rule"
    if 100 <= status < 400:
        return "a 1xx, 2xx or 3xx does not refuse anything, so it is no sign of stale credentials"
    return "an HTTP status has three digits"


def debounce_seconds(status: int, debounce: float) -> float:
    """How long a rule stays quiet after a refresh that did not help, in seconds.

    A 401 says by its definition that credentials are stale, so it is heard again after a second; another status may
    be genuine (a 400 for a bad body) and is not asked about again before the whole debounce has passed.
    """
    return min(1.0, debounce) if status == ALWAYS else debounce
