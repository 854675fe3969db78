"""A package over its whole life: installed with its own manifest, approved, upgraded, approved again, removed."""

import json
import shlex
from pathlib import Path

import httpx2
import pytest

from tests.journeys.processes import PATIENCE, Home, Sandbox, Server, eventually

pytestmark = pytest.mark.journey


class NotYet(Exception):
    """The running server has not learned of it yet."""


def manifest_of_package(sandbox: Sandbox, url: str, version: str) -> dict:
    return {
        "packages": {"acme": {"version": version}},
        "external_credentials": {
            "Partner": {
                "protocol": "oauth2_client_credentials",
                "parameters": {"token_endpoint": sandbox.token_endpoint},
                "principals": {"Service": {}},
            }
        },
        "named_credentials": {
            "Partner": {"url": url, "external_credential": "Partner", "allow_private_network": True},
        },
    }


@pytest.fixture
def written(tmp_path: Path):
    def write(manifest: dict) -> str:
        file = tmp_path / f"acme-{manifest['packages']['acme']['version']}.json"
        file.write_text(json.dumps(manifest))
        return str(file)

    return write


def call(server: Server, key: str) -> httpx2.Response:
    url = f"{server.gateway}/callout/Partner/orders/7"
    return httpx2.get(url, headers={"Callout-Key": key}, trust_env=False, timeout=PATIENCE)


def answered(server: Server, key: str, code: str | None) -> httpx2.Response:
    """Call until the answer is this refusal, or (None) the external system's own."""

    def attempt() -> httpx2.Response:
        answer = call(server, key)
        if answer.headers.get("Callout-Error") != code:
            raise NotYet(answer.text)
        return answer

    return eventually(attempt, instead_of=NotYet)


def approved_as_printed(home: Home, answer: httpx2.Response) -> list[str]:
    """Run the one command that the refusal names for endpoint and grant; returns its words."""
    commands = [shlex.split(c) for c in answer.json()["remedy_commands"]]
    (approval,) = [words for words in commands if words[1:3] == ["approvals", "approve"]]
    home.run(*approval[1:])
    return approval


def test_a_package_is_installed_approved_upgraded_approved_again_and_removed(
    home: Home, sandbox: Sandbox, written
) -> None:
    home.apply({"profiles": {"Contractors": {}}, "users": {"carol": {"profile": "Contractors"}}})
    first = written(manifest_of_package(sandbox, sandbox.url + "/bearer", "1.0"))
    installed = home.json("package", "install", "acme", "-f", first, "--label", "Acme Tools")
    assert [r["named_credential"] for r in installed["requests"]] == ["Partner"]
    home.set_secrets("Partner/Service", client_id="sandbox-client", client_secret="sandbox-secret")
    with home.serve() as server:
        key = home.create_key("carol", "acme")

        refused = answered(server, key, "callouts_disabled")
        assert len(refused.json()["remedy_commands"]) == 1  # endpoint and both grants: one act
        first_words = approved_as_printed(home, refused)
        assert first_words[4:] == ["--assign", "Partner Callers", "carol"]
        assert answered(server, key, None).status_code == 200

        second = written(manifest_of_package(sandbox, sandbox.url + "/bearer/v2", "2.0"))
        upgraded = home.json("package", "upgrade", "acme", "-f", second)
        refused = answered(server, key, "callouts_disabled")
        stale = home.attempt("approvals", "approve", first_words[3])
        assert stale.returncode == 3
        assert "may have changed" in stale.stderr
        approval = approved_as_printed(home, refused)
        assert approval[3:] == [upgraded["requests"][0]["id"]]  # the grant was kept
        assert answered(server, key, None).status_code in (200, 404)  # secrets were kept: it was sent

        unanswered = home.attempt("package", "remove", "acme")
        assert unanswered.returncode == 3
        assert "--credentials keep" in unanswered.stderr
        assert "--secrets delete" in unanswered.stderr
        home.run("package", "remove", "acme", "--credentials", "disable", "--secrets", "keep")
        assert answered(server, key, "caller_unknown").status_code == 401
    assert home.json("audit", "verify")["ok"]


@pytest.mark.parametrize("credentials", ["keep", "disable", "delete"])
@pytest.mark.parametrize("secrets", ["keep", "delete"])
def test_removing_a_package_does_what_was_chosen(
    tmp_path: Path, sandbox: Sandbox, written, credentials: str, secrets: str
) -> None:
    home = Home(tmp_path / "home")
    home.run("init")
    file = written(manifest_of_package(sandbox, sandbox.url + "/bearer", "1.0"))
    (request,) = home.json("package", "install", "acme", "-f", file)["requests"]
    home.set_secrets("Partner/Service", client_id="sandbox-client", client_secret="sandbox-secret")
    home.run("approvals", "approve", request["id"])
    removed = home.json("package", "remove", "acme", "--credentials", credentials, "--secrets", secrets)
    assert removed["secrets_removed"] == (2 if secrets == "delete" else 0)
    there = home.json("named-credential", "list")["named_credentials"]
    assert [n["enabled_for_callouts"] for n in there] == {"keep": [True], "disable": [False], "delete": []}[credentials]
    if credentials != "delete":
        found = home.json("secret", "list", "Partner/Service")
        assert bool(found["set"]) is (secrets == "keep")
