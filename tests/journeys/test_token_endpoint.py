"""Token endpoints as they really behave, through real processes: dialects, failures, revocation."""

import json
from datetime import datetime

import httpx2
import pytest

from tests.journeys.processes import Home, Sandbox, callout_home, eventually

pytestmark = pytest.mark.journey

CLIENT = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
#: Principals of one endpoint, each with a token (and a back-off) of its own; one more than opens the breaker.
CROWD = [f"P{number}" for number in range(6)]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    clients = ("--client", "sandbox-client:sandbox-secret", "--client", "app:")
    with Sandbox(tmp_path_factory.mktemp("dialects") / "sandbox.log", *clients) as sandbox:
        yield sandbox


def external(sandbox: Sandbox, secrets=None, **parameters: str) -> dict:
    return {
        "protocol": "oauth2_client_credentials",
        "parameters": {
            "token_endpoint": sandbox.token_endpoint,
            "revocation_endpoint": sandbox.token_endpoint.replace("/token", "/revoke"),
            "introspection_endpoint": sandbox.token_endpoint.replace("/token", "/introspect"),
            **parameters,
        },
        "principals": {"Service": {"secrets": CLIENT if secrets is None else secrets}},
    }


def manifest_for(sandbox: Sandbox) -> dict:
    extra = {"token_request_parameters.account": "7", "token_request_headers.X-Api-Version": "2"}
    sealed = {"token_request_parameters.otp": "canary-otp", "token_request_headers.X-Api-Key": "canary-key"}
    posted = {"client_authentication": "client_secret_post"}
    fields = {"access_token_field": "/data/token", "expires_in_field": "/data/life"}
    externals = {
        "Plain": external(sandbox),
        "Mapped": external(sandbox, **fields),
        "Written": external(sandbox, token_request_format="json", **posted),
        "Public": external(sandbox, {"client_id": "app"}, client_authentication="none"),
        "Extra": external(sandbox, {**CLIENT, **sealed}, **extra),
        "Crowd": external(sandbox),
        "Given": {
            **external(sandbox),
            "protocol": "oauth2_refresh_token",
            "principals": {"Service": {}},
        },
    }
    externals["Crowd"]["principals"] = {name: {"secrets": CLIENT} for name in CROWD}
    return {
        "external_credentials": externals,
        "named_credentials": {
            name: {"url": f"{sandbox.url}/bearer", "external_credential": name, "allow_private_network": True}
            for name in externals
        },
        "permission_sets": {
            "All": {"principals": [f"{name}/{each}" for name in externals for each in externals[name]["principals"]]}
        },
        "users": {"alice": {"permission_sets": ["All"]}},
    }


@pytest.fixture(scope="module")
def home(tmp_path_factory, sandbox):
    with callout_home(tmp_path_factory.mktemp("dialects") / "home") as home:
        home.apply(manifest_for(sandbox))
        yield home


@pytest.fixture(scope="module")
def client(home: Home):
    key = home.create_key("alice")
    with (
        home.serve() as server,
        httpx2.Client(base_url=server.gateway, headers={"Callout-Key": key}, trust_env=False, timeout=30) as client,
    ):
        yield client


@pytest.fixture(autouse=True)
def _anew(sandbox: Sandbox):
    sandbox.command("reset")


def set_all(home: Home, principal: str, **values: str) -> None:
    """Set values with one command: they are made up, and a process each takes its time."""
    home.run("secret", "set", principal, *(f"{name}={value}" for name, value in values.items()))


def health(home: Home, principal: str) -> dict:
    return next(p for p in home.json("status", principal)["principals"])


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("Plain", {"answer_format": "form"}),
        ("Plain", {"answer_format": "text", "answer_status": 201}),
        ("Plain", {"expires_in": "3600"}),
        ("Plain", {"expires_in": 0}),
        ("Mapped", {"answer_fields": {"access_token": "/data/token", "expires_in": "/data/life"}}),
        ("Written", {"request_format": "json"}),
        ("Public", {"client_authentication": "none"}),
    ],
    ids=lambda each: each if isinstance(each, str) else json.dumps(each),
)
def test_a_callout_gets_through_whatever_dialect_the_token_endpoint_speaks(client, sandbox, name, settings) -> None:
    sandbox.set(**settings)
    answer = client.get(f"/callout/{name}/orders")
    assert (answer.status_code, sandbox.answers("callout").get(200)) == (200, 1)


