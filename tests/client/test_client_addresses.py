"""Addresses travel byte for byte, and what is no address is refused before anything is sent."""

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callout_client import Client, Gateway, InvalidAddress

VISIBLE = "".join(map(chr, range(0x21, 0x7F)))


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("callout:Orders/orders/7", "/callout/Orders/orders/7"),
        ("CallOut:Orders/orders/7", "/callout/Orders/orders/7"),
        ("Orders/orders/7", "/callout/Orders/orders/7"),
        ("callout:Orders", "/callout/Orders"),
        ("callout:Orders?a=1", "/callout/Orders?a=1"),
        ("callout:Orders/?a=1&a=2&b", "/callout/Orders/?a=1&a=2&b"),
        ("callout:acme__Orders/x", "/callout/acme__Orders/x"),
        ("callout:Orders/a%2Fb//c", "/callout/Orders/a%2Fb//c"),
        ("callout:Orders/a/../b/./c", "/callout/Orders/a/../b/./c"),
        ("callout:Orders/%2e%2e/%zz%", "/callout/Orders/%2e%2e/%zz%"),
        ('callout:Orders/{id}[0]|^`\\"<>', '/callout/Orders/{id}[0]|^`\\"<>'),
        ("callout:Orders/a b", "/callout/Orders/a%20b"),
        ("callout:Orders/zoë/名", "/callout/Orders/zo%C3%AB/%E5%90%8D"),
        ("callout:Orders/x?q=a b+c%20d&é", "/callout/Orders/x?q=a%20b+c%20d&%C3%A9"),
        ("callout:Orders/x?url=https://h/p?q", "/callout/Orders/x?url=https://h/p?q"),
    ],
)
def test_the_path_and_query_arrive_byte_for_byte(gateway, call, address, target):
    call("GET", address)
    assert gateway.last.target == target


@given(path=st.text(VISIBLE.replace("#", ""), max_size=40))
def test_every_visible_character_but_the_fragment_mark_is_left_alone(path):
    assert Gateway("http://h").place("Orders/" + path).raw == b"/callout/Orders/" + path.encode()


@pytest.mark.parametrize(
    "address",
    [
        "",
        "callout:",
        "callout:/Orders/x",
        "callout://Orders/x",
        "https://orders.example.com/x",
        "callout:1Orders",
        "callout:My Orders/x",
        "callout:Orders#top",
        "callout:Orders/x?a=1#top",
        "callout:Orders/x\r\nHost: other",
        "callout:Orders/\x00",
        "callout:Orders/\ud800",
        "../setup",
    ],
)
def test_what_is_no_address_is_refused_and_nothing_is_sent(gateway, call, address):
    with pytest.raises(InvalidAddress, match="expected"):
        call("GET", address)
    assert gateway.received == []


def test_params_are_added_after_the_query_of_the_address(gateway, call):
    call("GET", "callout:Orders/x?a=%2F", params={"b": "1 2", "c": ["x", "y"]})
    assert gateway.last.target == "/callout/Orders/x?a=%2F&b=1+2&c=x&c=y"
    call("GET", "callout:Orders/x", params={"b": 1})
    assert gateway.last.target == "/callout/Orders/x?b=1"


def test_a_gateway_may_stand_below_a_path(gateway, call):
    call("GET", "callout:Orders/a%2Fb", settings={"base_url": gateway.url + "/egress/"})
    assert gateway.last.target == "/egress/callout/Orders/a%2Fb"


@pytest.mark.parametrize(
    "base_url",
    ["127.0.0.1:8470", "ftp://h", "http://", "http://user:pw@h", "http://h/?q=1", "http://h/#f", "http://h:port"],
)
def test_what_is_no_gateway_url_is_refused(base_url):
    with pytest.raises(InvalidAddress, match="got gateway URL"):
        Client(base_url, key="co_key")


def test_the_answer_names_the_request_as_it_was_placed(gateway, call):
    response = call("GET", "callout:Orders/orders/7?x=1")
    assert response.request.url == httpx2.URL(gateway.url + "/callout/Orders/orders/7?x=1")
