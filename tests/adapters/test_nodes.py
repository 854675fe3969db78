"""A process that has ended is told from one that lives, without waiting."""

import os
import subprocess
import sys

import pytest

from callout.adapters.nodes import KEPT, LockedNodes
from callout.adapters.system import SystemClock, SystemEntropy
from callout.core.errors import StoreError

HOLDING = """
import sys
from pathlib import Path
from callout.adapters.nodes import LockedNodes
from callout.adapters.system import SystemClock, SystemEntropy
nodes = LockedNodes(Path(sys.argv[1]), SystemClock(), SystemEntropy())
print(nodes.name, flush=True)
sys.stdin.read()
"""


def nodes_of(home) -> LockedNodes:
    return LockedNodes(home, SystemClock(), SystemEntropy())


def test_a_process_that_lives_is_not_gone_and_one_that_was_killed_is(tmp_path) -> None:
    command = [sys.executable, "-c", HOLDING, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        theirs, ours = process.stdout.readline().strip(), nodes_of(tmp_path)
        assert not ours.is_gone(theirs)
        process.kill()
        process.wait()
    assert ours.is_gone(theirs)
    assert not ours.is_gone(ours.name)
    ours.close()


def test_of_a_process_that_left_nothing_nothing_can_be_told(tmp_path) -> None:
    one, other = nodes_of(tmp_path), nodes_of(tmp_path)
    name = one.name
    one.close()
    assert not other.is_gone(name)
    assert not other.is_gone("unknown")


def test_nothing_is_written_before_the_name_is_needed(tmp_path) -> None:
    nodes = nodes_of(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert nodes.name == nodes.name
    assert [path.name for path in (tmp_path / "nodes").iterdir()] == [f"{nodes.name}.lock"]
    nodes.close()
    assert list((tmp_path / "nodes").iterdir()) == []


def test_what_a_process_left_behind_long_ago_is_removed_and_a_living_ones_file_is_not(tmp_path) -> None:
    living = nodes_of(tmp_path)
    long_ago = SystemClock().now().timestamp() - KEPT - 1
    for name in (living.name, "dead"):
        path = tmp_path / "nodes" / f"{name}.lock"
        path.touch()
        os.utime(path, (long_ago, long_ago))
    another = nodes_of(tmp_path).name
    assert {path.stem for path in (tmp_path / "nodes").iterdir()} == {living.name, another}


def test_a_home_that_cannot_be_written_to_is_an_error_of_the_store(tmp_path) -> None:
    (tmp_path / "nodes").write_text("a file in the way")
    with pytest.raises(StoreError, match="expected to lock a file there"):
        _ = nodes_of(tmp_path).name
