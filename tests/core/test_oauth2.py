import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from callout.core.errors import Refused
from callout.core.oauth2 import (
    CLIENT_SECRET_BASIC,
    CLIENT_SECRET_POST,
    LONGEST_LIFETIME,
    from_sealable,
    refusal_from,
    sealable,
    token_from,
    token_request,
)
from callout.core.protocol import Token
from callout.core.secret import Secret, reveal
from tests.play import answer

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SECRET = Secret("p&ss wörd+1")


def received(status: int, body: object, content_type: str | None = "application/json") -> Token:
    text = body if isinstance(body, bytes | str) else json.dumps(body)
    return token_from(answer(status, text, content_type), NOW, scrub=(SECRET,))


def refused(status: int, body: object, content_type: str | None = "application/json") -> Refused:
    with pytest.raises(Refused) as caught:
        received(status, body, content_type)
    return caught.value


def request_with(client_authentication: str):
    return token_request(
        "https://id.example/token",
        (("grant_type", "client_credentials"),),
        client_id=Secret("my id:1"),
        client_secret=SECRET,
        client_authentication=client_authentication,
    )


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


def test_the_example_answer_of_rfc_6749_section_5_1_is_a_token() -> None:
    token = received(
        200,
        {
            "access_token": "2YotnFZFEjr1zCsicMWpAA",
            "token_type": "example",
            "expires_in": 3600,
            "refresh_token": "tGzv3JOkF0XG5Qx2TlKWIA",
            "example_parameter": "example_value",
        },
    )
    assert reveal(token.access_token) == "2YotnFZFEjr1zCsicMWpAA"
    assert token.refresh_token == Secret("tGzv3JOkF0XG5Qx2TlKWIA")
    assert (token.token_type, token.issued_at, token.scope) == ("example", NOW, None)
    assert token.expires_at == NOW + timedelta(hours=1)


def test_a_form_answer_is_read_too() -> None:
    token = received(200, "access_token=abc&token_type=bearer&scope=repo", "application/x-www-form-urlencoded; a=b")
    assert (reveal(token.access_token), token.scope, token.expires_at) == ("abc", "repo", None)


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [
        (60, 60),
        ("60", 60),
        (1.5, 1.5),
        (10**12, LONGEST_LIFETIME.total_seconds()),
        (0, None),
        (-5, None),
        (None, None),
        (True, None),
        ("soon", None),
        ("", None),
        ([60], None),
        (float("inf"), None),
        (float("nan"), None),
        (10**400, None),
        ("1e999", None),
    ],
)
def test_a_lifetime_that_is_no_positive_number_is_not_stated(expires_in: object, seconds: float | None) -> None:
    token = received(200, {"access_token": "a", "expires_in": expires_in})
    assert token.expires_at == (None if seconds is None else NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("refresh_token", ["", None, 5, {}])
def test_a_refresh_token_that_is_no_text_is_none(refresh_token: object) -> None:
    assert received(200, {"access_token": "a", "refresh_token": refresh_token}).refresh_token is None


@pytest.mark.parametrize("member", ["access_token", "refresh_token"])
@pytest.mark.parametrize("breaking", ["a\r\nX-Evil: 1", "a\n", "\0", "é", "\ud800", "a\tb"])
def test_a_token_that_no_header_can_hold_is_refused_and_not_shown(member: str, breaking: str) -> None:
    error = refused(200, {"access_token": "fine", member: f"c4n4ry{breaking}"})
    assert error.reason.code == "token_endpoint_refused"
    assert member in error.detail
    assert "c4n4ry" not in error.detail


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        ("invalid_client", "client_id and client_secret"),
        ("invalid_scope", "scope"),
        ("unauthorized_client", "grant type"),
        ("invalid_request", "Correct the client credentials, scope or token endpoint"),
        ("invalid_grant", "Correct the client credentials, scope or token endpoint"),
        ("unsupported_grant_type", "Correct the client credentials, scope or token endpoint"),
    ],
)
def test_an_error_of_rfc_6749_section_5_2_is_named_with_its_remedy(error: str, remedy: str) -> None:
    caught = refused(400, {"error": error, "error_description": "Trace 1b4e28ba-2fa1-11d2-883f-0016d3cca427"})
    assert caught.reason.code == "token_endpoint_refused"
    assert f"error {error!r} ('Trace 1b4e28ba-2fa1-11d2-883f-0016d3cca427')" in caught.detail
    assert "answered 400 (application/json)" in caught.detail
    assert remedy in caught.remedies[0].text


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (200, "token_endpoint_refused"),
        (201, "token_endpoint_refused"),
        (302, "token_endpoint_refused"),
        (401, "token_endpoint_refused"),
        (429, "token_endpoint_unreachable"),
        (500, "token_endpoint_unreachable"),
        (503, "token_endpoint_unreachable"),
    ],
)
@pytest.mark.parametrize("body", ["", "<html>Sign in</html>", "{", "[]", "null", '"x"', "[" * 100_000, b"\xff\xfe"])
def test_an_answer_without_a_token_is_refused_by_its_status(status: int, code: str, body: bytes | str) -> None:
    caught = refused(status, body, "text/html")
    assert caught.reason.code == code
    assert f"answered {status} (text/html)" in caught.detail
    assert len(caught.detail) < 1_600


def test_what_came_instead_is_said() -> None:
    assert "an empty body" in refused(200, "", None).detail
    assert "(no content type)" in refused(200, "", None).detail
    assert "body starts '<html>Sign in</html>'" in refused(200, "<html>Sign in</html>", "text/html").detail
    assert "members 'token, expires'" in refused(200, {"token": "abc", "expires": 1}).detail


TOKENS = ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "gho_16C7e42F292c6912E7710c838347Ae178B4a"]


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("body", ['{{"accessToken": "{}"}}', '{{"access_token": "{}"', "token={}", '{{"error": "{}"}}'])
def test_a_token_in_an_answer_that_was_not_understood_is_not_shown(body: str, token: str) -> None:
    assert token[:30] not in refused(400, body.format(token)).detail


@pytest.mark.parametrize("body", ["{}", '{{"error": "x", "error_description": "{}"}}', "<p>" + "é" * 290 + "{}"])
@pytest.mark.parametrize("form", ["p&ss wörd+1", "p%26ss+w%C3%B6rd%2B1"])
def test_a_client_secret_that_the_endpoint_echoes_is_not_shown(body: str, form: str) -> None:
    detail = refused(401, body.format(form)).detail
    assert "p&s" not in detail
    assert "p%26s" not in detail


@pytest.mark.parametrize("text", ["\x1b[2Jowned", "line\nline"])
def test_what_the_endpoint_says_cannot_control_a_terminal(text: str) -> None:
    assert text not in refused(400, {"error": text, "error_description": text}).detail


def test_a_huge_error_is_cut() -> None:
    detail = refused(400, {"error": "x " * 500_000, "error_description": "y " * 500_000}, "t" * 500_000).detail
    assert len(detail) < 1_000


def test_a_refusal_without_a_secret_to_hide_is_made_too() -> None:
    assert refusal_from(answer(400, "no"), scrub=()).reason.code == "token_endpoint_refused"


def test_a_token_is_the_same_after_sealing_and_opening() -> None:
    until = NOW + timedelta(hours=1)
    token = Token(Secret("a"), NOW, "Bearer", until, Secret("r"), "s")
    assert from_sealable(sealable(token), issued_at=NOW, expires_at=until) == token
    bare = Token(Secret("a"), NOW)
    assert from_sealable(sealable(bare), issued_at=NOW, expires_at=None) == bare
    assert "a" not in str(sealable(token))
