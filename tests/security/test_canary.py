"""Planted secrets appear in no log, answer, error, page, trace, export or database byte."""

import base64
import json
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

from tests.journeys.processes import PATIENCE, Home, Sandbox, Server, callout_home, eventually
from tests.keys import jwk_member, key, pem_of

pytestmark = pytest.mark.journey

CLIENT_SECRET = "canary-client-secret+/=&%"
PASSWORD = "canary-password:ü"
API_KEY = "canary-api-key-0123456789"
PRIVATE_KEY = pem_of(key("RSA-2048"))
#: What a private key could be known by: a line of its text, and its private number as JWK and in hexadecimal.
PRIVATE_PARTS = (
    *PRIVATE_KEY.splitlines()[2:-1],
    jwk_member(PRIVATE_KEY, "d"),
    f"{key('RSA-2048').private_numbers().d:x}",
)
PLANTED = (CLIENT_SECRET, PASSWORD, API_KEY, *PRIVATE_PARTS)
PATHS = {"Orders": "bearer", "Mail": "basic", "Weather": "key"}


def forms_of(secret: str) -> set[bytes]:
    """A secret as it could be shown: plain, percent-encoded, JSON-escaped, base64, hexadecimal."""
    raw = secret.encode()
    forms = {raw, quote(secret).encode(), quote(secret, safe="").encode(), json.dumps(secret)[1:-1].encode()}
    return forms | {base64.b64encode(raw), base64.urlsafe_b64encode(raw), raw.hex().encode()}


def assert_clean(what: str, content: bytes, *secrets: str) -> None:
    for secret in secrets or PLANTED:
        assert not any(form in content for form in forms_of(secret)), f"{what} holds a planted secret"


def manifest(sandbox: Sandbox) -> dict:
    principals = {"Service": {"sequence": 1}}
    oauth = {"protocol": "oauth2_client_credentials", "parameters": {"token_endpoint": sandbox.token_endpoint}}
    externals = {
        "Orders": {**oauth, "principals": principals},
        "Mail": {"protocol": "basic", "principals": principals},
        "Weather": {
            "protocol": "custom",
            "headers": [{"name": "X-Api-Key", "value": "{!$Credential.Weather.key}"}],
            "principals": {"Service": {"secrets": {"key": {"env": "CANARY"}}}},
        },
    }
    return {
        "external_credentials": externals,
        "named_credentials": {
            name: {
                "url": f"{sandbox.url}/{PATHS[name]}",
                "external_credential": name,
                "allow_private_network": True,
                "allow_merge_fields_in_header": True,
                "allow_merge_fields_in_body": True,
            }
            for name in externals
        },
        "permission_sets": {
            "All": {"principals": [f"{name}/Service" for name in externals], "user_external_credential": ["read"]}
        },
        "users": {"alice": {"profile": "Standard User", "permission_sets": ["All"]}, "bob": {}},
    }


@pytest.fixture
def sandbox(tmp_path: Path):
    """A sandbox that accepts the planted secrets, so that the callouts succeed with them."""
    accepted = (
        "--client",
        f"canary-client:{CLIENT_SECRET}",
        "--basic",
        f"alice:{PASSWORD}",
        "--key",
        f"X-Api-Key:{API_KEY}",
    )
    with Sandbox(tmp_path / "sandbox.log", *accepted) as sandbox:
        yield sandbox


@pytest.fixture
def planted(tmp_path: Path, sandbox: Sandbox):
    with callout_home(tmp_path / "home", {"CANARY": API_KEY}) as home:
        home.apply(manifest(sandbox))
        home.set_secrets("Orders/Service", client_id="canary-client", client_secret=CLIENT_SECRET)
        home.set_secrets("Mail/Service", username="alice", password=PASSWORD)
        home.run("certificate", "import", "Client", "-", standard_input=PRIVATE_KEY)
        with home.serve() as server:
            yield home, server


