"""Installation access tokens, as GitHub Docs has them: "Create an installation access token for an app"."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from callout.core.errors import Refused
from callout.core.message import HttpRequest
from callout.core.protocol import Moment, Values
from callout.core.protocols.github_app import GitHubApp
from callout.core.secret import reveal
from tests.core.jose.test_signing import decoded, judge
from tests.keys import key_pair, private_key
from tests.play import answer, play

NOW = datetime(2016, 7, 11, 21, 14, 10, tzinfo=UTC)
MOMENT = Moment(NOW, entropy=bytes(32))
#: The example answer of the REST API reference, shortened.
ANSWER = {
    "token": "ghs_16C7e42F292c6912E7710c838347Ae178B4a",
    "expires_at": "2016-07-11T22:14:10Z",
    "permissions": {"issues": "write", "contents": "read"},
    "repository_selection": "selected",
}
#: What the conformance suite answers with.
CONFORMING = answer(201, json.dumps({"token": "c4n4ry-Zq7-issued", "expires_at": "2030-01-01T01:00:00Z"}))
WHICH = {"app_id": "Iv23liExample", "installation_id": "42"}


def protocol(**parameters: str) -> GitHubApp:
    return GitHubApp(Values({**WHICH, **parameters}, {}, {"signing_certificate": key_pair("RSA")}))


def asked(**parameters: str) -> HttpRequest:
    _, (request,) = play(protocol(**parameters).obtain(MOMENT, None), answer(201, json.dumps(ANSWER)))
    return request


def header(request: HttpRequest, name: str) -> str:
    return reveal(dict(request.headers)[name])


def test_the_app_asks_for_a_token_of_the_installation() -> None:
    request = asked()
    assert (request.method, request.url) == ("POST", "https://api.github.com/app/installations/42/access_tokens")
    assert header(request, "Accept") == "application/vnd.github+json"
    assert json.loads(request.body) == {}


def test_the_jwt_of_the_app_holds_from_a_minute_ago_for_less_than_ten_from_now() -> None:
    method, _, token = header(asked(), "Authorization").partition(" ")
    head, claims, signature = token.split(".")
    assert (method, json.loads(decoded(head))) == ("Bearer", {"alg": "RS256", "typ": "JWT"})
    now = int(NOW.timestamp())
    assert json.loads(decoded(claims)) == {"iss": "Iv23liExample", "iat": now - 60, "exp": now + 540}
    judge(private_key("RSA").public_key(), "RS256", f"{head}.{claims}".encode(), decoded(signature))


def test_tokens_may_be_for_some_repositories_and_permissions_alone() -> None:
    request = asked(repositories="hello-world other", permissions="contents:read issues:write")
    assert json.loads(request.body) == {
        "repositories": ["hello-world", "other"],
        "permissions": {"contents": "read", "issues": "write"},
    }


def test_an_enterprise_server_is_asked_under_its_own_url() -> None:
    request = asked(api_url="https://github.acme.example/api/v3/")
    assert request.url == "https://github.acme.example/api/v3/app/installations/42/access_tokens"


def test_the_token_is_read_with_its_end_and_sent_as_a_bearer_token() -> None:
    token, _ = play(protocol().obtain(MOMENT, None), answer(201, json.dumps(ANSWER)))
    assert token.expires_at == NOW + timedelta(hours=1)
    sent = protocol().apply(HttpRequest("GET", "https://api.github.com/user"), token, MOMENT)
    assert header(sent, "Authorization") == f"Bearer {ANSWER['token']}"


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "A JSON web token could not be decoded"),
        (404, "Not Found"),
        (422, "The permissions requested are not granted"),
    ],
)
def test_what_github_says_against_it_is_told(status: int, message: str) -> None:
    with pytest.raises(Refused, match=message) as refused:
        play(protocol().obtain(MOMENT, None), answer(status, json.dumps({"message": message})))
    assert refused.value.reason.code == "token_endpoint_refused"


def test_a_key_that_is_no_rsa_key_is_refused() -> None:
    wrong = GitHubApp(Values(WHICH, {}, {"signing_certificate": key_pair("P-256")}))
    with pytest.raises(Refused, match="RS256"):
        next(wrong.obtain(MOMENT, None))
