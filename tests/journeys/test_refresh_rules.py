"""When a token is refreshed, over real processes: by rules about status, header and body, and by nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import httpx2
import pytest

from tests.journeys.processes import PATIENCE, Home, Sandbox, Server, eventually

pytestmark = pytest.mark.journey

#: By name: the shape of the external system's refusals, the status of a stale credential, and the rule about it.
SHAPES: dict[str, tuple[str, int, dict[str, Any]]] = {
    "Soap": ("soap", 500, {"statuses": 500, "body": {"soap_fault_code": "INVALID_SESSION_ID"}}),
    "Graph": (
        "graphql",
        200,
        {"statuses": 200, "body": {"json_pointer": "/errors/*/extensions/code", "equals": "UNAUTHENTICATED"}},
    ),
    "Slack": (
        "slack",
        200,
        {"statuses": 200, "body": {"json_pointer": "/error", "equals": ["token_expired", "invalid_auth"]}},
    ),
    "Bearer": (
        "challenge",
        403,
        {"statuses": 403, "header": {"name": "WWW-Authenticate", "contains": 'error="invalid_token"'}},
    ),
}


def manifest(sandbox: Sandbox) -> dict[str, Any]:
    names = [*SHAPES, "Codes", "Plain", "Doubted"]
    external = {
        "protocol": "oauth2_client_credentials",
        "parameters": {"token_endpoint": sandbox.token_endpoint},
        "principals": {"Service": {"secrets": {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}}},
    }
    rules = {name: {**external, "refresh_rules": [rule]} for name, (_, _, rule) in SHAPES.items()}
    codes = {**external, "additional_status_codes": [400], "refresh_debounce": 600}
    asked = {**external["parameters"], "introspection_endpoint": urljoin(sandbox.token_endpoint, "introspect")}
    doubted = {**codes, "parameters": asked, "refresh_debounce": 0}
    paths = {name: f"/bearer/say/{shape}/stale-as/{status}" for name, (shape, status, _) in SHAPES.items()}
    return {
        "external_credentials": {
            **rules,
            "Codes": codes,
            "Plain": {**external, "additional_status_codes": [419]},
            "Doubted": doubted,
        },
        "named_credentials": {
            name: {
                "url": sandbox.url + paths.get(name, "/bearer"),
                "external_credential": name,
                "allow_private_network": True,
            }
            for name in names
        },
        "permission_sets": {
            "Everything": {"principals": [f"{n}/Service" for n in names], "user_external_credential": ["read"]}
        },
        "users": {"alice": {"permission_sets": ["Everything"]}},
    }


class NotYet(Exception):
    """The running server has not written of it yet."""


@dataclass(frozen=True)
class Place:
    """The running Callout, and the system that it calls."""

    home: Home
    server: Server
    sandbox: Sandbox
    key: str

    def call(self, name: str, path: str = "", **more: Any) -> httpx2.Response:
        url = f"{self.server.gateway}/callout/{name}{path}"
        return httpx2.request("POST", url, headers={"Callout-Key": self.key}, timeout=PATIENCE, trust_env=False, **more)

    def tokens(self) -> int:
        """How many tokens were asked for so far."""
        return self.sandbox.counts().get("token", 0)

    def steps(self, answer: httpx2.Response) -> dict[str, str]:
        """Wait until the callout's record is written, and return what its steps say."""

        def explained() -> dict[str, str]:
            ended = self.home.attempt("explain", answer.headers["Callout-Id"], "--json")
            if ended.returncode != 0:
                raise NotYet(ended.stdout)
            return {step["name"]: step["detail"] for step in json.loads(ended.stdout)["steps"]}

        return eventually(explained, instead_of=NotYet)


@pytest.fixture(scope="module")
def place(home: Home, sandbox: Sandbox) -> Iterator[Place]:
    home.apply(manifest(sandbox))
    key = home.create_key("alice")
    with home.serve("--workers", "1") as server:
        yield Place(home, server, sandbox, key)


