"""Each refusal of the ladder, reached over HTTP, by the SDK and on the command line: the same code, the same remedy.

And each: predicted by `diagnose`, traced by `explain`, mended by the command that was printed.
"""

import json
import shlex
from dataclasses import dataclass

import httpx2
import pytest

from callout_client import CalloutError, Client
from tests.journeys.processes import PATIENCE, Home, Sandbox, Server, eventually

pytestmark = pytest.mark.journey


def manifest(sandbox: Sandbox) -> dict:
    return {
        "external_credentials": {
            "Orders": {
                "protocol": "oauth2_client_credentials",
                "parameters": {"token_endpoint": sandbox.token_endpoint},
                "principals": {"Service": {"sequence": 1}},
            },
            "Bare": {"protocol": "basic", "principals": {"Service": {}}},
        },
        "named_credentials": {
            name: {
                "url": sandbox.url + "/bearer",
                "external_credential": external,
                "allow_private_network": True,
                **more,
            }
            for name, external, more in [
                ("Orders", "Orders", {}),
                ("Off", "Orders", {"enabled_for_callouts": False}),
                ("Bare", "Bare", {}),
            ]
        },
        "profiles": {"Contractors": {}},
        "permission_sets": {
            "Clerks": {"principals": ["Orders/Service", "Bare/Service"], "user_external_credential": ["read"]},
            "Half": {"principals": ["Orders/Service"]},
        },
        "packages": {"acme": {"label": "Acme Tools"}},
        "users": {
            "alice": {"profile": "Standard User", "permission_sets": ["Clerks"]},
            "bob": {"profile": "Standard User"},
            "carol": {"profile": "Contractors", "permission_sets": ["Half"]},
        },
    }


@dataclass(frozen=True)
class Case:
    """Who calls what, and the code and status that they get."""

    code: str
    status: int
    name: str
    user: str
    namespace: str | None = None
    mend: bool = True


CASES = [
    Case("named_credential_not_found", 404, "Ordres", "alice", mend=False),
    Case("callouts_disabled", 403, "Off", "alice"),
    Case("namespace_not_allowed", 403, "Orders", "alice", "acme"),
    Case("principal_not_granted", 403, "Orders", "bob"),
    Case("user_external_credential_denied", 403, "Orders", "carol"),
    Case("principal_not_configured", 424, "Bare", "alice"),
]


@pytest.fixture(scope="module")
def ladder(home: Home, sandbox: Sandbox):
    """One home for all cases: each mends what no other case needs broken."""
    home.apply(manifest(sandbox))
    home.set_secrets("Orders/Service", client_id="sandbox-client", client_secret="sandbox-secret")
    with home.serve() as server:
        yield home, server


def over_http(server: Server, case: Case, key: str | None) -> httpx2.Response:
    headers = {"Callout-Key": key} if key else {}
    return httpx2.get(
        f"{server.gateway}/callout/{case.name}/orders/7", headers=headers, trust_env=False, timeout=PATIENCE
    )


def by_sdk(server: Server, case: Case, key: str) -> CalloutError:
    with Client(server.gateway, key=key) as client, pytest.raises(CalloutError) as caught:
        client.get(f"callout:{case.name}/orders/7")
    return caught.value


def command_of(remedy: str) -> list[str]:
    words = shlex.split(remedy)
    assert words[0] == "callout"
    return words[1:]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_a_refusal_says_the_same_everywhere_and_its_remedy_mends_it(ladder: tuple[Home, Server], case: Case) -> None:
    home, server = ladder
    key = home.create_key(case.user, case.namespace)
    answer = eventually(lambda: known(over_http(server, case, key)), instead_of=NotYetKnown)
    problem = answer.json()
    assert (answer.status_code, answer.headers["Callout-Error"]) == (case.status, case.code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["callout_id"] == answer.headers["Callout-Id"]

    raised = by_sdk(server, case, key)
    assert (raised.reason, raised.status, raised.remedy) == (case.code, case.status, problem["remedy"])

    namespace = ("--namespace", case.namespace) if case.namespace else ()
    diagnosed = home.attempt("diagnose", case.name, "--as", case.user, *namespace, "--json")
    assert diagnosed.returncode == {"caller": 2, "admin": 3}[problem["blame"]]
    prediction = parsed(diagnosed.stdout)
    assert (prediction["reason"], prediction["remedy"]) == (case.code, problem["remedy"])

    sent = home.attempt("send", f"{case.name}/orders/7", "--as", case.user, *namespace, "--json")
    assert case.code in sent.stdout

    explained = eventually(lambda: explanation(home, problem["callout_id"]), instead_of=NotYetKnown)
    assert (explained["reason"], explained["remedy"]) == (case.code, problem["remedy"])
    assert refused_step(explained) == refused_step(prediction)

    if case.mend:
        (command,) = problem["remedy_commands"]
        words = command_of(command)
        home.run(*words, standard_input="a-value\n" * sum(word.endswith("=-") for word in words))
        eventually(lambda: mended(over_http(server, case, key), case.code), instead_of=StillRefused)


def test_an_unknown_key_is_refused_everywhere(ladder: tuple[Home, Server]) -> None:
    _, server = ladder
    case = Case("caller_unknown", 401, "Orders", "nobody")
    answer = over_http(server, case, "co_nobody")
    assert (answer.status_code, answer.json()["reason"]) == (401, "caller_unknown")
    assert by_sdk(server, case, "co_nobody").reason == "caller_unknown"


def test_a_guest_cannot_tell_an_unknown_name_from_a_forbidden_one(ladder: tuple[Home, Server]) -> None:
    _, server = ladder
    told = []
    for name in ("Orders", "Off", "Nothing"):
        body = over_http(server, Case("", 0, name, ""), None).json()
        told.append({k: v for k, v in body.items() if k not in ("callout_id", "instance")})
    assert told[0]["reason"] == "principal_not_granted"
    assert told[0] == told[1] == told[2]


class NotYetKnown(Exception):
    """The running server has not learned of the key yet."""


class StillRefused(Exception):
    """The running server has not learned of the remedy yet."""


def known(answer: httpx2.Response) -> httpx2.Response:
    if answer.headers.get("Callout-Error") == "caller_unknown":
        raise NotYetKnown
    return answer


def mended(answer: httpx2.Response, code: str) -> None:
    if answer.headers.get("Callout-Error") == code:
        raise StillRefused(answer.text)


def explanation(home: Home, callout_id: str) -> dict:
    done = home.attempt("explain", callout_id, "--json")
    if done.returncode != 0:
        raise NotYetKnown(done.stdout)
    return parsed(done.stdout)


def parsed(text: str) -> dict:
    return json.loads(text)


def refused_step(prediction: dict) -> str:
    return next(step["name"] for step in prediction["steps"] if not step["held"])
