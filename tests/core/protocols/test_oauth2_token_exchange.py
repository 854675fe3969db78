"""Token exchange: the requests of RFC 8693 section 2.3 and appendix A, and where its tokens come from."""

import json
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest

from callout.core.errors import Refused
from callout.core.protocol import Moment, Values, required_secrets
from callout.core.protocols.oauth2_token_exchange import OAuth2TokenExchange
from callout.core.secret import Redactable, Secret, reveal
from tests.core.jose.test_signing import decoded
from tests.keys import key_pair
from tests.play import answer, play

URL = "https://as.example.com/as/token.oauth2"
MOMENT = Moment(
    datetime(2030, 1, 1, tzinfo=UTC), bytes(32), lambda text: Redactable.of(text.replace("{!token}", "from-a-formula"))
)
#: RFC 8693 section 2.3: the example exchange.
RFC_8693_REQUEST = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "resource": "https://backend.example.com/api",
    "subject_token": "accVkjcJyb4BWCxGsndESCJQbdFMogUC5PbRDqceLTC",
    "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
}
RFC_8693_ANSWER = {
    "access_token": "eyJhbGciOiJFUzI1NiIsImtpZCI6IjllciJ9.eyJhdWQiOiJodHRwczovL2JhY2tlbmQuZXhhbXBsZS5jb20ifQ.x",
    "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
    "token_type": "Bearer",
    "expires_in": 60,
}
SUBJECT = {"subject_token": RFC_8693_REQUEST["subject_token"]}


def protocol(secrets: dict[str, str], **parameters: str) -> OAuth2TokenExchange:
    given = {name: Secret(text) for name, text in {"client_id": "rs08", "client_secret": "s", **secrets}.items()}
    return OAuth2TokenExchange(
        Values({"token_endpoint": URL, **parameters}, given, {"signing_certificate": key_pair()})
    )


def sent(secrets: dict[str, str], **parameters: str) -> dict[str, str]:
    flow = protocol(secrets, **parameters).obtain(MOMENT, None)
    _, (request,) = play(flow, answer(200, json.dumps(RFC_8693_ANSWER)))
    return dict(parse_qsl(reveal(request.body)))


def test_the_request_of_section_2_3_is_sent_and_its_answer_is_the_token() -> None:
    exchange = protocol(SUBJECT, resource="https://backend.example.com/api")
    token, (request,) = play(exchange.obtain(MOMENT, None), answer(200, json.dumps(RFC_8693_ANSWER)))
    assert dict(parse_qsl(reveal(request.body))) == RFC_8693_REQUEST
    assert reveal(token.access_token) == RFC_8693_ANSWER["access_token"]
    assert RFC_8693_REQUEST["subject_token"] not in repr(request)


def test_an_actor_acts_with_a_token_of_its_own() -> None:
    body = sent({**SUBJECT, "actor_token": "act"}, actor_token_type="jwt", requested_token_type="id_token")
    assert (body["actor_token"], body["actor_token_type"]) == ("act", "urn:ietf:params:oauth:token-type:jwt")
    assert body["requested_token_type"] == "urn:ietf:params:oauth:token-type:id_token"
    assert "actor_token_type" not in sent(SUBJECT)
    assert sent(SUBJECT, actor_token_formula="{!token}")["actor_token"] == "from-a-formula"


def test_the_subject_token_may_be_what_a_formula_says() -> None:
    body = sent({}, subject_token_from="formula", subject_token_formula="{!token}", subject_token_type="urn:own:type")
    assert (body["subject_token"], body["subject_token_type"]) == ("from-a-formula", "urn:own:type")


def test_the_subject_token_may_be_a_jwt_that_is_signed_for_the_request() -> None:
    body = sent(
        {}, subject_token_from="signed", audience="orders", **{"claims.sub": "alice", "claims.may_act": '{"sub": "x"}'}
    )
    claims = json.loads(decoded(body["subject_token"].split(".")[1]))
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("rs08", "alice", URL)
    assert claims["may_act"] == {"sub": "x"}
    assert body["subject_token_type"] == "urn:ietf:params:oauth:token-type:jwt"
    assert body["audience"] == "orders"


def test_which_secrets_are_needed_depends_on_where_the_subject_token_comes_from() -> None:
    assert "subject_token" in required_secrets(OAuth2TokenExchange)
    assert "subject_token" not in required_secrets(OAuth2TokenExchange, {"subject_token_from": "signed"})


@pytest.mark.parametrize("code", ["invalid_grant", "invalid_request"])
def test_an_invalid_grant_is_about_the_subject_token(code: str) -> None:
    """RFC 8693 section 2.2.2: a subject or actor token that is invalid for any reason is `invalid_request`."""
    with pytest.raises(Refused) as refused:
        play(protocol(SUBJECT).obtain(MOMENT, None), answer(400, json.dumps({"error": code})))
    assert "subject token" in refused.value.remedies[0].text
