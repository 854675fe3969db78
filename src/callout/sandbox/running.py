"""The running sandbox: three listeners around one set of tokens, settings and received requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from callout.sandbox.authorization_server import AuthorizationServer
from callout.sandbox.behaviour import Behaviour
from callout.sandbox.clients import Client, Scopes
from callout.sandbox.commands import Commands
from callout.sandbox.control import Control
from callout.sandbox.external_system import Accounts, ExternalSystem
from callout.sandbox.journal import Journal
from callout.sandbox.redaction import Redaction
from callout.sandbox.settings import Settings
from callout.sandbox.tokens import Tokens
from callout.sandbox.wire import Listener

LOOPBACK = "127.0.0.1"
DEFAULT_CLIENTS = (Client("sandbox-client", "sandbox-secret"),)
DEFAULT_SCOPES = ("orders.read", "orders.write", "api")


class Sandbox:
    """An external system, an authorization server and a control API, each on a port of its own.

    Use it as `async with Sandbox() as sandbox`, then `sandbox.url`, `sandbox.token_endpoint` and `sandbox.commands`.
    `port`, `token_port`, `control_port`: 0 is any free one. `host` is where the first two listen; control is always
    on the loopback address. `clock` is monotonic seconds, `wall` epoch seconds (for introspection only).
    `show_credentials` repeats credentials as they came, instead of `…`: for tests with made-up credentials.
    """

    def __init__(
        self,
        *,
        host: str = LOOPBACK,
        port: int = 0,
        token_port: int = 0,
        control_port: int = 0,
        clients: Sequence[Client] = DEFAULT_CLIENTS,
        scopes: Sequence[str] = DEFAULT_SCOPES,
        accounts: Accounts | None = None,
        settings: Settings | None = None,
        show_credentials: bool = False,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        accounts = accounts or Accounts()
        tokens, behaviour = Tokens(clock), Behaviour(settings or Settings())
        secrets = (*(client.secret for client in clients), accounts.password, accounts.key)
        journal = Journal(Redaction(secrets, show_credentials=show_credentials))
        authorization_server = AuthorizationServer(
            clients=clients,
            scopes=Scopes(tuple(scopes)),
            tokens=tokens,
            behaviour=behaviour,
            journal=journal,
            url=lambda: self.issuer,
            wall=wall,
        )
        external_system = ExternalSystem(accounts=accounts, tokens=tokens, behaviour=behaviour, journal=journal)
        self.commands = Commands(
            behaviour=behaviour, tokens=tokens, journal=journal, authorization_server=authorization_server
        )
        self._external = Listener(external_system.answer)
        self._authorization = Listener(authorization_server.answer)
        self._control = Listener(Control(self.commands).answer)
        self._addresses = (
            (self._external, host, port),
            (self._authorization, host, token_port),
            (self._control, LOOPBACK, control_port),
        )

    @property
    def url(self) -> str:
        """The external system's base URL."""
        return self._external.url

    @property
    def issuer(self) -> str:
        """The authorization server's base URL (RFC 8414 section 2: issuer)."""
        return self._authorization.url

    @property
    def token_endpoint(self) -> str:
        """The token endpoint's URL."""
        return f"{self.issuer}/token"

    @property
    def control_url(self) -> str:
        """The control API's URL."""
        return f"{self._control.url}/control"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen on all three ports. Raises `OSError` where one is taken, and then listens on none."""
        try:
            for listener, host, port in self._addresses:
                await listener.start(host, port)
        except OSError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop listening, drop every connection."""
        for listener, _, _ in self._addresses:
            await listener.stop()
