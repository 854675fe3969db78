"""Evidence for an additional status code: what convinces, and what is no evidence."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callout.core.refresh.evidence import LONG_RUN, Answer, Evidence, evidence_of, says_stale
from callout.core.refresh.rules import refusal_of

START = datetime(2026, 1, 1, tzinfo=UTC)


def answers(*rows: tuple[int, int] | tuple[int, int, str], told: bool = False, holder: str = "Orders/Service"):
    """Make answers of (token's generation, status[, operation]), a second apart."""
    return [
        Answer(
            START + timedelta(seconds=number),
            "Orders",
            "Orders",
            holder,
            f"{holder}/abc/{generation}",
            operation[0] if operation else "GET /a",
            status,
            told=told and status >= 400,
        )
        for number, (generation, status, *operation) in enumerate(rows)
    ]


def convincing(*rows, **more) -> list[int]:
    return [e.status for e in evidence_of(answers(*rows, **more)) if e.is_convincing]


def test_a_long_run_on_a_token_that_was_accepted_before_convinces() -> None:
    (evidence,) = evidence_of(answers((1, 200), *[(1, 400)] * LONG_RUN))
    assert evidence.is_convincing
    assert (evidence.external_credential, evidence.status, evidence.longest, evidence.tokens) == ("Orders", 400, 3, 1)
    assert str(evidence) == "3 answers with status 400 on 1 token that had been accepted before on the same path"


def test_one_refusal_that_a_fresh_token_ended_convinces() -> None:
    (evidence,) = evidence_of(answers((1, 200), (1, 601), (2, 204, "GET /other"), (2, 200)))
    assert (evidence.is_convincing, evidence.ended) == (True, 1)
    assert "a fresh token ended it 1 time" in str(evidence)


def test_one_refusal_that_says_it_itself_convinces_whatever_its_status() -> None:
    assert convincing((1, 200), (1, 422), told=True) == [422]
    assert "1 said in WWW-Authenticate" in str(evidence_of(answers((1, 200), (1, 422), told=True))[0])


@pytest.mark.parametrize(
    "rows",
    [
        [(1, 200), (1, 400), (1, 400)],  # short, and nothing else speaks for it
        [(1, 400)] * 9,  # never accepted: a fresh token would not help
        [(1, 200), *[(1, 400, "POST /b")] * 9],  # another operation, which may be wrong itself
        [(1, 200), *[(1, 400)] * 9, (1, 200)],  # accepted again: it was not stale
        [(1, 200), *[(1, 404)] * 9],  # a status with a meaning of its own
        [(1, 200), *[(1, 429)] * 9, (2, 200)],
        [(1, 200), *[(1, 503)] * 9],  # never a sign
        [(1, 200), (1, 400), (2, 200, "GET /other")],  # the fresh token was not tried on what was refused
    ],
)
def test_what_is_no_evidence(rows) -> None:
    assert convincing(*rows) == []


def test_two_holders_are_not_taken_for_each_other() -> None:
    theirs = answers((1, 200), (1, 400), holder="Orders/Service@bob")
    own = answers((2, 200), holder="Orders/Service@alice")
    assert [e.ended for e in evidence_of(theirs + own)] == [0]


def test_no_answers_are_no_evidence() -> None:
    assert evidence_of([]) == []


@pytest.mark.parametrize(
    ("lines", "stale"),
    [
        ([b'WWW-Authenticate: Bearer realm="x", error="invalid_token"'], True),
        ([b"X: y", b'www-authenticate: Bearer error_description="The token EXPIRED"'], True),
        ([b'WWW-Authenticate: Bearer realm="x"'], False),
        ([b"X-Note: invalid_token"], False),
        ([], False),
    ],
)
def test_an_answers_own_word_is_its_challenge(lines: list[bytes], stale: bool) -> None:
    assert says_stale(lines) is stale


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from([200, 302, 400, 404, 500, 601, 999]))))
def test_what_convinces_may_always_be_an_additional_status_code_and_was_seen(rows) -> None:
    for evidence in evidence_of(answers(*rows)):
        assert isinstance(evidence, Evidence)
        assert (evidence.external_credential, evidence.status) in {("Orders", status) for _, status in rows}
        assert not evidence.is_convincing or refusal_of(evidence.status) is None
        assert len(evidence.answers) >= evidence.longest >= 1
