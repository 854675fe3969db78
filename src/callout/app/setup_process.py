"""The setup process: the API of the admins, health and metrics, on uvicorn."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Iterable

import uvicorn

from callout import __version__
from callout.app.home import Home, keep_up, open_home
from callout.app.lifeline import until_told_to_stop
from callout.app.log import log
from callout.app.operations import operations_of
from callout.app.worker import addresses, readiness
from callout.core.errors import CalloutError
from callout.entrypoints.setup_api.app import setup_app
from callout.entrypoints.setup_api.metrics import Metric
from callout.settings import Settings, read_settings


async def serve_setup(settings: Settings) -> None:
    """Serve until told to stop."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.create_server((settings.host, settings.setup_port), family=family)
    port = int(listening.getsockname()[1])
    async with open_home(settings) as home:
        app = setup_app(
            operations_of(home),
            metrics=lambda: metrics_of(home),
            readiness=lambda: json.loads(readiness(home)[1]),
            discovery=lambda: json.loads(addresses(settings, setup_port=port)),
            version=__version__,
        )
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", server_header=False)
        server = _Server(config)
        serving = asyncio.ensure_future(server.serve([listening]))
        keeping_up = asyncio.ensure_future(keep_up(home))
        print(json.dumps({"event": "ready", "port": port}), flush=True)  # noqa: T201 - read by the supervisor
        await until_told_to_stop()
        server.should_exit = True
        await serving
        keeping_up.cancel()


class _Server(uvicorn.Server):
    """Leaves signals to `lifeline`, which every child process has in common."""

    def install_signal_handlers(self) -> None:
        """Do nothing."""


def metrics_of(home: Home) -> Iterable[Metric]:
    """Return what operators watch."""
    org = home.org.value
    reachable = 0.0 if home.org.unreachable_since is not None else 1.0
    yield Metric("callout_definitions_generation", "gauge", "generation of the definitions", (({}, org.generation),))
    yield Metric("callout_named_credentials", "gauge", "named credentials", (({}, len(org.named_credentials)),))
    yield Metric("callout_store_reachable", "gauge", "1 where the store can be read", (({}, reachable),))


def main() -> int:
    """Entry point of the process; settings come from the environment."""
    try:
        asyncio.run(serve_setup(read_settings()))
    except OSError as error:
        log("not_started", because=f"setup cannot listen: {error.strerror}")
        return 5
    except CalloutError as error:
        log("not_started", because=str(error))
        return 5
    return 0


if __name__ == "__main__":
    sys.exit(main())
