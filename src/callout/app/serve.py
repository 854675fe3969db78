"""`callout serve`: a supervisor with one setup process and N gateway workers on one port.

The supervisor keeps the port (bound, not listening), starts the children, says when all are ready, starts a worker
again that died, and stops them all. A child stops when its standard input ends: no orphan outlives the supervisor.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress

from callout.app.log import log
from callout.settings import Settings

#: How long a child may take to become ready, in seconds.
READY_TIMEOUT = 60.0
#: A child that dies is started again after this long, in seconds.
RESTART_AFTER = 0.5
#: A child that dies this often before it was ready is not started again.
MOST_FAILED_STARTS = 3


class Child:
    """One child process and the line of JSON with which it says that it is ready."""

    def __init__(self, module: str, name: str, settings: Settings, extra: Mapping[str, str]) -> None:
        self.module = module
        self.name = name
        self.environment = {**os.environ, **settings.environment(), **extra}  # noqa: TID251 - inherited by the child
        self.process: asyncio.subprocess.Process | None = None
        self.failed_starts = 0

    async def start(self) -> dict[str, object]:
        """Start the process and return what it said when it was ready. Raises `RuntimeError` where it did not."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self.module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=self.environment,
        )
        assert self.process.stdout is not None
        try:
            line = await asyncio.wait_for(self.process.stdout.readline(), READY_TIMEOUT)
            ready: dict[str, object] = json.loads(line)
        except (TimeoutError, ValueError):
            self.failed_starts += 1
            await self.stop(0.0)
            msg = f"{self.name} did not become ready; its error stands above"
            raise RuntimeError(msg) from None
        self.failed_starts = 0
        return ready

    async def stop(self, within: float) -> None:
        """Ask the process to stop, and end it where it has not after `within` seconds."""
        process = self.process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), within + 2.0)
        except TimeoutError:
            log("ended", child=self.name, because="it did not stop in time")
            with suppress(ProcessLookupError):
                process.kill()
            _ = await process.wait()


def reserve(host: str, port: int) -> socket.socket:
    """Bind the gateway's port without listening, so that every worker can share it (SO_REUSEPORT)."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    kept = socket.socket(family, kind, protocol)
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if port:
        with socket.socket(family, kind, protocol) as probe:  # SO_REUSEPORT would share with a stranger silently
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    kept.bind(address)
    return kept


async def supervise(settings: Settings) -> int:
    """Run until told to stop; returns the exit code."""
    try:
        kept = reserve(settings.host, settings.port)
    except OSError as error:
        log("not_started", because=f"got {settings.host}:{settings.port}, which cannot be bound: {error.strerror}")
        return 5
    port = int(kept.getsockname()[1])
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    gateway = f"http://{host}:{port}"
    setup = Child("callout.app.setup_process", "setup", settings, {"CALLOUT_PORT": str(port)})
    children = [setup]
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        said = await setup.start()
        setup_port = str(said["port"])
        ports = {"CALLOUT_PORT": str(port), "CALLOUT_SETUP_PORT": setup_port}
        setup.environment.update(ports)  # a restarted setup keeps its port
        children += [Child("callout.app.worker", f"worker {n + 1}", settings, ports) for n in range(settings.workers)]
        for worker in children[1:]:
            await worker.start()
    except RuntimeError as error:
        log("not_started", because=str(error))
        await asyncio.gather(*(child.stop(0.0) for child in children))
        return 5
    ready = {
        "event": "ready",
        "gateway": gateway,
        "setup": f"http://{host}:{setup_port}",
        "port": port,
        "setup_port": int(setup_port),
        "workers": settings.workers,
        "home": str(settings.folder),
        "pid": os.getpid(),
    }
    print(json.dumps(ready), flush=True)  # noqa: T201 - the contract: one line of JSON says when and where
    code = await _watch(children, stop)
    await asyncio.gather(*(child.stop(settings.drain_timeout) for child in reversed(children)))
    kept.close()
    return code


async def _watch(children: list[Child], stop: asyncio.Event) -> int:
    """Keep the children running until `stop`; returns 5 where one cannot be kept running."""
    stopped = asyncio.ensure_future(stop.wait())
    waits = {asyncio.ensure_future(_wait(child)): child for child in children}
    while not stop.is_set():
        done, _ = await asyncio.wait({*waits, stopped}, return_when=asyncio.FIRST_COMPLETED)
        for each in done - {stopped}:
            child = waits.pop(each)
            log("restarted", child=child.name, because=f"it ended with code {each.result()}")
            if not await _restart(child, stop):
                return 5
            waits[asyncio.ensure_future(_wait(child))] = child
    for each in waits:
        each.cancel()
    return 0


async def _wait(child: Child) -> int:
    assert child.process is not None
    return await child.process.wait()


async def _restart(child: Child, stop: asyncio.Event) -> bool:
    while child.failed_starts < MOST_FAILED_STARTS and not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), RESTART_AFTER)
        try:
            await child.start()
        except RuntimeError as error:
            log("not_restarted", child=child.name, because=str(error))
        else:
            return True
    return stop.is_set()
