import pytest

from callout.core.message import HttpRequest
from callout.core.secret import Redactable
from callout.core.sigv4 import CredentialScope
from callout.core.sigv4.canonical import host_of
from callout.core.sigv4.signing import canonical_of

SCOPE = CredentialScope("us-east-1", "service")


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("/key(1)'*!.txt", "/key%281%29%27%2A%21.txt"),
        ("/a%20b/%c3%bc+c", "/a%20b/%C3%BC%2Bc"),
        ("//a/./b/../c", "//a/./b/../c"),
        ("/a%2fb", "/a%2Fb"),
        ("", "/"),
    ],
)
def test_a_path_of_s3_is_encoded_once_however_it_is_written(sent: str, read: str) -> None:
    canonical = canonical_of(HttpRequest("GET", f"https://s3.example{sent}"), CredentialScope("r", "s3"), "x")
    assert canonical.text.decode().split("\n")[1] == read


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("prefix=a/b&list-type=2", "list-type=2&prefix=a%2Fb"),
        ("acl", "acl="),
        ("a=x+y&&a=%7e", "a=x%20y&a=~"),
        ("%c3%bc=1&b=2", "%C3%BC=1&b=2"),
        ("t=a=b", "t=a%3Db"),
    ],
)
def test_a_query_is_encoded_as_the_external_system_reads_it(sent: str, read: str) -> None:
    canonical = canonical_of(HttpRequest("GET", f"https://s3.example/?{sent}"), CredentialScope("r", "s3"), "x")
    assert canonical.text.decode().split("\n")[2] == read


def test_what_whoever_stands_between_may_change_is_not_signed() -> None:
    headers = (("User-Agent", "x"), ("X-Forwarded-For", "y"), ("Via", "z"), ("X-Amz-Meta-A", "1"))
    request = HttpRequest("GET", "https://s3.example/", tuple((n, Redactable.of(v)) for n, v in headers))
    assert canonical_of(request, SCOPE, "x").signed_headers == "host;x-amz-meta-a"


def test_bytes_above_ascii_are_signed_as_they_are_sent() -> None:
    name, value = "X-Amz-Meta-A", "\u00fc \u00a0".encode().decode("latin-1")
    request = HttpRequest("GET", "https://s3.example/", ((name, Redactable.of(value)),))
    assert b"x-amz-meta-a:\xc3\xbc \xc2\xa0\n" in canonical_of(request, SCOPE, "x").text


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://B.s3.example/x", "b.s3.example"),
        ("https://b.s3.example:443", "b.s3.example"),
        ("http://b.s3.example:443", "b.s3.example:443"),
        ("http://[::1]:80/", "[::1]"),
        ("http://[::1]:8080/", "[::1]:8080"),
    ],
)
def test_the_host_has_a_port_only_where_it_is_not_the_scheme_s_own(url: str, host: str) -> None:
    assert host_of(url) == host


def test_the_host_header_that_is_sent_wins_over_that_of_the_url() -> None:
    request = HttpRequest("GET", "https://s3.example/", (("Host", Redactable.of("other.example:8443")),))
    assert b"\nhost:other.example:8443\n" in canonical_of(request, SCOPE, "x").text


def test_spaces_in_a_value_count_once_and_values_of_one_name_keep_their_order() -> None:
    headers = (("My-Header", Redactable.of("  b   c ")), ("my-header", Redactable.of("a")))
    request = HttpRequest("GET", "https://s3.example/", headers)
    assert b"\nmy-header:b c,a\n" in canonical_of(request, SCOPE, "x").text
