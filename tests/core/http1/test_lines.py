"""The memo of lines: bounded, without credentials, and never wrong about a line."""

import pytest

from callout.core.http1 import lines
from callout.core.http1.lines import LONGEST_MEMOISED, MEMO_SIZE, request_kinds, response_kinds


def test_a_line_is_judged_once_and_then_known() -> None:
    kinds = request_kinds()
    assert kinds[b"Accept: */*"] == lines.PASS
    assert b"Accept: */*" in kinds


@pytest.mark.parametrize(
    "line", [b"Authorization: Bearer s", b"Cookie: s=1", b"Set-Cookie: s=1", b"X-Api-Key: s", b"X-Auth-Token: s"]
)
def test_lines_that_carry_credentials_are_not_kept(line: bytes) -> None:
    for kinds in (request_kinds(), response_kinds()):
        kinds[line]
        assert line not in kinds


def test_the_memo_does_not_grow_beyond_its_size() -> None:
    kinds = request_kinds()
    for number in range(MEMO_SIZE * 2):
        kinds[b"X-%d: 1" % number]
    assert len(kinds) <= MEMO_SIZE


def test_a_long_line_is_judged_and_not_kept() -> None:
    kinds = request_kinds()
    line = b"Connection: close" + b" " * LONGEST_MEMOISED
    assert kinds[line] == lines.CLOSE
    assert line not in kinds


def test_a_name_that_is_watched_later_is_judged_anew() -> None:
    kinds = request_kinds()
    assert kinds[b"X-Tenant: a"] == lines.PASS
    kinds.watch(frozenset({b"x-tenant"}))
    assert kinds[b"X-Tenant: a"] == lines.WATCHED


def test_watching_never_weakens_what_a_name_means() -> None:
    kinds = request_kinds()
    kinds.watch(frozenset({b"host", b"content-length", b"callout-key"}))
    assert kinds[b"Host: g"] == lines.HOST
    assert kinds[b"Content-Length: 1"] == lines.LENGTH
    assert kinds[b"Callout-Key: co_x"] == lines.CALLOUT_KEY
