"""The command line on the in-memory world: `cli(*argv)` runs one command as a person or a script would."""

import asyncio
import io
import json
import threading
from collections.abc import Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import uvicorn

from callout.core.errors import StoreError
from callout.entrypoints.cli.main import main
from callout.entrypoints.cli.wiring import Wiring
from callout.entrypoints.setup_api import setup_app
from tests.world import World, make_shop


@dataclass
class Ran:
    """What came of one command."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """Standard output as exactly one JSON value."""
        return json.loads(self.out)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@dataclass
class CommandLine:
    world: World
    environment: dict[str, str] = field(default_factory=dict)
    called: list[tuple] = field(default_factory=list)
    gateway: tuple[str, str] = ("", "")

    def __call__(self, *argv: str, stdin: str = "", terminal: bool = False) -> Ran:
        out, err = io.StringIO(), Terminal() if terminal else io.StringIO()
        given = Terminal(stdin) if terminal else io.StringIO(stdin)
        code = main(argv, self.wiring(), stdin=given, stdout=out, stderr=err)
        return Ran(code, out.getvalue(), err.getvalue())

    def wiring(self) -> Wiring:
        @asynccontextmanager
        async def open_operations(home: Path):
            self.called.append(("open", home))
            if home.name == "missing":
                raise StoreError(f"got no home at {home}; expected one made by `callout init`")
            yield self.world.operations

        @asynccontextmanager
        async def local_gateway(home: Path, user: str, namespace: str | None):
            self.called.append(("gateway", user, namespace))
            yield self.gateway

        async def init(home: Path, admin: str):
            self.called.append(("init", home, admin))
            return {"home": str(home), "admin": admin, "key": "co_made"}

        async def rotate(home: Path):
            self.called.append(("rotate", home))
            return {"master_key": "new", "data_key": 2, "to_do": None}

        def note(name: str, code: int):
            def call(*arguments):
                self.called.append((name, *arguments))
                return code

            return call

        return Wiring(
            version="1.2.3",
            environment=self.environment,
            open_operations=open_operations,
            init=init,
            serve=note("serve", 0),
            sandbox=note("sandbox", 0),
            demo=note("demo", 7),
            rotate=rotate,
            migrate=lambda home: {"before": None, "after": "0001", "changed": True},
            local_gateway=local_gateway,
        )

    def runs(self, coroutine):
        return asyncio.run(coroutine)


@pytest.fixture
def cli() -> CommandLine:
    return CommandLine(asyncio.run(make_shop()))


@dataclass
class Exchange:
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes


@dataclass
class FakeGateway:
    """A gateway that answers as it is told, and keeps what it was sent."""

    url: str = ""
    seen: list[Exchange] = field(default_factory=list)
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=lambda: [("Callout-Id", "c1"), ("Content-Length", "5")])
    body: bytes = b"hello"


@pytest.fixture
def gateway():
    fake = FakeGateway()

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            fake.seen.append(Exchange(self.command, self.path, self.headers.items(), body))
            self.send_response_only(fake.status, "As Told")
            for name, value in fake.headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(fake.body)
            self.close_connection = True

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PROPFIND = _answer  # noqa: N815 - the names that the library asks for

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    yield fake
    server.shutdown()
    thread.join()
    server.server_close()


class Served(uvicorn.Server):
    """Says when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: Sequence | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    def install_signal_handlers(self) -> None: ...


@pytest.fixture
def server(cli, gateway):
    """The setup API of the same world on a loopback port; the value is its URL."""
    found = {"gateway": gateway.url}
    app = setup_app(
        cli.world.operations,
        metrics=list,
        readiness=lambda: {"ready": True},
        discovery=lambda: found,
        jwks=dict,
        version="1.2.3",
    )
    served = Served(uvicorn.Config(app, port=0, log_config=None, access_log=False, lifespan="off", loop="asyncio"))
    thread = threading.Thread(target=served.run)
    thread.start()
    assert served.ready.wait(60)
    port = served.servers[0].sockets[0].getsockname()[1]
    found["setup"] = f"http://127.0.0.1:{port}"
    yield found["setup"]
    served.should_exit = True
    thread.join()
