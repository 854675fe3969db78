import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest

from callout.core.errors import Refused
from callout.core.oauth2 import TokenRefused
from callout.core.oauth2.authorization import AuthorizationResponse
from callout.core.protocol import Moment, Token, Values
from callout.core.protocols.oauth2_authorization_code import OAuth2AuthorizationCode
from callout.core.secret import Secret, reveal
from tests.play import answer, play

NOW = datetime(2030, 1, 1, tzinfo=UTC)
MOMENT = Moment(NOW)
HELD = Token(Secret("old-access"), NOW - timedelta(hours=1), refresh_token=Secret("tGzv3JOkF0XG5Qx2TlKWIA"))
BARE = replace(HELD, refresh_token=None, expires_at=NOW + timedelta(hours=1))
#: RFC 6749 section 4.1.4.
GRANTED = {"access_token": "2YotnFZFEjr1zCsicMWpAA", "token_type": "Bearer", "refresh_token": "tGzv3JOkF0XG5Qx2TlKWIA"}


def protocol(**parameters: str) -> OAuth2AuthorizationCode:
    secrets = {"client_id": Secret("s6BhdRkqt3"), "client_secret": Secret("gX1fBat3bV")}
    return OAuth2AuthorizationCode(
        Values({"token_endpoint": "https://server.example.com/token", **parameters}, secrets)
    )


def exchanged(*answers, **parameters: str):
    flow = protocol(**parameters).exchange(
        MOMENT, Secret("SplxlOBeZQQYbYS6WxSbIA"), redirect_uri="https://c.example/cb", code_verifier=Secret("verifier")
    )
    return play(flow, *answers)


def sent(request) -> dict[str, str]:
    return dict(parse_qsl(reveal(request.body)))


def test_a_code_is_exchanged_for_a_token_and_no_scope_is_asked_for_again() -> None:
    token, (request,) = exchanged(answer(200, json.dumps(GRANTED)), scope="a b")
    assert sent(request) == {
        "grant_type": "authorization_code",
        "code": "SplxlOBeZQQYbYS6WxSbIA",
        "redirect_uri": "https://c.example/cb",
        "code_verifier": "verifier",
    }
    assert reveal(token.access_token) == GRANTED["access_token"]
    assert token.refresh_token is not None


def test_neither_code_nor_verifier_shows_when_the_server_echoes_them() -> None:
    echo = json.dumps({"error": "invalid_grant", "error_description": "SplxlOBeZQQYbYS6WxSbIA for verifier"})
    with pytest.raises(TokenRefused) as refused:
        exchanged(answer(400, echo))
    assert "SplxlOBeZQQYbYS6WxSbIA" not in str(refused.value)
    assert "verifier" not in refused.value.detail


def test_nobody_has_authorized_yet() -> None:
    with pytest.raises(Refused) as refused:
        next(protocol().obtain(MOMENT, None))
    assert refused.value.reason.code == "authorization_required"


def test_the_refresh_token_is_spent_with_the_scope() -> None:
    token, (request,) = play(protocol(scope="a").obtain(MOMENT, HELD), answer(200, json.dumps(GRANTED)))
    assert sent(request) == {"grant_type": "refresh_token", "refresh_token": "tGzv3JOkF0XG5Qx2TlKWIA", "scope": "a"}
    assert reveal(token.access_token) == GRANTED["access_token"]


@pytest.mark.parametrize(("granted", "asked"), [("a b c", "a b"), ("b a", "a b"), ("a", None), ("A,B", None)])
def test_a_refresh_never_asks_for_more_scope_than_was_granted(granted: str, asked: str | None) -> None:
    """RFC 6749 section 6: the scope must not include any that was not granted; left out, it is what was granted."""
    held = replace(HELD, scope=granted)
    token, (request,) = play(protocol(scope="a b").obtain(MOMENT, held), answer(200, '{"access_token": "fresh"}'))
    assert sent(request).get("scope") == asked
    assert token.scope == granted
    narrowed = answer(200, '{"access_token": "fresh", "scope": "a"}')
    assert play(protocol(scope="a b").obtain(MOMENT, held), narrowed)[0].scope == "a"


def test_an_answer_without_a_refresh_token_leaves_the_one_that_was_sent_in_use() -> None:
    token, _ = play(protocol().obtain(MOMENT, HELD), answer(200, '{"access_token": "fresh"}'))
    assert token.refresh_token == HELD.refresh_token


def test_invalid_grant_says_that_a_new_connection_is_needed() -> None:
    with pytest.raises(Refused) as refused:
        play(protocol().obtain(MOMENT, HELD), answer(400, '{"error": "invalid_grant"}'))
    assert refused.value.reason.code == "reconnect_required"


def test_a_token_that_has_expired_without_a_refresh_token_needs_a_new_connection() -> None:
    with pytest.raises(Refused, match="has expired") as refused:
        next(protocol().obtain(MOMENT, replace(BARE, expires_at=NOW)))
    assert refused.value.reason.code == "reconnect_required"


@pytest.mark.parametrize("expires_at", [NOW + timedelta(hours=1), None])
def test_one_refusal_of_a_token_that_cannot_be_refreshed_does_not_end_the_connection(expires_at) -> None:
    with pytest.raises(Refused, match="not expired") as refused:
        next(protocol().obtain(MOMENT, replace(BARE, expires_at=expires_at)))
    assert refused.value.reason.code == "reconnect_required"  # with its connect_url: nobody else can mend it
    assert refused.value.transient


def test_what_is_revoked_is_the_refresh_token_or_else_the_access_token() -> None:
    given = protocol(revocation_endpoint="https://server.example.com/revoke")
    kinds = [found and found[0] for found in (given.revocation(token, MOMENT) for token in (HELD, BARE, None))]
    assert kinds == ["refresh_token", "access_token", None]


METADATA = {
    "issuer": "https://id.example",
    "authorization_endpoint": "https://id.example/authorize",
    "authorization_response_iss_parameter_supported": True,
}


def asked(*answers, **parameters: str):
    flow = protocol(issuer="https://id.example", **parameters).authorization_request(
        redirect_uri="https://c.example/cb", state=Secret("xyz"), code_verifier=Secret("verifier")
    )
    return play(flow, *answers)


def test_where_the_browser_goes_is_discovered_where_it_is_not_declared() -> None:
    url, (request,) = asked(answer(200, json.dumps(METADATA)))
    assert request.url == "https://id.example/.well-known/openid-configuration"
    assert reveal(url).startswith("https://id.example/authorize?response_type=code&client_id=s6BhdRkqt3&")


def test_a_server_that_says_that_it_names_itself_is_held_to_it() -> None:
    came = AuthorizationResponse(Secret("code"))
    with pytest.raises(Refused, match="without iss"):
        play(protocol(issuer="https://id.example").authorized(came), answer(200, json.dumps(METADATA)))
    silent = {**METADATA, "authorization_response_iss_parameter_supported": False}
    code, _ = play(protocol(issuer="https://id.example").authorized(came), answer(200, json.dumps(silent)))
    assert reveal(code) == "code"
