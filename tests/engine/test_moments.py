from datetime import UTC, datetime, timedelta

import pytest

from callout.core.errors import DefinitionError
from callout.engine.moments import moment, past

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("30m", NOW - timedelta(minutes=30)),
        ("4w", NOW - timedelta(weeks=4)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T12:00:00+02:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
    ],
)
def test_a_time_is_how_long_ago_or_a_date_and_time(text, read):
    assert moment(text, NOW, "since") == past(text, NOW, "since") == read


@pytest.mark.parametrize("text", ["", "soon", "5", "-5m", "999999w", "0001-01-01T00:00:00+23:59", "2026-13-01"])
def test_what_is_no_time_is_refused_at_its_place(text):
    with pytest.raises(DefinitionError, match=r"since: got .*; expected how long ago"):
        moment(text, NOW, "since")


def test_a_time_to_come_is_no_past():
    with pytest.raises(DefinitionError, match="which is to come"):
        past("2026-06-02", NOW, "before")
