import base64
from urllib.parse import quote_plus

import httpx2
import pytest

from callout.sandbox import Sandbox
from tests.sandbox.asking import CLIENT, ask_token, bearer, introspect, raw, refresh
from tests.sandbox.conftest import ODD_CLIENT, Clock

Http = httpx2.AsyncClient


async def test_a_token_is_issued_and_accepted_by_the_external_system(sandbox: Sandbox, http: Http) -> None:
    answer = await ask_token(http, sandbox, scope="orders.read")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    members = answer.json()
    assert (members["token_type"], members["expires_in"], members["scope"]) == ("Bearer", 3600, "orders.read")
    assert "refresh_token" not in members  # RFC 6749 section 4.4.3
    headers = {"Authorization": f"Bearer {members['access_token']}"}
    assert (await http.get(f"{sandbox.url}/orders", headers=headers)).status_code == 200


async def test_basic_credentials_are_form_decoded(sandbox: Sandbox, http: Http) -> None:
    pair = f"{quote_plus(ODD_CLIENT.id)}:{quote_plus(ODD_CLIENT.secret)}"
    headers = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    answer = await http.post(sandbox.token_endpoint, data={"grant_type": "client_credentials"}, headers=headers)
    assert answer.status_code == 200


async def test_basic_credentials_that_were_not_form_encoded_are_refused(sandbox: Sandbox, http: Http) -> None:
    plain = (ODD_CLIENT.id, ODD_CLIENT.secret)
    answer = await http.post(sandbox.token_endpoint, data={"grant_type": "client_credentials"}, auth=plain)
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"
    assert answer.headers["www-authenticate"].startswith("Basic ")


async def test_the_secret_is_taken_from_the_body(sandbox: Sandbox, http: Http) -> None:
    form = {"grant_type": "client_credentials", "client_id": ODD_CLIENT.id, "client_secret": ODD_CLIENT.secret}
    assert (await http.post(sandbox.token_endpoint, data=form)).status_code == 200


async def test_a_wrong_secret_in_the_body_is_refused_without_a_challenge(sandbox: Sandbox, http: Http) -> None:
    form = {"grant_type": "client_credentials", "client_id": CLIENT[0], "client_secret": "wrong"}
    answer = await http.post(sandbox.token_endpoint, data=form)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "orders.read nuclear"}, 400, "invalid_scope"),
        ({"scope": "two  spaces"}, 400, "invalid_scope"),
        ({"client_secret": "x"}, 400, "invalid_request"),  # two ways of client authentication
        ({"client_id": "another"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "unknown"}, 400, "invalid_grant"),
    ],
)
async def test_errors_have_the_codes_of_rfc_6749(
    sandbox: Sandbox, http: Http, fields: dict[str, str], status: int, error: str
) -> None:
    answer = await ask_token(http, sandbox, **fields)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


async def test_a_client_may_use_only_its_own_grants(sandbox: Sandbox, http: Http) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    answer = await http.post(sandbox.token_endpoint, data=form, auth=("read-only", "r"))
    assert answer.json()["error"] == "unauthorized_client"


@pytest.mark.parametrize(
    ("head", "body", "status", "error"),
    [
        ("Content-Type: application/json", b'{"grant_type": "client_credentials"}', 400, "invalid_request"),
        ("X-None: 1", b"grant_type=client_credentials", 400, "invalid_request"),
        ("Content-Type: application/x-www-form-urlencoded", b"a=%FF", 400, "invalid_request"),
        ("Content-Type: application/x-www-form-urlencoded", b"scope=a&scope=b", 400, "invalid_request"),
        ("Content-Type: application/x-www-form-urlencoded", b"grant_type=x", 401, "invalid_client"),
        ("Content-Type: application/x-www-form-urlencoded\r\nAuthorization: Basic %", b"a=b", 401, "invalid_client"),
        ("Content-Type: application/x-www-form-urlencoded\r\nAuthorization: Digest x", b"a=b", 401, "invalid_client"),
        ("Content-Type: application/x-www-form-urlencoded", b"a=" + b"x" * 70_000, 413, "invalid_request"),
    ],
)
async def test_malformed_token_requests_are_refused(
    sandbox: Sandbox, head: str, body: bytes, status: int, error: str
) -> None:
    start = f"POST /token HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{head}\r\nContent-Length: {len(body)}\r\n\r\n"
    answer = await raw(sandbox.issuer, start.encode() + body)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert f'"{error}"'.encode() in answer


async def test_a_secret_in_the_url_is_refused(sandbox: Sandbox, http: Http) -> None:
    form = {"grant_type": "client_credentials"}
    answer = await http.post(f"{sandbox.token_endpoint}?client_id=x&client_secret=y", data=form)
    assert answer.json()["error"] == "invalid_request"


async def test_get_is_refused_with_the_allowed_method(sandbox: Sandbox, http: Http) -> None:
    answer = await http.get(sandbox.token_endpoint)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("only", ["client_secret_basic", "client_secret_post"])
async def test_a_server_may_take_one_way_of_client_authentication_only(sandbox: Sandbox, http: Http, only: str) -> None:
    sandbox.commands.set(client_authentication=only)
    form = {"grant_type": "client_credentials"}
    basic = await http.post(sandbox.token_endpoint, data=form, auth=CLIENT)
    posted = {**form, "client_id": CLIENT[0], "client_secret": CLIENT[1]}
    post = await http.post(sandbox.token_endpoint, data=posted)
    expected = (200, 401) if only == "client_secret_basic" else (401, 200)
    assert (basic.status_code, post.status_code) == expected
    metadata = (await http.get(f"{sandbox.issuer}/.well-known/oauth-authorization-server")).json()
    assert metadata["token_endpoint_auth_methods_supported"] == [only]


