import itertools

import pytest

from callout.core.refresh.replay import DONE, NOT_POSSIBLE, may_replay

CASES = list(itertools.product((0, 1, 2), (True, False), (True, False)))


@pytest.mark.parametrize(("attempts", "complete", "kept"), CASES)
def test_only_a_first_attempt_whose_bytes_are_all_at_hand_is_sent_again(
    attempts: int, complete: bool, kept: bool
) -> None:
    possible = may_replay(attempts=attempts, request_complete=complete, body_kept=kept)
    assert possible is ((attempts, complete, kept) == (0, True, True))


def test_the_marks_are_those_of_the_contract() -> None:
    assert (DONE, NOT_POSSIBLE) == (b"done", b"not-possible")
