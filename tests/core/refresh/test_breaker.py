import pytest
from hypothesis import given
from hypothesis import strategies as st

from callout.core.refresh.breaker import FIRST_PAUSE, LONGEST_PAUSE, PROBE_PAUSE, THRESHOLD, Breaker


def after_failures(count: int, *, now: float = 100.0, jitter: float = 1.0) -> Breaker:
    breaker = Breaker()
    for _ in range(count):
        breaker = breaker.entered().failed(now, jitter=jitter)
    return breaker


def test_it_opens_after_so_many_failures_in_a_row_and_not_before() -> None:
    assert after_failures(THRESHOLD - 1).pause(100.0) == 0.0
    opened = after_failures(THRESHOLD)
    assert not opened.is_closed
    assert opened.pause(100.0) == FIRST_PAUSE


def test_one_answer_in_between_starts_the_count_anew() -> None:
    breaker = after_failures(THRESHOLD - 1).entered().answered()
    assert breaker == Breaker()
    assert breaker.failed(100.0, jitter=1.0).is_closed


def test_when_the_pause_has_passed_one_request_is_the_probe_and_the_others_wait() -> None:
    opened = after_failures(THRESHOLD)
    later = 100.0 + FIRST_PAUSE
    assert opened.pause(later) == 0.0
    assert opened.entered().pause(later) == PROBE_PAUSE
    assert opened.entered().left().pause(later) == 0.0


def test_a_probe_that_is_answered_closes_it_and_one_that_fails_doubles_the_pause() -> None:
    opened = after_failures(THRESHOLD)
    later = 100.0 + FIRST_PAUSE
    assert opened.entered().answered() == Breaker()
    assert opened.entered().failed(later, jitter=1.0).pause(later) == 2 * FIRST_PAUSE


def test_a_pause_is_jittered_down_to_half() -> None:
    assert after_failures(THRESHOLD, jitter=0.0).pause(100.0) == FIRST_PAUSE / 2


def test_the_pause_stays_bounded_however_often_it_opens() -> None:
    breaker, now = Breaker(), 0.0
    for _ in range(5_000):
        now += breaker.pause(now)
        breaker = breaker.entered().failed(now, jitter=1.0)
    assert breaker.pause(now) == LONGEST_PAUSE


@pytest.mark.parametrize("jitter", [0.0, 0.5, 0.99])
def test_what_the_server_asks_for_is_waited_for_at_least_and_at_once(jitter: float) -> None:
    asked = Breaker().entered().failed(100.0, jitter=jitter, retry_after=30.0)
    assert 30.0 <= asked.pause(100.0) <= 33.0


def test_retry_after_zero_asks_for_nothing() -> None:
    assert Breaker().failed(100.0, jitter=1.0, retry_after=0.0).is_closed


def test_a_failure_that_comes_late_does_not_lengthen_the_pause_unless_the_server_asks() -> None:
    opened = after_failures(THRESHOLD)
    assert opened.failed(100.5, jitter=1.0).pause(100.5) == opened.pause(100.5)
    assert opened.failed(100.5, jitter=0.0, retry_after=30.0).pause(100.5) == 30.0


STEPS = st.lists(st.tuples(st.sampled_from(["answer", "failure", "give up"]), st.floats(0, 100), st.floats(0, 0.999)))


@given(STEPS)
def test_whatever_happens_it_lets_a_request_through_in_the_end_and_never_two_probes_at_once(steps) -> None:
    breaker, now = Breaker(), 0.0
    for what, seconds, jitter in steps:
        now += seconds
        pause = breaker.pause(now)
        assert pause <= LONGEST_PAUSE
        now += pause
        assert breaker.pause(now) == 0.0
        breaker = breaker.entered()
        assert breaker.is_closed or breaker.pause(now) > 0
        match what:
            case "answer":
                breaker = breaker.answered()
                assert breaker.is_closed
            case "failure":
                breaker = breaker.failed(now, jitter=jitter)
            case _:
                breaker = breaker.left()
