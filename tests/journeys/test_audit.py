"""The audit trail over real processes: looked through, exported, verified; then someone edits the database behind it."""

import json
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from tests.journeys.processes import CALLOUT, PATIENCE, PROJECT, Home, Sandbox, Server, callout_home, eventually

pytestmark = pytest.mark.journey


def manifest(sandbox: Sandbox) -> dict:
    oauth = {"protocol": "oauth2_client_credentials", "parameters": {"token_endpoint": sandbox.token_endpoint}}
    named = {"url": sandbox.url + "/bearer", "external_credential": "Orders", "allow_private_network": True}
    return {
        "external_credentials": {"Orders": {**oauth, "principals": {"Service": {"sequence": 1}}}},
        "named_credentials": {"Orders": named},
        "permission_sets": {"Clerks": {"principals": ["Orders/Service"], "user_external_credential": ["read"]}},
        "users": {"alice": {"permission_sets": ["Clerks"]}, "bob": {}},
    }


def calls(server: Server, key: str, count: int) -> list[str]:
    with httpx2.Client(
        base_url=server.gateway, headers={"Callout-Key": key}, trust_env=False, timeout=PATIENCE
    ) as client:
        return [client.get(f"/callout/Orders/{n}?secret=query").headers["Callout-Id"] for n in range(count)]


def logged(home: Home, ids: list[str], *narrowed: str) -> list[str]:
    found = [each["callout_id"] for each in home.json("log", *narrowed)["callouts"]]
    assert set(ids) <= set(found)
    return found


def tamper(home: Home, *statements: str) -> None:
    with closing(sqlite3.connect(home.folder / "callout.db", isolation_level=None)) as database:
        for statement in statements:
            database.execute(statement)


def verified(home: Home, *arguments: str) -> tuple[int, str | None]:
    ended = home.attempt("audit", "verify", *arguments, "--json")
    return ended.returncode, json.loads(ended.stdout)["broken"]


@pytest.fixture
def lived(tmp_path: Path, sandbox: Sandbox):
    """A home that has served: five callouts of alice and two of bob, who is refused."""
    with callout_home(tmp_path / "home") as home:
        home.apply(manifest(sandbox))
        home.set_secrets("Orders/Service", client_id="sandbox-client", client_secret="sandbox-secret")
        alice, bob = home.create_key("alice"), home.create_key("bob")
        with home.serve() as server:
            ids = calls(server, alice, 5), calls(server, bob, 2)
            eventually(lambda: logged(home, [*ids[0], *ids[1]]), instead_of=AssertionError)
            yield home, server, alice, ids


def test_the_log_is_narrowed_followed_and_each_callers_own(lived, sandbox: Sandbox) -> None:
    home, server, alice, (alices, bobs) = lived
    assert logged(home, bobs, "--reason", "principal_not_granted") == bobs[::-1]
    assert logged(home, alices, "--user", "alice", "--since", "1h") == alices[::-1]
    shown = home.run("log", "--name", "Orders", "--limit", "3")
    assert bobs[1] in shown
    assert "principal_not_granted" in shown
    environment = {**home.environment, "CALLOUT_KEY": alice}
    command = [*CALLOUT, "log", "--follow", "--json", "--url", server.gateway]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=PROJECT) as following:
        try:
            own = [json.loads(following.stdout.readline())["callout_id"] for _ in alices]
            assert own == alices
            new = calls(server, alice, 1)
            assert json.loads(following.stdout.readline())["callout_id"] == new[0]
        finally:
            following.terminate()
            following.wait(PATIENCE)


def test_what_is_exported_is_verified_and_whatever_is_done_to_the_database_is_named(lived, tmp_path: Path) -> None:
    home, server, _, (alices, bobs) = lived
    server.stop()
    file, kept = tmp_path / "trail.jsonl", home.run("audit", "head").strip()
    home.run("audit", "export", "--output", str(file))
    text = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert all(callout_id in text for callout_id in [*alices, *bobs])
    assert "sandbox-secret" not in text
    assert "secret=query" not in text
    assert verified(home, "--against", kept) == verified(home, str(file), "--against", kept) == (0, None)
    file.write_text(text.replace('"principal_not_granted"', '"callouts_disabled"', 1))
    assert verified(home, str(file))[0] == 5
    for form, start in (("cef", "CEF:0|Callout|Callout|"), ("ocsf", '{"time":')):
        lines = home.run("audit", "export", "--format", form).splitlines()
        assert len(lines) >= len(alices) + len(bobs)
        assert all(line.startswith(start) for line in lines)

    tamper(home, "CREATE TABLE whole AS SELECT * FROM audit")
    tamper(home, "UPDATE audit SET writer = 'mallory' WHERE seq = 3")
    assert verified(home) == (5, "row 3 was edited")
    assert "row 3 was edited" in home.attempt("audit", "verify").stdout
    tamper(home, "DELETE FROM audit", "INSERT INTO audit SELECT * FROM whole", "DELETE FROM audit WHERE seq = 4")
    assert verified(home) == (5, "row 4 was dropped")
    tamper(home, "DELETE FROM audit WHERE seq > 3")
    assert verified(home) == (5, "row 4 was truncated")
    tamper(home, "UPDATE audit_head SET seq = 3, hash = (SELECT hash FROM audit WHERE seq = 3)")
    assert verified(home) == (0, None)
    assert verified(home, "--against", kept) == (5, "row 4 was truncated")


def test_old_rows_are_pruned_with_a_checkpoint_and_the_rest_holds(lived) -> None:
    home, server, alice, (alices, _) = lived
    before = home.json("audit", "head")
    pruned = home.json("audit", "prune", "--before", "0s")
    assert (pruned["changed"], pruned["callouts"]) == (True, 7)
    assert home.json("audit", "list")["acts"][0]["act"] == "prune audit"
    new = calls(server, alice, 1)
    eventually(lambda: logged(home, new), instead_of=AssertionError)
    assert verified(home) == (0, None)
    assert verified(home, "--against", before["head"]) == (0, None)
    assert home.attempt("explain", alices[0]).returncode == 2
    tamper(home, "DELETE FROM audit WHERE kind = 'checkpoint'")
    assert verified(home) == (5, "row 1 was dropped")
