import pytest

from callout.core.formula import FormulaError, parse
from callout.core.formula.values import LONGEST_VALUE
from callout.core.secret import REDACTED
from tests.core.formula.evaluation import evaluated, plain


@pytest.mark.parametrize(
    ("formula", "column", "got", "expected"),
    [
        ("HEX('a')", 7, "a String as argument 1 (blob) of HEX", "a Blob: wrap it in BLOB"),
        ("BLOB(BLOB('a'))", 8, "a Blob as argument 1 (text) of BLOB", "a String: wrap it in BASE64ENCODE or HEX"),
        ("HMAC('SHA-256', BLOB('a'), 'k')", 30, "a String as argument 3 (key) of HMAC", "a Blob"),
        ("HASH($Credential.X.Key & 'x', $Credential.X.Key)", 33, "a String as argument 2 (input) of HASH", "a Blob"),
        ("HEX()", 3, "0 arguments", "1 argument: HEX(blob)"),
        ("HASH('SHA-256')", 3, "1 argument", "2 arguments: HASH(algorithm, input)"),
        ("'a' & BLOB('b')", 9, "a Blob to join", "a String: wrap it in BASE64ENCODE or HEX"),
        ("BLOB('b') + 'a'", 3, "a Blob to join", "a String: wrap it in BASE64ENCODE or HEX"),
        ("HASH('SHA-256', BLOB('a'))", 3, "a Blob", "a String: wrap it in BASE64ENCODE or HEX"),
        ("HEX(HASH('MD5', BLOB('a')))", 12, "'MD5' as argument 1 (algorithm) of HASH", "'SHA-256'"),
        ("HEX(HMAC('sha256', BLOB('a'), BLOB('b')))", 12, "'sha256' as argument 1 (algorithm) of HMAC", "'SHA-256'"),
    ],
)
def test_wrong_arguments_are_refused_when_the_formula_is_defined(
    formula: str, column: int, got: str, expected: str
) -> None:
    with pytest.raises(FormulaError) as error:
        parse("{!" + formula + "}")
    assert (error.value.column, error.value.got) == (column, got)
    assert error.value.expected.startswith(expected)


@pytest.mark.parametrize(
    "formula",
    [
        "HEX(BLOB($Credential.X.Key))",
        "BASE64ENCODE(BLOB($Credential.X.User & ':' & $Credential.X.Password))",
        "BASE64ENCODE(HASH('SHA-256', BLOB('a' & $Credential.X.Key)))",
        "HEX(HMAC('SHA-256', BLOB('public'), BLOB($Credential.X.Key)))",
        "HEX(HMAC('SHA-256', BLOB($Credential.X.Key), BLOB('public')))",
        "HEX(BLOB(HEX(BLOB($Credential.X.Key))))",
    ],
)
def test_whatever_is_computed_from_a_secret_is_secret(formula: str) -> None:
    assert evaluated("{!" + formula + "}").redacted == REDACTED
    assert evaluated("{!'v1=' & " + formula + "}").redacted == f"v1={REDACTED}"


def test_what_is_computed_from_plain_values_is_shown() -> None:
    assert evaluated("{!HEX(BLOB($Credential.X.tenant))}").redacted == "61636d65"


def test_an_algorithm_that_a_secret_names_is_refused_and_not_shown() -> None:
    with pytest.raises(FormulaError) as error:
        evaluated("{!HEX(HASH($Credential.X.Algorithm, BLOB('a')))}")
    assert error.value.got == "another text as argument 1 (algorithm) of HASH"
    assert "md5" not in str(error.value)


def test_an_algorithm_that_a_parameter_names_is_shown_where_it_is_refused() -> None:
    with pytest.raises(FormulaError, match=r"got 'acme' as argument 1 \(algorithm\) of HASH; expected 'SHA-256'"):
        evaluated("{!HEX(HASH($Credential.X.tenant, BLOB('a')))}")
    assert len(plain("{!HEX(HASH('SHA' & '-256', BLOB('a')))}")) == 64


@pytest.mark.parametrize("formula", ["HEX(BLOB($Credential.X.Long))", "$Credential.X.Long & $Credential.X.Long"])
def test_no_step_of_a_computation_grows_beyond_what_a_header_may_hold(formula: str) -> None:
    long = "x" * (LONGEST_VALUE // 2 + 1)
    with pytest.raises(FormulaError, match=f"got a value of {2 * len(long)} characters; expected at most"):
        evaluated("{!HEX(HASH('SHA-256', BLOB(" + formula + ")))}", Long=long)


def test_a_blob_beyond_the_limit_is_refused_in_bytes() -> None:
    with pytest.raises(FormulaError, match=f"got a value of {2 * LONGEST_VALUE} bytes"):
        evaluated("{!HEX(BLOB($Credential.X.Long))}", Long="é" * LONGEST_VALUE)
