from datetime import UTC, datetime

import pytest

from callout.core.errors import Refused
from callout.core.formula.credential import look_up, private_key_of, short_field, short_fields_of
from callout.core.formula.scope import SHORT_FIELDS
from callout.core.formula.values import UnfitError
from callout.core.key_pair import KeyPair
from callout.core.protocol import Token, Values
from callout.core.protocols.basic import Basic
from callout.core.protocols.custom import Custom
from callout.core.protocols.oauth2_client_credentials import OAuth2ClientCredentials
from callout.core.secret import Secret, reveal

BASIC = Values(secrets={"username": Secret("Aladdin"), "password": Secret("open sesame")})
OAUTH = Values({"scope": "all"}, {"client_id": Secret("the-client"), "client_secret": Secret("the-secret")})
TOKEN = Token(Secret("t0ken"), datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Username", "Aladdin"),
        ("Password", "open sesame"),
        ("AuthorizationMethod", "Basic"),
        ("AuthorizationHeaderValue", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
    ],
)
def test_the_short_fields_of_basic_authentication(field: str, value: str) -> None:
    assert reveal(short_field(field, Basic, BASIC, None)) == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("OAuthToken", "t0ken"),
        ("OAuthConsumerKey", "the-client"),
        ("AuthorizationMethod", "Bearer"),
        ("AuthorizationHeaderValue", "t0ken"),
    ],
)
def test_the_short_fields_of_oauth(field: str, value: str) -> None:
    assert reveal(short_field(field, OAuth2ClientCredentials, OAUTH, TOKEN)) == value


def test_with_other_protocols_nothing_is_said_of_the_authorization() -> None:
    assert short_fields_of(Custom) == {"AuthorizationMethod", "AuthorizationHeaderValue"}
    assert {short_field(field, Custom, Values(), None) for field in short_fields_of(Custom)} == {""}


@pytest.mark.parametrize(("field", "protocol"), [("Password", OAuth2ClientCredentials), ("OAuthToken", Basic)])
def test_a_field_of_another_protocol_is_refused_with_those_that_there_are(field: str, protocol: type) -> None:
    with pytest.raises(Refused, match=f"got \\$Credential.{field}; expected a field that protocol {protocol.name} has"):
        short_field(field, protocol, BASIC, TOKEN)


def test_every_short_field_has_a_meaning_with_some_protocol() -> None:
    assert short_fields_of(Basic) | short_fields_of(OAuth2ClientCredentials) == SHORT_FIELDS.keys()


@pytest.mark.parametrize("name", ["AccessToken", "OAuthToken"])
def test_the_issued_token_is_a_parameter_where_the_protocol_obtains_one(name: str) -> None:
    assert reveal(look_up(OAUTH, TOKEN, OAuth2ClientCredentials, "X", "X", name)) == "t0ken"
    assert look_up(Values({name: "set"}), None, Custom, "X", "X", name) == "set"
    assert look_up(OAUTH, None, OAuth2ClientCredentials, "X", "X", name) == Secret("")  # a dry run


def test_secrets_come_before_parameters_and_another_credential_never_comes() -> None:
    both = Values({"a": "parameter", "b": "b"}, {"a": Secret("secret")})
    assert look_up(both, None, Custom, "X", "X", "a") == Secret("secret")
    assert look_up(both, None, Custom, "X", "X", "b") == "b"
    with pytest.raises(Refused, match=r"got \$Credential.Y.a; expected a name of \$Credential.X"):
        look_up(both, None, Custom, "X", "Y", "a")
    with pytest.raises(Refused, match=r"got \$Credential.X.c, which has no value; known names: a, a, b") as error:
        look_up(both, None, Custom, "X", "X", "c")
    assert "secret" not in error.value.detail


def test_a_key_is_that_of_a_parameter_for_certificates_and_of_no_other_that_holds_its_name() -> None:
    pairs = {name: KeyPair(name.title(), "", Secret(name)) for name in ("signing_certificate", "tenant")}
    values = Values({name: pair.name for name, pair in pairs.items()}, key_pairs=pairs)
    assert reveal(private_key_of(values, Custom, "Signing_Certificate")) == "signing_certificate"
    with pytest.raises(UnfitError) as caught:
        private_key_of(values, Custom, "Tenant")
    assert "Tenant" not in caught.value.expected
