"""The gateway over TLS: the same protocol as over plain connections, and the certificate that a caller shows."""

import asyncio
import socket
import ssl
from pathlib import Path

import pytest

from callout.adapters.inbound import TlsFiles, TlsListening
from callout.engine.certificates import Shown
from callout.entrypoints.gateway import Gateway, Limits
from callout.entrypoints.gateway.caller import MOST_LINGERING
from tests.certificates import ORDERS_ID, Authority

from .conftest import SECONDS, Caller, answer, read_request

SERVERS, CLIENTS = Authority(), Authority()
WORKLOAD = CLIENTS.issue(ORDERS_ID)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    SERVERS.issue(addresses=["127.0.0.1"]).write(folder / "gateway.pem")
    SERVERS.write(folder / "servers.pem")
    CLIENTS.write(folder / "clients.pem")
    WORKLOAD.write(folder / "workload.pem")
    return folder


@pytest.fixture
async def limits() -> Limits:
    return Limits()


@pytest.fixture
async def secure(world, folder):
    """The world, with a gateway that speaks TLS beside its own."""
    tls = TlsListening(TlsFiles(folder / "gateway.pem", folder / "gateway.pem", folder / "clients.pem"))
    gateway = Gateway(world.engine, world.gateway.outbound, world.gateway.limits, b"{}")
    await gateway.start("127.0.0.1", 0, tls=tls.context)
    plain, world.gateway = world.gateway, gateway
    yield world
    for caller in world.callers:
        caller.leave()
    await gateway.stop(0)
    world.gateway = plain


def context_of(folder: Path, certificate: str | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(folder / "servers.pem"))
    if certificate:
        context.load_cert_chain(folder / certificate)
    return context


async def connected(world, folder: Path, certificate: str | None = None, **more) -> Caller:
    context = context_of(folder, certificate)
    streams = await asyncio.open_connection("127.0.0.1", world.gateway.port, ssl=context, limit=2**24, **more)
    caller = Caller(*streams)
    world.callers.append(caller)
    return caller


async def test_a_callout_passes_over_tls_and_the_certificate_is_the_connections(secure, folder) -> None:
    caller = await connected(secure, folder, "workload.pem")
    assert (await caller.ask()).body == b"ok"
    caller.write(b"GET /callout/Orders/items HTTP/1.1\r\nHost: g\r\n\r\n")
    assert (await caller.answer()).body == b"ok"
    assert secure.engine.certificates == [Shown(WORKLOAD.der)] * 2
    assert secure.engine.certificates[0] is secure.engine.certificates[1]


async def test_who_shows_no_certificate_may_still_prove_it_by_a_key(secure, folder) -> None:
    assert (await (await connected(secure, folder)).ask()).status == 200
    assert secure.engine.certificates == [None]


async def test_a_plain_connection_has_no_certificate_whatever_its_headers_say(world) -> None:
    forged = (b"X-Forwarded-Client-Cert: URI=" + ORDERS_ID.encode(), b"X-SSL-Client-Verify: SUCCESS")
    assert (await world.ask(b"/callout/Orders/items", *forged)).status == 200
    assert world.engine.certificates == [None]


async def test_http_1_1_is_spoken(secure, folder) -> None:
    context = context_of(folder)
    context.set_alpn_protocols(["h2", "http/1.1"])
    _, writer = await asyncio.open_connection("127.0.0.1", secure.gateway.port, ssl=context)
    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
    writer.transport.abort()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_nothing_older_than_tls_1_2_is_spoken(secure, folder) -> None:
    old = context_of(folder)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ConnectionError):  # ended by the gateway; a client that cannot do it raises an SSLError
        await asyncio.open_connection("127.0.0.1", secure.gateway.port, ssl=old)


async def test_plain_http_to_a_tls_port_is_answered_with_nothing(secure) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", secure.gateway.port)
    writer.write(b"GET /callout/Orders/items HTTP/1.1\r\nHost: g\r\n\r\n")
    async with asyncio.timeout(SECONDS):
        assert b"HTTP" not in await reader.read()
    writer.close()
    assert secure.engine.admitted == []


async def test_a_handshake_that_fails_leaves_no_connection_behind(secure, folder) -> None:
    Authority().issue(ORDERS_ID).write(folder / "foreign.pem")
    with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
        await (await connected(secure, folder, "foreign.pem")).ask()
    caller = await connected(secure, folder)
    await caller.ask()
    assert secure.gateway.open_connections == 1
    assert len(secure.engine.admitted) == 1


async def test_requests_sent_together_are_answered_in_order(secure, folder) -> None:
    secure.external.said = lambda request, number: answer(b"%d" % number)
    caller = await connected(secure, folder)
    for _ in range(3):
        caller.request()
    assert [(await caller.answer()).body for _ in range(3)] == [b"1", b"2", b"3"]


