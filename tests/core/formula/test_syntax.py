import pytest

from callout.core.formula import FormulaError, parse
from callout.core.formula.syntax import DEEPEST
from tests.core.formula.evaluation import plain


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("''", ""),
        ("'a'", "a"),
        ('"a"', "a"),
        ('"it\'s"', "it's"),
        ("'say \"x\"'", 'say "x"'),
        (r"'it\'s'", "it's"),
        (r'"say \"x\""', 'say "x"'),
        (r"'a\\b'", r"a\b"),
        (r"'a\\'", "a\\"),
        (r"'a\tb\Tc'", "a\tb\tc"),
        ("'é€𝄞'", "é€𝄞"),
        ("'a' & 'b' & 'c'", "abc"),
        ("'a' + 'b'", "ab"),
        ("'a'&'b'+\"c\"", "abc"),
        ("'a' & ('b' & 'c')", "abc"),
        ("(('a'))", "a"),
        ("/* first */ 'a' /* then */ & 'b'", "ab"),
        ("\t'a'\r\n\f&\n'b' ", "ab"),
        ("$Credential.X.tenant", "acme"),
        ("$CREDENTIAL.X.tenant & $credential.X.tenant", "acmeacme"),
        ("$Credential.ns__My_EC.Some_Key2", "packaged"),
        ("hex(Blob('a'))", "61"),
        ("HEX ( BLOB ( 'a' ) )", "61"),
    ],
)
def test_the_language_reads_as_salesforce_formulas_do(formula: str, value: str) -> None:
    assert plain("{!" + formula + "}") == value


def test_line_break_escapes_mean_line_breaks() -> None:
    assert plain(r"{!HEX(BLOB('\n\r\N\R'))}") == "0a0d0a0d"


@pytest.mark.parametrize(
    ("formula", "column", "got", "expected"),
    [
        ("'a' 'b'", 7, "\"'b'\"", "'&' or another operator or the end of the formula"),
        ("'a' - 'b'", 3, "a String beside '-'", "a Number or a DateTime: wrap it in VALUE or LEN"),
        ("'a' && 'b'", 3, "a String beside '&&'", "a Boolean: a comparison"),
        (
            "'a' & & 'b'",
            9,
            "'&'",
            "a text in quotes, a number, $Credential.ExternalCredential.Parameter, a function or '('",
        ),
        ("'a' &", 8, "the end of the formula", "a text in quotes"),
        ("& 'a'", 3, "'&'", "a text in quotes"),
        ("1", 3, "a Number", "a String: wrap it in TEXT"),
        ("('a'", 7, "the end of the formula", "'&' or another operator or ')'"),
        ("'a')", 6, "')'", "'&' or another operator or the end of the formula"),
        ("HEX(BLOB('a')", 16, "the end of the formula", "'&' or another operator, ',' or ')'"),
        ("HEX(BLOB('a'),)", 17, "')'", "a text in quotes"),
        (r"'a\qb'", 5, r"escape \q", r"one of \n \r \t \' \" \\"),
        ("'a\nb'", 5, "a line break in a text", r"\n or \r in its place"),
        ("User", 3, "name User", "$Credential.ExternalCredential.Parameter"),
        ("Credential.X.Key", 3, "name Credential.X.Key", "$Credential.ExternalCredential.Parameter"),
        ("HEX", 3, "HEX without arguments", "HEX(blob)"),
        (
            "$Api.Session",
            3,
            "global $Api",
            "$Credential.ExternalCredential.Parameter, $User.Field, $Organization.Field, $Request.Field or $Callout.Field",
        ),
        ("$User.Emial", 3, "$User.Emial", "a field: Id, Username, Email, Name; did you mean Email?"),
        ("$User", 3, "$User", "$User and a field: Id, Username, Email, Name"),
        ("$Organization.", 3, "$Organization.", "$Organization and a field: Id, Name"),
        ("$", 3, "global $", "$Credential.ExternalCredential.Parameter"),
        ("$Credential", 3, "$Credential", "$Credential.ExternalCredential.Parameter"),
        ("$Credential.Pasword", 3, "$Credential.Pasword", "did you mean Password?"),
        ("$Credential.X.", 3, "$Credential.X.", "$Credential.ExternalCredential.Parameter"),
        ("$Credential..Key", 3, "$Credential..Key", "$Credential.ExternalCredential.Parameter"),
        ("$Credential.X.Key.y", 3, "$Credential.X.Key.y", "$Credential.ExternalCredential.Parameter"),
        ("$Credential.X.1st", 3, "$Credential.X.1st", "$Credential.ExternalCredential.Parameter"),
        ("$Credential.X.Body", 3, "a Blob", "a String: wrap it in BASE64ENCODE or HEX"),
        ("1" * 31, 3, "a number of 31 characters", "at most 30 on each side of the point"),
        ("$Request.Body", 3, "$Request.Body", "a field: Method, Path, Query, Target, Url, Host"),
        ("$Callout.Key", 3, "$Callout.Key", "a field: Id, Nonce"),
        ("'x' & HMACC('a')", 9, "function HMACC", "did you mean HMAC?"),
        ("base64('a')", 3, "function base64", "did you mean BASE64"),
        ("HTMLENCODE('a')", 3, "HTMLENCODE in a custom header", "one of ABS, AND, BASE64DECODE"),
        ("Qx('a')", 3, "function Qx", "one of ABS"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_what_was_expected(
    formula: str, column: int, got: str, expected: str
) -> None:
    with pytest.raises(FormulaError) as error:
        parse("{!" + formula + "}")
    assert (error.value.line, error.value.column, error.value.got) == (1, column, got)
    assert expected in error.value.expected


def test_a_place_on_a_later_line_is_counted_in_the_whole_text() -> None:
    with pytest.raises(FormulaError) as error:
        parse("Bearer {!\n'a'\n  & ?}")
    assert (error.value.line, error.value.column, error.value.got) == (3, 5, "'?'")


def nested(levels: int) -> str:
    return "{!" + "HEX(HASH('SHA-256', BLOB(" * levels + "'a'" + ")))" * levels + "}"


def test_calls_nest_as_deep_as_any_use_and_no_deeper() -> None:
    assert len(plain(nested(DEEPEST // 3))) == 64
    with pytest.raises(FormulaError, match=f"nested more than {DEEPEST} deep"):
        parse(nested(DEEPEST // 3 + 1))


@pytest.mark.parametrize("text", ["{!" + "(" * 1900 + "'a'" + ")" * 1900 + "}", "{!'a'" + "&'b'" * 970 + "}"])
def test_long_formulas_that_are_not_deep_are_read(text: str) -> None:
    assert plain(text).startswith("a")


@pytest.mark.parametrize("text", ["{!" + "'a'&(" * 600 + "'a'" + ")" * 600 + "}", nested(120), "{!" + "(" * 3000 + "}"])
def test_deep_formulas_are_refused_and_break_nothing(text: str) -> None:
    with pytest.raises(FormulaError):
        parse(text)
