"""What every OAuth protocol does alike: refresh first, discovery, proofs of a key, revocation and introspection."""

import json
from urllib.parse import parse_qsl

import pytest

from callout.core.errors import Refused
from callout.core.message import HttpRequest, HttpResponse
from callout.core.oauth2 import TokenRefused
from callout.core.protocol import Moment, Needs, Token, Values
from callout.core.protocols.oauth2_client_credentials import OAuth2ClientCredentials
from callout.core.protocols.oauth2_refresh_token import OAuth2RefreshToken
from callout.core.protocols.oauth2_token_exchange import OAuth2TokenExchange
from callout.core.secret import Secret, reveal
from tests.core.jose.test_signing import decoded
from tests.core.oauth2 import rfc9449
from tests.core.oauth2.answers import NOW
from tests.keys import key_pair
from tests.play import answer, play

URL = "https://id.example/token"
MOMENT = Moment(NOW, entropy=bytes(range(32)))
HELD = Token(Secret("old"), NOW, refresh_token=Secret("r1"))
DISCOVERED = {"issuer": "https://id.example"}


def values(**parameters: str) -> Values:
    given = {"client_id": Secret("c"), "client_secret": Secret("s"), "subject_token": Secret("subject")}
    pairs = {"dpop_certificate": key_pair(), "signing_certificate": key_pair()}
    return Values(parameters, {**given, "refresh_token": Secret("r0")}, pairs)


def exchange(**parameters: str) -> OAuth2TokenExchange:
    return OAuth2TokenExchange(values(token_endpoint=URL, **parameters))


def granted(**members: object) -> HttpResponse:
    return answer(200, json.dumps({"access_token": "fresh", "token_type": "Bearer", **members}))


def error(code: str, status: int = 400) -> HttpResponse:
    return answer(status, json.dumps({"error": code}))


def kinds(requests: list[HttpRequest]) -> list[str]:
    return [dict(parse_qsl(reveal(request.body)))["grant_type"].rpartition(":")[2] for request in requests]


def test_a_refresh_token_that_an_answer_brought_is_spent_first() -> None:
    token, requests = play(exchange().obtain(MOMENT, HELD), granted())
    assert kinds(requests) == ["refresh_token"]
    assert token.refresh_token == Secret("r1")
    assert play(exchange().obtain(MOMENT, HELD), granted(refresh_token="r2"))[0].refresh_token == Secret("r2")


@pytest.mark.parametrize("code", ["invalid_grant", "invalid_scope", "unauthorized_client", "unsupported_grant_type"])
def test_where_it_is_over_the_grant_itself_is_asked_for(code) -> None:
    token, requests = play(exchange().obtain(MOMENT, HELD), error(code), granted())
    assert kinds(requests) == ["refresh_token", "token-exchange"]
    assert token.refresh_token is None


@pytest.mark.parametrize("refusal", [error("invalid_client", 401), error("invalid_grant", 503), answer(500)])
def test_any_other_refusal_of_it_stands(refusal) -> None:
    with pytest.raises(TokenRefused):
        play(exchange().obtain(MOMENT, HELD), refusal)


def test_a_grant_that_has_no_refresh_token_by_its_definition_spends_none() -> None:
    _, requests = play(OAuth2ClientCredentials(values(token_endpoint=URL)).obtain(MOMENT, HELD), granted())
    assert kinds(requests) == ["client_credentials"]


def test_what_is_spent_can_be_asked_for_anew_so_a_lost_answer_loses_nothing() -> None:
    assert (OAuth2TokenExchange.spends, exchange().grant(HELD)) == (False, None)


METADATA = answer(200, json.dumps({**DISCOVERED, "token_endpoint": URL, "revocation_endpoint": f"{URL}/revoke"}))


def test_the_token_endpoint_is_discovered_once_for_a_refresh_and_the_grant_after_it() -> None:
    protocol = OAuth2TokenExchange(values(**DISCOVERED))
    _, requests = play(protocol.obtain(MOMENT, HELD), METADATA, error("invalid_grant"), granted())
    assert [(request.method, request.url) for request in requests[1:]] == [("POST", URL)] * 2
    assert requests[0].method == "GET"


def test_tokens_are_revoked_where_the_metadata_says_and_not_where_it_says_nothing() -> None:
    protocol = OAuth2ClientCredentials(values(**DISCOVERED))
    kind, asking = protocol.revocation(Token(Secret("a1"), NOW), MOMENT)
    assert (kind, next(asking).method, asking.send(METADATA).url) == ("access_token", "GET", f"{URL}/revoke")
    _, asking = protocol.revocation(Token(Secret("a1"), NOW), MOMENT)
    next(asking)
    with pytest.raises(StopIteration) as ended:
        asking.send(answer(200, json.dumps(DISCOVERED)))
    assert ended.value.value is None


def test_without_an_endpoint_and_an_issuer_nothing_is_revoked_or_asked() -> None:
    token = Token(Secret("a1"), NOW)
    assert exchange().revocation(token, MOMENT) is None
    assert exchange(revocation_endpoint=f"{URL}/revoke").revocation(None, MOMENT) is None
    assert exchange().introspection(token, MOMENT) is None


