"""`callout serve` with real processes: each may die, and nothing but its own work stops."""

import json
import os
import re
import select
import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from tests.journeys.processes import PATIENCE, Home, Sandbox, Server, callout_home, eventually

pytestmark = pytest.mark.journey

#: Beyond it two workers that share a port have both been met, but for one time in 2^100.
MOST_CONNECTIONS = 100


class NotYet(Exception):
    """What is waited for is not so yet."""


def manifest(sandbox: Sandbox) -> dict:
    return {
        "external_credentials": {"Mail": {"protocol": "basic", "principals": {"Service": {}}}},
        "named_credentials": {
            "Mail": {"url": f"{sandbox.url}/basic", "external_credential": "Mail", "allow_private_network": True}
        },
        "permission_sets": {"Clerks": {"principals": ["Mail/Service"], "user_external_credential": ["read"]}},
        "users": {"alice": {"profile": "Standard User", "permission_sets": ["Clerks"]}},
    }


class Running:
    """A server with two workers, and a caller who may call Mail."""

    def __init__(self, home: Home, server: Server, key: str) -> None:
        self.home, self.server, self.key = home, server, key

    def call(self) -> httpx2.Response:
        """Make a callout on a connection of its own, which any worker may get."""
        return httpx2.get(
            f"{self.server.gateway}/callout/Mail", headers={"Callout-Key": self.key}, trust_env=False, timeout=PATIENCE
        )

    def called(self) -> dict[str, int]:
        """Call until both workers have answered; returns the status that each gave last."""
        found: dict[str, int] = {}
        for _ in range(MOST_CONNECTIONS):
            answer = self.call()
            found[answer.headers["Callout-Id"][-8:]] = answer.status_code
            if len(found) == 2:
                return found
        raise NotYet(found)

    def pid(self, child: str) -> int:
        """Return the process id of a child, as the log says it last."""
        return started(self.server)[child]


def started(server: Server) -> dict[str, int]:
    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    return {line["child"]: line["pid"] for line in lines if line["event"] == "started"}


def ends(pids: list[int]) -> list[int]:
    """Return descriptors of which each becomes readable when its process has ended (pidfd_open(2))."""
    return [os.pidfd_open(pid) for pid in pids]


