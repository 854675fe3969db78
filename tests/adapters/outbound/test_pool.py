"""Names are resolved, judged and dialled; connections are kept and used again; TLS is verified."""

import asyncio
import socket
import ssl

import pytest
import trustme

from callout.adapters.outbound import Outbound
from callout.core.errors import Refused
from callout.core.http1.head import ResponseHead
from callout.core.ports import Destination

from .conftest import SECONDS, local, ok, raw_server


class Answer:
    """Receives one answer and keeps what it was told."""

    def __init__(self) -> None:
        self.heads: list[ResponseHead] = []
        self.body = b""
        self.failed: Refused | None = None
        self.untouched: bool | None = None
        self.over = asyncio.Event()

    def answer_began(self, head, body, ended) -> None:
        self.heads.append(head)
        self.answer_went_on(body, ended)

    def answer_went_on(self, body, ended) -> None:
        self.body += body
        if ended:
            self.over.set()

    def answer_failed(self, refused, *, untouched) -> None:
        self.failed, self.untouched = refused, untouched
        self.over.set()

    def outbound_blocked(self) -> None:
        raise AssertionError

    def outbound_unblocked(self) -> None:
        raise AssertionError


REQUEST = b"GET / HTTP/1.1\r\nHost: g\r\n\r\n"


async def ask(connection, request: bytes = REQUEST, *, head_only: bool = False) -> Answer:
    answer = Answer()
    connection.send(answer, request, head_only=head_only)
    async with asyncio.timeout(SECONDS):
        await answer.over.wait()
    return answer


def resolving(monkeypatch, *addresses: str) -> list[str]:
    """Let every name have these addresses; returns the names that were asked for (an address is itself)."""
    asked: list[str] = []

    async def getaddrinfo(host, port, **more):
        if host in addresses:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(asyncio.get_running_loop().__class__, "getaddrinfo", staticmethod(getaddrinfo), raising=False)
    return asked


async def test_a_connection_is_used_again_the_latest_first(outbound) -> None:
    async with raw_server(lambda head, number: ok()) as server:
        first = await outbound.dial(local(server.port))
        second = await outbound.dial(local(server.port))
        for connection in (first, second):
            await ask(connection)
            connection.give_back(request_ended=True)
        assert outbound.idle(local(server.port)) is second
        assert outbound.idle(local(server.port)) is first
        assert outbound.idle(local(server.port)) is None
        assert second.reused


async def test_pools_are_not_shared_between_destinations(outbound) -> None:
    async with raw_server(lambda head, number: ok()) as server:
        connection = await outbound.dial(local(server.port))
        await ask(connection)
        connection.give_back(request_ended=True)
        guarded = Destination("http", "127.0.0.1", server.port, allow_private_network=False)
        assert outbound.idle(guarded) is None


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        ok(b"ok") + b"HTTP/1.1 200 OK\r\n",
    ],
    ids=["close", "1.0", "bytes that nobody asked for"],
)
async def test_a_connection_that_cannot_serve_another_request_is_not_kept(outbound, said) -> None:
    async with raw_server(lambda head, number: said) as server:
        connection = await outbound.dial(local(server.port))
        assert (await ask(connection)).body == b"ok"
        connection.give_back(request_ended=True)
        assert outbound.idle(local(server.port)) is None


async def test_a_connection_whose_request_did_not_end_is_not_kept(outbound) -> None:
    async with raw_server(lambda head, number: ok()) as server:
        connection = await outbound.dial(local(server.port))
        await ask(connection)
        connection.give_back(request_ended=False)
        assert outbound.idle(local(server.port)) is None


async def test_a_kept_connection_that_the_external_system_closes_is_forgotten(outbound) -> None:
    async with raw_server(lambda head, number: ok()) as server:
        connection = await outbound.dial(local(server.port))
        await ask(connection)
        connection.give_back(request_ended=True)
        server.writers[0].close()
        async with asyncio.timeout(SECONDS):
            while connection.is_open:
                await asyncio.sleep(0)
        assert outbound.idle(local(server.port)) is None


async def test_interim_answers_are_skipped(outbound) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
    async with raw_server(lambda head, number: b"HTTP/1.1 100 Continue\r\n\r\n" + early * 3 + ok(b"final")) as server:
        answer = await ask(await outbound.dial(local(server.port)))
        assert ([head.status for head in answer.heads], answer.body) == ([200], b"final")


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n" * 20,
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 1000 High\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        b"\x16\x03\x01\x00\x05hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
    ids=["101", "too many 1xx", "both framings", "1000", "bare LF", "not HTTP", "bad chunk"],
)
async def test_an_answer_that_is_not_acceptable_ends_the_exchange(outbound, said) -> None:
    async with raw_server(lambda head, number: said) as server:
        answer = await ask(await outbound.dial(local(server.port)))
        assert answer.failed is not None
        assert answer.failed.reason.code == "external_system_unreachable"
        assert answer.untouched is False


