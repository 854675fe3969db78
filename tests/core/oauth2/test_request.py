import base64
import json

import pytest

from callout.core.errors import Refused
from callout.core.oauth2.parameters import CLIENT_SECRET_BASIC, CLIENT_SECRET_POST
from callout.core.oauth2.request import client_request, token_request
from callout.core.protocol import Moment, Values
from callout.core.secret import Secret, reveal
from tests.core.oauth2.answers import NOW, SECRET

URL = "https://id.example/token"
GRANT = ("grant_type", "client_credentials")
MOMENT = Moment(NOW, entropy=bytes(32))


def values_with(*, secrets: dict[str, str] | None = None, **parameters: str) -> Values:
    kept = {name: Secret(value) for name, value in (secrets or {}).items()}
    return Values(
        {"token_endpoint": URL, **parameters}, {"client_id": Secret("my id:1"), "client_secret": SECRET, **kept}
    )


def request_with(client_authentication: str):
    return token_request(values_with(client_authentication=client_authentication), MOMENT, GRANT)


def test_a_basic_header_holds_id_and_secret_each_form_encoded() -> None:
    headers = {name: reveal(value) for name, value in request_with(CLIENT_SECRET_BASIC).headers}
    scheme, _, encoded = headers["Authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(encoded) == b"my+id%3A1:p%26ss+w%C3%B6rd%2B1"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert headers["Accept"] == "application/json"


def test_the_secret_in_the_body_is_form_encoded_and_no_header_has_it() -> None:
    request = request_with(CLIENT_SECRET_POST)
    assert reveal(request.body) == (
        "grant_type=client_credentials&client_id=my+id%3A1&client_secret=p%26ss+w%C3%B6rd%2B1"
    )
    assert [name for name, _ in request.headers] == ["Accept", "Content-Type"]
    assert "p%26ss" not in repr(request)


def test_a_public_client_names_itself_and_has_no_secret() -> None:
    values = Values({"token_endpoint": URL, "client_authentication": "none"}, {"client_id": Secret("my id:1")})
    request = token_request(values, MOMENT, GRANT)
    assert reveal(request.body) == "grant_type=client_credentials&client_id=my+id%3A1"
    assert [name for name, _ in request.headers] == ["Accept", "Content-Type"]


def test_a_client_that_should_have_a_secret_and_has_none_is_not_configured() -> None:
    values = Values({"token_endpoint": URL}, {"client_id": Secret("c")})
    with pytest.raises(Refused) as caught:
        token_request(values, MOMENT, GRANT)
    assert caught.value.reason.code == "principal_not_configured"


def test_scope_audience_and_each_resource_are_asked_for() -> None:
    values = values_with(scope="a b", audience="https://api", resource="urn:a urn:b")
    assert reveal(token_request(values, MOMENT, GRANT).body) == (
        "grant_type=client_credentials&scope=a+b&audience=https%3A%2F%2Fapi&resource=urn%3Aa&resource=urn%3Ab"
    )


def test_a_token_request_may_be_a_json_object_whose_secrets_are_not_shown() -> None:
    values = values_with(
        token_request_format="json", client_authentication="client_secret_post", resource="urn:a urn:b"
    )
    request = token_request(values, MOMENT, GRANT)
    assert dict(request.headers)["Content-Type"].redacted == "application/json"
    assert json.loads(reveal(request.body)) == {
        "grant_type": "client_credentials",
        "resource": ["urn:a", "urn:b"],
        "client_id": "my id:1",
        "client_secret": "p&ss wörd+1",
    }
    assert "p&ss" not in str(request.body)


def test_further_parameters_and_headers_are_sent_and_the_sealed_ones_not_shown() -> None:
    values = values_with(
        **{"token_request_parameters.account_id": "7", "token_request_headers.X-Version": "2"},
        secrets={"token_request_parameters.otp": "c4n4ry", "token_request_headers.X-Api-Key": "c4n4ry-key"},
    )
    request = token_request(values, MOMENT, GRANT)
    headers = dict(request.headers)
    assert reveal(request.body) == "grant_type=client_credentials&account_id=7&otp=c4n4ry"
    assert (reveal(headers["X-Version"]), reveal(headers["X-Api-Key"])) == ("2", "c4n4ry-key")
    assert "c4n4ry" not in repr(request)


def test_a_declared_header_replaces_one_that_every_request_has() -> None:
    request = token_request(values_with(**{"token_request_headers.accept": "text/plain"}), MOMENT, GRANT)
    assert [reveal(value) for name, value in request.headers if name.lower() == "accept"] == ["text/plain"]


def test_what_is_declared_for_refreshes_goes_with_them_alone_and_wins() -> None:
    values = values_with(
        **{
            "token_request_parameters.a": "1",
            "token_request_parameters.b": "1",
            "refresh_request_parameters.b": "2",
            "refresh_request_headers.X-Refresh": "yes",
        }
    )
    assert reveal(token_request(values, MOMENT, GRANT).body).endswith("&a=1&b=1")
    refresh = token_request(values, MOMENT, GRANT, refreshing=True)
    assert reveal(refresh.body).endswith("&a=1&b=2")
    assert reveal(dict(refresh.headers)["X-Refresh"]) == "yes"


def test_requests_of_one_client_bear_one_name_that_is_not_the_clients() -> None:
    first, second = token_request(values_with(), MOMENT, GRANT), token_request(values_with(scope="x"), MOMENT, GRANT)
    other = token_request(values_with(secrets={"client_id": "other"}), MOMENT, GRANT)
    assert first.client == second.client != other.client
    assert "my id" not in first.client


def test_a_request_to_another_endpoint_is_a_form_with_the_clients_proof() -> None:
    values = values_with(token_request_format="json")
    request = client_request(values, MOMENT, "https://id.example/revoke", [("token", Secret("r1"))])
    assert (request.url, reveal(request.body)) == ("https://id.example/revoke", "token=r1")
    assert "Authorization" in dict(request.headers)
    assert "r1" not in repr(request)
