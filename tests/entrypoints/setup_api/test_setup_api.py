import base64
import logging

import httpx2
import pytest

from callout.engine.operations import OPERATIONS
from callout.entrypoints.setup_api import Metric, api_reference, setup_app
from callout.entrypoints.setup_api.reading import LARGEST_BODY
from tests.world import make_shop


@pytest.fixture
async def shop():
    return await make_shop()


@pytest.fixture
def state():
    return {"ready": True}


@pytest.fixture
async def api(shop, state):
    app = setup_app(
        shop.operations,
        metrics=lambda: [Metric("callouts_total", "counter", "callouts", (({"status": "200"}, 3),))],
        readiness=lambda: state,
        discovery=lambda: {"gateway": "http://127.0.0.1:8470", "setup": "http://127.0.0.1:8471"},
        jwks=lambda: {"keys": [{"kid": "one"}]},
        version="1.2.3",
    )
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://setup") as client:
        yield client


@pytest.fixture
async def admin(shop):
    return {"Callout-Key": await shop.key_of("admin")}


def basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"anything:{key}".encode()).decode()


@pytest.mark.parametrize(
    "proof",
    [
        lambda key: {"Callout-Key": key},
        lambda key: {"Authorization": f"Bearer {key}"},
        lambda key: {"Authorization": basic(key)},
    ],
)
async def test_a_key_proves_who_calls(api, shop, proof):
    answer = await api.get("/api/v1/whoami", headers=proof(await shop.key_of("alice")))
    assert (answer.status_code, answer.json()["user"]) == (200, "alice")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Callout-Key": "co_unknown"},
        {"Callout-Key": ""},
        {"Authorization": "Bearer x"},
        {"Authorization": "Basic !"},
    ],
)
async def test_no_operation_is_run_without_a_valid_key(api, headers):
    for operation in OPERATIONS:
        path = operation.path.replace("{", "").replace("}", "")
        answer = await api.request(operation.method, f"/api/v1{path}", headers=headers)
        assert (operation.name, answer.status_code, answer.json()["reason"]) == (operation.name, 401, "caller_unknown")
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.headers["callout-error"], "www-authenticate" in answer.headers) == ("caller_unknown", True)


async def test_an_expired_key_is_refused_and_says_when_it_ended(api, shop):
    key = await shop.key_of("admin", expires="1h")
    shop.clock.move(hours=2)
    answer = await api.get("/api/v1/users", headers={"Callout-Key": key})
    assert (answer.status_code, "2026-01-01T01:00:00" in answer.json()["detail"]) == (401, True)


async def test_who_is_no_administrator_is_refused(api, shop):
    answer = await api.get("/api/v1/users", headers={"Callout-Key": await shop.key_of("alice")})
    assert (answer.status_code, answer.json()["reason"]) == (403, "administrator_required")


async def test_package_code_of_an_administrator_defines_credentials_and_nothing_else(api, shop):
    headers = {"Callout-Key": await shop.key_of("admin", namespace="acme")}
    manifest = "named_credentials: {Mine: {url: https://mine.example.com, external_credential: Orders}}"
    applied = await api.post("/api/v1/apply", json={"manifest": manifest}, headers=headers)
    enabled = await api.post("/api/v1/named-credentials/Mine/enable", headers=headers)
    assert (applied.status_code, enabled.status_code) == (200, 403)
    assert enabled.json()["reason"] == "package_code_refused"
    assert shop.store.org.named_credentials["Mine"].enabled_for_callouts is False


async def test_fields_come_from_the_path_the_query_and_the_body(api, shop, admin):
    path = "/api/v1/external-credentials/Orders/principals/Service/secrets"
    put = await api.put(path, json={"values": {"client_id": "abc", "client_secret": "s"}}, headers=admin)
    assert put.json()["set"] == ["client_id", "client_secret"]
    gone = await api.delete(f"{path}?names=client_id&names=client_secret", headers=admin)
    assert gone.json()["removed"] == 2


async def test_names_with_spaces_are_percent_encoded_in_the_path(api, shop, admin):
    answer = await api.put("/api/v1/permission-sets/Order%20Clerks/users/bob", headers=admin)
    assert answer.status_code == 200
    assert shop.store.org.users["bob"].permission_sets == ("Order Clerks",)


