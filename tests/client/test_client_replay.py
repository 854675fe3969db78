"""An answer says whether its request was sent again."""

import httpx2
import pytest

from callout.core.refresh.replay import Mark
from callout_client import Replay, replay_of


def test_the_marks_are_the_server_s() -> None:
    assert [mark.value for mark in Replay] == [mark.value for mark in Mark]


@pytest.mark.parametrize("mark", list(Mark))
def test_what_the_answer_says_is_told(mark) -> None:
    assert replay_of(httpx2.Response(200, headers={"callout-replay": mark.value})) is Replay(mark.value)


@pytest.mark.parametrize("headers", [{}, {"Callout-Replay": "perhaps"}])
def test_an_answer_that_says_nothing_or_nothing_known_tells_nothing(headers) -> None:
    assert replay_of(httpx2.Response(200, headers=headers)) is None
