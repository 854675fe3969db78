from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callout.core.access.target import LONGEST_TARGET, Origin, join, origin_of, split_address, split_target
from callout.core.errors import Refused

# --- the joint -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "rest", "sent"),
    [
        (b"", b"", b"/"),
        (b"", b"/", b"/"),
        (b"", b"?a=b", b"/?a=b"),
        (b"", b"?", b"/?"),
        (b"", b"/x", b"/x"),
        (b"", b"//evil.example/x", b"/evil.example/x"),
        (b"/v2", b"", b"/v2"),
        (b"/v2", b"/", b"/v2/"),
        (b"/v2", b"?", b"/v2?"),
        (b"/v2", b"?a=b", b"/v2?a=b"),
        (b"/v2", b"/orders", b"/v2/orders"),
        (b"/v2", b"orders", b"/v2/orders"),
        (b"/v2", b"//orders", b"/v2/orders"),
        (b"/v2", b"/orders/?", b"/v2/orders/?"),
        (b"/v2", b"/a?b?c=/../d", b"/v2/a?b?c=/../d"),
    ],
)
def test_there_is_exactly_one_slash_at_the_joint(path: bytes, rest: bytes, sent: bytes) -> None:
    assert join(path, rest) == sent


@pytest.mark.parametrize(
    "rest",
    [
        b"/a%2Fb%2fc",
        b"/a//b",
        b"/a;v=1/b;w",
        b"/a:b@c/d",
        b"/:8080/x",
        b"/@evil.example",
        b"/...",
        b"/a..b/.c/d.",
        b"/..a",
        b"/%20%41%7e%c3%a9%C0",
        b"/100%25",
        b"/%zz%",
        b"/a=b&c,d+e!f$g'h(i)*j~k|l^m`n{o}p\"q<r>",
        b"?a=%0d%0a&b=\\&c=%2e%2e%2f&d=../..",
        b"/https://x.example/y",
    ],
)
def test_path_and_query_are_appended_byte_for_byte(rest: bytes) -> None:
    mark = b"" if rest.startswith(b"?") else b"/"
    assert join(b"/v2", rest) == b"/v2" + mark + rest.removeprefix(b"/")


@pytest.mark.parametrize(
    "rest",
    [
        b"/..",
        b"/.",
        b"..",
        b"/../x",
        b"/a/../b",
        b"/a/./b",
        b"/a/..",
        b"/a/..?x",
        b"/%2e%2e/x",
        b"/%2E.",
        b"/.%2e",
        b"/a%2f..%2fb",
        b"/..%2fadmin",
        b"/..%2Fadmin",
        b"/a/%2e%2e%2fb",
        b"/..;/admin",
        b"/..;x=1/admin",
        b"/.;/admin",
        b"/..%3b/admin",
        b"/%252e%252e/x",
        b"/a%252f..%252fb",
        b"/..%255c..%255cx",
        b"/%25252e%25252e/x",
        b"/%2%65%2%65/x",
    ],
)
def test_a_dot_segment_is_refused_however_it_is_written(rest: bytes) -> None:
    with pytest.raises(Refused, match="dot segment") as refused:
        join(b"/v2", rest)
    assert refused.value.reason.code == "malformed_request"


@pytest.mark.parametrize(
    ("rest", "got"),
    [
        (b"/a\\b", r"\\"),
        (b"/..\\x", r"\\"),
        (b"/a%5cb", "%5c"),
        (b"/a%5Cb", "%5C"),
        (b"/a#b", "#"),
        (b"/a%00", "%00"),
        (b"/a%0d%0aX-Evil:1", "%0d"),
        (b"/a%0A", "%0A"),
        (b"/%c0%ae%c0%ae/x", "%c0%ae"),
        (b"/%C0%AF", "%C0%AF"),
        (b"/a?b#c", "fragment"),
        (b"/a b", "visible ASCII"),
        (b"/a\tb", "visible ASCII"),
        (b"/a\r\nX-Evil: 1", "visible ASCII"),
        (b"/a\0", "visible ASCII"),
        (b"/\xc3\xa9", "visible ASCII"),
        (b"/a?\xff", "visible ASCII"),
        (b"/a?b c", "visible ASCII"),
    ],
)
def test_bytes_that_servers_read_differently_are_refused(rest: bytes, got: str) -> None:
    with pytest.raises(Refused) as refused:
        join(b"/v2", rest)
    assert refused.value.reason.code == "malformed_request"
    assert got in refused.value.detail


def test_an_overlong_target_is_refused_before_it_is_read() -> None:
    assert join(b"", b"/" + b"a" * (LONGEST_TARGET - 1)).endswith(b"aa")
    with pytest.raises(Refused, match=f"got a target of {LONGEST_TARGET + 1} bytes"):
        join(b"", b"/" + b"%" * LONGEST_TARGET)


@pytest.mark.parametrize("rest", [b"/a b?key=c4n4ry", b"/a?key=c4n4ry#x", b"/..?key=c4n4ry", b"/a?key=c4n4ry\xff"])
def test_a_refusal_does_not_repeat_the_query_which_may_hold_a_secret(rest: bytes) -> None:
    with pytest.raises(Refused) as refused:
        join(b"/v2", rest)
    assert "c4n4ry" not in str(refused.value)


def test_a_long_path_is_cut_in_the_refusal() -> None:
    with pytest.raises(Refused) as refused:
        join(b"", b"/" + b"a" * 10_000 + b"/..")
    assert len(refused.value.detail) < 400


