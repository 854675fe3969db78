"""What is sent again after a refresh, over real processes: once, whole, from a file that nobody can find."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shlex
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

import callout_client as sdk
from tests.journeys.processes import PATIENCE, Home, Sandbox, Server, callout_home, eventually

pytestmark = pytest.mark.journey

MEBIBYTE = 1024 * 1024
PIECE = b"x" * MEBIBYTE
#: How much the largest memory of a worker may grow while 100 MiB pass, in KiB.
MOST_GROWTH = 30 * 1024


class NotYet(Exception):
    """Something that another process does has not happened yet."""


class RefusesMidway:
    """An external system that refuses the first upload after half of it, and then `goes` without reading the rest."""

    def __init__(self, *, goes: bool) -> None:
        self.goes = goes
        self.received = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        try:
            connection, _ = self._listening.accept()
        except OSError:
            return  # closed before anybody came
        with connection:
            while self.received < 50 * MEBIBYTE:
                self.received += len(connection.recv(MEBIBYTE))
            connection.sendall(b"HTTP/1.1 401 Unauthorized\r\nX-First: 1\r\nContent-Length: 5\r\n\r\nstale")
            while not self.goes and connection.recv(MEBIBYTE):
                pass

    def close(self) -> None:
        with contextlib.suppress(OSError):  # it wakes who waits in accept()
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(PATIENCE)


def manifest(sandbox: Sandbox, **more: str) -> dict:
    secrets = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}

    def named(url: str, **declared: object) -> dict:
        return {"url": url, "external_credential": "Sandbox", "allow_private_network": True, **declared}

    return {
        "external_credentials": {
            "Sandbox": {
                "protocol": "oauth2_client_credentials",
                "parameters": {"token_endpoint": sandbox.token_endpoint},
                "principals": {"Service": {"secrets": secrets}},
            }
        },
        "named_credentials": {
            "Declared": named(sandbox.url, replay_methods=["GET", "POST"], idempotency_header="Idempotency-Key"),
            "Plain": named(sandbox.url),
            **{name: named(url, replay_methods=["POST"]) for name, url in more.items()},
        },
        "permission_sets": {"Clerks": {"principals": ["Sandbox/Service"], "user_external_credential": ["read"]}},
        "users": {"alice": {"permission_sets": ["Clerks"]}},
    }


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with callout_home(tmp_path_factory.mktemp("callout") / "home", {"CALLOUT_DRAIN_TIMEOUT": "0.1"}) as home:
        yield home


@pytest.fixture(scope="module")
def key(home: Home, sandbox: Sandbox) -> Iterator[str]:
    refusing = {"Midway": RefusesMidway(goes=False), "MidwayGone": RefusesMidway(goes=True)}
    home.apply(manifest(sandbox, **{name: each.url for name, each in refusing.items()}))
    yield home.create_key("alice")
    for each in refusing.values():
        each.close()


@pytest.fixture(scope="module")
def server(home: Home, key: str) -> Iterator[Server]:
    with home.serve() as server:
        yield server


@pytest.fixture
def client(server: Server, key: str, sandbox: Sandbox) -> Iterator[sdk.Client]:
    """A client whose token has gone stale at the external system alone."""
    with sdk.Client(server.gateway, key) as client:
        assert client.get("callout:Plain/x").status_code == 200
        sandbox.command("expire")
        sandbox.command("forget")
        yield client


def worker_of(server: Server) -> int:
    """The process id of the one worker that was started last."""
    said = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    return int([each["pid"] for each in said if each.get("child") == "worker 1" and "pid" in each][-1])


def memory(pid: int, which: str) -> int:
    """The memory that a process has (`VmRSS`), or the most that it has ever had (`VmHWM`), in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{which}:")).split()[1])


def explained(home: Home, answer: httpx2.Response) -> dict:
    def known() -> dict:
        ended = home.attempt("explain", answer.headers["Callout-Id"], "--json")
        if ended.returncode != 0:
            raise NotYet
        return dict(json.loads(ended.stdout))

    return eventually(known, instead_of=NotYet)


