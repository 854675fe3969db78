"""Until when a token is good, whatever its server calls that (RFC 6749 section 5.1, and what servers do instead).

`expires_in` is a number of seconds, or text of one. Zero, a negative number and what cannot be read mean: not stated.
Where it is not stated, an absolute end is looked for: seconds or milliseconds since 1970, or RFC 3339. That end is on
the *server's* clock, which may be wrong, so the lifetime is counted from the answer's `Date` (RFC 9110 section 6.6.1)
where that is sound: there is one, it can be read, no cache has kept the answer (`Age`), and it is less than a day away.
Else it is counted from our own clock. A token whose end is not stated, or has passed already, is used until it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from callout.core.json_pointer import resolve
from callout.core.message import HttpResponse
from callout.core.oauth2.parameters import EXPIRES_AT_FIELD, EXPIRES_IN_FIELD
from callout.core.protocol import Values

#: Ten years: a longer `expires_in` is an error of the server and would overflow dates.
LONGEST_LIFETIME = timedelta(days=3650)
#: A `Date` that is further away than this says nothing about the server's clock.
FURTHEST_DATE = timedelta(days=1)
#: From this number on an absolute end is in milliseconds: as seconds it would be the year 5138.
_MILLISECONDS = 1e11
_LATEST = datetime.max.replace(tzinfo=UTC).timestamp() - 1


def expiry(members: Mapping[str, Any], response: HttpResponse, now: datetime, values: Values) -> datetime | None:
    """Return when the token of an answer that came `now` expires, on our clock; None where that is not stated."""
    seconds = _number(resolve(members, values.text(EXPIRES_IN_FIELD.name) or "/expires_in"))
    if seconds is None or seconds <= 0:
        end = moment_of(resolve(members, values.text(EXPIRES_AT_FIELD.name) or "/expires_at"))
        if end is None:
            return None
        seconds = (end - (date_of(response, now) or now)).total_seconds()
    if seconds <= 0:
        return None
    return now + timedelta(seconds=min(seconds, LONGEST_LIFETIME.total_seconds()))


def moment_of(value: object) -> datetime | None:
    """Read an absolute time: seconds or milliseconds since 1970 as number or text, or RFC 3339 (UTC without a zone)."""
    number = _number(value)
    if number is not None:
        seconds = number / 1000 if abs(number) >= _MILLISECONDS else number
        return datetime.fromtimestamp(min(seconds, _LATEST), UTC) if seconds > 0 else None
    try:
        moment = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
        if moment is None or moment.tzinfo is not None:
            return moment
        return moment.replace(tzinfo=UTC)
    except ValueError:
        return None


def date_of(response: HttpResponse, now: datetime) -> datetime | None:
    """Return what the server's clock said when it answered; None where its `Date` is not sound."""
    dates = [value for name, value in response.headers if name.lower() == "date"]
    date = http_date(dates[0]) if len(dates) == 1 and response.header("age") is None else None
    return date if date is not None and abs(date - now) <= FURTHEST_DATE else None


def http_date(text: str) -> datetime | None:
    """Read an HTTP date (RFC 9110 section 5.6.7), in UTC; None where it is none."""
    try:
        date = parsedate_to_datetime(text)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None