async def test_an_end_before_any_answer_is_told_apart_from_one_in_the_middle(outbound) -> None:
    async with raw_server(lambda head, number: None) as server:
        assert (await ask(await outbound.dial(local(server.port)))).untouched is True
    for said in (b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nonly"):
        async with raw_server(lambda head, number, said=said: said if number == 1 else None) as server:
            answer = Answer()
            (await outbound.dial(local(server.port))).send(answer, REQUEST + REQUEST, head_only=False)
            async with asyncio.timeout(SECONDS):
                await answer.over.wait()
            assert answer.untouched is False


# --- addresses -----------------------------------------------------------------------------------------------


async def test_a_private_address_is_not_dialled_unless_allowed(outbound) -> None:
    async with raw_server(lambda head, number: ok()) as server:
        with pytest.raises(Refused) as refused:
            await outbound.dial(Destination("http", "127.0.0.1", server.port))
        assert refused.value.reason.code == "address_not_allowed"
        assert "loopback" in refused.value.detail
        assert "allow_private_network" in refused.value.remedies[0].text
        assert server.connections == 0


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "::1"])
async def test_other_spellings_of_loopback_are_judged_after_resolution(outbound, host) -> None:
    with pytest.raises(Refused) as refused:
        await outbound.dial(Destination("http", host, 9))
    assert refused.value.reason.code == "address_not_allowed"


@pytest.mark.parametrize("host", ["169.254.169.254", "metadata.google.internal", "::ffff:169.254.169.254", "0.0.0.0"])
async def test_metadata_is_not_dialled_even_where_private_networks_are_allowed(outbound, host) -> None:
    with pytest.raises(Refused) as refused:
        await outbound.dial(local(80, host=host))
    assert refused.value.reason.code == "address_not_allowed"
    assert "never allowed" in refused.value.remedies[0].text


async def test_one_bad_address_among_several_refuses_the_name(outbound, monkeypatch) -> None:
    asked = resolving(monkeypatch, "8.8.8.8", "127.0.0.1")
    with pytest.raises(Refused) as refused:
        await outbound.dial(Destination("http", "two.example.com", 80))
    assert "127.0.0.1" in refused.value.detail
    assert asked == ["two.example.com"]


async def test_the_address_that_was_judged_is_the_one_that_is_dialled(outbound, monkeypatch) -> None:
    async with raw_server(lambda head, number: ok()) as server:
        asked = resolving(monkeypatch, "127.0.0.1")
        answer = await ask(await outbound.dial(local(server.port, host="rebinding.example.com")))
        assert answer.body == b"ok"
        assert asked == ["rebinding.example.com"]


async def test_the_next_address_is_tried_where_one_refuses(outbound, monkeypatch) -> None:
    async with raw_server(lambda head, number: ok()) as server:
        resolving(monkeypatch, "127.0.0.2", "127.0.0.1")
        assert (await ask(await outbound.dial(local(server.port, host="two.example.com")))).body == b"ok"


async def test_a_closed_port_and_an_unknown_name_are_unreachable(outbound) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        for destination in (local(taken.getsockname()[1]), local(80, host="no.such.name.invalid")):
            with pytest.raises(Refused) as refused:
                await outbound.dial(destination)
            assert refused.value.reason.code == "external_system_unreachable"
            assert destination.host in refused.value.detail


async def test_a_port_that_never_answers_is_given_up() -> None:
    impatient = Outbound(connect_seconds=0.05)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        with pytest.raises(Refused) as refused:
            await impatient.dial(local(listener.getsockname()[1], "https"))
    assert "within 0.05 seconds" in refused.value.detail
    await impatient.close()


# --- TLS -----------------------------------------------------------------------------------------------------


def context_for(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


async def test_tls_is_verified_for_the_host_s_name_and_used(outbound, authority) -> None:
    async with raw_server(lambda head, number: ok(b"safe"), context_for(authority, "localhost")) as server:
        assert (await ask(await outbound.dial(local(server.port, "https", "localhost")))).body == b"safe"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_certificate_for_another_name_is_refused(outbound, authority, host) -> None:
    async with raw_server(lambda head, number: ok(), context_for(authority, "other.example.com")) as server:
        with pytest.raises(Refused) as refused:
            await outbound.dial(local(server.port, "https", host))
        assert refused.value.reason.code == "tls_verification_failed"
        assert server.heads == []


async def test_an_authority_that_is_not_trusted_is_refused(outbound) -> None:
    async with raw_server(lambda head, number: ok(), context_for(trustme.CA(), "localhost")) as server:
        with pytest.raises(Refused) as refused:
            await outbound.dial(local(server.port, "https", "localhost"))
        assert refused.value.reason.code == "tls_verification_failed"
        assert "trusted_ca_file" in refused.value.remedies[0].text


async def test_a_server_that_speaks_no_tls_is_refused(outbound) -> None:
    async def plain(reader, writer) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Refused) as refused:
            await outbound.dial(local(port, "https", "localhost"))
        assert refused.value.reason.code == "tls_verification_failed"
