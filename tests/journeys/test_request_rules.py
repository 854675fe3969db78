"""Rules and rate limits over real processes: refused as predicted, recorded, mended by the command that is printed."""

import json
import shlex

import httpx2
import pytest

from tests.journeys.processes import PATIENCE, Home, Sandbox, Server, eventually

pytestmark = pytest.mark.journey


def manifest(sandbox: Sandbox) -> dict:
    named = {"url": sandbox.url + "/open", "external_credential": "Open", "allow_private_network": True}
    return {
        "external_credentials": {"Open": {"protocol": "none", "principals": {"Anyone": {"type": "anonymous"}}}},
        "named_credentials": {
            "Ruled": {**named, "allowed_methods": ["GET", "POST"], "allowed_paths": ["/items/**"]},
            "Free": named,
            "Limited": {**named, "rate_limits": [{"calls": 2, "seconds": 3600}]},
            "Observed": {**named, "rate_limits": [{"calls": 1, "seconds": 3600, "observe": True}]},
        },
        "permission_sets": {
            "All": {"principals": ["Open/Anyone"], "user_external_credential": ["read"]},
            "Readers": {
                "principals": [{"principal": "Open/Anyone", "methods": ["GET"]}],
                "user_external_credential": ["read"],
            },
        },
        "users": {"alice": {"permission_sets": ["All"]}, "bob": {"permission_sets": ["Readers"]}},
    }


class NotYet(Exception):
    """The running server has not learned of a change yet, or not written a record."""


class Callers:
    """The running server, and the keys of its users."""

    def __init__(self, home: Home, server: Server) -> None:
        self.home, self.server = home, server
        self.keys = {user: home.create_key(user) for user in ("alice", "bob")}

    def ask(self, name: str, path: str, method: str = "GET", user: str = "alice", **headers: str) -> httpx2.Response:
        def known() -> httpx2.Response:
            answer = httpx2.request(
                method,
                f"{self.server.gateway}/callout/{name}{path}",
                headers={"Callout-Key": self.keys[user], **headers},
                trust_env=False,
                timeout=PATIENCE,
            )
            if answer.headers.get("Callout-Error") == "caller_unknown":
                raise NotYet
            return answer

        return eventually(known, instead_of=NotYet)

    def explain(self, answer: httpx2.Response) -> dict:
        def recorded() -> dict:
            done = self.home.attempt("explain", answer.headers["Callout-Id"], "--json")
            if done.returncode != 0:
                raise NotYet
            return json.loads(done.stdout)

        return eventually(recorded, instead_of=NotYet)


@pytest.fixture(scope="module")
def callers(home: Home, sandbox: Sandbox):
    home.apply(manifest(sandbox))
    with home.serve() as server:
        yield Callers(home, server)


@pytest.mark.parametrize(
    ("name", "method", "path", "user", "code"),
    [
        ("Ruled", "DELETE", "/items/7", "alice", "method_not_allowed_here"),
        ("Ruled", "GET", "/admin", "alice", "path_not_allowed"),
        ("Free", "PUT", "/items/7", "bob", "method_not_allowed_here"),
    ],
)
def test_a_refusal_is_predicted_recorded_and_mended(callers: Callers, sandbox, name, method, path, user, code) -> None:
    sandbox.command("forget")
    answer = callers.ask(name, path, method, user)
    problem = answer.json()
    assert (answer.status_code, problem["reason"]) == (403, code)
    assert sandbox.counts().get("callout", 0) == 0

    diagnosed = callers.home.attempt("diagnose", name, "--as", user, "-X", method, "--path", path, "--json")
    assert json.loads(diagnosed.stdout)["remedy"] == problem["remedy"]
    explained = callers.explain(answer)
    assert (explained["reason"], explained["remedy"]) == (code, problem["remedy"])

    for command in problem["remedy_commands"]:
        callers.home.run(*shlex.split(command)[1:])

    def mended() -> None:
        if callers.ask(name, path, method, user).headers.get("Callout-Error"):
            raise NotYet

    eventually(mended, instead_of=NotYet)


@pytest.mark.parametrize(
    "path", ["/items%2F..%2Fsecret", "/items/7%2f%2fsecret", "/items//secret", "/%69tems", "/items;x"]
)
def test_no_spelling_reaches_beyond_the_rule(callers: Callers, sandbox, path) -> None:
    sandbox.command("forget")
    assert callers.ask("Ruled", path).headers["Callout-Error"] in ("path_not_allowed", "malformed_request")
    assert sandbox.counts().get("callout", 0) == 0


def test_another_spelling_of_an_allowed_path_is_allowed_and_sent_as_it_came(callers: Callers, sandbox) -> None:
    sandbox.command("forget")
    assert "Callout-Error" not in callers.ask("Ruled", "/%69tems/%7e7").headers
    (received,) = sandbox.requests("callout")
    assert "/open/%69tems/%7e7" in json.dumps(received)


def test_a_method_hidden_in_a_header_is_refused(callers: Callers) -> None:
    answer = callers.ask("Ruled", "/items/7", "POST", **{"X-HTTP-Method-Override": "PATCH"})
    assert answer.headers["Callout-Error"] == "method_not_allowed_here"


def test_beyond_a_rate_limit_the_answer_says_when_to_come_again(callers: Callers) -> None:
    found = [callers.ask("Limited", "/items").headers.get("Callout-Error") for _ in range(2)]
    assert found == [None, None]
    answer = callers.ask("Limited", "/items")
    assert (answer.status_code, answer.json()["reason"]) == (429, "rate_limited")
    assert 1 <= int(answer.headers["Retry-After"]) <= 1800
    assert callers.ask("Limited", "/items", user="bob").headers.get("Callout-Error") is None


def test_a_limit_that_observes_shows_in_explanation_and_metrics(callers: Callers) -> None:
    callers.ask("Observed", "/items")
    answer = callers.ask("Observed", "/items")
    assert "Callout-Error" not in answer.headers
    assert any("not refused" in step["detail"] for step in callers.explain(answer)["steps"])
    metrics = httpx2.get(callers.server.gateway + "/metrics", trust_env=False, timeout=PATIENCE).text
    (line,) = [
        each for each in metrics.splitlines() if each.startswith("callout_rate_limited_total{") and "Observed" in each
    ]
    assert 'observed="1"' in line
    assert line.endswith(" 1")
