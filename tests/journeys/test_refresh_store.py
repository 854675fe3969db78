"""What a refresh promises about the store: found unwritable before the grant is spent, and no pair lost after it.

The disk is full for one process alone: the worker, which from a moment on may write no file (RLIMIT_FSIZE).
"""

from __future__ import annotations

import json
import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from callout.adapters.store import sqlite
from callout.adapters.store.database import Database
from callout.adapters.store.migrate import upgrade
from callout.adapters.store.tables import REVISION
from tests.journeys.processes import PATIENCE, Home, Sandbox, Server, callout_home, environment_of, eventually

pytestmark = pytest.mark.journey

#: The schema of the last release that takes no lease.
BEFORE_LEASES = "0003"


def manifest_for(sandbox: Sandbox, **more: object) -> dict[str, Any]:
    consent = sandbox.command("consent", client_id="sandbox-client", subject="alice", scope="orders.read")
    secrets = {
        "client_id": "sandbox-client",
        "client_secret": "sandbox-secret",
        "refresh_token": consent["refresh_token"],
    }
    return {
        "external_credentials": {
            "Hub": {
                "protocol": "oauth2_refresh_token",
                "parameters": {"token_endpoint": sandbox.token_endpoint},
                "principals": {"Service": {"secrets": secrets}},
                **more,
            }
        },
        "named_credentials": {"Hub": {"url": sandbox.url, "external_credential": "Hub", "allow_private_network": True}},
        "permission_sets": {"All": {"principals": ["Hub/Service"]}},
        "users": {"alice": {"permission_sets": ["All"]}},
    }


@dataclass(frozen=True)
class Hub:
    """A server of one worker, and the systems that it calls."""

    home: Home
    sandbox: Sandbox
    server: Server
    key: str

    def call(self) -> httpx2.Response:
        headers = {"Callout-Key": self.key}
        return httpx2.get(f"{self.server.gateway}/callout/Hub", headers=headers, timeout=PATIENCE, trust_env=False)

    def succeeds(self) -> None:
        answer = self.call()
        if answer.status_code != 200:
            raise LookupError(answer.text)

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """Let the worker write no file."""
        started = [json.loads(line) for line in self.server.log.splitlines() if '"child": "worker 1"' in line]
        worker = int(started[-1]["pid"])
        before = resource.prlimit(worker, resource.RLIMIT_FSIZE)
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (0, before[1]))
        try:
            yield
        finally:
            resource.prlimit(worker, resource.RLIMIT_FSIZE, before)

    def unsaved(self) -> int:
        """How many tokens the store has not taken yet, as the server measures it."""
        shown = httpx2.get(f"{self.server.gateway}/metrics", timeout=PATIENCE, trust_env=False).text
        lines = [line for line in shown.splitlines() if line.startswith("callout_tokens_unsaved")]
        return int(float(lines[0].rpartition(" ")[2]))

    def saves(self) -> None:
        if self.unsaved():
            raise LookupError("the store has not taken the token yet")

    def generation(self) -> int:
        return int(ask(self.home, "SELECT max(generation) FROM token")[0])

    def spends(self) -> list[tuple[int | None, bool]]:
        """The status that each refresh ended with, and whether its refresh token had been used before."""
        asked = self.sandbox.requests("token")
        return [(each["status"], each["refresh_token"]["reuse"]) for each in asked if each["refresh_token"]]


def ask(home: Home, statement: str) -> tuple[Any, ...]:
    """Ask the database of a home, as another program."""
    with closing(sqlite3.connect(f"file:{home.folder / 'callout.db'}?mode=ro", uri=True, timeout=PATIENCE)) as database:
        return database.execute(statement).fetchone() or (0,)


@pytest.fixture(scope="module")
def running(home: Home, sandbox: Sandbox) -> Iterator[Hub]:
    home.apply(manifest_for(sandbox))
    key = home.create_key("alice")
    with home.serve("--workers", "1") as server:
        yield Hub(home, sandbox, server, key)


@pytest.fixture
def hub(running: Hub) -> Hub:
    eventually(running.succeeds, instead_of=LookupError)
    running.sandbox.command("forget")
    running.sandbox.command("expire")
    return running


