"""What a callout costs, side by side with nginx: CPU time, requests a second and latency, measured in one run.

Callout as it is served (one worker; caller key, decision, injected header and audit record on) against nginx
`proxy_pass` with the same key look-up, header and log, both in front of the same external system: 1 kB of JSON that is
refused where the credential is missing or the caller's key leaks through. The gateways run on CPU 0, the external
system and the load generator (wrk, 16 connections) on CPU 1. Rounds alternate; figures are medians of the rounds,
of those in which nobody else used the machine where there are any (`others` says how much of a CPU they did).
CPU time is that of all processes of a gateway, from /proc/PID/stat, over the requests that wrk counted.

    python bench/callout_vs_nginx.py [--rounds 5] [--seconds 3] [--most-ratio 2.2] [--json]

Exit codes: 0 measured; 1 an answer was not 2xx, something did not start, or the ratio is above --most-ratio.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
TICKS = os.sysconf("SC_CLK_TCK")
GATEWAY_CPU, LOAD_CPU = "0", "1"
CONNECTIONS = 16
START_SECONDS = 30
#: Share of one CPU that others may use during a measurement before it is made again, and how often that is done.
FOREIGN, ATTEMPTS = 0.15, 3
INSTALL = "apt-get install nginx-light wrk util-linux"


class BenchError(Exception):
    """The measurement cannot be made; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the parts of one run are."""

    folder: Path
    external_port: int
    nginx_port: int
    credential: str
    caller_key: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """One round of one candidate. Latencies and CPU time are microseconds."""

    candidate: str
    requests: int
    per_second: float
    p50: float
    p99: float
    cpu: float
    foreign: float


class Process:
    """A program in a session of its own, so that its whole family can be measured and stopped."""

    def __init__(self, command: list[str], log: Path, *, cpu: str, environment: dict[str, str] | None = None) -> None:
        self.log = log
        self._process = subprocess.Popen(
            ["taskset", "-c", cpu, *command],
            stdin=subprocess.PIPE,
            stdout=log.open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )
        self.session = self._process.pid

    def cpu_seconds(self) -> float:
        """CPU time of every process of the session, children that ended included."""
        return sum(ticks for _, ticks in self._family()) / TICKS

    def ended(self) -> bool:
        return self._process.poll() is not None

    def stop(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.session, number)
            deadline = time.monotonic() + 5
            while time.monotonic() < deadline:
                if self.ended() and not self._family():
                    return
                time.sleep(0.05)

    def _family(self) -> list[tuple[int, int]]:
        family = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError, ValueError):
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                if int(fields[3]) == self.session and fields[0] != "Z":
                    family.append((int(entry.name), sum(map(int, fields[11:15]))))
        return family


def main() -> int:
    arguments = read_arguments()
    try:
        with contextlib.ExitStack() as stack:
            place = prepare(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="callout-bench-"))))
            results = measure(place, arguments, stack)
    except BenchError as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 1
    return report(results, arguments)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What a callout costs, side by side with nginx.")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each candidate (default 5)")
    parser.add_argument("--seconds", type=int, default=3, help="seconds of a round (default 3)")
    parser.add_argument("--most-ratio", type=float, help="fail where Callout's CPU time is more than this many nginx's")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def prepare(folder: Path) -> Place:
    missing = [name for name in ("nginx", "wrk", "taskset") if shutil.which(name) is None]
    if missing:
        raise BenchError(f"got no {', '.join(missing)}; expected them to be installed: {INSTALL}")
    if len(os.sched_getaffinity(0)) < 2:
        raise BenchError("got one CPU; expected two, one for the gateway and one for the load")
    external_port, nginx_port = free_ports(2)
    place = Place(folder, external_port, nginx_port, secrets.token_urlsafe(24), "co_" + secrets.token_urlsafe(32))
    for name in ("external_system.conf", "nginx.conf", "bench.yaml"):
        write_configuration(place, name)
    return place


def write_configuration(place: Place, name: str) -> None:
    source = HERE / name if name.endswith(".yaml") else HERE / f"{name}.in"
    values = {
        "FOLDER": str(place.folder),
        "EXTERNAL_PORT": str(place.external_port),
        "NGINX_PORT": str(place.nginx_port),
        "CREDENTIAL": place.credential,
        "KEY": place.caller_key,
        "BODY": json.dumps({"rows": "x" * 1012}),
    }
    text = re.sub(r"@([A-Z_]+)@", lambda found: values[found[1]], source.read_text())
    (place.folder / name).write_text(text)


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in listeners]


@contextlib.contextmanager
def running(command: list[str], log: Path, *, cpu: str, environment: dict[str, str] | None = None) -> Iterator[Process]:
    process = Process(command, log, cpu=cpu, environment=environment)
    try:
        yield process
    finally:
        process.stop()


@contextlib.contextmanager
def callout_served(place: Place) -> Iterator[tuple[Process, int, str]]:
    """Make a home, define, make a caller key, serve; yields the processes, the gateway's port and the key."""
    home = str(place.folder / "home")
    environment = {"BENCH_CREDENTIAL": place.credential}
    callout(environment, "init", "--home", home)
    callout(environment, "apply", "--home", home, "-f", str(place.folder / "bench.yaml"))
    key = json.loads(callout(environment, "key", "create", "bench", "--home", home, "--json"))["key"]
    command = [sys.executable, "-m", "callout", "serve", "--home", home, "--port", "0", "--setup-port", "0"]
    log = place.folder / "callout.log"
    with running(command, log, cpu=GATEWAY_CPU) as process:
        yield process, ready_port(process), key


