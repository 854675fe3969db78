"""`kill -9` at every step of a refresh, against a server that revokes the family on reuse: no silent loss.

A round of each step here; `make bench-crash` makes fifty and prints the figures.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.counterparties.crashing import Crashes, Outcome, Step
from tests.counterparties.rotating import rotating_world

#: What a step may end in. Where the answer was on its way or in hand, only the server knew the new pair.
EXPECTED = {
    Step.BEFORE_INTENT: {Outcome.RETRIED},
    Step.AFTER_INTENT: {Outcome.RETRIED},
    Step.AFTER_SEND: {Outcome.UNKNOWN},
    Step.HALF_READ: {Outcome.UNKNOWN},
    Step.BEFORE_WRITE: {Outcome.UNKNOWN},
    Step.DURING_WRITE: {Outcome.ADOPTED, Outcome.UNKNOWN},
    Step.AFTER_WRITE: {Outcome.ADOPTED},
}


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crashes]:
    with rotating_world(tmp_path_factory.mktemp("crash"), processes=1) as world:
        yield Crashes(world, seed=1)


@pytest.mark.parametrize("step", list(Step))
def test_a_process_that_is_killed_loses_no_token_without_saying_so(crashes: Crashes, step: Step) -> None:
    assert crashes.round(step) in EXPECTED[step]