PIECES = ["/", "//", "..", ".", "%2e", "%2F", "%5c", "\\", "@", ":", ":8080", "?", "#", ";", "%25", "%00", "\r\n", " "]
PIECES += ["evil.example", "http://", "https:", "é", "a", "%", "2e", "[::1]", "~", "\0"]
RESTS = st.lists(st.sampled_from(PIECES), max_size=12).map(lambda pieces: "".join(pieces).encode()) | st.binary(
    max_size=40
)
BASES = st.sampled_from(
    ["https://orders.example", "https://orders.example:8443/v2", "http://[::1]:80/a/b", "https://orders.example/%20"]
)


def segments(path: str) -> list[str]:
    return path.split("/")


@given(BASES, RESTS)
def test_nothing_that_a_caller_sends_changes_scheme_host_port_or_the_admins_path(base: str, rest: bytes) -> None:
    origin = origin_of(base)
    try:
        sent = join(origin.path.rstrip("/").encode(), rest)
    except Refused:
        return
    assert sent.startswith(b"/")
    assert not sent.startswith(b"//")
    whole = urlsplit(f"{origin.scheme}://{origin.authority}{sent.decode('ascii')}")
    assert (whole.scheme, whole.hostname, whole.port or origin.port) == (origin.scheme, origin.host, origin.port)
    assert (whole.username, whole.password, whole.fragment) == (None, None, "")
    assert segments(whole.path)[: len(segments(origin.path.rstrip("/")))] == segments(origin.path.rstrip("/"))
    assert not {".", ".."} & set(segments(whole.path))


@given(RESTS)
def test_what_is_sent_ends_with_what_the_caller_wrote(rest: bytes) -> None:
    try:
        sent = join(b"/v2", rest)
    except Refused:
        return
    assert sent.endswith(rest.lstrip(b"/"))
    assert len(sent) <= len(b"/v2/") + len(rest)


# --- name and rest ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "name", "rest"),
    [
        (b"/callout/Orders", "Orders", b""),
        (b"/callout/Orders/", "Orders", b"/"),
        (b"/callout/Orders/a/b?c=d/e", "Orders", b"/a/b?c=d/e"),
        (b"/callout/Orders?c=/d", "Orders", b"?c=/d"),
        (b"/callout/ns__Orders//x", "ns__Orders", b"//x"),
        (b"/callout/", "", b""),
        (b"/callout//x", "", b"/x"),
        (b"/callout/Ord%65rs;v/x", "Ord%65rs;v", b"/x"),
        (b"/callout/\xff/x", "\xff", b"/x"),
    ],
)
def test_a_request_target_is_split_into_name_and_rest(target: bytes, name: str, rest: bytes) -> None:
    assert split_target(target) == (name, rest)


@pytest.mark.parametrize(
    "target", [b"", b"/", b"/callout", b"/Callout/Orders", b"//callout/Orders", b"/x/callout/Orders"]
)
def test_a_target_that_is_no_callout_is_refused(target: bytes) -> None:
    with pytest.raises(Refused, match="expected /callout/NAME") as refused:
        split_target(target)
    assert refused.value.reason.code == "malformed_request"


@pytest.mark.parametrize(
    ("address", "name", "rest"),
    [
        ("callout:Orders", "Orders", ""),
        ("CALLOUT:Orders/a", "Orders", "/a"),
        ("Callout:ns__Orders?x=1", "ns__Orders", "?x=1"),
        ("Orders/a?b", "Orders", "/a?b"),
        ("callout:callout/x", "callout", "/x"),
    ],
)
def test_an_address_is_split_into_name_and_rest(address: str, name: str, rest: str) -> None:
    assert split_address(address) == (name, rest)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "callout:",
        "callout:/x",
        "callout://Orders/x",
        "callout:Or ders",
        "callout:Orders#x",
        "callout:Orders\n",
        "callout:Orders:8080/x",
        "callout:Orders@evil.example/x",
        "callout:Orders.evil/x",
        "callout:1st",
        "callout:_x",
        "callout:Örders",
        "https://evil.example/x",
    ],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(Refused, match=r"expected callout:NAME\[/path\]\[\?query\]") as refused:
        split_address(address)
    assert refused.value.reason.code == "malformed_request"


# --- the admin's URL -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "origin", "authority"),
    [
        ("https://Orders.Example", Origin("https", "orders.example", 443, ""), "orders.example"),
        ("https://orders.example:443/v2/", Origin("https", "orders.example", 443, "/v2/"), "orders.example"),
        ("https://orders.example:80", Origin("https", "orders.example", 80, ""), "orders.example:80"),
        ("http://orders.example", Origin("http", "orders.example", 80, ""), "orders.example"),
        ("http://127.0.0.1:8080/a", Origin("http", "127.0.0.1", 8080, "/a"), "127.0.0.1:8080"),
        ("https://[2001:db8::1]/x", Origin("https", "2001:db8::1", 443, "/x"), "[2001:db8::1]"),
        ("http://[::1]:9", Origin("http", "::1", 9, ""), "[::1]:9"),
    ],
)
def test_a_url_is_split_into_where_it_points(url: str, origin: Origin, authority: str) -> None:
    assert origin_of(url) == origin
    assert origin.authority == authority


@pytest.mark.parametrize(
    "url", ["", "orders.example", "ftp://orders.example", "https://", "https:///x", "https://a:99999"]
)
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        origin_of(url)