def test_a_declared_megabyte_is_seen_twice_at_most_and_answered_once(
    client: sdk.Client, sandbox: Sandbox, home: Home
) -> None:
    body = os.urandom(MEBIBYTE)
    answer = client.post("callout:Declared/orders", content=body)
    assert (answer.status_code, sdk.replay_of(answer)) == (200, sdk.Replay.DONE)
    assert sandbox.answers("callout") == {401: 1, 200: 1}
    seen = sandbox.requests("callout")
    assert {each["body_sha256"] for each in seen} == {hashlib.sha256(body).hexdigest()}
    keys = [value for each in seen for name, value in each["headers"] if name == "Idempotency-Key"]
    assert keys == [answer.headers["Callout-Id"]] * 2
    record = explained(home, answer)
    assert (record["replay"], record["sent_bytes"]) == ("done", MEBIBYTE)
    assert list((home.folder / "spool").iterdir()) == []


def test_what_is_not_declared_passes_and_the_printed_command_declares_it(
    client: sdk.Client, sandbox: Sandbox, home: Home
) -> None:
    answer = client.post("callout:Plain/orders", content=PIECE)
    assert (answer.status_code, sdk.replay_of(answer)) == (401, sdk.Replay.NOT_POSSIBLE)
    assert sandbox.answers("callout") == {401: 1}
    record = explained(home, answer)
    step = next(step for step in record["steps"] if step["name"] == "replay")
    assert (step["held"], step["reason"]) == (False, "replay_not_possible")
    (command,) = step["remedy_commands"]
    home.run(*shlex.split(command)[1:])

    def sent_again() -> httpx2.Response:
        sandbox.command("expire")
        again = client.post("callout:Plain/orders", content=PIECE)
        if sdk.replay_of(again) is not sdk.Replay.DONE:
            raise NotYet
        return again

    assert eventually(sent_again, instead_of=NotYet).status_code == 200


@pytest.mark.parametrize("name", ["Midway", "MidwayGone"])
def test_a_hundred_megabytes_refused_midway_cost_no_memory(
    client: sdk.Client, home: Home, server: Server, name: str
) -> None:
    before = memory(worker_of(server), "VmRSS")
    length = {"Content-Length": str(100 * MEBIBYTE)}
    answer = client.post(f"callout:{name}/upload", content=(PIECE for _ in range(100)), headers=length)
    assert (answer.status_code, answer.text, answer.headers["X-First"]) == (401, "stale", "1")
    assert sdk.replay_of(answer) is sdk.Replay.NOT_POSSIBLE
    assert memory(worker_of(server), "VmHWM") - before < MOST_GROWTH
    assert client.get("callout:Declared/x").status_code == 200
    step = next(step for step in explained(home, answer)["steps"] if step["name"] == "replay")
    assert "replay_file_limit" in step["detail"]


@contextlib.contextmanager
def half_an_upload(server: Server, key: str) -> Iterator[socket.socket]:
    """An upload of which half has come, and is in a file."""
    host, port = server.gateway.removeprefix("http://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as caller:
        head = f"POST /callout/Declared/x HTTP/1.1\r\nHost: g\r\nCallout-Key: {key}\r\nContent-Length: {8 * MEBIBYTE}"
        caller.sendall(head.encode() + b"\r\n\r\n" + PIECE * 4)
        yield caller


def files_of(pid: int, folder: Path) -> list[str]:
    """The files of a folder that a process has open, with or without a name."""
    targets = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            targets.append(str(descriptor.readlink()))
        except FileNotFoundError:
            continue
    return [target for target in targets if target.startswith(str(folder))]


def spooled(pid: int, folder: Path) -> list[str]:
    def found() -> list[str]:
        if not (files := files_of(pid, folder)):
            raise NotYet
        return files

    return eventually(found, instead_of=NotYet)


def test_a_killed_worker_leaves_no_body_behind(home: Home, server: Server, key: str) -> None:
    folder, worker = home.folder / "spool", worker_of(server)
    with half_an_upload(server, key):
        (file,) = spooled(worker, folder)
        assert file.endswith("(deleted)")
        assert list(folder.iterdir()) == []
        os.kill(worker, signal.SIGKILL)

        def another() -> int:
            if (pid := worker_of(server)) == worker:
                raise NotYet
            return pid

        assert eventually(another, instead_of=NotYet) != worker
    assert list(folder.iterdir()) == []


def test_a_stopped_server_leaves_no_body_behind(home: Home, server: Server, key: str) -> None:
    folder = home.folder / "spool"
    with half_an_upload(server, key):
        spooled(worker_of(server), folder)
        assert server.stop() == 0
    assert list(folder.iterdir()) == []
