"""What `app` hands to the command line. Nothing here touches an adapter; everything is a callable with its types."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from callout.core.model.people import Caller


class Runner(Protocol):
    """Runs operations of the table; `engine.operations.Operations` is one."""

    async def run(self, name: str, arguments: Mapping[str, Any], caller: Caller) -> Any:
        """Run one operation for a caller; raises `CalloutError`."""


@dataclass(frozen=True, slots=True)
class Serving:
    """Arguments of `serve`; None leaves what the environment or the default says."""

    host: str | None = None
    port: int | None = None
    setup_port: int | None = None
    workers: int | None = None
    tls_certificate_file: Path | None = None
    tls_key_file: Path | None = None
    client_ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Wiring:
    """The world of the command line.

    `init` makes a home with its first administrator and returns what it made. `serve`, `sandbox` and `demo` run
    until they end and return an exit code. `local_gateway` starts a gateway on loopback inside this process for the
    time of one callout, with a key of that user (and namespace), which is empty for the guest. `rotate` rotates the
    keys that seal.
    """

    version: str
    environment: Mapping[str, str]
    open_operations: Callable[[Path], AbstractAsyncContextManager[Runner]]
    init: Callable[[Path, str], Awaitable[Mapping[str, Any]]]
    serve: Callable[[Path, Serving], int]
    sandbox: Callable[[Sequence[str]], int]
    demo: Callable[[Sequence[str]], int]
    migrate: Callable[[Path], Mapping[str, Any]]
    rotate: Callable[[Path], Awaitable[Mapping[str, Any]]]
    local_gateway: Callable[[Path, str, str | None], AbstractAsyncContextManager[tuple[str, str]]]
