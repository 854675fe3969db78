"""What the scenes act in: a home, the sandbox, the server, the command line, and callouts over HTTP."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from callout.demo.transcript import Transcript

#: How long the demo waits for a process or an answer, in seconds.
PATIENCE = 120.0
#: How long a change or a record may take to spread, in seconds.
SPREAD = 60.0
PAUSE = 0.05
#: The sandbox's own client, made up and known to everybody.
CLIENT_ID, CLIENT_SECRET = "sandbox-client", "sandbox-secret"


class Unexpected(Exception):
    """Something is not as it should be; says got and expected."""


def expect(got: object, expected: object, what: str) -> None:
    """Hold what came against what is expected. Raises `Unexpected`."""
    if got != expected:
        raise Unexpected(f"{what}: got {got!r}; expected {expected!r}")


@dataclass(frozen=True, slots=True)
class Exchanged:
    """One callout: what was sent, what the sandbox received because of it, what was answered."""

    address: str
    headers: tuple[tuple[str, str], ...]
    received: tuple[Mapping[str, Any], ...]
    answer: httpx2.Response

    @property
    def problem(self) -> Mapping[str, Any]:
        """The problem body of an answer that Callout itself made; empty for any other."""
        return self.answer.json() if "callout-error" in self.answer.headers else {}

    @property
    def statuses(self) -> tuple[str, ...]:
        """What the sandbox was asked and how it answered, shortly: `token 200`, `callout 601`."""
        return tuple(f"{each['kind']} {each['status']}" for each in self.received)


class World:
    """Everything that runs. `keys` are the callers' keys by name; `secrets` are never printed."""

    def __init__(self, folder: Path, transcript: Transcript) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.transcript = transcript
        self.http = httpx2.Client(trust_env=False, timeout=PATIENCE)
        self.keys: dict[str, str] = {}
        self.where: dict[str, str] = {}
        self._processes: list[subprocess.Popen[str]] = []
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CALLOUT_")}  # noqa: TID251 - handed on
        self._environment = {**kept, "CALLOUT_HOME": str(self.home), "SANDBOX_CLIENT_SECRET": CLIENT_SECRET}

    # -- processes

    def start(self, name: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a program of Callout; what it writes as errors goes to a file of its name."""
        with (self.folder / f"{name}.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._processes.append(process)
        return process

    def ready(self, name: str, process: subprocess.Popen[str]) -> Mapping[str, str]:
        """Wait for the line that says where it is. Raises `Unexpected` where the program ends instead."""
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise Unexpected(f"{name} ended before it was ready")
        where: Mapping[str, str] = json.loads(line)
        return where

    def errors(self) -> Iterator[tuple[str, str]]:
        """Yield what each program wrote as errors, its end, where it wrote any."""
        for log in sorted(self.folder.glob("*.log")):
            text = log.read_text(errors="replace").strip()
            if text:
                yield log.stem, text[-4000:]

    def stop(self) -> None:
        """Stop every process, those that were started last first."""
        self.http.close()
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
            if process.stdout is not None:
                process.stdout.close()

    # -- the command line

    def commands(self, *lines: Sequence[str], stdin: str = "") -> list[Any]:
        """Run commands of `callout` at the same time, each with --json; returns their results.

        Raises `Unexpected` where one ends with another exit code than 0.
        """
        started = [
            subprocess.Popen(
                [sys.executable, "-m", "callout", *line, "--json"],
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for line in lines
        ]
        return [_result(line, process, stdin) for line, process in zip(lines, started, strict=True)]

    def command(self, *words: str, stdin: str = "", show: bool = True) -> Any:
        """Run one command, show it, return its result."""
        if show:
            self.transcript.command(shlex.join(("callout", *words)))
        return self.commands(words, stdin=stdin)[0]

    def as_printed(self, command: str, stdin: str = "") -> Any:
        """Run a command exactly as Callout printed it."""
        program, *words = shlex.split(command)
        expect(program, "callout", "the printed command begins with")
        self.transcript.command(command)
        return self.commands(words, stdin=stdin)[0]

    # -- the sandbox

    def control(self, method: str, path: str, members: Mapping[str, Any] | None = None) -> Any:
        """Give the sandbox a command."""
        return self.http.request(method, f"{self.where['control']}{path}", json=members).raise_for_status().json()

    def forget(self) -> None:
        """Let the sandbox forget what it received so far."""
        self.control("POST", "/forget")

    def make_stale(self, status: int) -> None:
        """Let every token expire, and the external system say so with this status."""
        self.control("PATCH", "/settings", {"stale_status": status})
        self.control("POST", "/expire")

    # -- callouts

    def call(self, address: str, key: str | None, *, until: Callable[[Exchanged], bool] | None = None) -> Exchanged:
        """GET a `callout:` address over HTTP, with this key (None: as a guest), and show it. `until`: repeat it while a change that was just made spreads."""
        url = f"{self.where['gateway']}/callout/{address.removeprefix('callout:')}"
        headers = {"Callout-Key": self.keys[key]} if key else {}
        deadline = time.monotonic() + SPREAD
        while True:
            self.forget()
            answer = self.http.get(url, headers=headers)
            received = self.control("GET", "/requests")["requests"]
            shown = tuple((n, "co_…") for n in headers)
            exchanged = Exchanged(address, shown, tuple(received), answer)
            if until is None or until(exchanged) or time.monotonic() > deadline:
                break
            time.sleep(PAUSE)
        self.transcript.exchanged(exchanged, as_whom=key)
        return exchanged

    def explain(self, callout_id: str) -> Mapping[str, Any]:
        """Return the trace of a callout, once it was written: records are written in batches."""
        self.transcript.command(f"callout explain {callout_id}")
        deadline = time.monotonic() + SPREAD
        while True:
            try:
                trace: Mapping[str, Any] = self.commands(("explain", callout_id))[0]
            except Unexpected:
                if time.monotonic() > deadline:
                    raise
            else:
                return trace


@contextmanager
def opened(transcript: Transcript) -> Iterator[World]:
    """Make the home, start both programs and load the definitions; stop and remove everything at the end."""
    with tempfile.TemporaryDirectory(prefix="callout-demo-") as folder:
        world = World(Path(folder), transcript)
        try:
            _set_up(world)
            yield world
        except Exception:
            for name, text in world.errors():
                transcript.say(f"\n{name} wrote as errors:\n{text}")
            raise
        finally:
            world.stop()


def _set_up(world: World) -> None:
    say = world.transcript.command
    world.transcript.hide(CLIENT_SECRET)
    say(f"export CALLOUT_HOME={world.home} SANDBOX_CLIENT_SECRET=…")
    sandbox = world.start("sandbox", "callout", "sandbox", "--port", "0", "--token-port", "0")
    say("callout sandbox --port 0 --token-port 0 &")
    world.keys["administrator"] = world.command("init")["key"]
    world.where.update(world.ready("sandbox", sandbox))
    manifest = world.folder / "callout.yaml"
    manifest.write_text(definitions(world.where["external_system"], world.where["token_endpoint"]))
    world.transcript.file(manifest)
    world.command("apply", "-f", str(manifest))
    server = world.start("serve", "callout", "serve", "--port", "0", "--setup-port", "0")
    say("callout serve --port 0 --setup-port 0 &")
    _make_keys(world)
    ready = world.ready("serve", server)
    world.where.update({"gateway": ready["gateway"], "setup": ready["setup"]})


def _make_keys(world: World) -> None:
    callers = {
        "alice": ("alice",),
        "bob": ("bob",),
        "code of package acme, for alice": ("alice", "--namespace", "acme"),
        "code of package acme, for admin": ("admin", "--namespace", "acme"),
    }
    lines = [("key", "create", *words) for words in callers.values()]
    for line in lines:
        world.transcript.command(shlex.join(("callout", *line)))
    for name, made in zip(callers, world.commands(*lines), strict=True):
        world.keys[name] = made["key"]


def definitions(external_system: str, token_endpoint: str) -> str:
    """Return the demo's manifest."""
    return f"""\
external_credentials:
  Shop:
    protocol: oauth2_client_credentials
    parameters: {{token_endpoint: "{token_endpoint}", client_authentication: client_secret_basic, scope: orders.read}}
    additional_status_codes: [400, 601]
    principals:
      Service:
        secrets: {{client_id: {CLIENT_ID}, client_secret: {{env: SANDBOX_CLIENT_SECRET}}}}
named_credentials:
  Shop:
    url: {external_system}/v2
    external_credential: Shop
    allow_private_network: true        # the sandbox is on this machine
permission_sets:
  Shop Callers: {{principals: [Shop/Service]}}
profiles:
  Contractors: {{principals: [Shop/Service], user_external_credential: []}}
packages:
  acme: {{label: Acme Tools}}
users:
  alice: {{profile: Standard User, permission_sets: [Shop Callers]}}
  bob: {{profile: Contractors}}
"""


def _result(line: Sequence[str], process: subprocess.Popen[str], stdin: str) -> Any:
    try:
        out, errors = process.communicate(stdin, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    if process.returncode != 0:
        raise Unexpected(f"`{shlex.join(('callout', *line))}` ended with {process.returncode}: {errors}{out}")
    return json.loads(out)
