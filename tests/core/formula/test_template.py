import pytest
from hypothesis import given
from hypothesis import strategies as st

from callout.core.errors import Refused
from callout.core.formula import LONGEST_SOURCE, FormulaError, parse
from callout.core.formula.values import LONGEST_VALUE
from callout.core.secret import REDACTED, Redactable, Secret, reveal
from tests.core.formula.evaluation import evaluated, plain, scope_with


@pytest.mark.parametrize(
    "text", ["", "plain", "{", "}", "{}", "{ !'a'}", "a{b}c", "}{", "$Credential.X.Key", "!{x}", "é\t"]
)
def test_text_without_a_formula_stands_for_itself(text: str) -> None:
    template = parse(text)
    assert template.names == frozenset()
    assert reveal(template.evaluate(scope_with(never_asked))) == template.source == text


def never_asked(credential: str, name: str) -> str:
    raise AssertionError(credential, name)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{!'a'}", "a"),
        ("x{!'a'}y", "xay"),
        ("{!'a'}{!'b'}", "ab"),
        ("{{!'a'}}", "{a}"),
        ("{!'a'}}", "a}"),
        ("{!'}'}", "}"),
        ('{!"}"}', "}"),
        (r"{!'\'}'}", "'}"),
        ("{!'{!'}", "{!"),
        ("{!/* } */'a'}", "a"),
        ("{!'/* not a comment'}", "/* not a comment"),
        ("{!\n  'a'\n & 'b'\n}", "ab"),
        ("Bearer {!$Credential.X.Key}", "Bearer k3y"),
    ],
)
def test_formulas_are_found_in_the_text_around_them(text: str, value: str) -> None:
    assert plain(text) == value


def test_secret_parts_stay_secret_and_the_rest_is_shown() -> None:
    assert evaluated("{!'Bearer ' & $Credential.X.Key}").redacted == f"Bearer {REDACTED}"
    assert evaluated("{!$Credential.X.tenant}: {!$Credential.X.Key}!").redacted == f"acme: {REDACTED}!"
    assert not evaluated("{!$Credential.X.tenant}").is_secret
    assert evaluated("{!$Credential.X.Empty}").redacted == REDACTED


def test_the_names_that_its_formulas_read_are_known_without_evaluating() -> None:
    template = parse("{!HEX(BLOB($Credential.X.A & $credential.ns__Y.b_c))} {!$CREDENTIAL.X.A} $Credential.X.No")
    assert template.names == {("X", "A"), ("ns__Y", "b_c")}


@pytest.mark.parametrize(
    ("text", "column", "got"),
    [
        ("a{!", 2, "a formula that is not closed"),
        ("a{!'b'", 2, "a formula that is not closed"),
        ("{!'b", 3, "a text that is not closed"),
        ("{!'b}", 3, "a text that is not closed"),
        (r"{!'b\'}", 3, "a text that is not closed"),
        ("{!'b\\", 3, "a text that is not closed"),
        ("{!\"b'}", 3, "a text that is not closed"),
        ("{!/* b}", 3, "a comment that is not closed"),
        ("{!}", 3, "an empty formula"),
        ("ab{! \t}", 5, "an empty formula"),
        ("{!/* c */}", 10, "the end of the formula"),
        ("{!{!'a'}}", 3, "'{'"),
        ("{!'a' {'b'}}", 7, "'{'"),
    ],
)
def test_braces_that_do_not_match_are_refused_at_their_place(text: str, column: int, got: str) -> None:
    with pytest.raises(FormulaError) as error:
        parse(text)
    assert (error.value.line, error.value.column, error.value.got) == (1, column, got)
    assert error.value.expected


@pytest.mark.parametrize("character", ["\r", "\n", "\0", "\x1b", "\x7f", "\ud800"])
def test_a_character_that_no_header_holds_is_refused_wherever_it_comes_from(character: str) -> None:
    with pytest.raises(FormulaError, match="expected text that a header may hold"):
        parse(f"abc{character}")
    with pytest.raises(FormulaError, match="expected text that a header may hold") as error:
        evaluated("x{!$Credential.X.Bad}", Bad=f"c4n4ry{character}")
    assert error.value.column == 4
    assert "c4n4ry" not in str(error.value)


def test_line_breaks_may_be_computed_as_long_as_the_result_has_none() -> None:
    assert plain(r"{!BASE64ENCODE(BLOB('a\nb'))}") == "YQpi"
    with pytest.raises(FormulaError, match="a line feed in the value"):
        evaluated(r"{!'a\nb'}")


def test_a_source_is_as_long_as_salesforce_allows_and_no_longer() -> None:
    assert LONGEST_SOURCE == 3900
    assert parse("x" * LONGEST_SOURCE).source == "x" * LONGEST_SOURCE
    with pytest.raises(FormulaError, match="got 3901 characters; expected at most 3900"):
        parse("x" * (LONGEST_SOURCE + 1))


def test_a_result_is_never_cut_short() -> None:
    assert len(plain("{!$Credential.X.Long}", Long="x" * LONGEST_VALUE)) == LONGEST_VALUE
    with pytest.raises(FormulaError, match=f"got a value of {LONGEST_VALUE + 1} characters"):
        evaluated("{!$Credential.X.Long}", Long="x" * (LONGEST_VALUE + 1))
    with pytest.raises(FormulaError, match=f"got a value of {LONGEST_VALUE + 1} characters"):
        evaluated("x{!$Credential.X.Long}", Long="x" * LONGEST_VALUE)


def test_a_parsed_text_is_kept() -> None:
    assert parse("{!'kept'}") is parse("{!'kept'}")


def test_what_the_look_up_raises_comes_through() -> None:
    def refusing(credential: str, name: str) -> str:
        raise Refused("formula_failed", f"no {credential}.{name}")

    with pytest.raises(Refused, match=r"no X\.Nothing"):
        parse("{!$Credential.X.Nothing}").evaluate(scope_with(refusing))


HOSTILE = st.text(st.sampled_from("{}!'\"\\/*$&+(),. \n\0aXCHE") | st.characters(), max_size=60)


@given(HOSTILE)
def test_any_text_is_parsed_or_refused_with_a_place_inside_it(text: str) -> None:
    for source in (text, "{!" + text + "}"):
        error = error_of(source)
        if error is not None:
            assert 1 <= error.column <= len(source.split("\n")[error.line - 1]) + 1
            assert error.got
            assert error.expected


def error_of(source: str) -> FormulaError | None:
    try:
        parse(source)
    except FormulaError as error:
        return error
    return None


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])), st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_a_secret_never_shows_and_always_arrives(before: str, secret: str) -> None:
    quoted = before.replace("\\", "\\\\").replace("'", "\\'")
    value = parse(f"{{!'{quoted}' & $Credential.X.Key}}").evaluate(
        scope_with(lambda _credential, _name: Secret(secret))
    )
    assert reveal(value) == before + secret
    assert value == Redactable.of(before, Secret(secret))
