import itertools

import pytest

from callout.core.reasons import REASONS
from callout.core.refresh.replay import (
    DONE,
    IDEMPOTENT,
    NOT_NEEDED,
    Mark,
    Obstacle,
    Replay,
    ReplayContract,
    Room,
    remedies_of,
)

NOTHING_DECLARED = ReplayContract()
DECLARED = ReplayContract(methods=frozenset({b"GET", b"POST"}))
NO_TOKEN = ReplayContract(possible=False)
METHODS = (*sorted(IDEMPOTENT), b"POST", b"PATCH", b"REPORT")


@pytest.mark.parametrize("method", METHODS)
def test_where_nothing_is_declared_any_request_that_was_kept_whole_is_sent_again(method) -> None:
    assert NOTHING_DECLARED.obstacle(method, request_complete=True, lost=None) is None


@pytest.mark.parametrize("method", METHODS)
def test_what_is_declared_is_all_that_is_sent_again(method) -> None:
    expected = None if method in (b"GET", b"POST") else Obstacle.METHOD_NOT_DECLARED
    assert DECLARED.obstacle(method, request_complete=True, lost=None) is expected


@pytest.mark.parametrize(("complete", "lost"), list(itertools.product((True, False), (None, *Obstacle))))
def test_a_request_whose_bytes_are_not_all_at_hand_is_not_sent_again(complete, lost) -> None:
    expected = lost or (None if complete else Obstacle.BODY_STILL_COMING)
    assert NOTHING_DECLARED.obstacle(b"POST", request_complete=complete, lost=lost) is expected


@pytest.mark.parametrize(
    ("contract", "method", "room"),
    [
        (NOTHING_DECLARED, b"PUT", Room.FILE),
        (NOTHING_DECLARED, b"POST", Room.MEMORY),
        (NOTHING_DECLARED, b"REPORT", Room.MEMORY),
        (DECLARED, b"POST", Room.FILE),
        (DECLARED, b"PATCH", Room.NONE),
        (DECLARED, b"PUT", Room.MEMORY),
        (NO_TOKEN, b"POST", Room.NONE),
        (NO_TOKEN, b"PUT", Room.MEMORY),
    ],
)
def test_a_body_is_kept_only_where_it_may_be_needed_and_in_a_file_only_where_that_needs_no_declaration_or_has_it(
    contract, method, room
) -> None:
    assert contract.room(method) is room


def test_only_methods_that_are_not_idempotent_bear_the_idempotency_header() -> None:
    contract = ReplayContract(idempotency_header=b"Idempotency-Key")
    assert [method for method in METHODS if contract.adds_key(method)] == [b"POST", b"PATCH", b"REPORT"]
    assert not NOTHING_DECLARED.adds_key(b"POST")


@pytest.mark.parametrize(
    ("contract", "method", "said"),
    [
        (NO_TOKEN, "GET", "no token"),
        (DECLARED, "PUT", "never sent again: replay_methods does not name it"),
        (NOTHING_DECLARED, "PUT", "up to replay_file_limit"),
        (NOTHING_DECLARED, "POST", "up to replay_limit"),
    ],
)
def test_what_would_happen_is_said_beforehand(contract, method, said) -> None:
    assert said in contract.worded(method)


@pytest.mark.parametrize("replay", [DONE, NOT_NEEDED, *(Replay(Mark.NOT_POSSIBLE, each) for each in Obstacle)])
def test_what_is_recorded_can_be_read(replay) -> None:
    assert Replay.read(str(replay)) == replay


def test_a_record_of_an_earlier_release_can_be_read() -> None:
    assert Replay.read("not-possible") == Replay(Mark.NOT_POSSIBLE)


def test_the_marks_are_those_of_the_contract() -> None:
    assert [mark.value for mark in Mark] == ["done", "not-possible", "not-needed"]
    assert Replay(Mark.NOT_POSSIBLE, Obstacle.SPOOL_LOST).line == b"Callout-Replay: not-possible"


@pytest.mark.parametrize("obstacle", list(Obstacle))
def test_every_obstacle_says_what_stood_in_the_way_and_what_to_do(obstacle) -> None:
    detail, remedies = remedies_of(obstacle, "Orders", "POST")
    assert detail
    assert "Repeat the callout" in str(remedies[0])
    commands = [remedy.command for remedy in remedies if remedy.command]
    declarable = obstacle in (Obstacle.METHOD_NOT_DECLARED, Obstacle.LARGE_BODY_NOT_DECLARED)
    assert commands == (["callout named-credential allow-replay Orders POST"] if declarable else [])
    assert "replay_not_possible" in {reason.code for reason in REASONS}