async def test_a_refresh_token_rotates_and_its_reuse_revokes_the_family(sandbox: Sandbox, http: Http) -> None:
    first = sandbox.commands.consent(CLIENT[0], "alice", "orders.read")
    second = (await refresh(http, sandbox, first)).json()
    assert second["refresh_token"] != first
    assert (await introspect(http, sandbox, second["access_token"]))["sub"] == "alice"
    again = await refresh(http, sandbox, first)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert await introspect(http, sandbox, second["access_token"]) == {"active": False}
    assert (await refresh(http, sandbox, second["refresh_token"])).json()["error"] == "invalid_grant"


async def test_without_rotation_a_refresh_token_stays_valid(sandbox: Sandbox, http: Http) -> None:
    sandbox.commands.set(rotate_refresh_tokens=False)
    token = sandbox.commands.consent(CLIENT[0], "alice", "orders.read")
    for _ in range(2):
        answer = await refresh(http, sandbox, token)
        assert answer.status_code == 200
        assert "refresh_token" not in answer.json()


async def test_a_refresh_may_narrow_the_scope_but_not_widen_it(sandbox: Sandbox, http: Http) -> None:
    sandbox.commands.set(rotate_refresh_tokens=False)
    token = sandbox.commands.consent(CLIENT[0], "alice", "orders.read api")
    assert (await refresh(http, sandbox, token, scope="api")).json()["scope"] == "api"
    assert (await refresh(http, sandbox, token, scope="orders.write")).json()["error"] == "invalid_scope"


async def test_another_clients_refresh_token_is_refused(sandbox: Sandbox, http: Http) -> None:
    token = sandbox.commands.consent(ODD_CLIENT.id, "alice", "api")
    assert (await refresh(http, sandbox, token)).json()["error"] == "invalid_grant"


async def test_client_credentials_give_a_refresh_token_when_told_to(sandbox: Sandbox, http: Http) -> None:
    sandbox.commands.set(issue_refresh_tokens=True)
    token = (await ask_token(http, sandbox)).json()["refresh_token"]
    assert (await refresh(http, sandbox, token)).status_code == 200


async def test_the_same_token_is_issued_again_when_told_to(sandbox: Sandbox, http: Http) -> None:
    sandbox.commands.set(reissue_same_token=True)
    assert await bearer(http, sandbox) == await bearer(http, sandbox)
    sandbox.commands.set(reissue_same_token=False)
    assert await bearer(http, sandbox) != await bearer(http, sandbox)


@pytest.mark.parametrize("said", [0, -1, "3600", "soon", 10**30, None])
async def test_expires_in_says_whatever_it_is_told_to(sandbox: Sandbox, http: Http, said: object) -> None:
    sandbox.commands.set(expires_in=said)
    assert (await ask_token(http, sandbox)).json().get("expires_in") == said


async def test_introspection_tells_when_a_token_expires(sandbox: Sandbox, http: Http, clock: Clock) -> None:
    sandbox.commands.set(lifetime=60)
    token = (await ask_token(http, sandbox, scope="api")).json()["access_token"]
    clock.seconds += 10
    members = await introspect(http, sandbox, token)
    assert (members["active"], members["client_id"], members["scope"]) == (True, CLIENT[0], "api")
    assert members["iat"] == 1_700_001_000
    assert members["exp"] == 1_700_001_060
    clock.seconds += 50
    assert await introspect(http, sandbox, token) == {"active": False}


async def test_introspection_knows_refresh_tokens_and_needs_a_token(sandbox: Sandbox, http: Http) -> None:
    token = sandbox.commands.consent(CLIENT[0], "alice", "api")
    assert (await introspect(http, sandbox, token))["sub"] == "alice"
    assert (await introspect(http, sandbox, ""))["error"] == "invalid_request"


async def test_introspection_needs_client_authentication(sandbox: Sandbox, http: Http) -> None:
    answer = await http.post(f"{sandbox.issuer}/introspect", data={"token": "x"})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_revoking_a_refresh_token_revokes_its_access_tokens(sandbox: Sandbox, http: Http) -> None:
    sandbox.commands.set(issue_refresh_tokens=True)
    members = (await ask_token(http, sandbox)).json()
    revoked = await http.post(f"{sandbox.issuer}/revoke", data={"token": members["refresh_token"]}, auth=CLIENT)
    assert (revoked.status_code, revoked.content) == (200, b"")
    headers = {"Authorization": f"Bearer {members['access_token']}"}
    assert "revoked" in (await http.get(sandbox.url, headers=headers)).text


async def test_revoking_an_unknown_token_is_fine_and_anothers_is_not(sandbox: Sandbox, http: Http) -> None:
    unknown = await http.post(f"{sandbox.issuer}/revoke", data={"token": "x"}, auth=CLIENT)
    assert unknown.status_code == 200
    token = sandbox.commands.consent(ODD_CLIENT.id, "alice", "api")
    others = await http.post(f"{sandbox.issuer}/revoke", data={"token": token}, auth=CLIENT)
    assert others.json()["error"] == "unauthorized_client"


async def test_the_metadata_names_the_endpoints(sandbox: Sandbox, http: Http) -> None:
    url = f"{sandbox.issuer}/.well-known/oauth-authorization-server"
    metadata = (await http.get(url)).json()
    assert metadata["issuer"] == sandbox.issuer
    assert metadata["token_endpoint"] == sandbox.token_endpoint
    assert metadata["grant_types_supported"] == ["client_credentials", "refresh_token"]
    assert (await http.head(url)).status_code == 200
    assert (await http.post(url)).status_code == 405
    assert (await http.get(f"{sandbox.issuer}/elsewhere")).status_code == 404
