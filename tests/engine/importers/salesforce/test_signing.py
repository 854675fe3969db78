"""Rows of external credentials that sign: claims, algorithms, certificates, and the settings of AWS."""

import pytest

from callout.core.model.credentials import ExternalCredential
from callout.core.model.own_certificates import Certificate
from callout.engine.importers.salesforce.claims import audiences, lifetime_in
from tests.engine.importers.salesforce.shapes import (
    TOKEN_ENDPOINT,
    Row,
    commands_of,
    definition_of,
    entry_of,
    external,
    imported_from,
    parameter,
    principal,
    variant,
)

SIGNING = parameter("SigningCertificate", "SigningCertificate", certificate="Signing")
ISSUER = parameter("JwtBodyClaim", "iss", "desk")
FORMULA = "{!Text(FLOOR((NOW() - DATETIMEVALUE( '1970-01-01 00:00:00' )) * 86400 + %s))}"


def claim(name: str, value: str, kind: str = "JwtBodyClaim", **more: str) -> Row:
    return parameter(kind, name, value, **more)


def jwt(*rows: Row):
    return external("E", "Jwt", principal(), SIGNING, *rows)


def assertion(*rows: Row):
    """A client that proves itself by a signed assertion; the first of the rows is on line 9."""
    how = variant("ClientCredentialsJwtAssertion")
    return external("E", "Oauth", how, TOKEN_ENDPOINT, principal(), SIGNING, *rows)


def made_of(file) -> ExternalCredential:
    return definition_of(imported_from(file), ExternalCredential, "E")


def refusal_of(file) -> str:
    imported = imported_from(file)
    assert imported.definitions == ()
    return "\n".join(entry_of(imported, "E").reasons)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (FORMULA % 120, "120"),
        (FORMULA.lower() % 3600, "3600"),
        ("300", "300"),
        ("1893456000", None),
        ("{!TEXT(FLOOR(NOW() - NOW()))}", None),
        ("soon", None),
    ],
)
def test_an_expiry_is_a_lifetime_where_it_counts_from_now(value: str, seconds: str | None) -> None:
    assert lifetime_in(value) == seconds


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ('"https://a.example"', ["https://a.example"]),
        ('["a", "b"]', ["a", "b"]),
        ("https://a.example", ["https://a.example"]),
        ('["a"', None),
        ("[]", None),
        ('["a", 1]', None),
        ('{"a": 1}', None),
    ],
)
def test_audiences_are_a_json_text_an_array_of_them_or_plain_text(value: str, found: list[str] | None) -> None:
    assert audiences(value) == found


def test_another_expiry_stays_a_formula() -> None:
    formula = "{!TEXT(FLOOR((NOW() - DATETIMEVALUE('1970-01-01 00:00:00')) * 86400) + 60)}"
    assert made_of(jwt(claim("exp", formula))).parameters["claims.exp"] == formula


def test_the_algorithm_stands_in_the_header_and_a_principals_claims_in_its_group() -> None:
    rows = claim("alg", "RS512", "JwtHeaderClaim"), claim("sub", "dock", parameterGroup="Service")
    made = made_of(jwt(*rows))
    assert made.parameters["signing_algorithm"] == "RS512"
    assert made.principals[0].parameters == {"claims.sub": "dock"}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (claim("aud", '["a"'), "JwtBodyClaim.aud: got '[\"a\"'; expected JSON"),
        (claim("alg", "RS257", "JwtHeaderClaim"), "did you mean 'RS256'?"),
        (claim("crit", "x", "JwtHeaderClaim"), "header_claims 'crit'"),
        (claim("sub", "{!$User.Email}"), "while principal Service is one identity for many users"),
        (claim("sub", "{!$User.FederationId}"), "expected a field: Id, Username, Email, Name"),
        (parameter("SigningCertificate", "Two", certificate="Other"), "a second signing_certificate"),
        (claim("sub", "x", parameterGroup="Sevice"), "did you mean 'Service'?"),
    ],
)
def test_a_row_that_cannot_be_kept_is_refused_with_its_line(row: Row, why: str) -> None:
    assert why in (said := refusal_of(jwt(row)))
    assert "E.externalCredential-meta.xml:7: ExternalCredential" in said


@pytest.mark.parametrize("certificate", ["", "My Cert"])
def test_a_certificate_without_a_name_that_it_can_have_is_refused(certificate: str) -> None:
    row = parameter("SigningCertificate", "SigningCertificate", certificate=certificate)
    assert "expected the name of one" in refusal_of(external("E", "Jwt", principal(), row))


