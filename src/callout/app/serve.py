"""`callout serve`: a supervisor with one setup process and N gateway workers on one port.

The supervisor keeps both ports (bound, not listening), starts the children, says when all are ready, starts each again
that ends, and stops them all. A child that cannot be started again is tried without end, after pauses that grow, while
the others go on: only the first start is given up. A child stops when its standard input ends: no orphan outlives the
supervisor.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress

from callout.app.lifeline import FAILED
from callout.app.listening import listening_of
from callout.app.log import described, log
from callout.core.errors import CalloutError
from callout.settings import Settings

#: How long a child may take to become ready, in seconds.
READY_TIMEOUT = 60.0
#: Pauses before a child is started again, in seconds: doubled each time, until it has run for the longest of them.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
#: How much longer than the drain a child may take to end, in seconds.
END_TIMEOUT = 2.0


class NotStarted(Exception):
    """A child did not become ready. The message says which."""


class Child:
    """One child process. It says in a line of JSON on its standard output that it is ready."""

    def __init__(self, module: str, name: str, environment: Mapping[str, str]) -> None:
        self.module = module
        self.name = name
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the process and wait until it is ready. Raises `NotStarted`."""
        try:
            self._process = process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self.module,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=self._environment,
            )
            assert process.stdout is not None
            json.loads(await asyncio.wait_for(process.stdout.readline(), READY_TIMEOUT))
        except (OSError, TimeoutError, ValueError) as error:
            await self.stop(0.0)
            why = "its error stands above" if isinstance(error, ValueError) else described(error)
            raise NotStarted(f"{self.name} did not become ready; {why}") from None
        log("started", child=self.name, pid=process.pid)

    async def ended(self) -> int:
        """Wait until the process has ended; returns its exit code, negative for a signal."""
        assert self._process is not None
        return await self._process.wait()

    async def stop(self, within: float) -> None:
        """Ask the process to stop, and end it where it has not after `within` seconds and some."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        self._send(process.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), within + END_TIMEOUT)
        except TimeoutError:
            log("killed", child=self.name, because="it did not stop in time")
            self._send(process.pid, signal.SIGKILL)
            _ = await process.wait()

    @staticmethod
    def _send(pid: int, number: signal.Signals) -> None:
        """Send a signal. asyncio's own way would take the exit code away from its watcher (CPython issue 87744)."""
        with suppress(ProcessLookupError):
            os.kill(pid, number)


async def keep_running(child: Child, *, shortest: float = SHORTEST_PAUSE, longest: float = LONGEST_PAUSE) -> None:
    """Start a child that runs again whenever it ends, until cancelled. The pauses are seconds."""
    clock = asyncio.get_running_loop().time
    pause = shortest
    while True:
        since = clock()
        code = await child.ended()
        if clock() - since >= longest:
            pause = shortest
        log("ended", child=child.name, because=f"it ended with code {code}", again_in=pause)
        while True:
            await asyncio.sleep(pause)
            pause = min(2 * pause, longest)
            try:
                await child.start()
            except NotStarted as error:
                log("not_restarted", child=child.name, because=str(error), again_in=pause)
            else:
                break


def reserve(host: str, port: int) -> socket.socket:
    """Bind a port without listening, so that children can share it (SO_REUSEPORT) and no stranger takes it."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with ExitStack() as undo:
        kept = undo.enter_context(socket.socket(family, kind, protocol))
        if family == socket.AF_INET6:
            kept.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # as the children's
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if port:
            with socket.socket(family, kind, protocol) as probe:  # SO_REUSEPORT would share with a stranger silently
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        kept.bind(address)
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)  # or a stranger's would do while no child listens
        undo.pop_all()
    return kept


async def supervise(settings: Settings) -> int:
    """Run until told to stop; returns the exit code."""
    try:
        listening_of(settings)
    except CalloutError as error:  # said once, before any child would say it
        log("not_started", because=described(error))
        return FAILED
    with ExitStack() as kept:
        bound: list[tuple[str, int]] = []
        for what, wanted in (("port", settings.port), ("setup port", settings.setup_port)):
            try:
                place = kept.enter_context(reserve(settings.host, wanted)).getsockname()
            except OSError as error:
                got = f"got {what} {wanted} on {settings.host}, which cannot be bound: {error.strerror}"
                log("not_started", because=f"{got}; expected one that is free")
                return FAILED
            bound.append((str(place[0]), int(place[1])))
        (address, port), (_, setup_port) = bound
        return await _supervise(settings, address, port, setup_port)


async def _supervise(settings: Settings, address: str, port: int, setup_port: int) -> int:
    """Run the children on these ports of a numeric address."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    place = {"CALLOUT_HOST": address, "CALLOUT_PORT": str(port), "CALLOUT_SETUP_PORT": str(setup_port)}
    environment = {**os.environ, **settings.environment(), **place}  # noqa: TID251 - inherited by the children
    setup = Child("callout.app.setup_process", "setup", environment)
    workers = [Child("callout.app.worker", f"worker {n + 1}", environment) for n in range(settings.workers)]
    running: list[asyncio.Task[None]] = []
    stopped = asyncio.ensure_future(stop.wait())
    starting = asyncio.ensure_future(_start(setup, workers))
    try:
        await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            running += [asyncio.ensure_future(keep_running(child)) for child in (setup, *workers)]
            _say_ready(settings, port, setup_port)
            await asyncio.wait({stopped, *running}, return_when=asyncio.FIRST_COMPLETED)
            for ended in (each for each in running if each.done()):
                ended.result()  # none ends but by an error that was not foreseen
    except NotStarted as error:
        log("not_started", because=str(error))
        return FAILED
    finally:
        tasks = {starting, stopped, *running}
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await asyncio.gather(*(child.stop(settings.drain_timeout) for child in (*workers, setup)))
    return 0


async def _start(setup: Child, workers: list[Child]) -> None:
    """Start all for the first time. Raises `NotStarted`."""
    await setup.start()  # alone, so that what keeps all of them from starting is said once
    for failed in await asyncio.gather(*(worker.start() for worker in workers), return_exceptions=True):
        if failed is not None:
            raise failed


def _say_ready(settings: Settings, port: int, setup_port: int) -> None:
    """Say where everything is: one line of JSON on standard output, which scripts wait for."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    ready = {
        "event": "ready",
        "gateway": f"{'https' if settings.tls_certificate_file else 'http'}://{host}:{port}",
        "setup": f"http://{host}:{setup_port}",
        "port": port,
        "setup_port": setup_port,
        "workers": settings.workers,
        "home": str(settings.folder),
        "pid": os.getpid(),
    }
    print(json.dumps(ready), flush=True)  # noqa: T201 - the contract
