"""GitHub App: what is asked of GitHub's REST API, by the shapes that its documentation shows.

GitHub itself was not asked: its part is played here, and the app's JWT is verified with joserfc and cryptography.
"""

import json
from datetime import UTC, datetime, timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from callout.core.errors import Refused
from callout.core.message import HttpRequest
from callout.core.protocol import Moment, Token, Values
from callout.core.protocols.github_app import GitHubApp
from callout.core.secret import Secret, reveal
from tests.keys import key_pair, pem_of, private_key
from tests.play import answer, play

NOW = datetime(2030, 1, 1, tzinfo=UTC)
MOMENT = Moment(NOW, entropy=bytes(32))
#: docs.github.com, REST API, Create an installation access token for an app: 201, with these members.
CREATED = {
    "token": "ghs_16C7e42F292c6912E7710c838347Ae178B4a",
    "expires_at": "2030-01-01T01:00:00Z",
    "permissions": {"issues": "write", "contents": "read"},
    "repository_selection": "selected",
}
#: What the conformance suite answers: the same with its own token.
CONFORMING = answer(201, json.dumps({**CREATED, "token": "c4n4ry-Zq7-issued"}))
#: docs.github.com, REST API, Get a repository installation for the authenticated app: of its members, the id.
FOUND = answer(200, json.dumps({"id": 1, "account": {"login": "github"}, "app_id": 1}))


def app(**parameters: str) -> GitHubApp:
    known = {"client_id": "Iv1.8a61f9b3a7aba766", "installation_id": "42"}
    kept = {name: value for name, value in {**known, **parameters}.items() if value}
    return GitHubApp(Values(kept, {}, {"signing_certificate": key_pair("RSA")}))


def header(request: HttpRequest, name: str) -> str:
    return next(reveal(value) for known, value in request.headers if known == name)


def test_a_token_is_asked_for_with_a_jwt_that_the_apps_public_key_verifies() -> None:
    token, (request,) = play(app().obtain(MOMENT, None), answer(201, json.dumps(CREATED)))
    assert (request.method, request.url) == ("POST", "https://api.github.com/app/installations/42/access_tokens")
    key = RSAKey.import_key(pem_of(private_key("RSA")))
    proof = jwt.decode(header(request, "Authorization").removeprefix("Bearer "), key, algorithms=["RS256"])
    assert proof.header == {"alg": "RS256", "typ": "JWT"}
    seconds = int(NOW.timestamp())
    assert proof.claims == {"iat": seconds - 60, "exp": seconds + 540, "iss": "Iv1.8a61f9b3a7aba766"}
    assert json.loads(request.body) == {}
    assert header(request, "Accept") == "application/vnd.github+json"
    assert header(request, "X-GitHub-Api-Version") == "2022-11-28"
    assert reveal(token.access_token) == CREATED["token"]
    assert token.expires_at == NOW + timedelta(hours=1)


def test_an_installation_is_looked_up_by_a_repository() -> None:
    protocol = app(installation_id="", repository="octo-org/hello.world")
    _, (first, second) = play(protocol.obtain(MOMENT, None), FOUND, CONFORMING)
    assert (first.method, first.url) == ("GET", "https://api.github.com/repos/octo-org/hello.world/installation")
    assert second.url == "https://api.github.com/app/installations/1/access_tokens"
    assert header(first, "Authorization") == header(second, "Authorization")


def test_a_repository_where_the_app_is_not_installed_is_named_as_the_reason() -> None:
    flow = app(installation_id="", repository="octo-org/other").obtain(MOMENT, None)
    with pytest.raises(Refused, match="is the app installed there") as refused:
        play(flow, answer(404, json.dumps({"message": "Not Found", "status": "404"})))
    assert "Not Found" in refused.value.detail
    assert refused.value.reason.code == "token_endpoint_refused"


def test_a_token_is_limited_to_repositories_and_permissions() -> None:
    protocol = app(repositories="Hello-World docs", permissions='{"contents": "read"}')
    _, (request,) = play(protocol.obtain(MOMENT, None), CONFORMING)
    assert json.loads(request.body) == {"repositories": ["Hello-World", "docs"], "permissions": {"contents": "read"}}


def test_permissions_that_are_no_json_are_refused_before_anything_is_sent() -> None:
    with pytest.raises(Refused, match="expected a JSON object") as refused:
        next(app(permissions="{contents}").obtain(MOMENT, None))
    assert refused.value.reason.code == "principal_not_configured"


def test_an_enterprise_server_is_asked_at_its_own_url() -> None:
    _, (request,) = play(app(api_url="https://github.example/api/v3/").obtain(MOMENT, None), CONFORMING)
    assert request.url == "https://github.example/api/v3/app/installations/42/access_tokens"


def test_a_refusal_says_what_github_said() -> None:
    said = "A JSON web token could not be decoded"
    with pytest.raises(Refused, match=said):
        play(app().obtain(MOMENT, None), answer(401, json.dumps({"message": said, "status": "401"})))


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(401, "public key of signing_certificate"), (404, "installation_id"), (422, "repositories and permissions")],
)
def test_a_refusal_says_what_mends_it(status: int, remedy: str) -> None:
    with pytest.raises(Refused) as refused:
        play(app().obtain(MOMENT, None), answer(status, json.dumps({"message": "No"})))
    assert remedy in refused.value.remedies[0].text


def test_a_token_is_sent_and_revoked_with_itself() -> None:
    token = Token(Secret("ghs_x"), NOW)
    after = app().apply(HttpRequest("GET", "https://api.github.com/repos"), token, MOMENT)
    assert [(name, value.redacted) for name, value in after.headers] == [
        ("Authorization", "Bearer …"),
        ("X-GitHub-Api-Version", "2022-11-28"),
    ]
    kind, asking = app().revocation(token, MOMENT)
    request = next(asking)
    assert (kind, request.method, request.url) == (
        "access_token",
        "DELETE",
        "https://api.github.com/installation/token",
    )
    assert header(request, "Authorization") == "Bearer ghs_x"


def test_a_key_of_another_kind_is_refused() -> None:
    protocol = GitHubApp(
        Values({"client_id": "1", "installation_id": "2"}, {}, {"signing_certificate": key_pair("P-256")})
    )
    with pytest.raises(Refused, match="RS256"):
        next(protocol.obtain(MOMENT, None))
