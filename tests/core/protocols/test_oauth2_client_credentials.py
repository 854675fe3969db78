import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from callout.core.errors import Refused
from callout.core.message import HttpRequest
from callout.core.protocol import Moment, Token, Values
from callout.core.protocols.oauth2_client_credentials import OAuth2ClientCredentials
from callout.core.secret import Redactable, Secret, reveal
from tests.play import answer, play

NOW = datetime(2030, 1, 1, tzinfo=UTC)
MOMENT = Moment(NOW)
#: RFC 6749 section 4.4.3.
GRANTED = answer(
    200,
    json.dumps(
        {
            "access_token": "2YotnFZFEjr1zCsicMWpAA",
            "token_type": "example",
            "expires_in": 3600,
            "example_parameter": "example_value",
        }
    ),
)


def protocol(client_id: str = "s6BhdRkqt3", client_secret: str = "gX1fBat3bV", **parameters: str):
    secrets = {"client_id": Secret(client_id), "client_secret": Secret(client_secret)}
    return OAuth2ClientCredentials(
        Values(
            {"token_endpoint": "https://server.example.com/token", "bearer_token_types": "example", **parameters},
            secrets,
        )
    )


def sent(request: HttpRequest) -> tuple[dict[str, str], str]:
    return {name: reveal(value) for name, value in request.headers}, reveal(request.body)


def test_the_request_of_rfc_6749_section_4_4_2_is_sent() -> None:
    _, (request,) = play(protocol().obtain(MOMENT, None), GRANTED)
    headers, body = sent(request)
    assert (request.method, request.url) == ("POST", "https://server.example.com/token")
    assert headers["Authorization"] == "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert body == "grant_type=client_credentials"


def test_the_answer_of_rfc_6749_section_4_4_3_is_the_token() -> None:
    token, _ = play(protocol().obtain(MOMENT, None), GRANTED)
    assert reveal(token.access_token) == "2YotnFZFEjr1zCsicMWpAA"
    assert (token.expires_at, token.refresh_token) == (NOW + timedelta(hours=1), None)


def test_the_credentials_go_into_the_body_where_the_server_wants_them_there() -> None:
    flow = protocol(client_authentication="client_secret_post", client_secret="7Fj&p=").obtain(MOMENT, None)
    _, (request,) = play(flow, GRANTED)
    headers, body = sent(request)
    assert "Authorization" not in headers
    assert body == "grant_type=client_credentials&client_id=s6BhdRkqt3&client_secret=7Fj%26p%3D"


def test_id_and_secret_are_form_encoded_before_they_are_joined_for_basic() -> None:
    _, (request,) = play(protocol("a:b c", "p+w%/é").obtain(MOMENT, None), GRANTED)
    encoded = sent(request)[0]["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(encoded) == b"a%3Ab+c:p%2Bw%25%2F%C3%A9"


@pytest.mark.parametrize(("scope", "body"), [("", ""), ("orders.read a:b", "&scope=orders.read+a%3Ab")])
def test_a_scope_is_asked_for_where_one_is_set(scope: str, body: str) -> None:
    _, (request,) = play(protocol(scope=scope).obtain(MOMENT, None), GRANTED)
    assert sent(request)[1] == "grant_type=client_credentials" + body


def test_a_stale_token_is_replaced_by_asking_again() -> None:
    stale = Token(Secret("old"), NOW, refresh_token=Secret("unused"))
    _, (fresh,) = play(protocol().obtain(MOMENT, None), GRANTED)
    _, (again,) = play(protocol().obtain(MOMENT, stale), GRANTED)
    assert again == fresh


def test_the_token_is_sent_as_a_bearer_token() -> None:
    request = HttpRequest("GET", "https://a.example/x", (("authorization", Redactable.of("mine")),))
    ready = protocol().apply(request, Token(Secret("2Yotn"), NOW, token_type="example"), MOMENT)
    assert [(name, reveal(value)) for name, value in ready.headers] == [("Authorization", "Bearer 2Yotn")]
    assert ready.headers[0][1].redacted == "Bearer …"


def test_a_dry_run_shows_where_the_token_would_stand() -> None:
    shown = protocol().apply(HttpRequest("GET", "https://a.example/x"), None, MOMENT)
    assert [(name, value.redacted) for name, value in shown.headers] == [("Authorization", "Bearer …")]


def test_a_refusal_says_what_the_server_said_without_the_secret() -> None:
    said = answer(401, json.dumps({"error": "invalid_client", "error_description": "not gX1fBat3bV"}))
    with pytest.raises(Refused) as refused:
        play(protocol().obtain(MOMENT, None), said)
    assert refused.value.reason.code == "token_endpoint_refused"
    assert "error 'invalid_client' ('not …')" in refused.value.detail
    assert "client_id and client_secret" in refused.value.remedies[0].text


@pytest.mark.parametrize("missing", ["client_id", "client_secret"])
def test_nothing_is_sent_where_a_secret_is_not_set(missing: str) -> None:
    values = protocol().values
    secrets = {name: value for name, value in values.secrets.items() if name != missing}
    with pytest.raises(Refused, match=missing) as refused:
        next(OAuth2ClientCredentials(Values(values.parameters, secrets)).obtain(MOMENT, None))
    assert refused.value.reason.code == "principal_not_configured"
