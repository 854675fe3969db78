"""Real processes write to one database at once: nothing is lost, the chain holds, one of them wins each token."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from tests.adapters.store import writing_process
from tests.adapters.store.conftest import SqliteDatabase, segment

COUNT = 40


def start(database: SqliteDatabase, who: str, count: int = COUNT) -> subprocess.Popen[str]:
    script = Path(writing_process.__file__)
    command = [sys.executable, "-W", "error", str(script), str(database.path), who, str(count)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


async def test_two_processes_that_write_at_once_lose_nothing(database: SqliteDatabase) -> None:
    processes = [start(database, who) for who in ("a", "b")]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    won = [int(process.communicate(timeout=120)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]

    store = database.open()
    org = await store.definitions.load()
    assert (len(org.packages), org.generation) == (2 * COUNT, 2 * COUNT)
    verification = await store.audit.verify()
    assert (verification.rows, verification.broken) == (4 * COUNT, None)
    token = await store.user_external_credentials.token(writing_process.KEY)
    assert token is not None
    assert sum(won) == token.generation  # one winner for each generation


async def test_the_writes_of_another_process_are_noticed(database: SqliteDatabase) -> None:
    store = database.open()
    process = start(database, "a", 1)
    assert not await store.changed()
    process.communicate("go\n", timeout=60)
    assert await store.changed()
    assert await store.definitions.generation() == 1


async def test_a_process_that_is_killed_while_it_writes_breaks_nothing(database: SqliteDatabase) -> None:
    store = database.open()
    process = start(database, "a", 100_000)
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    while not await store.changed():
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    store.audit.append(segment("x", "x", writer="survivor"))
    verification = await store.audit.verify()
    assert verification.held
    assert verification.rows >= 2
    assert database.rows("PRAGMA integrity_check") == [("ok",)]
