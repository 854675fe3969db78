"""A worker may open as many files as the system lets it, and cuts no refresh off that it can wait for."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from callout.app.worker import drain

SOURCES = Path(__file__).parents[2] / "src"
CHILD = """
import resource, sys
from callout.app.worker import allow_connections

soft, hard, wanted = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
allow_connections(wanted)
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def allowed(soft: int, hard: int, wanted: int) -> tuple[str, str]:
    """What a process with these limits allows itself, and what it logs."""
    command = [sys.executable, "-c", CHILD, *map(str, (soft, hard, wanted))]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(SOURCES)})
    return done.stdout.strip(), done.stderr


def test_the_soft_limit_of_open_files_is_raised_to_the_hard_one() -> None:
    assert allowed(64, 256, 200) == ("256 256", "")


def test_a_limit_that_is_too_low_is_logged() -> None:
    limits, logged = allowed(64, 128, 128)
    assert limits == "128 128"
    line = json.loads(logged)
    assert line["event"] == "few_files"
    assert "got a limit of 128 open files; expected more than the 128" in line["because"]


class Draining:
    """Stands for a gateway and for the tokens of its process: callouts end after 7 of the seconds that pass here."""

    def __init__(self) -> None:
        self.passed = 100.0
        self.asked: list[tuple[str, float]] = []

    def monotonic(self) -> float:
        return self.passed

    async def stop(self, seconds: float) -> None:
        self.passed += 7
        self.asked.append(("stop", seconds))

    async def landed(self, seconds: float) -> None:
        self.asked.append(("landed", seconds))


@pytest.mark.parametrize(("seconds", "left"), [(10.0, 3.0), (5.0, 0.0)])
async def test_refreshes_that_callouts_begin_while_they_are_drained_are_waited_for_as_well(seconds, left) -> None:
    draining = Draining()
    await drain(draining, draining, draining, seconds)
    assert draining.asked == [("stop", seconds), ("landed", left)]
