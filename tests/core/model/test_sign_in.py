"""What is kept of signing in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from callout.core.model.sign_in import Allowance, Password, Proven, Session

START = datetime(2026, 6, 1, tzinfo=UTC)
SESSION = Session(b"\x12\x34" * 16, "alice", Proven.KEY, "co_12345678", "", START, START, START + timedelta(hours=12))


def test_a_session_is_named_by_the_start_of_its_digest():
    assert SESSION.id == "123412341234"
    assert "4\\x12" not in repr(SESSION)


@pytest.mark.parametrize(
    ("proof", "how"),
    [(Proven.PASSWORD, "password"), (Proven.KEY, "key co_1…"), (Proven.SINGLE_SIGN_ON, "single sign-on of co_1")],
)
def test_how_it_was_proven_is_said_in_words(proof, how):
    assert Session(b"", "a", proof, "co_1", "", START, START, START).how == how


@pytest.mark.parametrize(("minutes", "over"), [(0, False), (29, False), (30, True), (720, True)])
def test_a_session_is_over_when_it_lay_idle_or_at_its_end(minutes, over):
    assert SESSION.is_over(START + timedelta(minutes=minutes), timedelta(minutes=30)) is over
    assert SESSION.is_over(START + timedelta(hours=12), timedelta(days=1))


@pytest.mark.parametrize(("failures", "seconds"), [(0, 0), (2, 0), (3, 1), (4, 2), (8, 32), (9, 60), (10_000, 60)])
def test_the_wait_doubles_after_the_free_failures_up_to_the_longest(failures, seconds):
    assert Allowance(b"", 3, 60.0).wait(failures) == timedelta(seconds=seconds)


def test_the_digest_of_a_password_is_not_shown():
    assert "argon" not in repr(Password("alice", "$argon2id$…", START))
