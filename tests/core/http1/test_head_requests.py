"""Request heads: what is read, what is dropped, and what is refused because others read it in two ways."""

import httptools
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from callout.core.http1.head import UNKNOWN, HeadTooLarge, MalformedHead, RequestParser

START = b"GET /callout/Orders/items?page=2 HTTP/1.1\r\n"


def parse(*lines: bytes, start: bytes = START, host: bytes | None = b"Host: g"):
    head = b"\r\n".join((*((host,) if host is not None else ()), *lines, b"", b""))
    return RequestParser().parse(start + head)


def test_method_target_and_lines_are_read_as_they_were_written() -> None:
    head = parse(b"X-MiXeD:  two  words ", b"X-Empty:", b"X-Dup: 1", b"X-Dup: 2", b"X-Latin: caf\xe9", b"X_Under: 1")
    assert (head.method, head.target) == (b"GET", b"/callout/Orders/items?page=2")
    assert list(head.lines) == [
        b"X-MiXeD:  two  words ",
        b"X-Empty:",
        b"X-Dup: 1",
        b"X-Dup: 2",
        b"X-Latin: caf\xe9",
        b"X_Under: 1",
    ]
    assert head.headers()[1] == (b"X-MiXeD", b"two  words")
    assert head.keep_alive
    assert head.content_length == 0


def test_the_end_is_where_the_body_begins() -> None:
    raw = START + b"Host: g\r\nContent-Length: 5\r\n\r\nhello"
    head = RequestParser().parse(raw)
    assert raw[head.end :] == b"hello"
    assert head.content_length == 5


@pytest.mark.parametrize("cut", range(1, len(START) + 10))
def test_a_head_that_is_not_whole_is_waited_for(cut: int) -> None:
    assert RequestParser().parse((START + b"Host: g\r\n\r\n")[:cut]) is None


def test_what_belongs_to_one_connection_is_not_carried_on() -> None:
    hop = b"Keep-Alive: timeout=5|TE: trailers|Trailer: X-T|Proxy-Connection: x|Proxy-Authorization: Basic eA=="
    assert list(parse(*hop.split(b"|"), b"Connection: keep-alive", b"X-Kept: 1").lines) == [b"X-Kept: 1"]


def test_headers_that_connection_names_are_not_carried_on() -> None:
    head = parse(b"Connection: X-One, close , x-two", b"X-One: 1", b"x-Two: 2", b"X-Three: 3")
    assert list(head.lines) == [b"X-Three: 3"]
    assert not head.keep_alive


def test_connection_cannot_name_the_framing_away() -> None:
    head = parse(b"Connection: content-length", b"Content-Length: 5")
    assert list(head.lines) == [b"Content-Length: 5"]


def test_callouts_own_headers_are_read_and_never_carried_on() -> None:
    head = parse(
        b"callout-KEY:co_k ",
        b"Callout-Principal: P",
        b"Callout-Timeout: 1.5",
        b"Callout-Anything: x",
        b"Calloutx: kept",
    )
    assert (head.callout_key, head.callout_principal, head.callout_timeout) == (b"co_k", b"P", b"1.5")
    assert list(head.lines) == [b"Calloutx: kept"]


def test_authorization_is_read_and_carried_on_unless_the_route_drops_it() -> None:
    parser = RequestParser()
    raw = START + b"Host: g\r\nAuthorization: Bearer x\r\nX-Tenant: evil\r\nX-Kept: 1\r\n\r\n"
    head = parser.parse(raw)
    assert head.authorization == b"Bearer x"
    assert list(parser.carried(head, frozenset())) == [b"Authorization: Bearer x", b"X-Tenant: evil", b"X-Kept: 1"]


