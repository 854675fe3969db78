"""Bodies are followed to their end, whatever pieces they come in, and framing that is not exact is refused."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callout.core.http1.body import ChunkedBody, LengthBody, MalformedBody, UntilCloseBody

CHUNKED = b"5\r\nhello\r\n6;name=value\r\n world\r\n0\r\nX-Sum: 42\r\n\r\n"


def test_a_length_is_counted_and_what_follows_is_left() -> None:
    body = LengthBody(5)
    assert (body.feed(b"hel"), body.ended) == (3, False)
    assert (body.feed(b"loGET"), body.ended) == (2, True)


def test_an_empty_body_has_ended() -> None:
    assert LengthBody(0).ended


def test_a_body_until_the_close_takes_everything() -> None:
    body = UntilCloseBody()
    assert (body.feed(b"all"), body.ended) == (3, False)


def test_a_chunked_body_ends_after_its_trailer_and_what_follows_is_left() -> None:
    body = ChunkedBody()
    assert body.feed(CHUNKED + b"GET /") == len(CHUNKED)
    assert body.ended


@given(st.lists(st.integers(1, len(CHUNKED)), max_size=8))
def test_a_chunked_body_is_followed_in_any_pieces(cuts: list[int]) -> None:
    content: list[bytes] = []
    body = ChunkedBody(content)
    places = sorted({0, *cuts, len(CHUNKED)})
    for start, end in pairwise(places):
        assert not body.ended
        assert body.feed(CHUNKED[start:end]) == end - start
    assert body.ended
    assert b"".join(content) == b"hello world"


@pytest.mark.parametrize(
    "raw",
    [
        b"5\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n",
        b"+5\r\nhello\r\n",
        b"-1\r\n",
        b" 5\r\nhello\r\n",
        b"\r\n",
        b"g\r\n",
        b"5\r\nhelloX\r\n0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhello0\r\n\r\n",
        b"ffffffffffffffff\r\n",
        b"5;a\x00b\r\nhello\r\n",
        b"0\r\nno colon\r\n\r\n",
        b"0\r\nX-A : 1\r\n\r\n",
        b"0\r\nX-A: a\x00b\r\n\r\n",
        b"0\r\n\n",
        b"1" * 2000,
        b"5;" + b"x" * 2000,
        b"0\r\n" + b"X: " + b"a" * 9000 + b"\r\n\r\n",
        b"0\r\n" + (b"X: " + b"a" * 1000 + b"\r\n") * 9,
    ],
)
def test_framing_that_is_not_exact_is_refused(raw: bytes) -> None:
    body = ChunkedBody()
    with pytest.raises(MalformedBody):
        body.feed(raw)


@given(st.binary(max_size=64))
def test_no_bytes_make_it_fail_otherwise(raw: bytes) -> None:
    body = ChunkedBody()
    try:
        used = body.feed(raw)
    except MalformedBody:
        return
    assert used == len(raw) or body.ended