@pytest.mark.parametrize(("form", "offset"), [("milliseconds", -600), ("rfc3339", 600)])
def test_an_absolute_end_is_understood_from_a_server_whose_clock_is_ten_minutes_off(
    client, home, sandbox, form, offset
) -> None:
    sandbox.set(expires_at=form, expires_in=None, clock_offset=offset, send_date=True)
    assert client.get("/callout/Plain/orders").status_code == 200
    shown = health(home, "Plain/Service")
    life = datetime.fromisoformat(shown["expires_at"]) - datetime.fromisoformat(shown["issued_at"])
    assert 3540 <= life.total_seconds() <= 3602  # a Date has whole seconds, and a slow machine takes its time


def test_further_parameters_and_headers_are_sent_and_what_is_sealed_shows_nowhere(client, home, sandbox) -> None:
    assert client.get("/callout/Extra/orders").status_code == 200
    (asked,) = sandbox.requests("token")
    headers = dict(asked["headers"])
    assert "account=7" in asked["body_text"]
    assert "otp=" in asked["body_text"]
    assert (headers["X-Api-Version"], headers["X-Api-Key"]) == ("2", "…")
    shown = home.run("export") + home.run("external-credential", "show", "Extra") + home.run("status", "--json")
    assert "token_request_parameters.account" in shown
    assert "canary" not in shown


def test_an_endpoint_that_keeps_failing_is_left_alone_and_comes_back(client, sandbox) -> None:
    sandbox.command("fail", kind="server_error", count=None)
    crowd = [client.get("/callout/Crowd/orders", headers={"Callout-Principal": name}) for name in CROWD]
    assert {answer.headers["Callout-Error"] for answer in crowd} == {"token_endpoint_unreachable"}
    assert "is left alone for" in crowd[-1].text
    assert int(crowd[-1].headers["Retry-After"]) >= 1
    assert sandbox.counts()["token"] == len(CROWD) - 1
    sandbox.command("reset")

    def answered() -> None:
        if client.get("/callout/Crowd/orders", headers={"Callout-Principal": "P5"}).status_code != 200:
            raise ConnectionError

    eventually(answered, instead_of=ConnectionError)


def test_a_token_is_asked_about_revoked_and_obtained_anew(client, home, sandbox) -> None:
    assert client.get("/callout/Plain/orders").status_code == 200
    assert "its token is active" in home.run("status", "Plain/Service", "--live")
    revoked = home.attempt("revoke", "Plain/Service")
    assert (revoked.returncode, sandbox.answers("revocation")) == (0, {200: 1})
    assert "access token revoked at" in revoked.stderr
    assert home.json("status", "Plain/Service", "--live")["active"] is None

    def answered_with_another() -> None:
        if client.get("/callout/Plain/orders").status_code != 200 or sandbox.counts()["token"] < 2:
            raise ConnectionError

    eventually(answered_with_another, instead_of=ConnectionError)
    assert "revoke token" in home.run("audit", "list", "--json")


def test_removing_a_refresh_token_revokes_its_whole_grant_and_a_dead_server_leaves_a_receipt(
    client, home, sandbox
) -> None:
    given = sandbox.command("consent", client_id="sandbox-client", subject="alice", scope="api")["refresh_token"]
    set_all(home, "Given/Service", **CLIENT, refresh_token=given)

    def answered() -> None:
        if client.get("/callout/Given/orders").status_code != 200:
            raise ConnectionError

    eventually(answered, instead_of=ConnectionError)
    removed = home.attempt("secret", "remove", "Given/Service", "--all", "--json")
    receipt = json.loads(removed.stdout)["revocations"][0]
    assert (receipt["token"], receipt["revoked"], receipt["status"]) == ("refresh_token", True, 200)
    assert given not in removed.stdout + removed.stderr
    spent = [each["refresh_token"] for each in sandbox.requests("token") if each["refresh_token"]]
    assert [each["reuse"] for each in spent] == [False]
    set_all(home, "Given/Service", **CLIENT, refresh_token=given)
    sandbox.set(client_authentication="none")
    failed = home.attempt("revoke", "Given/Service")
    assert failed.returncode == 4
    assert "not revoked: revocation endpoint answered 401" in failed.stderr
    assert "by hand" in failed.stderr
