"""Side calls: one request as written, one whole answer, guarded like every other."""

import asyncio

import pytest

from callout.adapters.outbound import OutboundTransport
from callout.adapters.outbound.client import LARGEST_ANSWER
from callout.core.errors import Refused
from callout.core.message import HttpRequest, form_body
from callout.core.secret import Redactable, Secret

from .conftest import SECONDS, ok, raw_server


async def send(
    outbound, port: int, request: HttpRequest | None = None, *, private: bool = True, timeout: float = SECONDS
):
    request = request or HttpRequest("GET", f"http://127.0.0.1:{port}/token?a=1")
    return await OutboundTransport(outbound).send(request, allow_private_network=private, timeout_seconds=timeout)


def token_request(port: int) -> HttpRequest:
    body = form_body((("grant_type", "client_credentials"), ("client_secret", Secret("s3cret&"))))
    headers = (("Authorization", Redactable.of("Basic ", Secret("eA=="))), ("Content-Type", Redactable.of("a/b")))
    return HttpRequest("POST", f"http://127.0.0.1:{port}/token", headers, body)


async def test_a_request_is_written_with_its_secrets_and_the_answer_read_whole(outbound) -> None:
    async with raw_server(lambda head, number: ok(b'{"a":1}', b"Content-Type: application/json")) as server:
        answer = await send(outbound, server.port, token_request(server.port))
    assert (answer.status, answer.reason, answer.body) == (200, "OK", b'{"a":1}')
    assert answer.header("content-type") == "application/json"
    assert server.bodies == [b"grant_type=client_credentials&client_secret=s3cret%26"]
    lines = server.heads[0].split(b"\r\n")
    assert lines[0] == b"POST /token HTTP/1.1"
    assert b"Host: 127.0.0.1:%d" % server.port in lines
    assert b"Authorization: Basic eA==" in lines


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\nX-T: 1\r\n\r\n",
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 6\r\n\r\nonetwo",
    ],
)
async def test_a_body_is_read_without_its_framing(outbound, said) -> None:
    async with raw_server(lambda head, number: said) as server:
        answer = await send(outbound, server.port)
    assert (answer.status, answer.body) == (400, b"onetwo")


async def test_a_body_until_the_close_is_read(outbound) -> None:
    async with raw_server(lambda head, number: b"HTTP/1.0 200 OK\r\n\r\nold") as server:
        task = asyncio.ensure_future(send(outbound, server.port))
        async with asyncio.timeout(SECONDS):
            while not server.heads:
                await asyncio.sleep(0)
        server.writers[0].close()
        assert (await task).body == b"old"


async def test_a_redirect_is_returned_and_not_followed(outbound) -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
    async with raw_server(lambda head, number: moved) as server:
        answer = await send(outbound, server.port)
    assert (answer.status, answer.header("Location")) == (302, "http://127.0.0.1:9/")


@pytest.mark.parametrize("framing", [b"Content-Length: 2000000", b"X-Until: close"])
async def test_an_answer_that_is_too_large_is_refused(outbound, framing) -> None:
    said = b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n" + b"x" * (LARGEST_ANSWER + 1)
    async with raw_server(lambda head, number: said) as server:
        with pytest.raises(Refused, match="1048576 bytes"):
            await send(outbound, server.port)


async def test_an_answer_that_does_not_come_is_given_up(outbound) -> None:
    async with raw_server(lambda head, number: b"HTTP/1.1 200 OK\r\nContent-Le") as server:
        with pytest.raises(Refused) as refused:
            await send(outbound, server.port, timeout=0.1)
    assert refused.value.reason.code == "timed_out"


async def test_a_private_address_is_not_called_unless_allowed(outbound) -> None:
    async with raw_server(lambda head, number: ok()) as server:
        with pytest.raises(Refused) as refused:
            await send(outbound, server.port, private=False)
        assert refused.value.reason.code == "address_not_allowed"
        assert server.connections == 0


async def test_a_safe_request_uses_a_kept_connection_and_survives_a_stale_one(outbound) -> None:
    async with raw_server(lambda head, number: None if number == 2 else ok(b"%d" % number)) as server:
        assert [(await send(outbound, server.port)).body for _ in range(2)] == [b"1", b"3"]
        assert (server.connections, len(server.heads)) == (2, 3)


async def test_a_token_request_is_never_sent_twice(outbound) -> None:
    async with raw_server(lambda head, number: None if number == 2 else ok()) as server:
        await send(outbound, server.port)
        with pytest.raises(Refused) as refused:
            await send(outbound, server.port, token_request(server.port))
        assert refused.value.reason.code == "external_system_unreachable"
        assert len(server.heads) == 2


@pytest.mark.parametrize("bad", ["a\r\nX-Evil: 1", "a\nb", "a\x00b"])
async def test_a_secret_with_a_line_break_is_not_written(outbound, bad) -> None:
    async with raw_server(lambda head, number: ok()) as server:
        request = HttpRequest("GET", f"http://127.0.0.1:{server.port}/", (("X-Key", Redactable.of(Secret(bad))),))
        with pytest.raises(Refused) as refused:
            await send(outbound, server.port, request)
        assert bad not in str(refused.value)
        assert server.heads == []


async def test_a_refusal_says_whether_anything_of_the_request_may_have_left(outbound) -> None:
    async with raw_server(lambda head, number: None) as server:
        with pytest.raises(Refused) as cut:
            await send(outbound, server.port, token_request(server.port))
        port = server.port
    with pytest.raises(Refused) as refused:
        await send(outbound, port, token_request(port))
    async with raw_server(lambda head, number: b"HTTP/1.1 200 OK\r\nContent-Le") as server:
        with pytest.raises(Refused) as late:
            await send(outbound, server.port, token_request(server.port), timeout=0.1)
    assert [each.value.unsent for each in (cut, refused, late)] == [False, True, False]