def callout(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "callout", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode:
        raise BenchError(
            f"callout {' '.join(arguments[:1])} ended with {done.returncode}: {done.stderr or done.stdout}"
        )
    return done.stdout


def ready_port(process: Process) -> int:
    """Wait for the line of JSON that says where the gateway is."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and not process.ended():
        for line in process.log.read_text().splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                members = json.loads(line)
                if members.get("event") == "ready":
                    return int(members["port"])
        time.sleep(0.1)
    raise BenchError(f"callout serve did not say that it is ready: {process.log.read_text()[-800:]}")


def measure(place: Place, arguments: argparse.Namespace, stack: contextlib.ExitStack) -> list[Measurement]:
    def nginx(name: str, cpu: str) -> Process:
        command = ["nginx", "-e", str(place.folder / f"{name}.err"), "-c", str(place.folder / f"{name}.conf")]
        return stack.enter_context(running(command, place.folder / f"{name}.log", cpu=cpu))

    external = nginx("external_system", LOAD_CPU)
    gateway = nginx("nginx", GATEWAY_CPU)
    served, port, key = stack.enter_context(callout_served(place))
    direct_headers = {"Authorization": f"Bearer {place.credential}"}
    candidates = {
        "direct": (None, f"http://127.0.0.1:{place.external_port}/json", direct_headers),
        "nginx": (
            gateway,
            f"http://127.0.0.1:{place.nginx_port}/callout/Bench/json",
            {"Callout-Key": place.caller_key},
        ),
        "callout": (served, f"http://127.0.0.1:{port}/callout/Bench/json", {"Callout-Key": key}),
    }
    for name, (_, url, headers) in candidates.items():
        wait_for(name, url, headers)
        load(url, headers, 1)
    results = []
    for _ in range(arguments.rounds):
        for name, (process, url, headers) in candidates.items():
            results.append(one_round(name, process, external, url, headers, arguments.seconds))
    return results


def one_round(
    name: str, process: Process | None, external: Process, url: str, headers: dict[str, str], seconds: int
) -> Measurement:
    """Measure; again where others used the machine meanwhile. The quietest attempt counts."""
    attempts = []
    for _ in range(ATTEMPTS):
        mine = process.cpu_seconds() if process is not None else 0.0
        theirs, busy, children = external.cpu_seconds(), busy_seconds(), child_seconds()
        output = load(url, headers, seconds)
        used = process.cpu_seconds() - mine if process is not None else 0.0
        others = busy_seconds() - busy - used - (external.cpu_seconds() - theirs) - (child_seconds() - children)
        requests = int(found(r"(\d+) requests in", output))
        attempts.append(
            Measurement(
                name,
                requests,
                float(found(r"Requests/sec:\s+([\d.]+)", output)),
                microseconds(found(r"(?m)^ +50%\s+(\S+)", output)),
                microseconds(found(r"(?m)^ +99%\s+(\S+)", output)),
                used / requests * 1e6,
                max(0.0, others / seconds),
            )
        )
        if attempts[-1].foreign < FOREIGN:
            break
    return min(attempts, key=lambda measurement: measurement.foreign)


def load(url: str, headers: dict[str, str], seconds: int) -> str:
    """Run wrk; raises `BenchError` where an answer was not 2xx or a connection failed."""
    command = ["taskset", "-c", LOAD_CPU, "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency"]
    command += ["-s", str(HERE / "requests.lua")]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    output = subprocess.run([*command, url], capture_output=True, text=True, check=True, timeout=seconds + 30).stdout
    wrong = re.search(r"Non-2xx or 3xx responses: .*|Socket errors: .*", output)
    if wrong is not None:
        raise BenchError(f"{url}: {wrong[0]}")
    return output


def wait_for(name: str, url: str, headers: dict[str, str]) -> None:
    deadline = time.monotonic() + START_SECONDS
    last = ""
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as answer:
                if answer.status == 200:
                    return
                last = f"status {answer.status}"
        except urllib.error.HTTPError as error:
            raise BenchError(f"{name} answered {error.code}: {error.read().decode(errors='replace')[:500]}") from None
        except OSError as error:
            last = str(error)
        time.sleep(0.1)
    raise BenchError(f"{name} did not start: {last}")


def busy_seconds() -> float:
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    user, nice, system, _idle, _waiting, irq, softirq, steal = map(int, fields)
    return (user + nice + system + irq + softirq + steal) / TICKS


def child_seconds() -> float:
    times = os.times()
    return times.children_user + times.children_system


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise BenchError(f"wrk printed no {pattern!r}: {text[:400]}")
    return match[1]


def microseconds(text: str) -> float:
    match = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text)
    if match is None:
        raise BenchError(f"got latency {text!r} from wrk; expected a number and a unit")
    return float(match[1]) * {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 6e7}[match[2]]


def report(results: list[Measurement], arguments: argparse.Namespace) -> int:
    def median(candidate: str, field: str) -> float:
        rounds = [each for each in results if each.candidate == candidate]
        quiet = [each for each in rounds if each.foreign < FOREIGN]
        return statistics.median(getattr(each, field) for each in quiet or rounds)

    ratio = median("callout", "cpu") / median("nginx", "cpu")
    held = arguments.most_ratio is None or ratio <= arguments.most_ratio
    if arguments.json:
        summary = {
            name: {field: median(name, field) for field in ("cpu", "per_second", "p50", "p99")}
            for name in ("direct", "nginx", "callout")
        }
        members = {"summary": summary, "cpu_ratio": ratio, "held": held, "rounds": [asdict(each) for each in results]}
        print(json.dumps(members, indent=1))
        return 0 if held else 1
    print(f"1 kB of JSON, {CONNECTIONS} connections, one core; medians of {arguments.rounds} rounds")
    print(f"{'':10}{'CPU µs':>10}{'per second':>12}{'p50 µs':>10}{'p99 µs':>10}{'added p50':>11}{'others %':>10}")
    for name in ("direct", "nginx", "callout"):
        cpu = f"{median(name, 'cpu'):.1f}" if name != "direct" else "-"
        added = f"{median(name, 'p50') - median('direct', 'p50'):.0f}" if name != "direct" else "-"
        print(
            f"{name:10}{cpu:>10}{median(name, 'per_second'):>12,.0f}{median(name, 'p50'):>10,.0f}"
            f"{median(name, 'p99'):>10,.0f}{added:>11}{median(name, 'foreign') * 100:>10.0f}"
        )
    print(
        f"Callout's CPU time is {ratio:.2f} x nginx's" + ("" if held else f"; expected {arguments.most_ratio} at most")
    )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