def exercise(home: Home, server: Server) -> list[bytes]:
    """Make callouts that succeed, are refused and fail, and ask for everything that can be shown."""
    key = home.create_key("alice")
    shown: list[bytes] = [key.encode()]
    with httpx2.Client(base_url=server.gateway, trust_env=False, timeout=PATIENCE) as client:
        for name in ("Orders", "Mail", "Weather", "Nothing"):
            for headers in ({}, {"Callout-Key": "co_wrong"}, {"Callout-Key": key}):
                answer = client.get(f"/callout/{name}/a?b=c", headers=headers)
                shown += [answer.content, str(answer.headers).encode()]
                callout_id = answer.headers["Callout-Id"]
        for formula in FAILING:
            for request in ({"content": formula.encode()}, {"headers": {"X-A": formula}}):
                request["headers"] = {"Callout-Key": key, "Content-Type": "text/plain", **request.get("headers", {})}
                answer = client.post("/callout/Weather/a", **request)
                assert answer.headers["Callout-Error"] == "formula_failed"
                shown += [answer.content, str(answer.headers).encode()]  # the log of callouts is shown below
        eventually(lambda: explained(home, callout_id), instead_of=AssertionError)
        shown.append(explained(home, callout_id))
    with httpx2.Client(
        base_url=server.setup, headers={"Callout-Key": key}, trust_env=False, timeout=PATIENCE
    ) as client:
        pages = ("/.well-known/jwks.json", "/api/v1/certificates", "/api/v1/certificates/Client")
        shown += [client.get(page).content for page in pages]
        pages = ("/healthz", "/readyz", "/metrics", "/.well-known/callout", "/api/v1/openapi.json", "/api/v1/export")
        shown += [client.get(page).content for page in pages]
        for name in ("Orders", "Mail", "Weather"):
            sent = client.post("/api/v1/callouts", json={"name": name, "path": "/a", "query": "b=c"}).json()
            assert (sent["status"], len(sent["received"]), len(sent["steps"]) > 5) == (200, 1, True), sent
            shown.append(json.dumps(sent, ensure_ascii=False).encode())
        for formula in ("{!$Credential.Weather.key}", *FAILING):
            request = {"name": "Weather", "method": "POST", "body": formula, "headers": [["X-A", formula]]}
            shown.append(client.post("/api/v1/callouts", json=request).content)
        shown.append(client.post("/api/v1/diagnose", json={"name": "Weather"}).content)
    for command in (
        ("status",),
        ("export",),
        ("audit", "verify"),
        ("log",),
        ("audit", "list"),
        *((("audit", "export", "--format", form)) for form in ("jsonl", "cef", "ocsf")),
        ("secret", "list"),
        ("certificate", "list"),
        ("certificate", "show", "Client"),
        ("certificate", "request", "Client"),
        ("certificate", "jwks"),
        *((("diagnose", name, "--as", "alice")) for name in ("Orders", "Mail", "Weather")),
        ("who-can", "Orders"),
        ("can", "alice", "Orders"),
        ("troubleshoot",),
        ("health",),
        ("keys", "rotate"),
    ):
        for machine in ((), ("--json",)):
            done = home.attempt(*command, *machine)
            shown += [done.stdout.encode(), done.stderr.encode()]
    return shown


#: What callers write that reads a secret and cannot be sent.
FAILING = (
    "{!$Credential.Weather.key & 1}",
    "{!HTMLENCODE($Credential.Weather.key) & BLOB('a')}",
    "{!HEX(BASE64DECODE($Credential.Weather.key & '?'))}",
    "{!HEX(HASH($Credential.Weather.key, BLOB('a')))}",
    "{!" + "&".join(["$Credential.Weather.key"] * 130) + "} {!" + "&".join(["$Credential.Weather.key"] * 130),
)


def explained(home: Home, callout_id: str) -> bytes:
    done = home.attempt("explain", callout_id)
    assert done.returncode in (0, 2, 3, 4, 5)
    assert "callout_not_found" not in done.stdout + done.stderr
    return done.stdout.encode()


