from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from callout.core.message import HttpResponse
from callout.core.oauth2.lifetime import LONGEST_LIFETIME, date_of, expiry, moment_of
from callout.core.protocol import Values
from tests.core.oauth2.answers import NOW, received

END = NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [
        (60, 60),
        ("60", 60),
        (1.5, 1.5),
        (10**12, LONGEST_LIFETIME.total_seconds()),
        (0, None),
        (-5, None),
        (None, None),
        (True, None),
        ("soon", None),
        ("", None),
        ([60], None),
        (float("inf"), None),
        (float("nan"), None),
        (10**400, None),
        ("1e999", None),
    ],
)
def test_a_lifetime_that_is_no_positive_number_is_not_stated(expires_in: object, seconds: float | None) -> None:
    token = received(200, {"access_token": "a", "expires_in": expires_in})
    assert token.expires_at == (None if seconds is None else NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "value",
    [
        END.timestamp(),
        int(END.timestamp()),
        str(int(END.timestamp())),
        int(END.timestamp() * 1000),
        str(int(END.timestamp() * 1000)),
        "2030-01-01T01:00:00Z",
        "2030-01-01T01:00:00",
        "2030-01-01T02:00:00.000+01:00",
        " 2030-01-01T01:00:00Z ",
    ],
)
def test_an_absolute_end_is_read_in_seconds_milliseconds_and_rfc_3339(value: object) -> None:
    assert moment_of(value) == END
    assert received(200, {"access_token": "a", "expires_at": value}).expires_at == END


@pytest.mark.parametrize("value", [None, True, 0, -5, "", "soon", [], {}, float("nan"), "1e999", "2030-13-01"])
def test_an_absolute_end_that_cannot_be_read_is_not_stated(value: object) -> None:
    assert received(200, {"access_token": "a", "expires_at": value}).expires_at is None


def test_a_lifetime_wins_over_an_absolute_end_unless_it_says_nothing() -> None:
    both = {"access_token": "a", "expires_at": END.timestamp()}
    assert received(200, {**both, "expires_in": 60}).expires_at == NOW + timedelta(seconds=60)
    for nothing in (0, -1, "", None, "soon"):
        assert received(200, {**both, "expires_in": nothing}).expires_at == END


def test_an_end_that_has_passed_or_is_beyond_ten_years_starts_no_storm() -> None:
    assert (
        received(200, {"access_token": "a", "expires_at": (NOW - timedelta(minutes=1)).timestamp()}).expires_at is None
    )
    assert received(200, {"access_token": "a", "expires_at": 1e300}).expires_at == NOW + LONGEST_LIFETIME


def test_an_absolute_end_stands_where_the_dialect_says() -> None:
    answered = {"access_token": "a", "valid": {"until": "2030-01-01T01:00:00Z"}}
    assert received(200, answered, expires_at_field="/valid/until").expires_at == END


def answered(*dates: datetime | str, **headers: str) -> HttpResponse:
    shown = [d if isinstance(d, str) else format_datetime(d.astimezone(UTC), usegmt=True) for d in dates]
    return HttpResponse(200, "", (*(("Date", d) for d in shown), *headers.items()), b"")


@pytest.mark.parametrize("minutes", [-10, 0, 10])
def test_a_servers_clock_that_is_wrong_by_ten_minutes_is_evened_out_by_its_date(minutes: int) -> None:
    theirs = NOW + timedelta(minutes=minutes)
    stated = {"expires_at": (theirs + timedelta(minutes=5)).timestamp()}
    assert expiry(stated, answered(theirs), NOW, Values()) == NOW + timedelta(minutes=5)


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_lifetime_does_not_depend_on_the_servers_clock(minutes: int) -> None:
    theirs = NOW + timedelta(minutes=minutes)
    assert expiry({"expires_in": 300}, answered(theirs), NOW, Values()) == NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    "response",
    [
        answered(),
        answered("yesterday"),
        answered(""),
        answered(NOW + timedelta(days=2)),
        answered(NOW, NOW),
        answered(NOW - timedelta(minutes=10), Age="600"),
    ],
    ids=["none", "unreadable", "empty", "days away", "two", "kept by a cache"],
)
def test_a_date_that_is_not_sound_is_not_used(response: HttpResponse) -> None:
    assert date_of(response, NOW) is None
    assert expiry({"expires_at": END.timestamp()}, response, NOW, Values()) == END