def wait_until_ended(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        ready, _, _ = select.select([descriptor], [], [], PATIENCE)
        os.close(descriptor)
        assert ready, "a process goes on"


@pytest.fixture(scope="module")
def running(home: Home, sandbox: Sandbox) -> Iterator[Running]:
    home.apply(manifest(sandbox))
    home.set_secrets("Mail/Service", username="sandbox-user", password="sandbox-password")
    key = home.create_key("alice")
    with home.serve("--workers", "2") as server:
        yield Running(home, server, key)


def both(running: Running, status: int) -> None:
    found = running.called()
    if set(found.values()) != {status}:
        raise NotYet(found)


def test_both_workers_answer_and_a_changed_definition_bites_on_both(running: Running) -> None:
    eventually(lambda: both(running, 200), instead_of=NotYet)
    running.home.run("permission-set", "unassign", "Clerks", "alice")
    eventually(lambda: both(running, 403), instead_of=NotYet)
    assert {running.call().status_code for _ in range(20)} == {403}
    running.home.run("permission-set", "assign", "Clerks", "alice")
    eventually(lambda: both(running, 200), instead_of=NotYet)


def test_each_worker_shows_what_it_counted(running: Running) -> None:
    eventually(lambda: both(running, 200), instead_of=NotYet)

    def counted() -> dict[str, int]:
        text = httpx2.get(f"{running.server.gateway}/metrics", trust_env=False, timeout=PATIENCE).text
        found = re.findall(r'callout_callouts_total\{process="(\w+)",status="200",reason=""\} (\d+)', text)
        if not found:
            raise NotYet(text)
        return {process: int(count) for process, count in found}

    seen: dict[str, int] = {}

    def of_both() -> None:
        seen.update(counted())
        if len(seen) < 2:
            raise NotYet(seen)

    eventually(of_both, instead_of=NotYet)
    assert set(seen) == set(running.called())
    assert min(seen.values()) >= 1


def moved(home: Home, *, away: bool) -> None:
    """Move the database away, or back."""
    here, there = home.folder / "callout.db", home.folder / "away.db"
    (here if away else there).rename(there if away else here)


def test_the_gateway_goes_on_while_setup_cannot_start_and_setup_comes_back(running: Running) -> None:
    eventually(lambda: both(running, 200), instead_of=NotYet)
    workers = [running.pid("worker 1"), running.pid("worker 2")]
    old = running.pid("setup")
    moved(running.home, away=True)
    try:
        os.kill(old, signal.SIGKILL)

        def refused_twice() -> None:
            if running.server.log.count('"event": "not_restarted", "child": "setup"') < 2:
                raise NotYet
            both(running, 200)

        eventually(refused_twice, instead_of=NotYet)
    finally:
        moved(running.home, away=False)

    def back() -> None:
        if running.pid("setup") == old:
            raise NotYet

    eventually(back, instead_of=NotYet)
    assert httpx2.get(f"{running.server.setup}/readyz", trust_env=False, timeout=PATIENCE).status_code == 200, (
        "on the same port"
    )
    assert [running.pid("worker 1"), running.pid("worker 2")] == workers, "the workers were left alone"
    assert running.home.json("audit", "verify")["ok"]


def test_a_worker_that_was_killed_is_started_again(running: Running) -> None:
    old, other = running.pid("worker 1"), running.pid("worker 2")
    before = set(eventually(running.called, instead_of=NotYet))
    os.kill(old, signal.SIGKILL)

    def restarted() -> None:
        if running.pid("worker 1") == old:
            raise NotYet

    eventually(restarted, instead_of=NotYet)
    assert len(before & set(eventually(running.called, instead_of=NotYet))) == 1
    assert running.pid("worker 2") == other


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_supervisor_ends_every_process(home: Home, number: signal.Signals) -> None:
    with home.serve("--workers", "2") as server:
        ended = ends([*started(server).values(), server.pid])
        assert len(ended) == 4
        os.kill(server.pid, number)
        wait_until_ended(ended)
        assert server.stop() == 0


def test_no_process_outlives_a_supervisor_that_was_killed(home: Home) -> None:
    with home.serve("--workers", "2") as server:
        ended = ends([*started(server).values(), server.pid])
        assert len(ended) == 4
        os.kill(server.pid, signal.SIGKILL)
        wait_until_ended(ended)
        assert server.stop() == -signal.SIGKILL


@pytest.mark.parametrize("option", ["--port", "--setup-port"])
def test_a_port_in_use_is_one_clear_line(home: Home, option: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        ports = {"--port": "0", "--setup-port": "0", option: str(port)}
        done = home.attempt("serve", *(word for pair in ports.items() for word in pair))
    assert (done.returncode, done.stdout) == (5, "")
    (line,) = done.stderr.splitlines()
    said = json.loads(line)
    assert said["event"] == "not_started"
    assert f"port {port} on 127.0.0.1, which cannot be bound: Address already in use" in said["because"]


def test_a_home_without_a_database_is_not_served(tmp_path: Path) -> None:
    done = Home(tmp_path / "nothing").attempt("serve", "--port", "0", "--setup-port", "0", "--workers", "2")
    assert (done.returncode, done.stdout) == (3, "")
    assert "callout init" in done.stderr
    assert done.stderr.count("got no database") == 1, "what stops all of them is said once"


def test_every_bad_setting_is_named(tmp_path: Path) -> None:
    with callout_home(tmp_path / "home") as home:
        home.environment |= {"CALLOUT_WORKERS": "abc", "CALLOUT_POLL_INTERVAL": "0"}
        done = home.attempt("serve", "--setup-port", "70000")
    assert (done.returncode, done.stdout) == (3, "")
    for place in ("CALLOUT_WORKERS", "CALLOUT_POLL_INTERVAL", "--setup-port"):
        assert place in done.stderr


@pytest.mark.parametrize("workers", ["0", "-1"])
def test_a_server_without_workers_is_refused(home: Home, workers: str) -> None:
    done = home.attempt("serve", f"--workers={workers}")
    assert (done.returncode, done.stdout) == (3, "")
    assert f"--workers: got {workers}; expected a whole number from 1" in done.stderr
