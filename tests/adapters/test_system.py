"""The clock is in UTC and moves with the world's; random bytes are as many as asked for, and never twice the same."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from callout.adapters.system import SystemClock, SystemEntropy


def test_the_clock_is_aware_and_in_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_the_clock_tells_the_time_of_this_machine() -> None:
    before = datetime.fromtimestamp(time.time(), UTC)
    assert before <= SystemClock().now() <= datetime.fromtimestamp(time.time(), UTC) + timedelta(seconds=1)


@pytest.mark.parametrize("count", [1, 12, 32, 4096])
def test_entropy_gives_as_many_bytes_as_asked_for(count: int) -> None:
    assert len(SystemEntropy().bytes(count)) == count


def test_entropy_does_not_repeat_itself() -> None:
    entropy = SystemEntropy()
    assert len({entropy.bytes(16) for _ in range(200)}) == 200


@pytest.mark.parametrize("count", [0, -1])
def test_entropy_refuses_to_give_nothing(count: int) -> None:
    with pytest.raises(ValueError, match="expected 1 or more"):
        SystemEntropy().bytes(count)