def test_a_jwt_without_a_certificate_is_refused() -> None:
    assert "got no signing_certificate" in refusal_of(external("E", "Jwt", principal(), ISSUER))


def test_a_certificate_is_defined_and_its_key_asked_for() -> None:
    imported = imported_from(jwt())
    assert definition_of(imported, Certificate, "Signing").kid == ""
    assert commands_of(entry_of(imported, "E")) == ["callout certificate import Signing FILE"]


def test_what_a_protocol_does_not_use_is_told_of_with_its_line() -> None:
    rows = SIGNING, ISSUER, parameter("AwsStsPrincipal", "AwsStsPrincipal")
    notes = entry_of(imported_from(external("E", "Basic", principal(), *rows)), "E").notes
    assert notes == (
        "SigningCertificate SigningCertificate, line 6, was left out: protocol Basic does not use it",
        "JwtBodyClaim iss, line 7, was left out: protocol Basic does not use it",
        "AwsStsPrincipal AwsStsPrincipal, line 8, was left out: protocol Basic does not use it",
    )


def test_an_assertion_for_the_token_endpoint_needs_no_more() -> None:
    made = made_of(assertion(ISSUER, claim("aud", '"https://id.example.com/token"'), claim("exp", FORMULA % 120)))
    assert sorted(made.parameters) == ["client_authentication", "signing_certificate", "token_endpoint"]


def test_an_assertion_for_another_audience_names_the_issuer() -> None:
    made = made_of(assertion(claim("aud", '"https://id.example.com"')))
    assert made.parameters["issuer"] == "https://id.example.com"


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (claim("sub", "other"), "got sub 'other' and iss 'desk'; expected one client id in both"),
        (claim("aud", '"urn:exchange"'), "expected the URL of the token endpoint or of its issuer"),
        (claim("aud", '["https://a.example", "https://b.example"]'), "expected the URL of the token endpoint"),
        (claim("region", "north"), "got claim 'region'; expected iss, sub and aud alone"),
    ],
)
def test_an_assertion_that_says_more_than_who_the_client_is_is_refused(row: Row, why: str) -> None:
    assert why in refusal_of(assertion(ISSUER, row))


def test_a_bearer_assertion_without_an_issuer_asks_for_the_client_id() -> None:
    file = external("E", "Oauth", variant("JwtBearer"), TOKEN_ENDPOINT, principal(), SIGNING)
    assert "callout secret set E/Service client_id=-" in commands_of(entry_of(imported_from(file), "E"))


AWS = (parameter("AuthParameter", "AwsRegion", "eu-west-1"), parameter("AuthParameter", "AwsService", "sqs"))
STS = variant("AwsSv4_STS", "AwsSv4")


@pytest.mark.parametrize(
    ("name", "parameter_"),
    [
        ("AwsExternalId", "external_id"),
        ("AwsStsExternalId", "external_id"),
        ("AwsDuration", "duration_seconds"),
        ("AwsStsDuration", "duration_seconds"),
    ],
)
def test_settings_of_sts_have_two_spellings(name: str, parameter_: str) -> None:
    row = parameter("AuthProviderUrlQueryParameter", name, "900")
    assert made_of(external("E", "AwsSv4", STS, *AWS, row, principal())).parameters[parameter_] == "900"


def test_a_role_that_is_in_the_file_is_not_asked_for() -> None:
    role = parameter("AuthParameter", "AwsRoleArn", "arn:aws:iam::1:role/r", parameterGroup="Service")
    imported = imported_from(external("E", "AwsSv4", STS, *AWS, role, principal()))
    assert definition_of(imported, ExternalCredential, "E").principals[0].parameters["role_arn"].endswith("role/r")
    assert [item.what for item in entry_of(imported, "E").by_hand if "role_arn" in item.what] == []


def test_a_url_of_sts_is_its_endpoint() -> None:
    row = parameter("AuthProviderUrl", "AuthProviderUrl", "https://sts.example.com")
    assert made_of(external("E", "AwsSv4", STS, *AWS, row, principal())).parameters["sts_endpoint"] == (
        "https://sts.example.com"
    )


def test_an_invented_setting_of_aws_is_refused_with_the_nearest() -> None:
    said = refusal_of(external("E", "AwsSv4", *AWS, parameter("AuthParameter", "AwsRegoin", "x"), principal()))
    assert "got parameter 'AwsRegoin'" in said
    assert "did you mean 'AwsRegion'?" in said
