"""JWT bearer assertions: the request of RFC 7523 section 2.1 with the claims of its section 4."""

import json
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest

from callout.core.errors import Refused
from callout.core.protocol import Moment, Values, required_secrets
from callout.core.protocols.oauth2_jwt_bearer import OAuth2JwtBearer
from callout.core.secret import Secret, reveal
from tests.core.jose.test_signing import decoded, judge
from tests.keys import key_pair, private_key
from tests.play import answer, play

URL = "https://authz.example.net/token.oauth2"
MOMENT = Moment(datetime.fromtimestamp(1300815780, UTC), entropy=bytes(range(32)))
GRANTED = answer(200, json.dumps({"access_token": "fresh", "token_type": "Bearer"}))
#: RFC 7523 section 4: the claims of the example assertion, and its header.
RFC_7523_CLAIMS = {
    "iss": "https://jwt-idp.example.com",
    "sub": "mailto:mike@example.com",
    "aud": "https://jwt-rp.example.net",
    "nbf": 1300815780,
    "exp": 1300819380,
    "http://claims.example.com/member": True,
}
RFC_7523_HEADER = {"alg": "ES256", "kid": "16"}


def asked(secrets: dict | None = None, **parameters: str):
    pairs = {"signing_certificate": key_pair(kid="16")}
    given = {name: Secret(text) for name, text in (secrets or {}).items()}
    protocol = OAuth2JwtBearer(Values({"token_endpoint": URL, **parameters}, given, pairs))
    _, (request,) = play(protocol.obtain(MOMENT, None), GRANTED)
    body = dict(parse_qsl(reveal(request.body)))
    header, claims, _ = body["assertion"].split(".")
    return request, body, json.loads(decoded(header)), json.loads(decoded(claims))


def test_the_assertion_of_rfc_7523_section_4_is_sent_as_section_2_1_says() -> None:
    declared = {f"claims.{name}": json.dumps(value) for name, value in RFC_7523_CLAIMS.items()}
    declared |= {"claims.nbf": "1300815780", "claims.exp": "1300819380", "claims.iat": "", "claims.jti": ""}
    request, body, header, claims = asked(**declared, **{"header_claims.typ": ""})
    assert (header, claims) == (RFC_7523_HEADER, RFC_7523_CLAIMS)
    assert body.keys() == {"grant_type", "assertion"}
    assert body["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert "Authorization" not in dict(request.headers)
    message, _, signature = body["assertion"].rpartition(".")
    judge(private_key().public_key(), "ES256", message.encode(), decoded(signature))


def test_what_is_not_declared_is_the_client_the_endpoint_and_two_minutes() -> None:
    _, body, _, claims = asked({"client_id": "c"})
    assert {name: claims[name] for name in ("iss", "sub", "aud")} == {"iss": "c", "sub": "c", "aud": URL}
    assert claims["exp"] - claims["iat"] == 120
    assert body["client_id"] == "c"
    assert asked(**{"claims.iss": "bot@example.com"})[3]["sub"] == "bot@example.com"


def test_the_audience_may_be_several_as_json() -> None:
    given = {"claims.iss": "c", "claims.aud": f'["{URL}", "https://authz.example.net"]'}
    assert asked(**given)[3]["aud"] == [URL, "https://authz.example.net"]


def test_the_client_may_prove_itself_beside_the_assertion_with_another_one() -> None:
    _, body, _, claims = asked({"client_id": "c"}, client_authentication="private_key_jwt")
    proof = json.loads(decoded(body["client_assertion"].split(".")[1]))
    assert proof["iss"] == claims["iss"] == "c"
    assert proof["jti"] != claims["jti"]


def test_who_signs_is_the_client_unless_a_claim_says_so_and_a_secret_is_needed_only_to_prove_the_client() -> None:
    assert required_secrets(OAuth2JwtBearer) == {"client_id"}
    assert required_secrets(OAuth2JwtBearer, {"claims.iss": "c"}) == frozenset()
    proving = {"client_authentication": "client_secret_post"}
    assert required_secrets(OAuth2JwtBearer, proving) == {"client_id", "client_secret"}


def test_who_signs_has_to_be_said() -> None:
    with pytest.raises(Refused, match=r"got neither client_id nor claims\.iss") as refused:
        asked()
    assert refused.value.reason.code == "principal_not_configured"


def test_an_invalid_grant_names_what_to_compare() -> None:
    protocol = OAuth2JwtBearer(
        Values({"token_endpoint": URL, "claims.iss": "c"}, {}, {"signing_certificate": key_pair()})
    )
    with pytest.raises(Refused, match="invalid_grant") as refused:
        play(protocol.obtain(MOMENT, None), answer(400, '{"error": "invalid_grant"}'))
    assert refused.value.reason.code == "token_endpoint_refused"
    assert "claims.aud" in refused.value.remedies[0].text
