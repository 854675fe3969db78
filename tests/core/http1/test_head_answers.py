"""Answer heads: every status an external system may use, framing, and what is refused."""

import pytest

from callout.core.http1.head import UNKNOWN, MalformedHead, ResponseParser


def parse(*lines: bytes, start: bytes = b"HTTP/1.1 200 OK"):
    return ResponseParser().parse(b"\r\n".join((start, *lines, b"", b"")))


@pytest.mark.parametrize("status", [100, 200, 204, 304, 401, 599, 601, 712, 999])
def test_every_status_of_three_digits_is_read(status: int) -> None:
    assert parse(start=b"HTTP/1.1 %d Some Reason" % status).status == status


@pytest.mark.parametrize("reason", [b" OK", b" ", b"", b" Tout va bien\xe9", b" two  spaces "])
def test_the_reason_s_bytes_are_kept(reason: bytes) -> None:
    assert parse(start=b"HTTP/1.1 712" + reason).start == b"HTTP/1.1 712" + reason


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 099 Low",
        b"HTTP/1.1 99 Low",
        b"HTTP/1.1 1000 High",
        b"HTTP/1.1 2x0 OK",
        b"HTTP/1.1  200 OK",
        b"HTTP/1.2 200 OK",
        b"HTTP/2 200",
        b"ICY 200 OK",
        b"HTTP/1.1 200 a\x00b",
        b"HTTP/1.1 200 a\rb",
        b"HTTP/1.1",
    ],
)
def test_status_lines_of_other_kinds_are_refused(start: bytes) -> None:
    with pytest.raises(MalformedHead, match="status line"):
        parse(start=start)


def test_lines_keep_their_order_case_and_duplicates() -> None:
    lines = (
        b"X-MiXeD-Case: 1",
        b"Set-Cookie: a=1",
        b"Set-Cookie: b=2",
        b"X-Empty:",
        b"X-Latin: caf\xe9",
        b"X_Under: 1",
    )
    assert parse(*lines).lines == lines


def test_what_belongs_to_one_connection_is_not_passed_on() -> None:
    head = parse(
        b"Keep-Alive: timeout=5", b"Connection: close, X-Internal", b"X-Internal: 1", b"Upgrade: h2", b"X-A: 1"
    )
    assert list(head.lines) == [b"X-A: 1"]
    assert not head.keep_alive


def test_an_external_system_cannot_speak_as_callout() -> None:
    head = parse(b"Callout-Error: caller_unknown", b"CALLOUT-ID: x", b"callout-replay: done", b"X-A: 1")
    assert head.lines == (b"X-A: 1",) or list(head.lines) == [b"X-A: 1"]


def test_framing_is_read() -> None:
    assert parse(b"Content-Length: 1024").content_length == 1024
    assert parse(b"Transfer-Encoding: chunked").chunked
    assert parse().content_length == UNKNOWN


def test_http_1_0_lasts_for_one_answer_and_is_passed_on_as_1_1() -> None:
    head = parse(start=b"HTTP/1.0 200 OK")
    assert (head.start, head.keep_alive) == (b"HTTP/1.1 200 OK", False)


@pytest.mark.parametrize(
    "lines",
    [
        (b"Content-Length: 4", b"Transfer-Encoding: chunked"),
        (b"Transfer-Encoding: chunked", b"Content-Length: 4"),
        (b"Content-Length: 4", b"Content-Length: 5"),
        (b"Content-Length: +4",),
        (b"Content-Length:",),
        (b"Transfer-Encoding: gzip, chunked",),
        (b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
        (b"X-A: 1", b" folded"),
        (b"X-A: a\x00b",),
        (b"X-A : 1",),
    ],
)
def test_framing_and_lines_that_can_be_read_in_two_ways_are_refused(lines: tuple[bytes, ...]) -> None:
    with pytest.raises(MalformedHead):
        parse(*lines)


def test_one_parser_reads_one_head_after_another_whatever_came_before() -> None:
    parser = ResponseParser()
    heads = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ]
    for raw in heads * 2:
        assert parser.parse(raw).end == len(raw)
