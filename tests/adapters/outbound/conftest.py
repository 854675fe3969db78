"""External systems on loopback that say exactly the bytes they are told, plain or over TLS."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import trustme
import uvloop

from callout.adapters.outbound import Outbound
from callout.core.ports import Destination

#: How long anything that must happen may take on a busy machine.
SECONDS = 60


class RawServer:
    """Reads each request's head (and `Content-Length` body) and writes what `answer` returns; None closes."""

    def __init__(self, answer: Callable[[bytes, int], bytes | None]) -> None:
        self.answer = answer
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.connections = 0
        self.port = 0
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next((int(v[15:]) for v in head.split(b"\r\n") if v.lower().startswith(b"content-length:")), 0)
                self.heads.append(head)
                self.bodies.append(await reader.readexactly(length))
                said = self.answer(head, len(self.heads))
                if said is None:
                    break
                writer.write(said)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def raw_server(
    answer: Callable[[bytes, int], bytes | None], tls: ssl.SSLContext | None = None
) -> AsyncIterator[RawServer]:
    server = RawServer(answer)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for writer in server.writers:
            writer.transport.abort()


def ok(body: bytes = b"ok", *headers: bytes) -> bytes:
    return b"\r\n".join((b"HTTP/1.1 200 OK", *headers, b"Content-Length: %d" % len(body), b"", body))


def local(port: int, scheme: str = "http", host: str = "127.0.0.1") -> Destination:
    return Destination(scheme, host, port, allow_private_network=True)


def pytest_asyncio_loop_factories():
    """The event loop of production: what these tests are about stands on it."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def outbound(authority, tmp_path):
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    made = Outbound(trusted_ca_file=str(file), connect_seconds=SECONDS)
    yield made
    await made.close()
