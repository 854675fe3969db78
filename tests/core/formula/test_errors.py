import pytest

from callout.core.errors import CalloutError
from callout.core.formula.errors import FormulaError, Place
from callout.core.reasons import Blame


@pytest.mark.parametrize(
    ("source", "offset", "line", "column"),
    [("abc", 0, 1, 1), ("abc", 3, 1, 4), ("a\nbc", 1, 1, 2), ("a\nbc", 2, 2, 1), ("a\nbc", 3, 2, 2), ("\n\n", 2, 3, 1)],
)
def test_a_place_is_counted_in_lines_and_columns_from_one(source: str, offset: int, line: int, column: int) -> None:
    error = Place(source, offset).error("x", "y")
    assert (error.line, error.column, error.source) == (line, column, source)


def test_the_message_shows_place_got_and_expected() -> None:
    assert str(FormulaError("{!?}", 2, "'?'", "a text")) == (
        "formula, line 1, column 3 (at '?}'): got '?'; expected a text"
    )


def test_the_rest_of_a_long_formula_is_not_shown() -> None:
    assert str(FormulaError("x" * 100, 0, "a", "b")).count("x") == 25  # 24, and the one of "expected"
    assert str(FormulaError("abc", 3, "a", "b")) == "formula, line 1, column 4: got a; expected b"


def test_an_admin_mends_it() -> None:
    assert isinstance(FormulaError("", 0, "a", "b"), CalloutError)
    assert FormulaError.blame is Blame.ADMIN


@pytest.mark.parametrize(
    ("source", "offset", "shown"),
    [
        ("{!FOO()}", 2, "{!FOO()}\n  ^"),
        ("secret {!FOO()} secret", 9, "{!FOO()}\n  ^"),
        ("{!'a'\n & FOO()} secret", 9, " & FOO()}\n   ^"),
        ("{!'a", 4, "{!'a\n    ^"),
        ("{!\t?}", 3, "{! ?}\n   ^"),
        ("{!" + "x" * 200 + "?" + "y" * 200 + "}", 202, "x" * 60 + "?" + "y" * 59 + "\n" + " " * 60 + "^"),
    ],
)
def test_the_place_is_pointed_to_in_the_formula_and_text_around_it_is_not_shown(
    source: str, offset: int, shown: str
) -> None:
    error = FormulaError(source, offset, "a", "b")
    assert error.pointed == shown
    assert error.whole == "\n".join((str(error), *(f"    {line}" for line in shown.splitlines())))
