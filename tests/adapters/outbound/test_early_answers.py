"""An answer that came before its connection was reset is an answer, also where the reset is noticed in writing."""

import asyncio
import socket

import pytest

from callout.core.errors import Refused

from .conftest import local, ok

SECONDS = 30


class Listening:
    """Keeps what it is told, and gives the connection back at the end of the answer."""

    def __init__(self, connection) -> None:
        self.connection = connection
        self.body = b""
        self.refused: Refused | None = None
        self.over = asyncio.Event()

    def answer_began(self, head, body: bytes, ended: bool) -> None:
        self.answer_went_on(body, ended)

    def answer_went_on(self, body: bytes, ended: bool) -> None:
        self.body += body
        if ended:
            self.connection.give_back(request_ended=False)
            self.over.set()

    def answer_failed(self, refused: Refused, *, untouched: bool) -> None:
        self.refused = refused
        self.over.set()

    def outbound_blocked(self) -> None:
        """It goes on writing."""

    def outbound_unblocked(self) -> None:
        """It goes on writing."""


async def after_a_reset(outbound, said: bytes) -> Listening:
    """Send a request to what says this and resets; the event loop notices when more of the request is written."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        connection = await outbound.dial(local(listening.getsockname()[1]))
        peer, _ = listening.accept()
        heard = Listening(connection)
        connection.send(heard, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n", head_only=False)
        connection.pause_reading()
        await asyncio.to_thread(peer.recv, 1)
        peer.sendall(said)
        peer.close()  # with the rest of the head unread, which makes it a reset
    async with asyncio.timeout(SECONDS):
        while not heard.over.is_set():
            connection.write(b"x" * 1000)
            await asyncio.sleep(0)
    return heard


@pytest.mark.parametrize("size", [2, 100_000])
async def test_an_answer_that_was_not_read_yet_is_read(outbound, size) -> None:
    heard = await after_a_reset(outbound, ok(b"n" * size))
    assert (heard.body, heard.refused) == (b"n" * size, None)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nno"])
async def test_what_is_no_whole_answer_is_none(outbound, said) -> None:
    heard = await after_a_reset(outbound, said)
    assert heard.refused is not None
    assert heard.refused.reason.code == "external_system_unreachable"
    assert "reset" in heard.refused.detail