def test_planted_secrets_appear_nowhere(planted: tuple[Home, Server], tmp_path: Path, sandbox: Sandbox) -> None:
    home, server = planted
    for content in exercise(home, server):
        assert_clean("something that was shown", content)
    assert_clean("the log", server.log.encode())
    server.stop()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" for path in files)
    for path in files:
        assert_clean(path.name, path.read_bytes())
    assert sandbox.answers("callout") == {200: 2 * len(PATHS) + 1}, "each secret was accepted, so it did leave"


def test_the_callers_key_is_nowhere_but_with_the_caller(planted: tuple[Home, Server], tmp_path: Path) -> None:
    home, server = planted
    key, *_ = exercise(home, server)
    server.stop()
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert key not in path.read_bytes(), f"{path.name} holds the caller's key"


def test_a_refused_secret_is_not_repeated(planted: tuple[Home, Server]) -> None:
    home, _ = planted
    done = home.attempt("secret", "set", "Mail/Service", f"password=bad\r\n{PASSWORD}")
    assert done.returncode == 3
    assert_clean("the refusal", (done.stdout + done.stderr).encode())


MASTER_KEY = "canary-master-key-of-32-bytes-+/"
MASTER_KEY_TEXT = base64.b64encode(MASTER_KEY.encode()).decode()


def shown_with_master_key(home: Home) -> list[bytes]:
    """Run what reads the master key, and what fails before it could; returns all that was shown."""
    shown: list[bytes] = []
    for command in (
        ("secret", "set", "Weather/Service", "key=changed"),
        ("status", "--json"),
        ("export",),
        ("diagnose", "Weather", "--as", "alice"),
        ("send", "Nothing/at/all"),
        ("init",),
        ("serve", "--workers", "0"),
        ("serve", "--host", "not an address"),
    ):
        done = home.attempt(*command)
        shown += [done.stdout.encode(), done.stderr.encode()]
    home.environment |= {"CALLOUT_WORKERS": "abc"}
    done = home.attempt("status")
    assert "CALLOUT_WORKERS" in done.stderr
    home.environment |= {"CALLOUT_WORKERS": "1", "CALLOUT_MASTER_KEY": MASTER_KEY_TEXT[:-8]}
    broken = home.attempt("serve", "--port", "0", "--setup-port", "0")
    assert broken.returncode == 5
    assert "CALLOUT_MASTER_KEY" in broken.stderr
    assert MASTER_KEY_TEXT[:-8] not in broken.stdout + broken.stderr
    return [*shown, done.stdout.encode(), done.stderr.encode(), broken.stdout.encode(), broken.stderr.encode()]


def test_the_master_key_of_the_environment_appears_nowhere(tmp_path: Path, sandbox: Sandbox) -> None:
    given = {"CANARY": API_KEY, "CALLOUT_MASTER_KEY": MASTER_KEY_TEXT}
    secrets = (MASTER_KEY, MASTER_KEY_TEXT, MASTER_KEY_TEXT[:-8])
    with callout_home(tmp_path / "home", given) as home:
        home.apply(manifest(sandbox))
        home.set_secrets("Mail/Service", username="alice", password=PASSWORD)
        with home.serve("--workers", "2") as server:
            shown = [server.gateway.encode(), *pages_of(server)]
        shown += [server.log.encode(), *shown_with_master_key(home)]
    for content in shown:
        assert_clean("something that was shown", content, *secrets)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" for path in files)
    assert not any(path.name == "master.key" for path in files)
    for path in files:
        assert_clean(path.name, path.read_bytes(), *secrets)


def pages_of(server: Server) -> list[bytes]:
    own = ("/healthz", "/readyz", "/metrics", "/.well-known/callout")
    with httpx2.Client(trust_env=False, timeout=PATIENCE) as client:
        return [client.get(address + page).content for address in (server.gateway, server.setup) for page in own]
