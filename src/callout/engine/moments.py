"""Times as people give them: so long ago, or a date and time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from callout.core.errors import DefinitionError, Problem

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"(\d{1,6})([smhdw])")
_EXPECTED = "how long ago, such as 30m, 12h or 90d, or a time such as 2030-01-31T12:00:00Z"


def span(text: str) -> timedelta | None:
    """Read a length of time: `90s`, `30m`, `12h`, `90d`, `4w`; None where it is none."""
    found = _SPAN.fullmatch(text)
    return None if found is None else timedelta(**{_UNITS[found[2]]: int(found[1])})


def moment(text: str, now: datetime, place: str) -> datetime:
    """Read a time: how long ago (`30m`, `12h`, `90d`, `4w`), or ISO 8601 (without a zone: UTC).

    Raises `DefinitionError`, with the option's name as its place.
    """
    ago = span(text)
    try:
        if ago is not None:
            return now - ago
        read = datetime.fromisoformat(text)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        raise DefinitionError([Problem(place, repr(text), _EXPECTED)]) from None


def past(text: str, now: datetime, place: str) -> datetime:
    """Read a time that is not to come. Raises `DefinitionError`."""
    read = moment(text, now, place)
    if read > now:
        raise DefinitionError([Problem(place, f"{text!r}, which is to come", "a time that is past")])
    return read
