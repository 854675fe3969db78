"""One run of the command line: where it works, as whom, and what it reads and writes."""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, TextIO

from callout.entrypoints.cli.errors import UsageError
from callout.entrypoints.cli.output import Lines, Output, Result

if TYPE_CHECKING:
    from collections.abc import Callable

    from callout.entrypoints.cli.remote import Remote
    from callout.entrypoints.cli.wiring import Wiring


class Place(Protocol):
    """The options that say where: `where.Where`."""

    @property
    def home(self) -> Path | None:
        """A home directory."""

    @property
    def url(self) -> str | None:
        """A running server."""

    @property
    def key(self) -> str | None:
        """The key for a running server."""

    @property
    def json(self) -> bool:
        """Whether JSON is written."""


class Session:
    """What the commands are handed."""

    def __init__(self, wiring: Wiring, stdin: TextIO, stdout: IO[str], stderr: IO[str]) -> None:
        self.wiring = wiring
        self.stdin = stdin
        self.output = Output(stdout, stderr)

    def place_of(self, where: Place) -> str:
        """Return the options that a printed command needs to work in the same place; never a key."""
        if where.url is not None:
            return f" --url {shlex.quote(where.url)}"
        if where.home is None or str(where.home) == self.wiring.environment.get("CALLOUT_HOME"):
            return ""
        return f" --home {shlex.quote(str(where.home))}"

    def home(self, where: Place) -> Path:
        """Return the home directory: the option, else `$CALLOUT_HOME`, else `~/.callout`."""
        chosen = where.home or Path(self.wiring.environment.get("CALLOUT_HOME") or "~/.callout")
        return chosen.expanduser().absolute()

    def remote(self, where: Place) -> Remote | None:
        """Return the running server that is meant, or None for a home. Raises `UsageError`."""
        if where.url is None:
            if where.key is not None:
                raise UsageError("got --key without --url; a home directory needs no key")
            return None
        if where.home is not None:
            raise UsageError("got --home and --url; expected one of them")
        from callout.entrypoints.cli.remote import Remote

        key = where.key or self.wiring.environment.get("CALLOUT_KEY")
        if not key:
            raise UsageError("got --url without a key; expected --key co_… or the variable CALLOUT_KEY")
        return Remote(where.url, key, self.wiring.version)

    @asynccontextmanager
    async def operations(self, where: Place, *, namespace: str | None = None) -> AsyncIterator[Run]:
        """Open the operations of a home or of a running server. `namespace`: as the code of this package (home only)."""
        remote = self.remote(where)
        if remote is not None:
            yield remote.run
            return
        from dataclasses import replace

        from callout.engine.operations import LOCAL

        async with self.wiring.open_operations(self.home(where)) as operations:
            caller = replace(LOCAL, namespace=namespace)

            async def run(name: str, arguments: Mapping[str, Any]) -> Any:
                return await operations.run(name, arguments, caller)

            yield run

    async def run(self, where: Place, name: str, arguments: Mapping[str, Any] | None = None) -> Any:
        """Run one operation and return its result."""
        async with self.operations(where) as run:
            result = await run(name, {k: v for k, v in (arguments or {}).items() if v is not None})
        for receipt in result.get("revocations", ()):
            self.output.note(_receipt_line(receipt))
        return result

    async def show(
        self, where: Place, name: str, arguments: Mapping[str, Any], lines: Callable[[Result], Lines]
    ) -> int:
        """Run one operation and write its result; returns exit code 0."""
        self.output.result(await self.run(where, name, arguments), lines)
        return 0


def _receipt_line(receipt: Mapping[str, Any]) -> str:
    """Word what became of a token that is kept no longer."""
    what = f"{receipt['reference']}: {receipt['token'].replace('_', ' ')}"
    if receipt["revoked"]:
        return f"{what} revoked at {receipt['endpoint']} ({receipt['status']})"
    return f"warning: {what} not revoked: {receipt['because']}. {receipt['remedy']}"


class Run(Protocol):
    """Runs one operation of the table, wherever it is."""

    async def __call__(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Return the result as JSON members."""
