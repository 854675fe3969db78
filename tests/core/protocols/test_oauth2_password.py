"""The password grant: the request of RFC 6749 section 4.3.2, and a wrong password that is not repeated."""

import json
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest

from callout.core.errors import Refused
from callout.core.protocol import Moment, Token, Values
from callout.core.protocols.oauth2_password import OAuth2Password
from callout.core.refresh.state import secret_names
from callout.core.secret import Secret, reveal
from tests.play import answer, play

NOW = datetime(2030, 1, 1, tzinfo=UTC)
MOMENT = Moment(NOW)
HELD = Token(Secret("old"), NOW, refresh_token=Secret("tGzv3JOkF0XG5Qx2TlKWIA"))
GRANTED = answer(200, json.dumps({"access_token": "fresh", "token_type": "Bearer"}))
INVALID = answer(400, '{"error": "invalid_grant"}')


def protocol() -> OAuth2Password:
    texts = {"client_id": "s6BhdRkqt3", "client_secret": "gX1fBat3bV", "username": "johndoe", "password": "A3ddj3w"}
    secrets = {name: Secret(text) for name, text in texts.items()}
    return OAuth2Password(Values({"token_endpoint": "https://server.example.com/token"}, secrets))


def test_the_request_of_rfc_6749_section_4_3_2_is_sent() -> None:
    _, (request,) = play(protocol().obtain(MOMENT, None), GRANTED)
    assert reveal(request.body) == "grant_type=password&username=johndoe&password=A3ddj3w"
    assert reveal(dict(request.headers)["Authorization"]) == "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW"
    assert "A3ddj3w" not in repr(request)


def test_a_refresh_token_spares_the_password_until_it_is_over() -> None:
    _, requests = play(protocol().obtain(MOMENT, HELD), INVALID, GRANTED)
    kinds = [dict(parse_qsl(reveal(request.body)))["grant_type"] for request in requests]
    assert kinds == ["refresh_token", "password"]


def test_a_wrong_password_is_not_sent_again_before_it_is_set_anew() -> None:
    with pytest.raises(Refused) as refused:
        play(protocol().obtain(MOMENT, None), INVALID)
    assert refused.value.reason.code == "reconnect_required"
    assert secret_names(OAuth2Password)[0] == "password"
