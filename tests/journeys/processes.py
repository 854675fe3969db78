"""Real processes for journeys: `python -m callout …` in a home of its own, and the sandbox. Killed by their own id.

    with callout_home(tmp_path / "home") as home:
        home.apply(manifest)
        with home.serve() as server, start_sandbox() as sandbox: …

Every process that runs long says in one line of JSON on standard output when it is ready and where. What it writes is
kept in a file, which a failing test shows (`pytest_runtest_makereport`).
"""

from __future__ import annotations

import json
import os
import queue
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx2
import pytest

Result = TypeVar("Result")

PROJECT = Path(__file__).parents[2]
CALLOUT = (sys.executable, "-m", "callout")

#: How long a process may take to become ready, to answer or to stop, in seconds; far more than it needs on a slow
#: machine that is busy. Only what fails takes so long.
PATIENCE = 120.0
#: How often it is looked whether a process that is to become ready has ended, in seconds.
LOOKING = 0.5
#: How much of a log a failing test shows, in characters.
SHOWN = 6000

_RUNNING: list[LongProcess] = []


def environment_of(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a process: this one's, without any setting of Callout, with the sources on the path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CALLOUT_")}
    path = os.pathsep.join(filter(None, [str(PROJECT / "src"), kept.get("PYTHONPATH", "")]))
    return {**kept, "PYTHONPATH": path, "NO_COLOR": "1", **(changes or {})}


class LongProcess:
    """A process that runs until it is stopped. `ready` is what it said when it was."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        cwd: Path = PROJECT,
    ) -> None:
        self.name = name
        self._log_path = log
        self._log_file = log.open("ab")
        self._first: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._process = subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log_file,
            env=dict(environment if environment is not None else environment_of()),
            cwd=cwd,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        _RUNNING.append(self)
        self.ready = self._wait_until_ready()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        """Everything that the process wrote."""
        return self._log_path.read_text(errors="replace")

    def stop(self) -> int:
        """Ask the process to stop, end it where it does not, and return its exit code."""
        if self in _RUNNING:
            _RUNNING.remove(self)
        if self._process.poll() is None:
            self._process.terminate()
        try:
            code = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            pytest.fail(f"{self.name} did not stop within {PATIENCE} s; its log ends with:\n{self.log[-SHOWN:]}")
        finally:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._reader.join(PATIENCE)
            self._log_file.close()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _read(self) -> None:
        """Hand over the line that says ready; what else comes goes to the log."""
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                said = _json_or_none(line)
                if isinstance(said, dict) and said.get("event") == "ready":
                    self._first.put(said)
                self._log_file.write(line)
                self._log_file.flush()
        self._first.put(None)

    def _wait_until_ready(self) -> dict[str, Any]:
        ready, deadline = None, time.monotonic() + PATIENCE
        while True:
            ended = self._process.poll() is not None  # looked at first: what it wrote before it ended is read below
            try:
                ready = self._first.get(timeout=LOOKING)  # None where its output is closed
                break
            except queue.Empty:
                if ended or time.monotonic() > deadline:
                    break
        if ready is None:
            code = self._process.poll()
            self.stop()
            pytest.fail(f"{self.name} did not become ready (exit code {code}):\n{self.log[-SHOWN:]}", pytrace=False)
        return ready


class Server(LongProcess):
    """A running `callout serve`."""

    @property
    def gateway(self) -> str:
        return str(self.ready["gateway"])

    @property
    def setup(self) -> str:
        return str(self.ready["setup"])


class Home:
    """A home folder, and the commands that work on it."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.environment = environment_of(environment)

    def attempt(self, *arguments: str, standard_input: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run one command on this home and return how it ended."""
        return subprocess.run(
            [*CALLOUT, *arguments, "--home", str(self.folder)],
            input=standard_input,
            stdin=subprocess.DEVNULL if standard_input is None else None,
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
            cwd=PROJECT,
            timeout=PATIENCE,
        )

    def run(self, *arguments: str, standard_input: str | None = None) -> str:
        """Run one command that must succeed; returns its standard output."""
        ended = self.attempt(*arguments, standard_input=standard_input)
        if ended.returncode != 0:
            told = f"exit code {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
            pytest.fail(f"callout {' '.join(arguments)}: {told}", pytrace=False)
        return ended.stdout

    def json(self, *arguments: str, standard_input: str | None = None) -> Any:
        """Run one command that must succeed, with --json; returns what it said."""
        return json.loads(self.run(*arguments, "--json", standard_input=standard_input))

    def explained(self, callout_id: str) -> Any:
        """Return what `explain` says of a callout, once it is in the audit trail: records are written in batches."""

        def told() -> Any:
            ended = self.attempt("explain", callout_id, "--json")
            assert ended.returncode == 0, ended.stdout + ended.stderr
            return json.loads(ended.stdout)

        return eventually(told, instead_of=AssertionError)

    def apply(self, manifest: Mapping[str, Any]) -> None:
        """Apply a manifest, written as JSON, which is YAML too."""
        file = self.folder.with_name(self.folder.name + "-manifest.yaml")
        file.write_text(json.dumps(manifest, ensure_ascii=False))
        self.run("apply", "-f", str(file))

    def create_key(self, user: str, namespace: str | None = None) -> str:
        """Make a key for a user (and the code of a package)."""
        by_package = () if namespace is None else ("--namespace", namespace)
        return str(self.json("key", "create", user, *by_package)["key"])

    def set_secrets(self, principal: str, **values: str) -> None:
        """Set secrets of `EC/PRINCIPAL`, each through standard input."""
        for name, value in values.items():
            self.run("secret", "set", principal, f"{name}=-", standard_input=value)

    def serve(self, *arguments: str) -> Server:
        """Start a server on free ports; stop it, or use it with `with`."""
        command = [*CALLOUT, "serve", "--home", str(self.folder), "--port", "0", "--setup-port", "0", *arguments]
        log = self.folder.with_name(self.folder.name + "-serve.log")
        return Server("callout serve", command, log, environment=self.environment)


class Sandbox(LongProcess):
    """A running `callout sandbox`, and its control API."""

    def __init__(self, log: Path, *arguments: str) -> None:
        super().__init__("callout sandbox", [*CALLOUT, "sandbox", *arguments], log)
        self.url = str(self.ready["external_system"])
        self.token_endpoint = str(self.ready["token_endpoint"])
        self._control = httpx2.Client(base_url=str(self.ready["control"]), timeout=PATIENCE, trust_env=False)

    def command(self, name: str, **members: object) -> Any:
        """Give a command: expire, fail, hold, release, consent, forget, reset."""
        return self._answer("POST", name, json=members)

    def set(self, **settings: object) -> Any:
        """Change settings."""
        return self._answer("PATCH", "settings", json=settings)

    def wait(self, kind: str, count: int) -> None:
        """Wait until `count` requests of a kind (token, callout) have come since they were last forgotten."""
        self._answer("GET", "wait", params={"kind": kind, "count": count, "timeout": PATIENCE})

    def counts(self) -> dict[str, int]:
        """Return how many requests of each kind have come."""
        return dict(self._answer("GET", "")["counts"])

    def answers(self, kind: str) -> dict[int, int]:
        """Return how many requests of a kind were answered with each status."""
        return {int(status): count for status, count in self._answer("GET", "")["answers"].get(kind, {}).items()}

    def requests(self, kind: str) -> list[dict[str, Any]]:
        """Return the requests of a kind that came last, oldest first."""
        return list(self._answer("GET", "requests", params={"kind": kind})["requests"])

    def stop(self) -> int:
        """Stop the sandbox."""
        if hasattr(self, "_control"):
            self._control.close()
        return super().stop()

    def _answer(self, method: str, name: str, **options: Any) -> Any:
        answer = self._control.request(method, name, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()


@contextmanager
def callout_home(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Home]:
    """A fresh home, made by `callout init`. `environment` adds variables that its processes see."""
    home = Home(folder, environment)
    home.run("init")
    yield home


def eventually(attempt: Callable[[], Result], *, instead_of: type[Exception]) -> Result:
    """Attempt again while it raises `instead_of`: a running server learns of changes by asking the store."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return attempt()
        except instead_of:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)  # the pace of the asking; the answer is what is waited for


def raise_file_limit(files: int) -> None:
    """Let this process, and those it starts, hold so many files and sockets open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < files:
        assert hard == resource.RLIM_INFINITY or hard >= files, f"got a limit of {hard} open files; expected {files}"
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the logs of the running processes to the report of a failure; conftest files import this hook."""
    report = yield
    if report.failed:
        report.sections += [(f"log of {each.name}", each.log[-SHOWN:]) for each in _RUNNING]
    return report


def _json_or_none(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None