def test_the_refresh_token_is_revoked_where_there_is_one_else_the_access_token() -> None:
    protocol = exchange(revocation_endpoint=f"{URL}/revoke", introspection_endpoint=f"{URL}/ask")
    for token, kind, text in ((HELD, "refresh_token", "r1"), (Token(Secret("a1"), NOW), "access_token", "a1")):
        named, asking = protocol.revocation(token, MOMENT)
        body = dict(parse_qsl(reveal(next(asking).body)))
        assert (named, body["token"], body["token_type_hint"]) == (kind, text, kind)
    request = next(protocol.introspection(HELD, MOMENT))
    assert (request.url, "token=old" in reveal(request.body)) == (f"{URL}/ask", True)


# --- tokens that are bound to a key ----------------------------------------------------------------------------

BOUND = {"dpop_certificate": "device"}


def said(request: HttpRequest) -> dict:
    proof = reveal(dict(request.headers)["DPoP"])
    return json.loads(decoded(proof.split(".")[1]))


def challenged(nonce: str) -> HttpResponse:
    return HttpResponse(400, "", (("DPoP-Nonce", nonce),), rfc9449.TOKEN_CHALLENGE.encode())


def test_a_token_request_proves_the_key_and_is_sent_once_more_with_the_nonce_that_is_wanted() -> None:
    bound = granted(token_type="DPoP")
    token, requests = play(exchange(**BOUND).obtain(MOMENT, None), challenged("n-1"), bound)
    first, second = map(said, requests)
    assert (first["htm"], first["htu"], "nonce" in first) == ("POST", URL, False)
    assert (second["nonce"], second["jti"] != first["jti"]) == ("n-1", True)
    assert token.token_type == "DPoP"


def test_a_nonce_that_is_wanted_twice_is_a_refusal() -> None:
    with pytest.raises(TokenRefused) as refused:
        play(exchange(**BOUND).obtain(MOMENT, None), challenged("n-1"), challenged("n-2"))
    assert refused.value.error == "use_dpop_nonce"


def test_a_refresh_proves_the_key_too() -> None:
    protocol = OAuth2RefreshToken(values(token_endpoint=URL, client_authentication="none", **BOUND))
    _, (request,) = play(protocol.obtain(MOMENT, HELD), granted(token_type="dpop"))
    assert said(request)["htu"] == URL


def test_no_proof_is_made_where_tokens_are_bound_to_nothing() -> None:
    _, (request,) = play(exchange().obtain(MOMENT, None), granted())
    assert "DPoP" not in dict(request.headers)
    assert (exchange().needs({}), exchange().needs(BOUND)) == (Needs.NOTHING, Needs.HEAD)


def test_a_bound_token_is_sent_with_a_proof_for_this_request_and_the_nonce_that_was_heard() -> None:
    token = Token(Secret(rfc9449.ACCESS_TOKEN), NOW, token_type="DPoP")
    asked = HttpRequest("GET", "https://rs.example/orders?page=2")
    moment = Moment(NOW, entropy=bytes(32), nonce="n-9")
    sent = exchange(**BOUND).apply(asked, token, moment)
    assert reveal(dict(sent.headers)["Authorization"]) == f"DPoP {rfc9449.ACCESS_TOKEN}"
    claims = said(sent)
    assert (claims["htu"], claims["nonce"]) == ("https://rs.example/orders", "n-9")
    assert claims["ath"] == rfc9449.RESOURCE_PROOF_CLAIMS["ath"]


def test_an_answer_brings_a_nonce_and_says_whether_it_alone_was_wanted() -> None:
    protocol = exchange(**BOUND)
    assert protocol.heard(200, {"dpop-nonce": "n-1"}) == "n-1"
    assert protocol.heard(200, {}) is None
    assert protocol.challenged(401, {"dpop-nonce": "n-1", "www-authenticate": rfc9449.RESOURCE_CHALLENGE})
    assert not protocol.challenged(401, {"www-authenticate": 'DPoP error="invalid_token"'})


@pytest.mark.parametrize(
    ("parameters", "kind", "remedy"),
    [
        ({}, "mac", "Say in bearer_token_types that mac means Bearer here"),
        ({}, "N_A", "Say in bearer_token_types"),
        ({}, "DPoP", "Give dpop_certificate"),
        (BOUND, "Bearer", "bind tokens of this client (DPoP), or remove dpop_certificate"),
    ],
)
def test_a_token_that_would_be_sent_wrongly_is_refused(parameters, kind, remedy) -> None:
    with pytest.raises(Refused, match="token_type") as refused:
        play(exchange(**parameters).obtain(MOMENT, None), granted(token_type=kind, issued_token_type="urn:x"))
    assert refused.value.reason.code == "token_endpoint_refused"
    assert remedy in refused.value.remedies[0].text
    assert "'urn:x'" in refused.value.detail


@pytest.mark.parametrize("kind", ["bearer", "BEARER", None, ""])
def test_bearer_is_meant_in_any_case_and_where_nothing_is_said(kind) -> None:
    assert play(exchange().obtain(MOMENT, None), granted(token_type=kind))[0].token_type == "Bearer"


def test_a_type_that_means_bearer_here_can_be_declared() -> None:
    bot = exchange(bearer_token_types="bot user")
    assert play(bot.obtain(MOMENT, None), granted(token_type="bot"))[0].token_type == "Bearer"
