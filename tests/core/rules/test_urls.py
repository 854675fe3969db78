"""URLs in definitions: absolute, https, unambiguous; and nothing secret is repeated."""

import ipaddress

import pytest

from callout.core.access.target import origin_of
from callout.core.rules.urls import is_private, refusal_of_url, shown_url


def expected_of(url, *, private=False, query=False):
    refusal = refusal_of_url(url, allow_private_network=private, query_allowed=query)
    return refusal.expected if refusal else None


ACCEPTED = [
    "https://orders.example.com",
    "https://orders.example.com/",
    "https://orders.example.com/v2/",
    "HTTPS://Orders.Example.com:8443/a%20b;c=d/~x",
    "https://xn--bcher-kva.example/",
    "https://8.8.8.8/",
    "https://[2606:4700::1111]:443/",
    "https://a_b.example.com",
]


@pytest.mark.parametrize("url", ACCEPTED)
def test_an_absolute_https_url_is_accepted(url):
    assert expected_of(url) is None


@pytest.mark.parametrize("url", ACCEPTED)
def test_an_accepted_url_can_be_split_into_its_origin(url):
    assert origin_of(url).scheme == "https"


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("", "an absolute URL"),
        ("orders.example.com", "starts with https://"),
        ("//orders.example.com", "starts with https://"),
        ("https:/orders.example.com", "starts with https://"),
        ("ftp://orders.example.com", "starts with https://"),
        ("callout:Orders", "starts with https://"),
        ("https://", "with a host"),
        ("https://:443/", "with a host"),
        ("https://orders.example.com/?a=b", "without a query"),
        ("https://orders.example.com?", "without a query"),
        ("https://orders.example.com/#x", "without a fragment"),
        ("https://orders.example.com#", "without a fragment"),
        ("https://user@orders.example.com/", "without user-info"),
        ("https://orders.example.com:0/", "port from 1 to 65535"),
        ("https://orders.example.com:/", "port from 1 to 65535"),
        ("https://orders.example.com:65536/", "port from 1 to 65535"),
        ("https://orders.example.com:x/", "port from 1 to 65535"),
        ("https://[::1", "with a host"),
        ("https://[fe80::1%25eth0]/", "without a zone"),
        ("https://orders.example.com./", "without a dot at its end"),
        ("https://orders..example.com/", "RFC 1123"),
        ("https://-orders.example.com/", "RFC 1123"),
        ("https://orders!.example.com/", "RFC 1123"),
        ("https://orders%2eexample.com/", "RFC 1123"),
        ("https://" + "a." * 127 + "com/", "at most 253"),
        ("https://orders.example.com/a/../b", "dot segments"),
        ("https://orders.example.com/a/%2e%2E/b", "dot segments"),
        ("https://orders.example.com/a%2f..", "dot segments"),
        ("https://orders.example.com/a b", "no space"),
        ("https://orders.example.com/\r\nX: y", "no space"),
        ("https://orders.example.com\\@evil.example/", "backslash"),
        ("https://orders.example.com/é", "percent-encoded"),
    ],
)
def test_a_url_of_another_form_is_refused_with_the_rule(url, rule):
    assert rule in expected_of(url)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1", "1.2.3.4.5", "256.1.1.1", "a.0x1"])
def test_a_numeric_host_that_programs_read_differently_is_refused(host):
    assert expected_of(f"https://{host}/", private=True) is not None


def test_a_host_in_another_script_is_refused_with_its_punycode_form():
    assert "(xn--bcher-kva.example)" in expected_of("https://bücher.example/")


def test_no_punycode_form_is_offered_where_the_conversion_is_not_certain():
    assert "xn--" not in expected_of("https://straße.example/")
    assert "strasse" not in expected_of("https://straße.example/")
    assert "xn--" not in expected_of(f"https://{'é' * 70}.example/")


def test_http_to_a_public_host_is_refused_and_the_way_for_private_hosts_is_named():
    rule = expected_of("http://orders.example.com/")
    assert rule == "https://; http:// is for private hosts only, and needs allow_private_network: true"


@pytest.mark.parametrize(
    "host", ["localhost", "api.localhost", "127.0.0.1", "10.1.2.3", "[::1]", "[fd00::1]", "169.254.1.1"]
)
def test_a_private_host_needs_to_be_allowed(host):
    assert "allow_private_network: true" in expected_of(f"https://{host}/")
    assert "allow_private_network: true" in expected_of(f"http://{host}/")
    assert expected_of(f"http://{host}/", private=True) is None


def test_http_to_a_name_is_accepted_where_private_networks_are_allowed():
    assert expected_of("http://orders.internal:8080/v2", private=True) is None


def test_http_to_a_public_address_is_refused_even_where_private_networks_are_allowed():
    assert "private hosts only" in expected_of("http://8.8.8.8/", private=True)


def test_a_query_is_accepted_where_it_is_said_to_be():
    assert expected_of("https://id.example.com/token?tenant=1", query=True) is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:hunter2@h.example/p?key=hunter2", "https://…@h.example/p?…"),
        ("https://u:hun@ter2@h.example/", "https://…@h.example/"),
        ("https://h.example/p", "https://h.example/p"),
        ("hunter2", "hunter2"),
    ],
)
def test_a_refusal_does_not_repeat_user_info_or_a_query(url, shown):
    assert shown_url(url) == shown


def test_a_refused_url_is_shown_without_its_password():
    refusal = refusal_of_url("https://u:hunter2@h.example/", allow_private_network=False)
    assert "hunter2" not in repr(refusal)


@pytest.mark.parametrize(
    "address", ["::ffff:127.0.0.1", "2002:7f00:1::", "224.0.0.1", "0.0.0.0", "100.64.0.1", "ff02::1"]
)
def test_an_address_off_the_public_internet_is_private(address):
    assert is_private(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "::ffff:8.8.8.8", "2606:4700::1111"])
def test_an_address_on_the_public_internet_is_not_private(address):
    assert not is_private(ipaddress.ip_address(address))
