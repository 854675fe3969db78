from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callout.core.refresh.idle import due_at, refusal_of_limit, seconds_of

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("limit", "seconds"), [("90s", 90), ("90m", 5400), ("12h", 43200), ("30d", 2592000)])
def test_a_limit_is_a_number_and_a_unit(limit, seconds) -> None:
    assert (seconds_of(limit), refusal_of_limit(limit)) == (seconds, None)


@pytest.mark.parametrize("limit", ["0d", "30", "d", "1.5h", "-1d", "30 d", "30d\n", "9999999d"])
def test_anything_else_is_refused(limit) -> None:
    assert "30d" in refusal_of_limit(limit)
    with pytest.raises(ValueError, match="expected a whole number with a unit"):
        seconds_of(limit)


def test_no_limit_is_no_problem() -> None:
    assert refusal_of_limit("") is None


@given(st.text(max_size=20))
def test_an_idle_token_comes_due_in_the_third_quarter_of_its_limit(name) -> None:
    assert timedelta(days=15) <= due_at(START, "30d", name) - START < timedelta(days=22.5)


def test_tokens_of_different_names_come_due_at_different_times() -> None:
    assert len({due_at(START, "30d", str(n)) for n in range(50)}) == 50
