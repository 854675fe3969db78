"""Rules over the dialect of a token endpoint: keys after a dot, JSON pointers, public clients."""

import pytest

from callout.core.protocols import CATALOGUE
from callout.core.rules.external_credentials import secret_name_problems
from tests.core.rules.test_external_credentials import TOKEN_ENDPOINT, found, orders


def problems(**parameters):
    return found(orders(parameters={**TOKEN_ENDPOINT, **parameters}))


def test_parameters_with_keys_take_any_number_of_them():
    assert problems(**{"token_request_parameters.account_id": "7", "token_request_headers.X-Api-Version": ""}) == {}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("token_request_parameters", "token_request_parameters.NAME"),
        ("token_request_parameters.", "with a NAME that can be sent"),
        ("token_request_parameters.a b", "with a NAME that can be sent"),
        ("token_request_headers.X Y", "with a NAME that can be sent"),
        ("token_request_headers.X:Y", "with a NAME that can be sent"),
        ("token_request_parameters.grant_type", "the protocol writes this one itself"),
        ("token_request_parameters.Client_Secret", "the protocol writes this one itself"),
        ("token_request_headers.content-LENGTH", "the protocol writes this one itself"),
        ("token_request_headers.Authorization", "the protocol writes this one itself"),
        ("refresh_request_parameters.a", "a parameter of oauth2_client_credentials"),
        ("scope.a", "a parameter of oauth2_client_credentials"),
    ],
)
def test_a_key_that_cannot_be_sent_or_is_the_protocols_own_is_refused(name, expected):
    assert expected in problems(**{name: "x"})[f"parameters.{name}"].expected


def test_a_value_with_a_key_takes_one_line():
    assert "parameters.token_request_headers.X" in problems(**{"token_request_headers.X": "a\r\nY: b"})


def test_a_field_is_a_json_pointer():
    assert problems(access_token_field="/data/token") == {}
    problem = problems(access_token_field="data.token")["parameters.access_token_field"]
    assert "a JSON pointer (RFC 6901)" in problem.expected
    assert "'data.token'" in problem.got


@pytest.mark.parametrize("endpoint", ["revocation_endpoint", "introspection_endpoint"])
def test_every_endpoint_is_judged_as_a_url(endpoint):
    assert f"parameters.{endpoint}" in problems(**{endpoint: "http://10.0.0.1/revoke"})
    assert problems(**{endpoint: "https://id.example.com/revoke?tenant=7"}) == {}


def names(*secrets):
    whole = "external_credentials.Orders.principals.Service.secrets."
    return {p.place.removeprefix(whole): p for p in secret_name_problems(orders(), CATALOGUE, (), "Service", secrets)}


def test_a_value_with_a_key_may_be_a_secret_instead():
    assert names("token_request_parameters.api_token", "token_request_headers.X-Api-Key") == {}


@pytest.mark.parametrize("name", ["token_request_parameters.grant_type", "other.key", "client_id.x", "a.b"])
def test_a_secret_with_another_key_is_refused(name):
    assert set(names(name)) == {name}
