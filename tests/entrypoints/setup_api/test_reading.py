"""What browsers, proxies and fuzzers send: each is answered with a problem document, and never with a 5xx."""

import httpx2
import pytest

from callout.engine.operations import OPERATIONS
from callout.entrypoints.setup_api import setup_app
from tests.world import make_shop

JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def shop():
    return await make_shop()


@pytest.fixture
async def api(shop):
    app = setup_app(shop.operations, metrics=list, readiness=dict, discovery=dict, jwks=dict, version="1")
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://setup") as client:
        client.headers["Callout-Key"] = await shop.key_of("admin")
        yield client


def problem(answer) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert (answer.status_code, answer.headers["callout-error"]) == (document["status"], document["reason"])
    return document["status"], document["reason"]


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "",
        None,
    ],
)
async def test_a_body_that_does_not_say_that_it_is_json_is_not_read(api, shop, kind):
    before = shop.store.org
    headers = {} if kind is None else {"Content-Type": kind}
    answer = await api.post("/api/v1/keys", content=b'{"user": "alice"}', headers=headers)
    assert problem(answer) == (415, "media_type_not_supported")
    assert shop.store.org == before


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=utf-8", "application/problem+json", "application/json ;x=y"]
)
async def test_a_body_that_says_that_it_is_json_is_read(api, kind):
    answer = await api.post("/api/v1/keys", content=b'{"user": "alice"}', headers={"Content-Type": kind})
    assert answer.status_code == 200


async def test_where_nothing_is_sent_nothing_has_to_be_said_of_it(api):
    assert (await api.post("/api/v1/named-credentials/Orders/disable")).status_code == 200


async def test_a_body_with_a_method_that_takes_a_query_is_refused(api, shop):
    """A body that was passed over would remove every value, where it names one."""
    path = "/api/v1/external-credentials/Orders/principals/Service/secrets"
    await api.put(path, json={"values": {"client_id": "abc", "client_secret": "s"}})
    for method in ("DELETE", "GET"):
        answer = await api.request(method, path, json={"names": ["client_id"]})
        assert problem(answer) == (400, "malformed_request")
    assert (await api.get(path)).json()["set"] == ["client_id", "client_secret"]
    assert problem(await api.put(f"{path}?user=alice", json={"values": {}})) == (400, "malformed_request")


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"user":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"user": 1' + b"0" * 5000 + b"}",
        b'{"user": -1e999}',
        b'{"user": NaN}',
        b'{"user": "\\ud800"}',
        b'{"user": "\xff"}',
        b'{"user": "a", "user": "b"',
        b'{"": ""}',
        b"\x00",
        b"\xef\xbb\xbf{}",
    ],
    ids=range(11),
)
async def test_json_that_is_no_request_is_malformed(api, content):
    assert problem(await api.post("/api/v1/keys", content=content, headers=JSON)) == (400, "malformed_request")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/users/", 404),
        ("/api/v1//users", 404),
        ("/api/v1/users/a%2Fb/c", 404),
        ("/api/v1/", 404),
        ("/api/v1/users/%ff", 400),
        ("/api/v1/users/%00", 400),
        ("/api/v1/keys?user=%ff", 400),
        ("/api/v1/keys?user=%00", 400),
        ("/api/v1/users/" + "a" * 20_000, 413),
        ("/api/v1/keys?user=" + "a" * 20_000, 413),
        ("/api/v1/users/" + "a" * 10_000, 404),
        ("/api/v1/callouts?limit=" + "9" * 5000, 400),
        ("/api/v1/callouts?cursor=99999999999999999999", 400),
        ("/api/v1/callouts?cursor=9007199254740992", 400),
        ("/api/v1/callouts?cursor=-1", 400),
        ("/api/v1/audit/acts?since=99999999999999w", 400),
        ("/api/v1/audit/acts?since=0001-01-01T00:00:00%2B23:59", 400),
        ("/api/v1/nothing?q=" + "%22" * 100, 404),
    ],
    ids=range(18),
)
async def test_an_address_that_means_nothing_is_a_problem(api, path, status):
    assert problem(await api.get(path))[0] == status


async def test_no_path_is_redirected_so_that_no_key_is_carried_along(api):
    for operation in OPERATIONS:
        path = "/api/v1" + operation.path.replace("{", "").replace("}", "") + "/"
        answer = await api.request(operation.method, path)
        assert answer.status_code in (404, 405), path
        assert "location" not in answer.headers


async def test_a_method_that_a_path_has_not_is_405_with_those_that_it_has(api):
    for method in ("OPTIONS", "TRACE", "PATCH", "PROPFIND"):
        answer = await api.request(method, "/api/v1/users/alice")
        assert problem(answer) == (405, "operation_not_supported")
        assert answer.headers["allow"] == "DELETE, GET, HEAD, PUT"


async def test_head_is_answered_as_get_is_without_the_body(api):
    answer = await api.head("/api/v1/users")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/json"


async def test_every_answer_bears_the_headers_that_keep_it_from_being_a_page(api):
    asked = [("GET", "/api/v1/users"), ("GET", "/api/v1/nothing"), ("PATCH", "/api/v1/users"), ("POST", "/api/v1/keys")]
    asked += [("GET", "/healthz"), ("GET", "/api/v1/openapi.json"), ("GET", "/.well-known/callout")]
    for method, path in asked:
        headers = (await api.request(method, path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert not {name for name in headers if name.startswith("access-control-")}, "no other site may read it"


async def test_a_cookie_proves_nothing(api, shop):
    """A browser sends cookies with the requests of other sites too: the API takes keys alone."""
    key = api.headers.pop("Callout-Key")
    for name in ("callout", "Callout-Key", "session", "callout_session", "__Host-callout", "Authorization"):
        headers = {"Cookie": f"{name}={key}"}
        for operation in OPERATIONS:
            path = "/api/v1" + operation.path.replace("{", "").replace("}", "")
            answer = await api.request(operation.method, path, headers=headers)
            assert problem(answer) == (401, "caller_unknown"), operation.name
            assert "set-cookie" not in answer.headers