@pytest.mark.parametrize("times", [1, 2])
def test_a_caller_s_header_of_a_name_that_the_route_writes_is_dropped_in_any_case_and_number(times: int) -> None:
    parser = RequestParser()
    raw = START + b"Host: g\r\nX-TENANT: evil\r\nx-tenant: again\r\nX-Kept: 1\r\n\r\n"
    for _ in range(times):  # the first time the name is not known to the memo yet
        assert list(parser.carried(parser.parse(raw), frozenset({b"x-tenant"}))) == [b"X-Kept: 1"]


def test_one_route_s_drops_do_not_bind_another() -> None:
    parser = RequestParser()
    raw = START + b"Host: g\r\nX-Tenant: mine\r\n\r\n"
    parser.carried(parser.parse(raw), frozenset({b"x-tenant"}))
    assert list(parser.carried(parser.parse(raw), frozenset({b"x-other"}))) == [b"X-Tenant: mine"]


REFUSED = {
    "both framings": (b"Content-Length: 4", b"Transfer-Encoding: chunked"),
    "two different lengths": (b"Content-Length: 4", b"Content-Length: 5"),
    "two equal lengths": (b"Content-Length: 4", b"Content-Length: 4"),
    "a list of lengths": (b"Content-Length: 4, 4",),
    "a signed length": (b"Content-Length: +5",),
    "a negative length": (b"Content-Length: -5",),
    "a length with an underscore": (b"Content-Length: 1_0",),
    "a hexadecimal length": (b"Content-Length: 0x5",),
    "an empty length": (b"Content-Length:",),
    "a length of 2^64": (b"Content-Length: 18446744073709551616",),
    "another coding": (b"Transfer-Encoding: gzip",),
    "a list of codings": (b"Transfer-Encoding: gzip, chunked",),
    "chunkedx": (b"Transfer-Encoding: chunkedx",),
    "xchunked": (b"Transfer-Encoding: xchunked",),
    "two codings": (b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
    "two hosts": (b"Host: h",),
    "an upgrade": (b"Connection: Upgrade", b"Upgrade: h2c"),
    "a websocket": (b"Upgrade: websocket",),
    "obs-fold": (b"X-A: 1", b" folded"),
    "obs-fold with a tab": (b"X-A: 1", b"\tfolded"),
    "a space before the colon": (b"X-A : 1",),
    "a line without a colon": (b"X-A",),
    "an empty name": (b": 1",),
    "a name with a space": (b"X A: 1",),
    "a name that is not ASCII": (b"X-\xe9: 1",),
    "NUL": (b"X-A: a\x00b",),
    "a bare CR": (b"X-A: a\rb",),
    "a bare LF": (b"X-A: a\nX-B: b",),
    "an escape": (b"X-A: a\x1bb",),
    "DEL": (b"X-A: a\x7fb",),
    "two keys": (b"Callout-Key: co_a", b"Callout-Key: co_b"),
    "two principals": (b"Callout-Principal: a", b"Callout-Principal: b"),
    "two proofs": (b"Authorization: Bearer a", b"Authorization: Bearer b"),
}


@pytest.mark.parametrize("lines", REFUSED.values(), ids=REFUSED)
def test_lines_that_can_be_read_in_two_ways_are_refused(lines: tuple[bytes, ...]) -> None:
    with pytest.raises(MalformedHead):
        parse(*lines)


@pytest.mark.parametrize("lines", REFUSED.values(), ids=REFUSED)
def test_a_refused_head_leaves_no_trace_in_the_next_one(lines: tuple[bytes, ...]) -> None:
    parser = RequestParser()
    with pytest.raises(MalformedHead):
        parser.parse(b"\r\n".join((START + b"Host: g", *lines, b"", b"")))
    assert list(parser.parse(START + b"Host: g\r\nX-A: 1\r\n\r\n").lines) == [b"X-A: 1"]


@pytest.mark.parametrize(
    "start",
    [
        b"GET /x HTTP/1.2\r\n",
        b"GET /x HTTP/2.0\r\n",
        b"GET /x HTTP/0.9\r\n",
        b"GET /x http/1.1\r\n",
        b"GET /x\r\n",
        b"GET  /x HTTP/1.1\r\n",
        b"GET /x y HTTP/1.1\r\n",
        b" GET /x HTTP/1.1\r\n",
        b"get /x HTTP/1.1\r\n",
        b"G\x00T /x HTTP/1.1\r\n",
        b"CONNECT /x HTTP/1.1\r\n",
        b"CONNECT host:443 HTTP/1.1\r\n",
        b"TRACE /x HTTP/1.1\r\n",
        b"OPTIONS * HTTP/1.1\r\n",
        b"GET http://other/x HTTP/1.1\r\n",
        b"GET x HTTP/1.1\r\n",
        b"PRI * HTTP/2.0\r\n",
    ],
)
def test_start_lines_of_other_kinds_are_refused(start: bytes) -> None:
    with pytest.raises(MalformedHead):
        parse(start=start)


def test_http_1_1_needs_a_host_and_http_1_0_does_not() -> None:
    with pytest.raises(MalformedHead, match="Host"):
        parse(host=None)
    head = parse(host=None, start=b"GET /callout/Orders HTTP/1.0\r\n")
    assert (head.minor, head.keep_alive) == (0, False)


def test_chunked_is_read_in_1_1_and_refused_in_1_0() -> None:
    assert parse(b"Transfer-Encoding: Chunked").content_length == UNKNOWN
    with pytest.raises(MalformedHead, match=r"1\.0"):
        parse(b"Transfer-Encoding: chunked", start=b"POST /x HTTP/1.0\r\n")


def test_an_expectation_is_read_and_not_carried_on() -> None:
    head = parse(b"Expect: 100-continue", b"Content-Length: 1")
    assert head.expects_continue
    assert list(head.lines) == [b"Content-Length: 1"]


@pytest.mark.parametrize("method", [b"PROPFIND", b"QUERY", b"FOO", b"M-SEARCH"])
def test_methods_that_are_not_usual_are_carried(method: bytes) -> None:
    assert parse(start=method + b" /x HTTP/1.1\r\n").method == method


def test_a_head_that_is_too_large_is_refused_whole_or_not() -> None:
    for raw in (b"X: " + b"a" * 70_000, b"X: " + b"a" * 70_000 + b"\r\n\r\n"):
        with pytest.raises(HeadTooLarge):
            RequestParser().parse(START + b"Host: g\r\n" + raw)


def test_too_many_lines_are_refused() -> None:
    with pytest.raises(HeadTooLarge, match="10001 headers"):
        parse(*[b"A: 1"] * 10_000)


def test_bare_line_feeds_are_refused_at_once_not_waited_for() -> None:
    with pytest.raises(MalformedHead, match="bare LF"):
        RequestParser().parse(b"GET /x HTTP/1.1\nHost: g\n\n")


class Peer:
    """llhttp with callbacks: the reading that ours must agree with.

    White space after a value is no part of it; llhttp leaves that to who uses it (RFC 9112 section 5.1).
    """

    def __init__(self, raw: bytes) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        httptools.HttpRequestParser(self).feed_data(raw)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value.rstrip(b" \t")))


TEXT = st.binary(max_size=12)
LINES = st.lists(
    st.one_of(
        st.tuples(st.sampled_from([b"X-A", b"Content-Length", b"Connection", b"Host", b"x a", b"", b"\xff"]), TEXT),
        st.tuples(TEXT, TEXT),
    ),
    max_size=5,
)


@given(LINES)
@example([(b"X-A", b"!\t")])
@example([(b"X-A", b"! \t ")])
def test_whatever_is_accepted_llhttp_reads_alike(lines: list[tuple[bytes, bytes]]) -> None:
    raw = START + b"Host: g\r\n" + b"".join(name + b": " + value + b"\r\n" for name, value in lines) + b"\r\n"
    try:
        head = RequestParser().parse(raw)
    except MalformedHead:
        return
    if head is not None:
        assert Peer(raw[: head.end]).headers == head.headers()
