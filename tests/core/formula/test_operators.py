import pytest

from callout.core.formula import FormulaError, parse
from callout.core.secret import REDACTED
from tests.core.formula.evaluation import evaluated, plain


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("10 - 4 - 3", "3"),
        ("12 / 3 / 2", "2"),
        ("2 ^ 3 ^ 2", "64"),
        ("-2 + 5", "3"),
        ("--2", "2"),
        ("2 ^ -1", "0.5"),
        ("1 / 3", "0.333333333333333333"),
        ("2 / 3", "0.666666666666666667"),
        ("-1 / 3", "-0.333333333333333333"),
        (".5 + 1.25", "1.75"),
        ("0.1 + 0.2", "0.3"),
        ("1 / 3 * 3", "1"),
        ("-(1 - 1)", "0"),
    ],
)
def test_arithmetic_is_exact_and_has_the_usual_precedence(formula: str, value: str) -> None:
    assert plain("{!TEXT(" + formula + ")}") == value


@pytest.mark.parametrize(
    "formula",
    [
        "1 < 2",
        "2 <= 2",
        "3 > 2",
        "2 >= 2",
        "'a' = 'a'",
        "'a' == 'a'",
        "'a' <> 'A'",
        "'a' != 'b'",
        "TRUE",
        "!FALSE",
        "!(1 > 2)",
        "1 < 2 && 2 < 3",
        "1 > 2 || 2 < 3",
        "FALSE && FALSE || TRUE",
        "TRUE || FALSE && FALSE",
        "1 + 1 = 2",
        "BLOB('a') = BASE64DECODE('YQ==')",
        "TRUE <> FALSE",
        "NOW() > DATETIMEVALUE('2025-12-31 23:59:59')",
        "'a' & 'b' = 'ab'",
    ],
)
def test_conditions_hold(formula: str) -> None:
    assert plain("{!IF(" + formula + ", 'yes', 'no')}") == "yes"
    assert plain("{!IF(NOT(" + formula + "), 'yes', 'no')}") == "no"


def test_what_decides_is_looked_at_first_and_the_rest_not_at_all() -> None:
    broken = "HEX(BASE64DECODE('?')) = 'a'"
    assert plain("{!IF(TRUE || " + broken + ", 'yes', 'no')}") == "yes"
    assert plain("{!IF(FALSE && " + broken + ", 'yes', 'no')}") == "no"
    assert plain("{!IF(OR(TRUE, " + broken + "), 'yes', HEX(BASE64DECODE('?')))}") == "yes"
    with pytest.raises(FormulaError, match="not Base64"):
        plain("{!IF(" + broken + ", 'yes', 'no')}")


def test_a_time_moves_by_days_and_two_times_differ_by_days() -> None:
    assert plain("{!TEXT(DATETIMEVALUE('2026-01-31 00:00:00') + 1.5)}") == "2026-02-01 12:00:00Z"
    assert plain("{!TEXT(DATETIMEVALUE('2026-01-01 00:00:00') - 1 / 24)}") == "2025-12-31 23:00:00Z"
    assert plain("{!TEXT(DATETIMEVALUE('2026-01-02 12:00:00') - DATETIMEVALUE('2026-01-01 00:00:00'))}") == "1.5"


def test_the_seconds_of_the_official_example_are_exact() -> None:
    """Connect REST API guide: an `exp` of two minutes ahead."""
    formula = '{!Text(FLOOR((NOW() - DATETIMEVALUE( "1970-01-01 00:00:00" )) * 86400 + 120))}'
    assert plain(formula) == "1767225727"  # 2026-01-01T00:00:07Z is 1767225607


@pytest.mark.parametrize(
    ("formula", "column", "got", "expected"),
    [
        ("TEXT(1 - 'a')", 12, "a String beside '-'", "a Number: wrap it in VALUE or LEN"),
        ("TEXT('a' * 2)", 8, "a String beside '*'", "a Number: wrap it in VALUE or LEN"),
        ("TEXT(NOW() * 2)", 8, "a DateTime beside '*'", "a Number"),
        ("TEXT(1 - NOW())", 12, "a DateTime beside '-'", "a Number"),
        ("1 & 'a'", 3, "a Number to join", "a String: wrap it in TEXT"),
        ("'a' + 1", 9, "a Number to join", "a String: wrap it in TEXT"),
        ("'a' & TRUE", 9, "a Boolean to join", "a String: choose one with IF"),
        ("IF(1 = 'a', 'x', 'y')", 10, "a String compared with a Number", "a Number"),
        ("IF('a' < 'b', 'x', 'y')", 6, "a String beside '<'", "a Number or a DateTime, which have an order"),
        ("IF(TRUE && 1, 'x', 'y')", 14, "a Number beside '&&'", "a Boolean"),
        ("IF(!'a', 'x', 'y')", 7, "a String after '!'", "a Boolean"),
        ("TEXT(-'a')", 9, "a String after '-'", "a Number"),
        ("IF(TRUE, 'x', BLOB('y'))", 17, "a Blob as argument 3 (no) of IF", "a String"),
        ("1 < 2", 3, "a Boolean", "a String: choose one with IF"),
        ("NOW()", 3, "a DateTime", "a String: wrap it in TEXT"),
    ],
)
def test_wrong_types_are_refused_when_the_formula_is_defined(
    formula: str, column: int, got: str, expected: str
) -> None:
    with pytest.raises(FormulaError) as error:
        parse("{!" + formula + "}")
    assert (error.value.column, error.value.got) == (column, got)
    assert error.value.expected.startswith(expected)


@pytest.mark.parametrize(
    ("formula", "got"),
    [
        ("1 / (1 - 1)", "a division by zero"),
        ("0 ^ -1", "a division by zero"),
        ("2 ^ 0.5", "an exponent of another kind"),
        ("2 ^ 1000000000", "an exponent of another kind"),
        ("10 ^ 60", "a number of more than 60 digits"),
        ("(10 ^ 50) * (10 ^ 50)", "a number of more than 60 digits"),
        ("1 / 10 ^ 59 / 10 ^ 59", "a number of more than 60 digits"),
    ],
)
def test_numbers_that_cannot_be_are_refused(formula: str, got: str) -> None:
    with pytest.raises(FormulaError) as error:
        plain("{!TEXT(" + formula + ")}")
    assert error.value.got == got


def test_a_time_out_of_the_calendar_is_refused() -> None:
    with pytest.raises(FormulaError, match="a time out of the calendar"):
        plain("{!TEXT(NOW() + 10 ^ 12)}")


@pytest.mark.parametrize(
    "formula",
    [
        "IF($Credential.X.Key = 'k3y', 'yes', 'no')",
        "IF($Credential.X.Key = 'k3y' && TRUE, 'yes', 'no')",
        "IF(!($Credential.X.Key = 'k3y'), 'yes', 'no')",
        "TEXT(LEN($Credential.X.Key) + 1)",
        "TEXT(-LEN($Credential.X.Key))",
        "HEX(BLOB('a') & BLOB($Credential.X.Key))",
        "BLANKVALUE($Credential.X.Empty, 'none')",
    ],
)
def test_what_a_secret_decides_is_secret(formula: str) -> None:
    assert evaluated("{!" + formula + "}").redacted == REDACTED


def test_blobs_are_joined_to_blobs() -> None:
    assert plain("{!HEX(BLOB('a') & BASE64DECODE('Yg==') + BLOB('c'))}") == "616263"
