"""How the functions of formulas are computed. Plain values in, a plain value out; `UnfitError` for what does not fit.

No function gives more than `LONGEST_VALUE` for what it takes: what could grow is measured before it is made.
Arithmetic is exact. Rounding is Salesforce's: FLOOR goes towards zero, CEILING away from it, ROUND half away from it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from fractions import Fraction
from typing import TypeVar
from urllib.parse import quote

from callout.core.formula.values import LONGEST_VALUE, UnfitError, bounded_number

Chosen = TypeVar("Chosen")

#: Most digits that TEXT writes after the point.
DECIMALS = 18

_SURROGATE = re.compile("[\ud800-\udfff]")
_NUMBER = re.compile(r"[-+]?(?:[0-9]{1,30}(?:\.[0-9]{1,30})?|\.[0-9]{1,30})")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}Z?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MICROSECONDS_A_DAY = 86_400 * 10**6
#: As Salesforce's HTMLENCODE writes them (Visualforce guide: security functions).
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})


def blob(text: str) -> bytes:
    """UTF-8."""
    if _SURROGATE.search(text) is not None:  # an error of encode would carry the text
        raise UnfitError("text with half of a surrogate pair", "text that UTF-8 can encode")
    return text.encode()


def base64encode(content: bytes) -> str:
    """RFC 4648 section 4."""
    return base64.b64encode(content).decode("ascii")


def base64decode(text: str) -> bytes:
    """RFC 4648 section 4, with padding and nothing else."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # binascii.Error, and text that is not ASCII
        raise UnfitError("text that is not Base64", "Base64 with padding (RFC 4648 section 4)") from None


def hexadecimal(content: bytes) -> str:
    """In small letters."""
    return content.hex()


def digest(algorithm: str, content: bytes) -> bytes:
    """FIPS 180-4."""
    return hashlib.new(algorithm.replace("-", ""), content).digest()


def keyed_digest(algorithm: str, content: bytes, key: bytes) -> bytes:
    """RFC 2104."""
    return hmac.digest(key, content, algorithm.replace("-", ""))


def html_encode(text: str) -> str:
    """Write what has a meaning in HTML and XML as a reference."""
    return text.translate(_HTML)


# --- text ------------------------------------------------------------------------------------------------------


