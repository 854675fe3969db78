"""The troubleshooting page of named credentials, row by row, over real processes.

Each: the failure as the user meets it, what Callout says of it, the remedy that it named, applied by the command that
it printed (or by `troubleshoot --apply --yes`), and the callout succeeds.
"""

import json
import shlex
import subprocess
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from tests.journeys.processes import CALLOUT, PATIENCE, Home, Sandbox, Server, eventually

pytestmark = pytest.mark.journey

STALE_STATUSES = (400, 601)


def external(sandbox: Sandbox) -> dict[str, Any]:
    return {
        "protocol": "oauth2_client_credentials",
        "parameters": {"token_endpoint": sandbox.token_endpoint},
        "principals": {"Service": {}},
    }


def named(sandbox: Sandbox, external_credential: str, path: str = "/bearer") -> dict[str, Any]:
    return {"url": sandbox.url + path, "external_credential": external_credential, "allow_private_network": True}


def manifest(sandbox: Sandbox) -> dict[str, Any]:
    names = ["Orders", *(f"Stale{status}" for status in STALE_STATUSES)]
    return {
        "external_credentials": {name: external(sandbox) for name in names},
        "named_credentials": {
            "Orders": named(sandbox, "Orders"),
            **{f"Stale{s}": named(sandbox, f"Stale{s}", f"/bearer/stale-as/{s}") for s in STALE_STATUSES},
        },
        "profiles": {"Contractors": {}},
        "permission_sets": {
            "Everything": {"principals": [f"{n}/Service" for n in names], "user_external_credential": ["read"]},
            "Order Callers": {"principals": ["Orders/Service"]},
        },
        "packages": {"acme": {"label": "Acme Tools"}},
        "users": {
            "alice": {"permission_sets": ["Everything"]},
            "bob": {"profile": "Standard User"},
            "carol": {"profile": "Contractors", "permission_sets": ["Order Callers"]},
            "dave": {"profile": "Contractors"},
            "erin": {"profile": "Contractors"},
        },
    }


@dataclass(frozen=True)
class Place:
    """The running Callout, and the system that it calls."""

    home: Home
    server: Server
    sandbox: Sandbox

    def call(self, name: str, key: str) -> httpx2.Response:
        url = f"{self.server.gateway}/callout/{name}/orders/7"
        return httpx2.get(url, headers={"Callout-Key": key}, trust_env=False, timeout=PATIENCE)

    def finding(self, name: str, user: str, row: str) -> dict[str, Any]:
        """Wait until the log says what failed, and return what `troubleshoot` says of it."""
        (found,) = eventually(lambda: self.troubleshoot(name, user, row), instead_of=NotYet)
        return found

    def troubleshoot(self, name: str, user: str, row: str) -> list[dict[str, Any]]:
        ended = self.home.attempt("troubleshoot", name, "--user", user, "--json")
        found = [f for f in json.loads(ended.stdout)["findings"] if f["row"] == row]
        if not found:
            raise NotYet(ended.stdout)
        assert ended.returncode == 3
        return found

    def run_printed(self, command: str) -> None:
        program, *words = shlex.split(command)
        assert program == "callout"
        self.home.run(*words)

    def succeeds(self, name: str, key: str) -> httpx2.Response:
        def attempt() -> httpx2.Response:
            answer = self.call(name, key)
            if answer.status_code != 200:
                raise NotYet(answer.text)
            return answer

        return eventually(attempt, instead_of=NotYet)

    def key(self, user: str, namespace: str | None = None) -> str:
        """Make a key and wait until the running server knows it."""
        key = self.home.create_key(user, namespace)

        def known() -> None:
            if self.call("Orders", key).status_code == 401:
                raise NotYet

        eventually(known, instead_of=NotYet)
        return key


class NotYet(Exception):
    """The running server has not learned, or not written, of it yet."""


def counted(found: dict[str, Any], count: int) -> dict[str, Any]:
    if found["count"] < count:
        raise NotYet(found)
    return found


@pytest.fixture(scope="module")
def place(home: Home, sandbox: Sandbox):
    home.apply(manifest(sandbox))
    for name in ("Orders", *(f"Stale{status}" for status in STALE_STATUSES)):
        home.set_secrets(f"{name}/Service", client_id="sandbox-client", client_secret="sandbox-secret")
    with home.serve() as server:
        yield Place(home, server, sandbox)


@pytest.mark.parametrize("status", STALE_STATUSES)
def test_t1_a_system_that_says_stale_credentials_with_another_status(place: Place, status: int) -> None:
    name, key = f"Stale{status}", place.key("alice")
    assert place.call(name, key).status_code == 200
    place.sandbox.command("expire")
    refused = [place.call(name, key) for _ in range(3)]
    assert [answer.status_code for answer in refused] == [status] * 3
    assert all("Callout-Error" not in answer.headers for answer in refused)

    found = eventually(lambda: counted(place.troubleshoot(name, "alice", "T1")[0], 3), instead_of=NotYet)
    assert (found["count"], found["external_credential"]) == (3, name)
    assert f"3 answers with status {status} on 1 token" in found["evidence"]
    assert found["remedy_commands"] == [f"callout external-credential add-status-code {name} {status}"]

    place.run_printed(found["remedy_commands"][0])
    answer = eventually(lambda: replayed(place.call(name, key)), instead_of=NotYet)
    assert answer.status_code == 200
    health = place.home.json(*shlex.split(found["see"])[1:])
    (row,) = [p for p in health["principals"] if p["principal"] == f"{name}/Service"]
    assert row["obtained_because"] == f"status {status}"
    assert place.home.json("troubleshoot", name)["findings"] == []


