"""Formulas and stale tokens, over real processes: what is sent again is evaluated again, with the new token."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.journeys.processes import PATIENCE, Home, Sandbox, Server, eventually

pytestmark = pytest.mark.journey

FAULT = {"statuses": 500, "body": {"soap_fault_code": "INVALID_SESSION_ID"}}
ENVELOPE = b"<Envelope><SessionHeader>{!HTMLENCODE($Credential.OAuthToken)}</SessionHeader>%b</Envelope>"
#: Longer than what memory keeps of a body for sending it again, and shorter than what is taken whole.
FILLING = b"x" * 200_000
#: The sandbox shows no token, so it is sent in another shape as well.
SESSION = {"Content-Type": "text/xml", "X-Session": "{!BASE64ENCODE(BLOB($Credential.OAuthToken))}"}


def manifest(sandbox: Sandbox) -> dict[str, Any]:
    external = {
        "protocol": "oauth2_client_credentials",
        "parameters": {"token_endpoint": sandbox.token_endpoint},
        "principals": {"Service": {"secrets": {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}}},
    }
    allowing = {"allow_private_network": True, "allow_merge_fields_in_header": True, "allow_merge_fields_in_body": True}
    digest = [{"name": "X-Digest", "value": "{!HEX(HASH('SHA-256', $Credential.Soap.Body))}"}]
    names = ("Plain", "Soap")
    return {
        "external_credentials": {"Plain": external, "Soap": {**external, "refresh_rules": [FAULT]}},
        "named_credentials": {
            "Plain": {
                **allowing,
                "url": f"{sandbox.url}/bearer",
                "external_credential": "Plain",
                "idempotency_header": "Idempotency-Key",
            },
            "Gets": {
                **allowing,
                "url": f"{sandbox.url}/bearer",
                "external_credential": "Plain",
                "replay_methods": ["GET"],
            },
            "Soap": {
                **allowing,
                "url": f"{sandbox.url}/bearer/say/soap/stale-as/500",
                "external_credential": "Soap",
                "headers": digest,
            },
        },
        "permission_sets": {
            "Everything": {"principals": [f"{n}/Service" for n in names], "user_external_credential": ["read"]}
        },
        "users": {"alice": {"permission_sets": ["Everything"]}},
    }


class NotYet(Exception):
    """The running server has not written of it yet."""


class Place:
    """The running Callout, and the system that it calls."""

    def __init__(self, home: Home, server: Server, sandbox: Sandbox, key: str) -> None:
        self.home, self.server, self.sandbox, self.key = home, server, sandbox, key

    def call(self, name: str, body: bytes, **headers: str) -> httpx2.Response:
        """Send a text to `/orders`."""
        sent = {
            "Callout-Key": self.key,
            **SESSION,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        url = f"{self.server.gateway}/callout/{name}/orders"
        return httpx2.post(url, headers=sent, content=body, timeout=PATIENCE, trust_env=False)

    def call_stale(self, name: str, body: bytes, **headers: str) -> httpx2.Response:
        """Send it with a token that has gone stale at the external system alone."""
        for each in ("Plain", "Soap"):
            assert self.call(each, b"warm up").status_code == 200
        self.sandbox.command("expire")
        self.sandbox.command("forget")
        return self.call(name, body, **headers)

    def sent(self) -> list[tuple[dict[str, str], str]]:
        """Return headers and digest of what the external system has received."""
        return [(dict(each["headers"]), each["body_sha256"]) for each in self.sandbox.requests("callout")]

    def explained(self, answer: httpx2.Response) -> dict[str, Any]:
        """Wait for the callout's record."""

        def told() -> dict[str, Any]:
            ended = self.home.attempt("explain", answer.headers["Callout-Id"], "--json")
            if ended.returncode != 0:
                raise NotYet(ended.stdout)
            return dict(json.loads(ended.stdout))

        return eventually(told, instead_of=NotYet)


@pytest.fixture(scope="module")
def place(home: Home, sandbox: Sandbox) -> Iterator[Place]:
    home.apply(manifest(sandbox))
    key = home.create_key("alice")
    with home.serve("--workers", "1") as server:
        yield Place(home, server, sandbox, key)


def evaluated(headers: dict[str, str]) -> bytes:
    """Return what `ENVELOPE` is with the token of these headers."""
    token = base64.b64decode(headers["X-Session"])
    return ENVELOPE.replace(b"{!HTMLENCODE($Credential.OAuthToken)}", token) % FILLING


def test_a_large_post_with_the_token_in_its_body_is_evaluated_again_after_a_401_without_a_file(place: Place) -> None:
    key = "{!HEX(HASH('SHA-256', $Credential.Plain.Body))}"
    answer = place.call_stale("Plain", ENVELOPE % FILLING, Idempotency_Key=key)
    assert (answer.status_code, answer.headers["Callout-Replay"]) == (200, "done"), answer.text
    (first, before), (second, after) = place.sent()
    assert first["X-Session"] != second["X-Session"]
    for headers, digest in ((first, before), (second, after)):
        assert hashlib.sha256(evaluated(headers)).hexdigest() == digest
    assert (first["Idempotency-Key"], second["Idempotency-Key"]) == (before, before)
    assert place.explained(answer)["replay"] == "done"
    assert not (place.home.folder / "spool").exists()


def test_a_fault_in_the_answer_has_body_and_signature_written_anew(place: Place) -> None:
    answer = place.call_stale("Soap", ENVELOPE % FILLING)
    assert (answer.status_code, answer.headers["Callout-Replay"]) == (200, "done"), answer.text
    (first, before), (second, after) = place.sent()
    assert before != after
    assert [(h["X-Digest"], hashlib.sha256(evaluated(h)).hexdigest()) for h in (first, second)] == [
        (before, before),
        (after, after),
    ]


def test_what_is_not_declared_is_not_sent_again_though_it_is_at_hand(place: Place) -> None:
    answer = place.call_stale("Gets", ENVELOPE % FILLING)
    assert (answer.status_code, answer.headers["Callout-Replay"]) == (401, "not-possible")
    assert len(place.sent()) == 1
    step = next(step for step in place.explained(answer)["steps"] if step["name"] == "replay")
    assert step["reason"] == "replay_not_possible"
