from datetime import timedelta

import pytest

from callout.core.errors import Refused
from callout.core.oauth2 import introspected_from
from callout.core.protocol import Values
from callout.core.secret import Secret, reveal
from tests.core.oauth2.answers import NOW, SECRET, received
from tests.play import answer


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
        bearer_token_types="example",
    )
    assert reveal(token.access_token) == "2YotnFZFEjr1zCsicMWpAA"
    assert token.refresh_token == Secret("tGzv3JOkF0XG5Qx2TlKWIA")
    assert (token.token_type, token.issued_at, token.scope) == ("Bearer", NOW, None)
    assert token.expires_at == NOW + timedelta(hours=1)


def test_a_form_answer_is_read_too() -> None:
    token = received(200, "access_token=abc&token_type=bearer&scope=repo", "application/x-www-form-urlencoded; a=b")
    assert (reveal(token.access_token), token.scope, token.expires_at) == ("abc", "repo", None)


@pytest.mark.parametrize("refresh_token", ["", None, 5, {}])
def test_a_refresh_token_that_is_no_text_is_none(refresh_token: object) -> None:
    assert received(200, {"access_token": "a", "refresh_token": refresh_token}).refresh_token is None


@pytest.mark.parametrize("member", ["access_token", "refresh_token"])
@pytest.mark.parametrize("breaking", ["a\r\nX-Evil: 1", "a\n", "\0", "é", "\ud800", "a\tb"])
def test_a_token_that_no_header_can_hold_is_refused_and_not_shown(member: str, breaking: str) -> None:
    with pytest.raises(Refused) as caught:
        received(200, {"access_token": "fine", member: f"c4n4ry{breaking}"})
    error = caught.value
    assert error.reason.code == "token_endpoint_refused"
    assert member in error.detail
    assert "c4n4ry" not in error.detail


@pytest.mark.parametrize("kind", ["text/plain", "text/html", "application/x-www-form-urlencoded", None])
def test_json_is_read_whatever_the_media_type_says(kind: str | None) -> None:
    assert reveal(received(200, {"access_token": "abc"}, kind).access_token) == "abc"


@pytest.mark.parametrize("kind", ["text/plain;charset=utf-8", None])
def test_a_form_is_read_where_the_media_type_says_plain_text_or_nothing(kind: str | None) -> None:
    token = received(200, "access_token=abc&expires_in=60&refresh_token=r%2B1", kind)
    assert (reveal(token.access_token), token.refresh_token) == ("abc", Secret("r+1"))
    assert token.expires_at == NOW + timedelta(seconds=60)


def test_json_that_begins_with_a_byte_order_mark_is_read() -> None:
    assert reveal(received(200, b"\xef\xbb\xbf" + b'{"access_token": "abc"}').access_token) == "abc"


@pytest.mark.parametrize("status", [200, 201, 203])
def test_a_token_may_come_with_201_and_203_too(status: int) -> None:
    assert reveal(received(status, {"access_token": "abc"}).access_token) == "abc"


@pytest.mark.parametrize("status", [202, 204, 206, 301, 400])
def test_a_token_in_an_answer_that_is_no_success_is_not_taken(status: int) -> None:
    with pytest.raises(Refused):
        received(status, {"access_token": "abc"})


def test_tokens_stand_where_the_dialect_says() -> None:
    answered = {"data": {"a/b": "abc", "renewal": "r", "life": "90"}, "access_token": "not this one"}
    dialect = {
        "access_token_field": "/data/a~1b",
        "refresh_token_field": "/data/renewal",
        "expires_in_field": "/data/life",
    }
    token = received(200, answered, **dialect)
    assert (reveal(token.access_token), token.refresh_token) == ("abc", Secret("r"))
    assert token.expires_at == NOW + timedelta(seconds=90)


def test_what_introspection_says_is_read() -> None:
    body = '{"active": true, "scope": "a b", "client_id": "c", "sub": "s", "exp": 1893456060}'
    found = introspected_from(answer(200, body), Values(), scrub=())
    assert (found.active, found.scope, found.client_id, found.subject) == (True, "a b", "c", "s")
    assert found.expires_at == NOW + timedelta(seconds=60)
    assert not introspected_from(answer(200, '{"active": false}'), Values(), scrub=()).active


@pytest.mark.parametrize(
    ("status", "body"), [(200, "{}"), (200, '{"active": "yes"}'), (200, ""), (404, "no"), (500, "")]
)
def test_an_introspection_answer_that_says_nothing_is_refused(status: int, body: str) -> None:
    with pytest.raises(Refused) as caught:
        introspected_from(answer(status, body), Values(), scrub=(SECRET,))
    assert f"introspection endpoint answered {status}" in caught.value.detail
    assert "expected 200 with a boolean member active" in caught.value.detail
