"""The secrets of every protocol, planted as its declaration says, are shown nowhere. A new protocol joins by itself."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest

from callout.core.model.credentials import PrincipalType
from callout.core.protocol import AuthenticationProtocol, Parameter, with_defaults
from callout.core.protocols import ALL
from tests.journeys.processes import PATIENCE, Home, Server, callout_home, eventually
from tests.security.test_canary import assert_clean, explained

pytestmark = pytest.mark.journey

Kind = type[AuthenticationProtocol]
ISSUED = "canary-issued-by-the-server"


def secrets_of(kind: Kind) -> dict[str, str]:
    """A planted secret for everything that the declaration seals. Those of a form are text, Base64 and hexadecimal."""
    found = {p.name if p.key is None else f"{p.name}.Planted": p for p in kind.parameters if p.secret or p.key}
    return {name: planted(kind, parameter) for name, parameter in found.items()}


def planted(kind: Kind, parameter: Parameter) -> str:
    plain = f"canary-{kind.name}-{parameter.name}"
    even = plain + "." * (len(plain) % 2)
    return plain if parameter.pattern is None else even.encode().hex()


def parameters_of(kind: Kind, url: str) -> dict[str, str]:
    """What has to be given; a choice that needs no key of Callout's, where there is one."""
    given = {p.unless[0]: p.unless[1] for p in kind.parameters if p.key_pair and p.required and len(p.unless) > 1}
    for parameter in kind.parameters:
        if not parameter.secret and parameter.key is None and parameter.is_needed(with_defaults(kind, given)):
            given[parameter.name] = (
                f"{url}/{parameter.name}" if parameter.url else "Named" if parameter.key_pair else "given"
            )
    return given


def variable(kind: Kind, name: str) -> str:
    return f"PLANTED_{kind.name}_{name.replace('.', '_')}"


def manifest(url: str, kinds: list[Kind]) -> dict:
    externals = {
        name_of(kind): {
            "protocol": kind.name,
            "parameters": parameters_of(kind, url),
            "principals": {"Own": {"secrets": {n: {"env": variable(kind, n)} for n in secrets_of(kind)}}},
        }
        for kind in kinds
    }
    return {
        "external_credentials": externals,
        "named_credentials": {
            name + end: {"url": where, "external_credential": name, "allow_private_network": True}
            for name in externals
            for end, where in (("", f"{url}/api"), ("_gone", "http://127.0.0.1:9/api"))
        },
        "permission_sets": {
            "All": {"principals": [f"{name}/Own" for name in externals], "user_external_credential": ["read"]}
        },
        "users": {"alice": {"profile": "System Administrator", "permission_sets": ["All"]}},
    }


def name_of(kind: Kind) -> str:
    return "".join(part.capitalize() for part in kind.name.split("_"))


class External(BaseHTTPRequestHandler):
    """An external system and an authorization server that accept everything. It keeps what came."""

    protocol_version = "HTTP/1.1"
    came: list[bytes]

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.came.append(f"{self.path}\n{self.headers}".encode() + body)
        token = {
            "access_token": ISSUED,
            "refresh_token": f"{ISSUED}-refresh",
            "token_type": "Bearer",
            "expires_in": 3600,
        }
        answer = b"{}" if self.path.startswith("/api") else json.dumps(token).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET  # noqa: N815 - the base class calls it so

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def external():
    handler = type("Kept", (External,), {"came": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", handler.came
    server.shutdown()
    thread.join()
    server.server_close()


#: Those with a principal of one identity, which need no definition of another kind.
KINDS = [kind for kind in ALL if secrets_of(kind) and PrincipalType.NAMED in kind.principal_types]


def exercise(home: Home, server: Server) -> tuple[list[bytes], dict[str, int]]:
    """Make callouts that succeed, are refused and fail, and ask for everything that can be shown."""
    key, shown, statuses = home.create_key("alice"), [], {}
    mine = {"headers": {"Callout-Key": key}, "trust_env": False, "timeout": PATIENCE}
    with httpx2.Client(base_url=server.gateway, **mine) as client:
        for kind in KINDS:
            for name in (name_of(kind), name_of(kind) + "_gone"):
                answer = client.post(f"/callout/{name}/x?q=1", content=b"a=1")
                shown += [answer.content, str(answer.headers).encode()]
                statuses[name] = answer.status_code
                last = answer.headers["Callout-Id"]
    eventually(lambda: explained(home, last), instead_of=AssertionError)
    with httpx2.Client(base_url=server.setup, **mine) as client:
        for name in statuses:
            answer = client.post("/api/v1/diagnose", json={"name": name, "path": "/x?q=1"})
            assert answer.status_code == 200, answer.text
            shown.append(answer.content)
        for row in client.get("/api/v1/callouts", params={"limit": 200}).json()["callouts"]:
            shown.append(client.get(f"/api/v1/callouts/{row['callout_id']}").content)
        pages = ("/metrics", "/readyz", "/api/v1/export", "/api/v1/status", "/api/v1/callouts", "/api/v1/troubleshoot")
        shown += [client.get(page).content for page in pages]
    for command in (("export",), ("secret", "list")):
        done = home.attempt(*command)
        shown += [done.stdout.encode(), done.stderr.encode()]
    return shown, statuses


def test_the_secrets_of_every_protocol_appear_nowhere(tmp_path: Path, external) -> None:
    url, came = external
    secrets = {variable(kind, name): value for kind in KINDS for name, value in secrets_of(kind).items()}
    everything = (*secrets.values(), ISSUED)
    with callout_home(tmp_path / "home", secrets) as home:
        home.run("certificate", "create", "Named")
        home.apply(manifest(url, KINDS))
        with home.serve() as server:
            shown, statuses = exercise(home, server)
    for content in [*shown, server.log.encode()]:
        assert_clean("something that was shown", content, *everything)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" for path in files)
    for path in files:
        assert_clean(path.name, path.read_bytes(), *everything)
    accepted = {name for name, status in statuses.items() if status == 200}
    assert {"Basic", "ApiKeyInQuery", "Oauth1", "Jwt", "HttpMessageSignatures", "Oauth2ClientCredentials"} <= accepted
    left = b"".join(came)
    assert base64.b64encode(b"canary-basic-username:canary-basic-password") in left
    assert b"q=1&Planted=canary-api_key_in_query-query_parameters " in left.replace(b"\n", b" ")
    assert ISSUED.encode() in left
