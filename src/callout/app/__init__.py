"""The one place that knows what is plugged in: it opens homes, runs processes and hands both to the entry points."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from callout import __version__
from callout.entrypoints.cli.wiring import Serving, Wiring


def wiring() -> Wiring:
    """Return the world of the command line. What a command does not need is not imported."""
    return Wiring(
        version=__version__,
        environment=os.environ,  # noqa: TID251 - handed on, read by the command line's own settings
        open_operations=_open_operations,
        init=_init,
        serve=_serve,
        sandbox=_sandbox,
        demo=_demo,
        migrate=_migrate,
        rotate=_rotate,
        local_gateway=_local_gateway,
    )


@asynccontextmanager
async def _open_operations(home: Path) -> AsyncIterator[Any]:
    from callout.app.home import open_home
    from callout.app.operations import operations_of
    from callout.settings import read_settings

    async with open_home(read_settings(home=home)) as opened:
        yield operations_of(opened)


async def _init(home: Path, admin: str) -> Mapping[str, Any]:
    from callout.app.operations import initialise
    from callout.settings import read_settings

    return await initialise(read_settings(home=home), admin)


def _serve(home: Path, serving: Serving) -> int:
    import asyncio

    from callout.app.home import expect_home
    from callout.app.serve import supervise
    from callout.settings import read_settings

    settings = read_settings(
        home=home,
        host=serving.host,
        port=serving.port,
        setup_port=serving.setup_port,
        workers=serving.workers,
        tls_certificate_file=_text_of(serving.tls_certificate_file),
        tls_key_file=_text_of(serving.tls_key_file),
        client_ca_file=_text_of(serving.client_ca_file),
    )
    expect_home(settings)
    return asyncio.run(supervise(settings))


def _text_of(file: Path | None) -> str | None:
    return None if file is None else str(file.expanduser().absolute())


def _sandbox(arguments: Sequence[str]) -> int:
    from callout.sandbox.__main__ import main

    return main(arguments)


def _demo(arguments: Sequence[str]) -> int:
    from callout.demo import run

    return run(arguments)


def _migrate(home: Path) -> Mapping[str, Any]:
    from callout.adapters.store.migrate import migrate
    from callout.app.home import database_of, expect_home
    from callout.settings import read_settings

    settings = read_settings(home=home)
    expect_home(settings)
    done = migrate(database_of(settings))
    return {"before": done.before, "after": done.after, "changed": done.changed}


async def _rotate(home: Path) -> Mapping[str, Any]:
    from callout.app.rotating import rotate
    from callout.settings import read_settings

    return await rotate(read_settings(home=home))


@asynccontextmanager
async def _local_gateway(home: Path, user: str, namespace: str | None) -> AsyncIterator[tuple[str, str]]:
    from callout.app.operations import local_gateway
    from callout.settings import read_settings

    async with local_gateway(read_settings(home=home), user, namespace) as place:
        yield place
