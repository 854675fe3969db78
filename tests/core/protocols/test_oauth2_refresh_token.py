import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest

from callout.core.errors import Refused
from callout.core.oauth2 import TokenRefused
from callout.core.protocol import Moment, Token, Values
from callout.core.protocols.oauth2_refresh_token import OAuth2RefreshToken
from callout.core.secret import Secret, reveal
from tests.play import answer, play

NOW = datetime(2030, 1, 1, tzinfo=UTC)
MOMENT = Moment(NOW)
HELD = Token(Secret("old-access"), NOW - timedelta(hours=1), refresh_token=Secret("second"))


def protocol(**parameters: str) -> OAuth2RefreshToken:
    secrets = {
        "client_id": Secret("s6BhdRkqt3"),
        "client_secret": Secret("gX1fBat3bV"),
        "refresh_token": Secret("first"),
    }
    return OAuth2RefreshToken(Values({"token_endpoint": "https://server.example.com/token", **parameters}, secrets))


def granted(**members: str):
    return answer(200, json.dumps({"access_token": "fresh", "token_type": "Bearer", **members}))


def sent(request) -> dict[str, str]:
    return dict(parse_qsl(reveal(request.body)))


@pytest.mark.parametrize(("held", "spent"), [(None, "first"), (HELD, "second")])
def test_the_newest_refresh_token_is_sent_as_rfc_6749_section_6_says(held, spent) -> None:
    _, (request,) = play(protocol(scope="orders.read").obtain(MOMENT, held), granted())
    assert sent(request) == {"grant_type": "refresh_token", "refresh_token": spent, "scope": "orders.read"}
    assert ("Authorization", "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW") in [(n, reveal(v)) for n, v in request.headers]


def test_a_rotated_refresh_token_takes_the_place_of_the_one_that_was_spent() -> None:
    token, _ = play(protocol().obtain(MOMENT, HELD), granted(refresh_token="third"))
    assert token.refresh_token is not None
    assert reveal(token.refresh_token) == "third"


@pytest.mark.parametrize("members", [{}, {"refresh_token": ""}, {"refresh_token": None}])
def test_an_answer_without_a_refresh_token_leaves_the_one_that_was_sent_in_use(members) -> None:
    token, _ = play(protocol().obtain(MOMENT, HELD), granted(**members))
    assert token.refresh_token is not None
    assert reveal(token.refresh_token) == "second"


def test_invalid_grant_says_that_a_new_connection_is_needed() -> None:
    with pytest.raises(Refused) as refused:
        play(protocol().obtain(MOMENT, HELD), answer(400, '{"error": "invalid_grant", "error_description": "second"}'))
    assert refused.value.reason.code == "reconnect_required"
    assert "invalid_grant" in refused.value.detail
    assert "second" not in refused.value.detail


def test_another_refusal_is_the_token_endpoint_s() -> None:
    with pytest.raises(Refused) as refused:
        play(protocol().obtain(MOMENT, HELD), answer(401, '{"error": "invalid_client"}'))
    assert refused.value.reason.code == "token_endpoint_refused"


@pytest.mark.parametrize("body", ['{"error": "invalid_grant"}', "Internal Server Error"])
def test_a_5xx_never_says_that_a_new_connection_is_needed(body) -> None:
    with pytest.raises(TokenRefused) as refused:
        play(protocol().obtain(MOMENT, HELD), answer(500, body))
    assert (refused.value.reason.code, refused.value.transient) == ("token_endpoint_unreachable", True)


def test_a_reconnect_is_told_with_the_error_and_status_of_the_answer() -> None:
    with pytest.raises(TokenRefused) as refused:
        play(
            protocol(reconnect_errors="bad_refresh_token").obtain(MOMENT, HELD),
            answer(200, '{"error": "bad_refresh_token"}'),
        )
    told = refused.value
    assert (told.reason.code, told.error, told.status, told.transient) == (
        "reconnect_required",
        "invalid_grant",
        200,
        False,
    )


def test_a_refresh_has_the_dialects_own_parameters() -> None:
    asked = protocol(**{"refresh_request_parameters.device": "d1", "audience": "https://api"})
    _, (request,) = play(asked.obtain(MOMENT, HELD), granted())
    assert sent(request)["device"] == "d1"
    assert sent(request)["audience"] == "https://api"


REVOKING = {"revocation_endpoint": "https://server.example.com/revoke"}


@pytest.mark.parametrize(("held", "revoked"), [(None, "first"), (Token(Secret("a"), NOW), "first"), (HELD, "second")])
def test_the_newest_refresh_token_is_the_one_that_is_revoked(held, revoked) -> None:
    kind, asking = protocol(**REVOKING).revocation(held, MOMENT)
    assert (kind, sent(next(asking))["token"]) == ("refresh_token", revoked)


def test_introspection_asks_about_the_access_token() -> None:
    asking = protocol(introspection_endpoint="https://server.example.com/ask").introspection(HELD, MOMENT)
    assert sent(next(asking))["token"] == "old-access"
