import pytest

from callout.core.formula import FormulaError, Reads, parse
from callout.core.formula.template import parse_callers
from callout.core.formula.values import Use
from callout.core.secret import REDACTED
from tests.core.formula.evaluation import evaluated, plain, scope


def test_what_formulas_read_is_known_without_evaluating() -> None:
    text = (
        "{!$Credential.X.A}{!$Credential.password}{!$user.id & $Organization.Name}"
        "{!HEX(HASH('SHA-256', $Credential.X.BODY))}{!TEXT(NOW())}"
    )
    assert parse(text).reads == Reads(
        names=frozenset({("X", "A")}),
        short=frozenset({"Password"}),
        user=frozenset({"Id"}),
        organization=frozenset({"Name"}),
        bodies=frozenset({"X"}),
        time=True,
    )
    assert parse("{!'a'}").reads == Reads() == parse("").reads


def test_the_fields_of_user_and_organization_are_read() -> None:
    assert evaluated("{!$User.Name} of {!$ORGANIZATION.name}").redacted == "Alice of Acme"


def test_a_field_without_a_value_is_refused_at_its_place() -> None:
    with pytest.raises(FormulaError) as error:
        plain("by {!$User.Email}")
    assert (error.value.column, error.value.got) == (6, "$User.Email, which has no value")
    assert error.value.expected == "a value: the user's email address"


def test_short_fields_are_secret() -> None:
    assert evaluated("Basic {!$Credential.AuthorizationHeaderValue}").redacted == f"Basic {REDACTED}"


def test_the_body_is_read_as_bytes() -> None:
    template = parse("{!BASE64ENCODE($Credential.X.Body)}")
    assert template.evaluate(scope(b"\xff\x00")).redacted == REDACTED


@pytest.mark.parametrize("use", [Use.CALLER_HEADER, Use.BODY])
@pytest.mark.parametrize("name", ["$User.Id", "$Organization.Name"])
def test_what_a_caller_writes_reads_the_credential_alone(use: Use, name: str) -> None:
    with pytest.raises(FormulaError) as error:
        parse_callers("{!" + name + "}", use)
    assert error.value.got == f"global {name.partition('.')[0]} in {use}"
    assert error.value.expected == "$Credential.ExternalCredential.Parameter"
