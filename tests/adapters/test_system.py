"""The clock is in UTC and moves with the world's; random bytes are as many as asked for, and never twice the same."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from callout.adapters.system import SystemClock, SystemEntropy
from callout.core.key_files import algorithm_of
from callout.core.private_key import loaded


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


@pytest.mark.parametrize("algorithm", ["RSA-2048", "P-256", "P-384", "P-521", "Ed25519"])
def test_a_private_key_is_of_the_kind_that_was_asked_for_and_never_twice_the_same(algorithm: str) -> None:
    made = [SystemEntropy().private_key(algorithm) for _ in range(2)]
    assert [algorithm_of(loaded(each).public_key()) for each in made] == [algorithm, algorithm]
    assert made[0] != made[1]


def test_a_private_key_of_no_known_kind_is_not_made() -> None:
    with pytest.raises(ValueError, match="got algorithm 'DSA'"):
        SystemEntropy().private_key("DSA")
