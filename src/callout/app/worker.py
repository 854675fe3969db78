"""One gateway process: the data plane on a port that it shares with its siblings."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

import uvloop

from callout.adapters.inbound import TlsListening
from callout.adapters.vault.spool import Spools
from callout.app.home import Home, keep_up, open_home, repeat, settle_memory, sweep, why_not_ready
from callout.app.lifeline import FAILED, until_told_to_stop
from callout.app.listening import FOLLOW_SECONDS, follow_files, listening_of
from callout.app.log import described, log
from callout.app.metrics import gateway_metrics
from callout.core.errors import CalloutError
from callout.core.ports import Clock, Entropy
from callout.engine.tokens import Tokens
from callout.entrypoints.gateway import Gateway, Limits
from callout.entrypoints.setup_api.metrics import metrics_text
from callout.settings import Settings, read_settings

#: Folder of the home in which request bodies are kept, where no other is named.
SPOOL = "spool"


def limits_of(settings: Settings) -> Limits:
    """Return the gateway's limits."""
    return Limits(
        default_timeout=settings.default_timeout,
        longest_timeout=settings.longest_timeout,
        idle_timeout=settings.idle_timeout,
        replay_limit=settings.replay_limit,
        replay_file_limit=settings.replay_file_limit,
        request_limit=settings.request_limit or None,
        connection_limit=settings.connection_limit,
        formula_body_limit=settings.formula_body_limit,
    )


def spools_of(settings: Settings, entropy: Entropy) -> Spools:
    """Return what keeps request bodies that are too large for memory."""
    folder = Path(settings.replay_directory).expanduser() if settings.replay_directory else settings.folder / SPOOL
    return Spools(folder.absolute(), entropy, most=settings.replay_directory_limit)


def addresses(settings: Settings, *, setup_port: int | None = None) -> bytes:
    """Return the body of `/.well-known/callout`: where the gateway and setup are."""
    setup = settings.setup_port if setup_port is None else setup_port
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    scheme = "https" if settings.tls_certificate_file else "http"
    where = {"gateway": f"{scheme}://{host}:{settings.port}", "setup": f"http://{host}:{setup}"}
    return json.dumps(where).encode()


def readiness(home: Home) -> tuple[bool, bytes]:
    """Return whether callouts are served, and the body of `/readyz`."""
    why = why_not_ready(home)
    members = {"ready": why is None, "generation": home.org.value.generation, **({"because": why} if why else {})}
    return why is None, json.dumps(members).encode()


def allow_connections(limit: int) -> None:
    """Let this process open as many files as the system lets it; says in the log where that is too few."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # some systems refuse what they name as the most
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed != resource.RLIM_INFINITY and allowed <= limit:
        because = f"got a limit of {allowed} open files; expected more than the {limit} of CALLOUT_CONNECTION_LIMIT"
        log("few_files", because=because, remedy="raise the hard limit (ulimit -Hn), or lower the setting")


async def work(settings: Settings) -> int:
    """Serve until told to stop; returns the exit code."""
    allow_connections(settings.connection_limit)
    tls = listening_of(settings)
    async with open_home(settings) as home:
        spools = spools_of(settings, home.entropy)
        gateway = Gateway(
            home.callouts,
            home.outbound,
            limits_of(settings),
            addresses(settings),
            lambda: readiness(home),
            metrics=lambda: metrics_text(gateway_metrics(home, gateway.open_connections)).encode(),
            metrics_open=settings.metrics_open,
            spools=spools,
        )
        home.org.followers.append(lambda _: gateway.reconsider())
        await gateway.start(settings.host, settings.port, reuse_port=True, tls=tls.context if tls else None)
        keeping_up = asyncio.ensure_future(keep_up(home))
        following = asyncio.ensure_future(_follow_files(tls, gateway, home.clock))
        sweeping = asyncio.ensure_future(sweep(home))
        settle_memory()
        print(json.dumps({"event": "ready", "port": gateway.port}), flush=True)  # noqa: T201 - read by the supervisor
        code = await until_told_to_stop(keeping_up, sweeping)
        await ended(sweeping)
        await drain(gateway, home.tokens, home.clock, settings.drain_timeout)
        await ended(keeping_up, following)
        spools.close()
    return code


async def ended(*tasks: asyncio.Future[None]) -> None:
    """Cancel tasks, and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def drain(gateway: Gateway, tokens: Tokens, clock: Clock, seconds: float) -> None:
    """Let callouts come to their end, then the refreshes that are still under way: together for so many seconds.

    In this order, because a callout may begin a refresh as long as it runs, and one that is cut off may lose its grant.
    """
    deadline = clock.monotonic() + seconds
    await gateway.stop(seconds)
    await tokens.landed(max(0.0, deadline - clock.monotonic()))


async def _follow_files(tls: TlsListening | None, gateway: Gateway, clock: Clock) -> None:
    """Take over certificates that were replaced, until cancelled. What cannot be used is logged, and the old stay."""
    if tls is not None:
        step = partial(follow_files, tls, gateway.retire_certificates)
        await repeat(
            partial(clock.sleep, FOLLOW_SECONDS), step, failed="certificate_not_taken", again="certificate_usable_again"
        )


def main() -> int:
    """Entry point of the process; settings come from the environment."""
    try:
        return uvloop.run(work(read_settings()))
    except (CalloutError, OSError) as error:
        log("not_started", because=described(error))
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