@pytest.mark.parametrize("name", SHAPES)
def test_a_sign_in_header_or_body_refreshes_and_the_same_status_without_it_does_not(place: Place, name: str) -> None:
    _, status, _ = SHAPES[name]
    assert place.call(name, "/orders").status_code == 200
    before = place.tokens()
    genuine = place.call(name, f"/refusal/{status}?code=FORBIDDEN_FIELD")
    assert (genuine.status_code, "FORBIDDEN_FIELD" in genuine.text) == (status, True)
    assert ("Callout-Replay" in genuine.headers, place.tokens()) == (False, before)

    place.sandbox.command("expire")
    answer = place.call(name, "/orders", content=b"the order")
    assert (answer.status_code, answer.headers["Callout-Replay"]) == (200, "done")
    assert (answer.json()["body_text"], place.tokens()) == ("the order", before + 1)
    assert f"status {status} with " in place.steps(answer)["refresh"]


def test_a_persistent_401_is_refreshed_once_and_sent_again_once_and_passes_whole(place: Place) -> None:
    assert place.call("Soap").status_code == 200
    tokens, callouts = place.tokens(), place.sandbox.counts()["callout"]
    answer = place.call("Soap", "/status/401?reason=Never")
    assert (answer.status_code, answer.reason_phrase, answer.json()) == (401, "Never", {"status": 401})
    assert answer.headers["Callout-Replay"] == "done"
    assert (place.tokens(), place.sandbox.counts()["callout"]) == (tokens + 1, callouts + 2)


def test_a_genuine_400_is_refreshed_once_in_a_window_and_other_statuses_never(place: Place) -> None:
    assert place.call("Codes").status_code == 200
    tokens = place.tokens()
    for status in (403, 404, 429, 500, 503):
        assert place.call("Codes", f"/status/{status}").status_code == status
    assert place.tokens() == tokens
    answers = [place.call("Codes", "/refusal/400?code=bad_order") for _ in range(5)]
    assert [(a.status_code, a.json()["error"]) for a in answers] == [(400, "bad_order")] * 5
    assert [a.headers.get("Callout-Replay") for a in answers] == ["done", *["not-needed"] * 4]
    assert place.tokens() == tokens + 1
    assert "the token was replaced a moment ago" in place.steps(answers[-1])["refresh"]


def test_a_genuine_400_costs_no_token_where_the_authorization_server_says_that_it_is_active(place: Place) -> None:
    assert place.call("Doubted").status_code == 200
    tokens = place.tokens()
    answer = place.call("Doubted", "/refusal/400?code=bad_order")
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_order")
    assert (answer.headers["Callout-Replay"], place.tokens()) == ("not-needed", tokens)
    assert "the authorization server says that the token is active" in place.steps(answer)["refresh"]
    place.sandbox.command("expire")
    answer = place.call("Doubted", "/stale-as/400")
    assert (answer.status_code, answer.headers["Callout-Replay"], place.tokens()) == (200, "done", tokens + 1)


def test_the_first_event_of_a_stream_comes_while_the_external_system_waits_with_the_second(place: Place) -> None:
    url = f"{place.server.gateway}/callout/Graph/stream/2?ms=5000"
    assert place.call("Graph").status_code == 200
    done = sum(place.sandbox.answers("callout").values())
    with (
        httpx2.Client(timeout=PATIENCE, trust_env=False) as client,
        client.stream("GET", url, headers={"Callout-Key": place.key}) as answer,
    ):
        first = next(answer.iter_bytes())
        assert b'{"event": 1}' in first
        assert sum(place.sandbox.answers("callout").values()) == done, "the external system had ended its answer"
    assert b'{"event": 2}' not in first


def test_a_genuine_400_passes_where_no_other_token_can_be_had_and_the_trace_says_why(place: Place) -> None:
    assert place.call("Plain").status_code == 200
    place.sandbox.command("fail", kind="unavailable", count=None)
    answer = place.call("Plain", "/refusal/419?code=genuine")
    place.sandbox.command("reset")
    assert (answer.status_code, answer.json()["error"]) == (419, "genuine")
    assert answer.headers["Callout-Replay"] == "not-possible"
    assert "it was returned as it is: " in place.steps(answer)["refresh"]
