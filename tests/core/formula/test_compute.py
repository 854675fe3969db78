from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callout.core.formula import compute
from callout.core.formula.values import LONGEST_VALUE, UnfitError
from tests.core.formula.evaluation import plain


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("TEXT(FLOOR(-2.5))", "-2"),
        ("TEXT(CEILING(-2.5))", "-3"),
        ("TEXT(ROUND(2.5, 0))", "3"),
        ("TEXT(ROUND(-2.5, 0))", "-3"),
        ("TEXT(ROUND(1234, -2))", "1200"),
        ("TEXT(MOD(-7, 3))", "2"),
        ("TEXT(VALUE(' -1.50 '))", "-1.5"),
        ("LEFT('abc', 0) & '|'", "|"),
        ("LEFT('abc', -1) & '|'", "|"),
        ("LEFT('abc', 9)", "abc"),
        ("RIGHT('abc', 0) & '|'", "|"),
        ("MID('abcdef', 2, 3)", "bcd"),
        ("MID('abc', 0, 2)", "ab"),
        ("TEXT(FIND('b', 'abcb', 3))", "4"),
        ("TEXT(FIND('x', 'abc'))", "0"),
        ("TEXT(FIND('', 'abc'))", "0"),
        ("SUBSTITUTE('abc', '', 'x')", "abc"),
        ("LPAD('abc', 2)", "ab"),
        ("LPAD('abc', 5) & '|'", "  abc|"),
        ("LPAD('7', 6, 'ab')", "ababa7"),
        ("LPAD('7', 6, '')", "7"),
        ("RPAD('abc', 2)", "ab"),
        ("RPAD('7', 6, 'ab')", "7ababa"),
        ("TEXT(UNIXTIMESTAMP(DATETIMEVALUE('1969-12-31 23:59:59')))", "-1"),
        ("TEXT(FROMUNIXTIME(1.5))", "1970-01-01 00:00:01Z"),
        ("TEXT(DATETIMEVALUE('2030-01-31 12:00:00Z'))", "2030-01-31 12:00:00Z"),
        ("IF(ISNUMBER('1e5'), 'yes', 'no')", "no"),
    ],
)
def test_functions_give_what_salesforce_gives(formula: str, value: str) -> None:
    assert plain("{!" + formula + "}") == value


@pytest.mark.parametrize("text", ["", "a", "1e5", "0x10", "1_000", "١٢", "1" * 31, "nan", "inf"])
def test_text_that_is_no_number_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(UnfitError) as error:
        compute.value_of(text)
    assert str(error.value) == (
        "got text that is no number; expected decimal digits, at most 30 on each side of the point"
    )


@pytest.mark.parametrize(
    "text", ["2030-13-01 00:00:00", "2030-01-01", "2030-01-01T00:00:00", "", "x", "0000-01-01 00:00:00"]
)
def test_text_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UnfitError, match="got text that is no time"):
        compute.time_of(text)


def test_what_could_grow_is_measured_before_it_is_made() -> None:
    long = "a" * LONGEST_VALUE
    with pytest.raises(UnfitError, match=f"texts that make one of {LONGEST_VALUE**2} characters"):
        compute.substitute(long, "a", long)
    for pad in (compute.left_padded, compute.right_padded):
        with pytest.raises(UnfitError, match="a count of characters that is too large"):
            pad("a", Fraction(10**12))


@given(st.fractions(min_value=-(10**20), max_value=10**20, max_denominator=10**18))
def test_text_of_a_number_is_read_as_the_nearest_of_eighteen_places(number: Fraction) -> None:
    assert abs(compute.value_of(compute.text_of(number)) - number) <= Fraction(1, 2 * 10**18)


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))
def test_a_time_is_its_seconds_since_1970(time: datetime) -> None:
    aware = time.replace(tzinfo=UTC, microsecond=0)
    assert compute.from_unix_time(compute.unix_time(aware)) == aware
    assert compute.time_of(compute.text_of(aware)) == aware


def test_html_is_written_as_references() -> None:
    assert compute.html_encode("<a href='x'>\"&\"</a>") == "&lt;a href=&#39;x&#39;&gt;&quot;&amp;&quot;&lt;/a&gt;"