@pytest.mark.parametrize("size", [100_000, 3_000_000])
async def test_large_bodies_pass_both_ways_whole(secure, folder, size) -> None:
    sent = bytes(range(256)) * (size // 256)
    secure.external.said = lambda request, number: answer(request.body)
    caller = await connected(secure, folder)
    assert (await caller.ask(method=b"POST", body=sent)).body == sent


async def test_a_caller_that_reads_slowly_holds_the_external_system_back(secure, folder) -> None:
    written, piece = 0, b"x" * 65536

    async def pouring(reader, writer) -> None:
        nonlocal written
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1000 * len(piece)))
        for _ in range(1000):
            writer.write(piece)
            await writer.drain()
            written += len(piece)

    secure.external.script = pouring
    raw = socket.create_connection(("127.0.0.1", secure.gateway.port))
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    raw.setblocking(False)
    context = context_of(folder)
    reader, writer = await asyncio.open_connection(sock=raw, ssl=context, server_hostname="127.0.0.1", limit=65536)
    caller = Caller(reader, writer)
    caller.request()
    await caller.head()
    before = -1
    async with asyncio.timeout(6 * SECONDS):
        while before != written:  # until nothing moves any more
            before = written
            await asyncio.sleep(0.3)
    assert written < 500 * len(piece)
    async with asyncio.timeout(6 * SECONDS):
        assert len(await reader.readexactly(1000 * len(piece))) == 1000 * len(piece)
    caller.leave()


async def test_a_refusal_of_a_body_that_still_comes_is_read_whole(secure, folder) -> None:
    caller = await connected(secure, folder)
    length = MOST_LINGERING * 4
    head = b"POST /callout/Nobody/items HTTP/1.1\r\nHost: g\r\nContent-Length: %d\r\n\r\n" % length
    caller.write(head + b"x" * 100_000)
    found = await caller.answer()
    assert (found.status, found.values("Connection")) == (404, ["close"])
    assert await caller.ended()


async def test_an_answer_that_is_cut_short_is_no_clean_end(secure, folder) -> None:
    async def half(reader, writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    secure.external.script = half
    caller = await connected(secure, folder)
    caller.request()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError, ssl.SSLError)):
        await caller.answer()


async def test_stopping_lets_a_callout_end_and_closes_idle_connections(secure, folder) -> None:
    word, begun = asyncio.Event(), asyncio.Event()

    async def waiting(reader, writer) -> None:
        await read_request(reader)
        begun.set()
        await word.wait()
        writer.write(answer(b"late"))
        await writer.drain()

    idle, caller = await connected(secure, folder), await connected(secure, folder)
    await idle.ask(b"/healthz")
    secure.external.script = waiting
    caller.request()
    async with asyncio.timeout(SECONDS):
        await begun.wait()
    stopping = asyncio.ensure_future(secure.gateway.stop(SECONDS))
    assert await idle.ended()
    word.set()
    found = await caller.answer()
    assert (found.body, found.values("Connection")) == (b"late", ["close"])
    async with asyncio.timeout(SECONDS):
        await stopping


async def test_who_was_judged_by_replaced_authorities_connects_anew(secure, folder) -> None:
    shown, bare = await connected(secure, folder, "workload.pem"), await connected(secure, folder)
    await shown.ask()
    await bare.ask()
    secure.gateway.retire_certificates()
    assert await shown.ended()
    assert (await bare.ask()).status == 200


async def test_a_request_under_way_is_the_last_where_the_authorities_are_replaced(secure, folder) -> None:
    secure.engine.gate, secure.engine.route.ready = asyncio.Event(), None
    shown = await connected(secure, folder, "workload.pem")
    shown.request()
    async with asyncio.timeout(SECONDS):
        while not secure.engine.prepared:
            await asyncio.sleep(0)
    secure.gateway.retire_certificates()
    secure.engine.gate.set()
    found = await shown.answer()
    assert (found.status, found.values("Connection")) == (200, ["close"])
    assert await shown.ended()


async def test_one_connection_too_many_is_told_so(world, folder) -> None:
    tls = TlsListening(TlsFiles(folder / "gateway.pem", folder / "gateway.pem"))
    gateway = Gateway(world.engine, world.gateway.outbound, Limits(connection_limit=1), b"{}")
    await gateway.start("127.0.0.1", 0, tls=tls.context)
    plain, world.gateway = world.gateway, gateway
    kept, surplus = await connected(world, folder), await connected(world, folder)
    await kept.ask(b"/healthz")
    assert (await surplus.ask()).status == 503
    for caller in (kept, surplus):
        caller.leave()
    await gateway.stop(0)
    world.gateway = plain


async def test_stopping_does_not_wait_for_idle_callers_that_never_read(secure, folder) -> None:
    def connect() -> ssl.SSLSocket:
        raw = socket.create_connection(("127.0.0.1", secure.gateway.port))
        return context_of(folder).wrap_socket(raw, server_hostname="127.0.0.1")

    silent = await asyncio.to_thread(connect)
    async with asyncio.timeout(SECONDS):
        while not secure.gateway.open_connections:
            await asyncio.sleep(0)
        await secure.gateway.stop(60)
    silent.close()
