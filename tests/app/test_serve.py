"""The supervisor: a child that ends is started again, however often that fails, and its ports stay its own."""

import asyncio
import os
import signal
import socket
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from callout.app.serve import Child, NotStarted, keep_running, reserve

PROJECT = Path(__file__).parents[2]
PATIENCE = 60


class Starts:
    """Every start of the child asks here whether to become ready."""

    child: Child

    def __init__(self) -> None:
        self._asked: asyncio.Queue[tuple[int, asyncio.StreamWriter]] = asyncio.Queue()

    async def ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._asked.put_nowait((int(await reader.readline()), writer))

    async def next(self, told: str) -> int:
        """Wait for the next start, tell it what to do, and return its process id."""
        async with asyncio.timeout(PATIENCE):
            pid, writer = await self._asked.get()
        writer.write(f"{told}\n".encode())
        writer.close()
        return pid


@pytest.fixture
async def starts():
    made = Starts()
    server = await asyncio.start_server(made.ask, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "TEST_PORT": str(port)}
    made.child = Child("tests.app.told_child", "the child", environment)
    yield made
    await made.child.stop(0)
    server.close()


@asynccontextmanager
async def kept_running(starts: Starts, **pauses: float):
    """Start the child for the first time and keep it running; yields its process id."""
    starting = asyncio.ensure_future(starts.child.start())
    pid = await starts.next("ready")
    await starting
    keeping = asyncio.ensure_future(keep_running(starts.child, **pauses))
    yield pid
    keeping.cancel()
    await asyncio.wait({keeping})
    assert keeping.cancelled(), "nothing but the end of the supervisor ends it"


async def test_a_child_is_started_again_however_often_that_fails(starts, logged) -> None:
    async with kept_running(starts, shortest=0.01, longest=0.04) as pid:
        os.kill(pid, signal.SIGKILL)
        for _ in range(5):
            await starts.next("fail")
        assert await starts.next("ready") != pid
    lines = logged()
    assert [line["again_in"] for line in lines if "again_in" in line] == [0.01, 0.02, 0.04, 0.04, 0.04, 0.04]
    assert "code -9" in lines[1]["because"]


async def test_the_pauses_start_anew_after_a_child_has_run_for_long(starts, logged) -> None:
    lines: list[dict] = []
    async with kept_running(starts, shortest=0.01, longest=0.04) as pid:
        os.kill(pid, signal.SIGKILL)
        for told in ("fail", "fail", "ready"):
            again = await starts.next(told)
        async with asyncio.timeout(PATIENCE):
            while {"event": "started", "child": "the child", "pid": again} not in lines:
                await asyncio.sleep(0.01)
                lines += logged()
        await asyncio.sleep(0.05)  # the time that is long here
        os.kill(again, signal.SIGKILL)
        await starts.next("ready")
    assert [line["again_in"] for line in lines + logged() if line["event"] == "ended"] == [0.01, 0.01]


async def test_a_child_that_does_not_become_ready_says_which_it_is(starts) -> None:
    starting = asyncio.ensure_future(starts.child.start())
    await starts.next("fail")
    with pytest.raises(NotStarted, match="the child did not become ready"):
        await starting


async def test_a_child_that_cannot_even_be_made_is_not_started() -> None:
    child = Child("tests.app.told_child", "the child", {"A": "x" * 10_000_000})
    with pytest.raises(NotStarted, match="the child did not become ready; an unforeseen OSError"):
        await child.start()


def test_a_port_in_use_is_not_shared_with_a_stranger() -> None:
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        with pytest.raises(OSError, match="in use"):
            reserve("127.0.0.1", stranger.getsockname()[1])


def test_a_port_that_is_kept_can_be_listened_on_again_and_again_and_by_nobody_else() -> None:
    with reserve("127.0.0.1", 0) as kept:
        place = kept.getsockname()
        for _ in range(2):
            with socket.create_server(place, reuse_port=True) as child:
                assert child.getsockname() == place
        with pytest.raises(OSError, match="in use"):
            socket.create_server(place)
