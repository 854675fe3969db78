"""The setup process: the API of the admins, health and metrics, on uvicorn."""

from __future__ import annotations

import asyncio
import json
import math
import socket
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import cache

import uvicorn

from callout import __version__
from callout.app.home import keep_up, open_home
from callout.app.lifeline import FAILED, until_told_to_stop
from callout.app.log import described, log
from callout.app.metrics import setup_metrics
from callout.app.operations import operations_of
from callout.app.wire import SetupProtocol
from callout.app.worker import addresses, readiness
from callout.core.errors import CalloutError
from callout.engine.operations import BY_NAME
from callout.engine.own_certificates import jwks_of
from callout.entrypoints.connect_api.app import ConnectPages
from callout.entrypoints.setup_api.app import setup_app
from callout.entrypoints.web.app import Console
from callout.settings import Settings, read_settings


async def serve_setup(settings: Settings) -> int:
    """Serve until told to stop; returns the exit code. The port is one that the supervisor keeps for this process."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.create_server((settings.host, settings.setup_port), family=family, reuse_port=True)
    port = int(listening.getsockname()[1])
    async with open_home(settings) as home:
        operations = operations_of(home)
        ancestors = tuple(settings.connect_frame_ancestors.split())
        console = Console(operations, __version__)
        signed_in = console.sessions.user_of
        pages = ConnectPages(operations.uses.connecting, operations.uses.setup, ancestors, signed_in)
        app = setup_app(
            operations,
            metrics=lambda: setup_metrics(home),
            readiness=lambda: json.loads(readiness(home)[1]),
            discovery=lambda: json.loads(addresses(settings, setup_port=port)),
            jwks=lambda: jwks_of(home.org.value, home.clock.now()),
            version=__version__,
            metrics_open=settings.metrics_open,
            pages=[*console.routes(), *pages.routes()],
            commands=_commands,
        )
        config = uvicorn.Config(
            app,
            http=SetupProtocol,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=math.ceil(settings.drain_timeout),
        )
        server = _Server(config)
        serving = asyncio.ensure_future(server.serve([listening]))
        keeping_up = asyncio.ensure_future(keep_up(home))
        print(json.dumps({"event": "ready", "port": port}), flush=True)  # noqa: T201 - read by the supervisor
        code = await until_told_to_stop(keeping_up, serving)
        server.should_exit = True
        keeping_up.cancel()
        await asyncio.wait({keeping_up, serving})
    return code


@cache
def _commands() -> Mapping[str, str]:
    """Return an example of a command by operation; the command line is read when it is first asked for."""
    from callout.entrypoints.cli.tree import command_examples

    return command_examples(BY_NAME)


class _Server(uvicorn.Server):
    """Leaves signals to `lifeline`, which every child process has in common."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield


def main() -> int:
    """Entry point of the process; settings come from the environment."""
    try:
        return asyncio.run(serve_setup(read_settings()))
    except (CalloutError, OSError) as error:
        log("not_started", because=described(error))
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