def test_a_disk_that_is_full_is_found_out_before_the_grant_is_spent(hub: Hub) -> None:
    with hub.full_disk():
        refused = hub.call()
        assert (refused.headers["Callout-Error"], "was not spent" in refused.text) == ("overloaded", True)
        assert hub.sandbox.counts()["token"] == 0
    eventually(hub.succeeds, instead_of=LookupError)
    assert hub.spends() == [(200, False)]


def test_a_pair_for_which_there_is_no_room_is_used_from_memory_and_stored_as_soon_as_there_is(hub: Hub) -> None:
    before = hub.generation()
    hub.sandbox.command("hold", kind="token")
    answers: list[httpx2.Response] = []
    calling = threading.Thread(target=lambda: answers.append(hub.call()))
    calling.start()
    hub.sandbox.wait("token", 1)
    with hub.full_disk():
        hub.sandbox.command("release", kind="token")
        calling.join(PATIENCE)
        assert [answer.status_code for answer in answers] == [200]
        assert (hub.call().status_code, hub.unsaved(), hub.generation()) == (200, 1, before)
    eventually(hub.saves, instead_of=LookupError)
    assert hub.generation() == before + 1
    hub.sandbox.command("expire")
    assert hub.call().status_code == 200
    assert hub.spends() == [(200, False)] * 2


def test_a_refresh_token_that_nobody_uses_is_refreshed_by_a_server_that_nobody_calls(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    with callout_home(tmp_path / "home") as home:
        home.apply(manifest_for(sandbox, inactivity_limit="1s"))
        sandbox.command("forget")
        with home.serve("--workers", "1"):
            sandbox.wait("token", 1)
            eventually(lambda: stored(home), instead_of=LookupError)
        asked = sandbox.requests("token")
        assert {(each["status"], each["refresh_token"]["reuse"]) for each in asked} == {(200, False)}
        assert sandbox.counts()["callout"] == 0


def stored(home: Home) -> None:
    if ask(home, "SELECT count(*) FROM token") == (0,):
        raise LookupError("no token is stored yet")


#: What a release before leases does with a database: it has it open for as long as it runs.
EARLIER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute("PRAGMA journal_mode=WAL")
database.execute("SELECT generation FROM org").fetchone()
print("open", flush=True)
sys.stdin.read()
"""
#: The rule of every release, in a process of which the schema is the one before leases.
REFUSING = """
import sys
from callout.adapters.store import tables
tables.REVISION = sys.argv[1]
from callout.adapters.store.store import Store
from callout.adapters.system import SystemClock
Store.open(sys.argv[2], clock=SystemClock())
"""


def test_an_earlier_release_and_this_one_never_work_on_one_store_at_a_time(tmp_path: Path) -> None:
    with callout_home(tmp_path / "home") as home:
        path = home.folder / "callout.db"
        make_earlier(path)
        refused = home.attempt("serve", "--port", "0", "--setup-port", "0")
        assert (refused.returncode != 0, "callout db migrate" in refused.stderr + refused.stdout) == (True, True)
        with earlier_release(path):
            refused = home.attempt("db", "migrate")
            assert refused.returncode != 0
            assert "Stop every `callout serve` on this home" in refused.stderr + refused.stdout
            assert ask(home, "SELECT version_num FROM alembic_version") == (BEFORE_LEASES,)
        home.run("db", "migrate")
        assert ask(home, "SELECT version_num FROM alembic_version") == (REVISION,)
        command = [sys.executable, "-c", REFUSING, BEFORE_LEASES, str(path)]
        ended = subprocess.run(command, env=environment_of(), capture_output=True, text=True, check=False)
        assert (ended.returncode, "which a newer Callout made" in ended.stderr) == (1, True)


def make_earlier(path: Path) -> None:
    """Put an empty database of the release before leases where this is."""
    sqlite.remove_file(path)
    sqlite.create_file(path)
    database = Database(sqlite.open_engine(path, read_only=False, busy_timeout_seconds=1))
    with closing(database), database.writing() as connection:
        upgrade(connection, BEFORE_LEASES)


@contextmanager
def earlier_release(path: Path) -> Iterator[None]:
    """Let another process have the database open."""
    command = [sys.executable, "-c", EARLIER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield
        process.communicate(timeout=PATIENCE)
