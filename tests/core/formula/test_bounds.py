"""No formula takes unbounded time or memory, and none raises anything but its own error."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callout.core.formula import FormulaError, parse
from callout.core.formula.functions import FUNCTIONS
from callout.core.formula.template import LONGEST_SOURCE, parse_callers
from callout.core.formula.values import LONGEST_VALUE, Use
from callout.core.secret import reveal
from tests.core.formula.evaluation import plain, scope

TOKENS = [
    *(f"{name}(" for name in FUNCTIONS),
    *"()+-*/^&=<>!,",
    "&&", "||", "<=", "<>", "'a'", "'SHA-256'", "1", "2.5", "TRUE", "FALSE", "NOW()",
    "$Credential.X.Key", "$Credential.X.Body", "$Credential.Password", "$User.Id", " ", "/*", "*/", "'", "}", "\n",
]  # fmt: skip


@settings(max_examples=400)
@given(st.lists(st.sampled_from(TOKENS), max_size=30).map("".join), st.sampled_from(list(Use)))
def test_any_row_of_tokens_is_evaluated_or_refused_with_a_place_inside_it(formula: str, use: Use) -> None:
    source = "{!" + formula + "}"
    error = error_of(source, use)
    if error is not None:
        line = source.split("\n")[error.line - 1]
        assert 1 <= error.column <= len(line) + 1
        assert error.pointed.endswith("^")


def error_of(source: str, use: Use) -> FormulaError | None:
    try:
        template = parse(source) if use is Use.CUSTOM_HEADER else parse_callers(source, use)
        assert len(reveal(template.evaluate(scope()))) <= LONGEST_VALUE
    except FormulaError as error:
        return error
    return None


LEAVES = {
    "String": st.sampled_from(["'a'", "''", "$Credential.X.Key", "$User.Id", "'12'", "'2026-01-01 00:00:00'"]),
    "Number": st.sampled_from(["0", "1", "2.5", "9999999999"]),
    "Boolean": st.sampled_from(["TRUE", "FALSE"]),
    "Blob": st.sampled_from(["$Credential.X.Body", "BLOB('x')"]),
    "DateTime": st.just("NOW()"),
}


@st.composite
def expression(draw, kind: str, depth: int = 3) -> str:
    """Draw an expression of a type, of the table's functions and of operators."""
    makers = [f for f in FUNCTIONS.values() if f.result == kind and Use.CUSTOM_HEADER in f.uses and f.name != "SIGN"]
    if depth == 0 or draw(st.booleans()):
        return draw(LEAVES[kind])
    if draw(st.booleans()):
        function = draw(st.sampled_from(makers))
        types = [p.choices or draw(st.sampled_from(p.types)) for p in function.parameters]
        arguments = [repr(t[0]) if isinstance(t, tuple) else draw(expression(str(t), depth - 1)) for t in types]
        return f"{function.name}({', '.join(arguments)})"
    one, two = draw(expression(kind, depth - 1)), draw(expression(kind, depth - 1))
    operators = {"String": "&+", "Blob": "&", "Number": "+-*/^", "Boolean": ["&&", "||", "="], "DateTime": []}[kind]
    if not operators:
        return f"IF({draw(expression('Boolean', depth - 1))}, {one}, {two})"
    return f"({one} {draw(st.sampled_from(operators))} {two})"


@settings(max_examples=300)
@given(st.data())
def test_what_has_the_right_types_is_read_and_fails_with_its_own_error_alone(data: st.DataObject) -> None:
    formula = data.draw(expression("String"))
    template = parse("{!" + formula + "}")  # never refused: the types are right
    with suppress(FormulaError):  # such as a division by zero
        template.evaluate(scope(b"body"))


@pytest.mark.parametrize(
    "formula",
    [
        "SUBSTITUTE(LPAD('', 32768, 'a'), 'a', LPAD('', 32768, 'a'))",
        "LPAD('a', 1000000000)",
        "TEXT(9 ^ 9 ^ 9 ^ 9)",
        "TEXT(ROUND(1 / 3, 1000000))",
        "BASE64ENCODE(" + " & ".join(["$Credential.X.Body"] * 100) + ")",
    ],
)
def test_what_would_grow_without_end_is_refused_at_once(formula: str) -> None:
    with pytest.raises(FormulaError):
        parse("{!" + formula + "}").evaluate(scope(b"x" * 1_000_000))


def test_a_long_body_is_digested_whole_and_joined_to_a_little() -> None:
    text = "{!HEX(HASH('SHA-256', BLOB('v0:1:') & $Credential.X.Body))}"
    assert len(reveal(parse(text).evaluate(scope(b"x" * 1_000_000)))) == 64


@pytest.mark.parametrize("opening", ["!", "-", "(", "IF(TRUE,", "'a'&(", "NOT(", "1+(", "{!"])
def test_deep_or_endless_openings_break_nothing(opening: str) -> None:
    with pytest.raises(FormulaError):
        parse("{!" + (opening * LONGEST_SOURCE)[: LONGEST_SOURCE - 3] + "}")


def test_a_value_of_the_longest_length_passes() -> None:
    assert len(plain("{!LPAD('a', 32768)}")) == LONGEST_VALUE
