"""Formulas over real processes: what leaves is seen by an external system that keeps it byte for byte."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest

from tests.journeys.processes import Home, callout_home, eventually

pytestmark = pytest.mark.journey

API_KEY, SIGNING_KEY = "canary-api-key", "canary-signing-key"
SIGNATURE = "{!HEX(HMAC('SHA-256', BLOB('v0:') & $Credential.Desk.Body, BLOB($Credential.Desk.SigningKey)))}"


class Keeping(BaseHTTPRequestHandler):
    """Keeps each request on its server, and answers 200."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.kept.append((dict(self.headers), body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    settings = {"CALLOUT_ORGANIZATION_NAME": "Acme", "CALLOUT_FORMULA_BODY_LIMIT": "100000"}
    with callout_home(tmp_path_factory.mktemp("callout") / "home", settings) as home:
        yield home


@pytest.fixture(scope="module")
def external() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Keeping)
    server.kept = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def manifest(port: int) -> dict:
    named = {"url": f"http://127.0.0.1:{port}", "external_credential": "Desk", "allow_private_network": True}
    allowing = {"allow_merge_fields_in_header": True, "allow_merge_fields_in_body": True}
    headers = [
        {"name": "X-Signature", "value": SIGNATURE},
        {"name": "X-Org", "value": "{!$Organization.Name}"},
        {"name": "X-Time", "value": "{!TEXT(UNIXTIMESTAMP(NOW()))}"},
    ]
    return {
        "external_credentials": {"Desk": {"protocol": "custom", "principals": {"Service": {}}}},
        "named_credentials": {
            "Desk": {**named, **allowing, "headers": headers},
            "Literal": {**named, "headers": [{"name": "X-Key", "value": "{!$Credential.Desk.ApiKey}"}]},
            "Broken": {
                **named,
                "headers": [{"name": "X-A", "value": "id {!HEX(BASE64DECODE($Credential.Desk.ApiKey))}"}],
            },
        },
        "permission_sets": {"Desk": {"principals": ["Desk/Service"], "user_external_credential": ["read"]}},
        "users": {"alice": {"permission_sets": ["Desk"]}},
    }


class Unknown(Exception):
    """The running server has not learned of the key yet, or not written a record."""


@pytest.fixture(scope="module")
def ask(home: Home, external: ThreadingHTTPServer):
    home.apply(manifest(external.server_port))
    home.set_secrets("Desk/Service", ApiKey=API_KEY, SigningKey=SIGNING_KEY)
    with home.serve() as server:
        key = home.create_key("alice")

        def asked(name: str, **request) -> httpx2.Response:
            headers = {"Callout-Key": key, **request.pop("headers", {})}
            url = f"{server.gateway}/callout/{name}/x"
            answer = httpx2.post(url, headers=headers, trust_env=False, timeout=60, **request)
            if answer.headers.get("Callout-Error") == "caller_unknown":
                raise Unknown
            return answer

        yield lambda name, **request: eventually(lambda: asked(name, **request), instead_of=Unknown)


def pieces(body: bytes) -> Iterator[bytes]:
    for position in range(0, len(body), 1000):
        yield body[position : position + 1000]


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_body_and_headers_are_evaluated_and_the_body_that_left_is_signed(ask, external, chunked: bool) -> None:
    body = b'{"key": "{!$Credential.Desk.ApiKey}", "filling": "' + b"x" * 50_000 + b'\xff"}'
    headers = {"Content-Type": "application/json", "X-Key": "Token {!BASE64ENCODE(BLOB($Credential.Desk.ApiKey))}"}
    answer = ask("Desk", content=pieces(body) if chunked else body, headers=headers)
    assert answer.status_code == 200, answer.text
    sent, kept = external.kept[-1]
    assert kept == body.replace(b"{!$Credential.Desk.ApiKey}", API_KEY.encode())
    assert (sent["X-Key"], sent["X-Org"]) == ("Token Y2FuYXJ5LWFwaS1rZXk=", "Acme")
    assert sent["X-Time"].isdecimal()
    assert sent["X-Signature"] == hmac.new(SIGNING_KEY.encode(), b"v0:" + kept, hashlib.sha256).hexdigest()


def test_a_binary_body_leaves_byte_for_byte(ask, external) -> None:
    body = bytes(range(256)) * 20 + b"{!$Credential.Desk.ApiKey} {!"
    assert ask("Desk", content=body, headers={"Content-Type": "application/octet-stream"}).status_code == 200
    assert external.kept[-1][1] == body


def test_where_it_is_not_allowed_the_text_goes_on_as_it_is(ask, external) -> None:
    text = "{!$Credential.Desk.SigningKey}"
    assert ask("Literal", content=text.encode(), headers={"X-B": text}).status_code == 200
    sent, body = external.kept[-1]
    assert (sent["X-Key"], sent["X-B"], body) == (API_KEY, text, text.encode())


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("a\n{!$Credential.Other.Key}", "expected a name of $Credential.Desk"),
        ("a\n{!LEFT($Credential.Desk.ApiKey, 1)}", "body of the request, line 2, byte 1"),
        ("{!$Credential.Desk.ApiKey", "a formula that is not closed"),
    ],
)
def test_what_a_caller_may_not_read_is_refused_and_nothing_leaves(ask, external, home, body: str, told: str) -> None:
    before = len(external.kept)
    answer = ask("Desk", content=body.encode(), headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["reason"]) == (424, "formula_failed")
    assert told in answer.json()["detail"]
    assert "canary" not in answer.text
    assert len(external.kept) == before
    explained = explanation(home, answer.headers["Callout-Id"])
    assert failure_in(explained) == answer.json()["detail"]


def failure_in(explained: dict) -> str:
    return next(step["detail"] for step in explained["steps"] if not step["held"])


def explanation(home: Home, callout_id: str) -> dict:
    def recorded() -> dict:
        done = home.attempt("explain", callout_id, "--json")
        if done.returncode != 0:
            raise Unknown
        return json.loads(done.stdout)

    return eventually(recorded, instead_of=Unknown)


def test_a_header_that_fails_is_told_alike_by_answer_diagnose_and_explain(ask, home) -> None:
    answer = ask("Broken", content=b"")
    detail = answer.json()["detail"]
    assert detail.endswith("\n    {!HEX(BASE64DECODE($Credential.Desk.ApiKey))}\n          ^")
    diagnosed = json.loads(home.attempt("diagnose", "Broken", "--as", "alice", "--json").stdout)
    explained = explanation(home, answer.headers["Callout-Id"])
    assert [failure_in(found) for found in (diagnosed, explained)] == [detail, detail]


def test_a_body_over_the_limit_is_refused(ask) -> None:
    answer = ask("Desk", content=b"x" * 100_001, headers={"Content-Type": "application/octet-stream"})
    assert (answer.status_code, answer.json()["reason"]) == (413, "request_too_large")