def replayed(answer: httpx2.Response) -> httpx2.Response:
    if answer.headers.get("Callout-Replay") != "done":
        raise NotYet(answer.text)
    return answer


@dataclass(frozen=True)
class Row:
    """A row that is about access: who meets it, as what code, and how many things are missing."""

    row: str
    user: str
    reason: str
    namespace: str | None = None
    missing: int = 1


ROWS = [
    Row("T2", "bob", "principal_not_granted"),
    Row("T3", "carol", "user_external_credential_denied"),
    Row("T4", "dave", "principal_not_granted", missing=2),
    Row("T5", "alice", "namespace_not_allowed", "acme"),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.row)
def test_t2_to_t5_a_user_or_package_without_access(place: Place, row: Row) -> None:
    key = place.key(row.user, row.namespace)
    answer = place.call("Orders", key)
    problem = answer.json()
    assert (answer.status_code, problem["reason"], problem["blame"]) == (403, row.reason, "admin")
    package = ("--namespace", row.namespace) if row.namespace else ()
    assert place.home.attempt("can", row.user, "Orders", *package).returncode == 3

    found = place.finding("Orders", row.user, row.row)
    assert (found["user"], found["namespace"], found["reason"]) == (row.user, row.namespace, row.reason)
    assert found["remedy_commands"] == problem["remedy_commands"]
    assert len(found["changes"]) == row.missing
    assert found["see"] == shlex.join(["callout", "can", row.user, "Orders", *package])

    for command in found["remedy_commands"]:
        place.run_printed(command)
    assert place.succeeds("Orders", key).json()["authenticated"]["by"] == "bearer"
    assert place.home.run(*shlex.split(found["see"])[1:]).startswith("yes: ")


def test_t6_a_credential_that_the_code_of_a_package_made(place: Place) -> None:
    made = {
        "external_credentials": {"AcmeFeed": external(place.sandbox)},
        "named_credentials": {"AcmeFeed": named(place.sandbox, "AcmeFeed")},
    }
    file = place.home.folder.with_name("acme.yaml")
    file.write_text(json.dumps(made))
    place.home.run("apply", "-f", str(file), "--namespace", "acme")
    place.home.set_secrets("AcmeFeed/Service", client_id="sandbox-client", client_secret="sandbox-secret")
    place.home.run("permission-set", "grant", "Everything", "--principal", "AcmeFeed/Service")
    key = place.key("alice", "acme")
    problem = eventually(lambda: disabled(place.call("AcmeFeed", key)), instead_of=NotYet)

    found = place.finding("AcmeFeed", "alice", "T6")
    about = found["about"]
    assert (about["created_by_namespace"], about["url"]) == ("acme", place.sandbox.url + "/bearer")
    assert (about["principals"], about["could_call"]) == (["AcmeFeed/Service"], ["alice"])
    (request,) = json.loads(place.home.run("approvals", "list", "--json"))["requests"]
    assert found["remedy_commands"] == problem["remedy_commands"] == [request["approve"]]
    assert [change["operation"] for change in found["changes"]] == ["approvals.approve"]

    place.run_printed(found["remedy_commands"][0])
    place.succeeds("AcmeFeed", key)


def disabled(answer: httpx2.Response) -> dict[str, Any]:
    if answer.headers.get("Callout-Error") != "callouts_disabled":
        raise NotYet(answer.text)
    return answer.json()


def test_one_confirmation_applies_everything_that_a_user_lacks(place: Place) -> None:
    key = place.key("erin")
    assert place.call("Orders", key).status_code == 403
    place.finding("Orders", "erin", "T4")
    asked = place.home.attempt("troubleshoot", "Orders", "--user", "erin", "--apply")
    assert asked.returncode == 2  # nobody is there to be asked
    assert "--yes" in asked.stderr
    assert place.call("Orders", key).status_code == 403

    told = place.home.run("troubleshoot", "Orders", "--user", "erin", "--apply", "--yes")
    assert told.count("applied: callout permission-set") == 2
    assert "to see that it works: callout can erin Orders" in told
    place.succeeds("Orders", key)


def test_a_running_server_troubleshoots_and_is_mended_over_its_api(place: Place) -> None:
    place.home.run("user", "set", "frank", "--profile", "Standard User")
    key, admin = place.key("frank"), place.key("admin")
    assert place.call("Orders", key).status_code == 403
    place.finding("Orders", "frank", "T2")
    at = ("--url", place.server.setup, "--key", admin)
    assert remotely(place.home, "can", "frank", "Orders", *at) == 3
    assert remotely(place.home, "troubleshoot", "Orders", "--user", "frank", "--apply", "--yes", *at) == 0
    assert remotely(place.home, "can", "frank", "Orders", *at) == 0
    place.succeeds("Orders", key)


def remotely(home: Home, *arguments: str) -> int:
    """Run a command without a home; returns its exit code."""
    ended = subprocess.run(
        [*CALLOUT, *arguments], capture_output=True, text=True, check=False, env=home.environment, timeout=PATIENCE
    )
    return ended.returncode