def text_of(value: Fraction | datetime) -> str:
    """A number in decimal digits; a time as `2030-01-31 12:00:00Z`."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "seconds") + "Z"
    if value.denominator == 1:
        return str(value.numerator)
    scaled = rounded(value, Fraction(DECIMALS)) * 10**DECIMALS
    whole, rest = divmod(abs(scaled.numerator), 10**DECIMALS)
    written = f"{whole}.{rest:0{DECIMALS}d}".rstrip("0").rstrip(".")
    return f"-{written}" if value < 0 and written != "0" else written


def value_of(text: str) -> Fraction:
    """Read a number."""
    stripped = text.strip()
    if _NUMBER.fullmatch(stripped) is None:
        raise UnfitError("text that is no number", "decimal digits, at most 30 on each side of the point")
    return Fraction(stripped)


def is_number(text: str) -> bool:
    """Say whether VALUE would take the text."""
    return _NUMBER.fullmatch(text.strip()) is not None


def left(text: str, count: Fraction) -> str:
    """The first characters."""
    return text[: _count(count)]


def right(text: str, count: Fraction) -> str:
    """The last characters."""
    number = _count(count)
    return text[-number:] if number else ""


def middle(text: str, start: Fraction, count: Fraction) -> str:
    """Characters from a place on, which counts from 1."""
    first = max(_count(start), 1) - 1
    return text[first : first + _count(count)]


def length(text: str) -> Fraction:
    """The number of characters."""
    return Fraction(len(text))


def find(sought: str, text: str, start: Fraction = Fraction(1)) -> Fraction:
    """The place of a text in another, from 1; 0 where it is not there."""
    return Fraction(text.find(sought, max(_count(start), 1) - 1) + 1 if sought else 0)


def substitute(text: str, old: str, new: str) -> str:
    """Put one text in the place of another, everywhere."""
    if not old:
        return text
    grown = len(text) + text.count(old) * (len(new) - len(old))
    if grown > LONGEST_VALUE:
        raise UnfitError(f"texts that make one of {grown} characters", f"at most {LONGEST_VALUE}")
    return text.replace(old, new)


def left_padded(text: str, length: Fraction, padding: str = " ") -> str:
    """Fill up on the left; cut where it is longer, as Salesforce does."""
    size = _count(length)
    return (_filling(padding, size - len(text)) + text)[:size] if len(text) < size else text[:size]


def right_padded(text: str, length: Fraction, padding: str = " ") -> str:
    """Fill up on the right; cut where it is longer, as Salesforce does."""
    size = _count(length)
    return (text + _filling(padding, size - len(text)))[:size]


def _filling(padding: str, size: int) -> str:
    if size <= 0 or not padding:
        return ""
    return (padding * (size // len(padding) + 1))[:size]


def _count(number: Fraction) -> int:
    """Return a count of characters; raises `UnfitError` for one beyond the longest value."""
    if number > LONGEST_VALUE:
        raise UnfitError("a count of characters that is too large", f"at most {LONGEST_VALUE}")
    return max(math.floor(number), 0)


# --- numbers and times -----------------------------------------------------------------------------------------


def floor(number: Fraction) -> Fraction:
    """The whole part: towards zero."""
    return Fraction(math.trunc(number))


def ceiling(number: Fraction) -> Fraction:
    """The next whole number away from zero."""
    return Fraction(math.ceil(number) if number > 0 else math.floor(number))


def rounded(number: Fraction, places: Fraction) -> Fraction:
    """To so many decimal places, halves away from zero."""
    if places.denominator != 1 or not -30 <= places <= 30:
        raise UnfitError("a number of decimal places of another kind", "a whole number from -30 to 30")
    scale = Fraction(10) ** int(places)
    scaled = abs(number) * scale
    whole = Fraction(math.floor(scaled + Fraction(1, 2))) / scale
    return -whole if number < 0 else whole


def remainder(number: Fraction, divisor: Fraction) -> Fraction:
    """What is left of a division; it has the sign of the divisor."""
    if not divisor:
        raise UnfitError("a division by zero", "another divisor")
    return bounded_number(number % divisor)


def time_of(text: str) -> datetime:
    """Read `YYYY-MM-DD HH:MM:SS`, in UTC."""
    if _TIME.fullmatch(text) is not None:
        try:
            return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
        except ValueError:
            pass  # a month 13
    raise UnfitError("text that is no time", "YYYY-MM-DD HH:MM:SS, in UTC")


def unix_time(time: datetime) -> Fraction:
    """Whole seconds since the beginning of 1970, in UTC."""
    return Fraction((time - _EPOCH) // timedelta(seconds=1))


def http_date(time: datetime) -> str:
    """A time in the form that RFC 9110 section 5.6.7 prefers, whatever the locale."""
    return format_datetime(time.astimezone(UTC), usegmt=True)


def urlencode(text: str) -> str:
    """Percent-encode the UTF-8 bytes of a text, but for unreserved characters (RFC 3986 section 2.3)."""
    return quote(blob(text), safe="")


def from_unix_time(seconds: Fraction) -> datetime:
    """The time so many seconds after the beginning of 1970, in UTC."""
    return moved(_EPOCH, seconds / 86_400)


def days_between(later: datetime, earlier: datetime) -> Fraction:
    """The exact difference of two times, in days."""
    return Fraction((later - earlier) // _MICROSECOND, _MICROSECONDS_A_DAY)


def moved(time: datetime, days: Fraction) -> datetime:
    """A time so many days later."""
    try:
        return time + timedelta(microseconds=math.floor(days * _MICROSECONDS_A_DAY))
    except OverflowError:
        raise UnfitError("a time out of the calendar", "a year from 1 to 9999") from None


# --- choices: the arguments are asked for one by one, so that what is not chosen cannot fail ---------------------


def choose(condition: Callable[[], bool], yes: Callable[[], Chosen], no: Callable[[], Chosen]) -> Chosen:
    """IF."""
    return yes() if condition() else no()


def every(*conditions: Callable[[], bool]) -> bool:
    """AND."""
    return all(condition() for condition in conditions)


def some(*conditions: Callable[[], bool]) -> bool:
    """OR."""
    return any(condition() for condition in conditions)


def blank_value(text: Callable[[], str], otherwise: Callable[[], str]) -> str:
    """BLANKVALUE."""
    return text() or otherwise()