async def test_a_definition_that_breaks_a_rule_is_422_with_every_problem(api, admin):
    manifest = "named_credentials: {A: {url: 'http://a.example.com', external_credential: Odrers}}"
    answer = await api.post("/api/v1/apply", json={"manifest": manifest, "source": "f.yaml"}, headers=admin)
    assert (answer.status_code, answer.json()["reason"]) == (422, "definition_refused")
    problems = {p["place"]: p for p in answer.json()["problems"]}
    assert problems["named_credentials.A.external_credential"]["nearest"] == "Orders"
    assert problems["named_credentials.A.url"]["where"] == "f.yaml:1"


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("POST", "/api/v1/keys", b"{", 400),
        ("POST", "/api/v1/keys", b"\xff", 400),
        ("POST", "/api/v1/keys", b"[]", 400),
        ("POST", "/api/v1/keys", b"", 400),
        ("POST", "/api/v1/keys", b'{"user": "alice", "colour": "red"}', 400),
        ("PUT", "/api/v1/users/carol", b'{"name": "mallory"}', 400),
        ("GET", "/api/v1/users?colour=red", b"", 400),
        ("GET", "/api/v1/keys?user=a&user=b", b"", 400),
        ("GET", "/api/v1/users/nobody/nothing", b"", 404),
        ("DELETE", "/api/v1/users/nobody", b"", 404),
        ("PATCH", "/api/v1/users", b"", 405),
        ("POST", "/api/v1/plan", b'"' + b"x" * LARGEST_BODY + b'"', 413),
    ],
)
async def test_what_is_not_well_formed_is_refused_as_a_problem(api, shop, admin, method, path, content, status):
    before = shop.store.org
    headers = {**admin, "Content-Type": "application/json"}
    answer = await api.request(method, path, content=content, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert {"reason", "blame", "remedy"} <= answer.json().keys()
    assert shop.store.org == before


async def test_a_broken_store_is_503_and_never_an_open_door(api, shop, admin):
    shop.store.broken = True
    answer = await api.get("/api/v1/users", headers=admin)
    assert (answer.status_code, answer.json()["blame"]) == (503, "callout")


async def test_an_unforeseen_error_is_logged_with_its_place_and_without_its_text(api, shop, admin, caplog):
    async def fails(*_):
        raise RuntimeError("hunter" + str(2))

    shop.operations.run = fails
    with caplog.at_level(logging.ERROR):
        answer = await api.get("/api/v1/users", headers=admin)
    assert (answer.status_code, answer.json()["reason"]) == (500, "internal_error")
    assert "RuntimeError" in caplog.text
    assert "hunter2" not in caplog.text + answer.text


async def test_a_secret_in_a_request_of_another_form_is_not_repeated(api, admin):
    path = "/api/v1/external-credentials/Orders/principals/Service/secrets"
    for body in ({"values": {"client_id": ["hunter2"]}}, {"values": "hunter2"}, {"hunter2": 1, "values": {}}):
        answer = await api.put(path, json=body, headers=admin)
        assert answer.status_code == 400
        assert body == {"hunter2": 1, "values": {}} or "hunter2" not in answer.text


async def test_health_readiness_metrics_and_discovery_need_no_key(api, state):
    assert (await api.get("/healthz")).json() == {"ok": True, "version": "1.2.3"}
    assert (await api.get("/readyz")).status_code == 200
    state |= {"ready": False, "because": "the store cannot be read"}
    assert ((await api.get("/readyz")).status_code, (await api.get("/readyz")).json()) == (503, state)
    assert (await api.get("/.well-known/callout")).json()["gateway"] == "http://127.0.0.1:8470"
    metrics = await api.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'callouts_total{status="200"} 3\n' in metrics.text


async def test_public_keys_are_published_to_everyone(api):
    answer = await api.get("/.well-known/jwks.json")
    assert (answer.status_code, answer.json()) == (200, {"keys": [{"kid": "one"}]})
    assert answer.headers["content-type"] == "application/jwk-set+json"
    assert answer.headers["cache-control"] == "public, max-age=60"


@pytest.mark.parametrize(("peer", "opened", "status"), [("192.0.2.7", False, 403), ("192.0.2.7", True, 200)])
async def test_metrics_are_for_this_machine_unless_they_are_opened(shop, peer, opened, status):
    members = {"readiness": dict, "discovery": dict, "jwks": dict, "version": "1"}
    metrics = [Metric("callouts_total", "counter", "callouts", (({}, 3),))]
    app = setup_app(shop.operations, metrics=lambda: metrics, metrics_open=opened, **members)
    transport = httpx2.ASGITransport(app=app, client=(peer, 1))
    async with httpx2.AsyncClient(transport=transport, base_url="http://setup") as client:
        answer = await client.get("/metrics")
    assert (answer.status_code, "callouts_total" in answer.text) == (status, opened)
    assert opened or "CALLOUT_METRICS_OPEN" in answer.text


#: Routes that are no operation, and for whom they are: everyone, or this machine.
OPEN = {"/healthz", "/readyz", "/metrics", "/.well-known/callout", "/.well-known/jwks.json", "/api/v1/openapi.json"}
#: The docs page, which is as open as the document that it is made of.
DOCS = {"/api/docs", "/api/docs/reasons", "/api/docs/files/{name}", "/api/docs/{group}"}


async def test_every_route_is_an_operation_of_the_matrix_or_known_to_be_open(api):
    """A route that is added anywhere else fails here: no role was judged for it."""
    routes = {(route.path, method) for route in api._transport.app.routes for method in route.methods - {"HEAD"}}
    operations = {(f"/api/v1{o.path}", o.method) for o in OPERATIONS}
    assert routes - operations == {(path, "GET") for path in OPEN | DOCS}
    assert operations <= routes
    for path, method in operations:
        refused = await api.request(method, path.replace("{", "").replace("}", ""))
        assert (refused.status_code, refused.json()["reason"]) == (401, "caller_unknown"), path


async def test_answers_are_not_to_be_stored_or_guessed(api, admin):
    for path in ("/api/v1/users", "/api/v1/nothing", "/healthz"):
        headers = (await api.get(path, headers=admin)).headers
        assert (headers.get("cache-control"), headers.get("x-content-type-options")) == ("no-store", "nosniff"), path


def test_the_reference_page_has_a_row_for_every_operation():
    page = api_reference()
    assert [o.name for o in OPERATIONS if f"| `{o.method}` | `/api/v1{o.path}` |" not in page] == []
