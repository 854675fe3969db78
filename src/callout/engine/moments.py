"""Times as people give them: so long ago, or a date and time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from callout.core.errors import DefinitionError, Problem

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"(\d{1,6})([smhdw])")
_EXPECTED = "how long ago, such as 30m, 12h or 90d, or a time such as 2030-01-31T12:00:00Z"


def moment(text: str, now: datetime, place: str) -> datetime:
    """Read a time: how long ago (`30m`, `12h`, `90d`, `4w`), or ISO 8601 (without a zone: UTC).

    Raises `DefinitionError`, with the option's name as its place.
    """
    ago = _AGO.fullmatch(text)
    try:
        if ago is not None:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
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
