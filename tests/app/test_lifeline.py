"""A child process ends when it is told to, when its supervisor is gone, and when what it lives on has ended."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "src"
CHILD = """
import asyncio, sys
from callout.app.lifeline import until_told_to_stop

async def live(fails):
    vital = asyncio.get_running_loop().create_future()
    print("ready", flush=True)
    if fails == "by an error":
        vital.set_exception(KeyError("a secret"))
    elif fails == "by itself":
        vital.set_result(None)
    return await until_told_to_stop(vital)

sys.exit(asyncio.run(live(sys.argv[1])))
"""


@pytest.fixture
def child(request):
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, request.param],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PYTHONPATH": str(SOURCES)},
    ) as process:
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.kill()


@pytest.mark.parametrize("child", ["never"], indirect=True)
def test_the_end_of_the_supervisor_ends_it(child) -> None:
    child.stdin.close()
    assert child.wait(60) == 0


@pytest.mark.parametrize("child", ["by an error", "by itself"], indirect=True)
def test_the_end_of_what_it_lives_on_is_a_failure_that_the_log_names(child) -> None:
    assert child.wait(60) == 5
    logged = json.loads(child.stderr.read())
    assert logged["event"] == "failed"
    assert "KeyError" in logged["because"] or "has ended" in logged["because"]
    assert "secret" not in logged["because"]


@pytest.mark.parametrize("child", ["never"], indirect=True)
def test_it_ends_when_it_is_told_to(child) -> None:
    child.send_signal(signal.SIGINT)
    assert child.wait(60) in (0, 1, -signal.SIGINT)
