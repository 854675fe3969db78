"""What both clients send and return: keys, options, statuses, redirects, cookies, streams."""

import asyncio
import threading

import httpx2
import pytest

from callout_client import AsyncClient, CalloutsDisabled, Client
from tests.client.raw_gateway import answer, refusal

VERBS = ["get", "head", "options", "post", "put", "patch", "delete"]


def test_the_key_is_sent_and_never_shown(gateway, call):
    response = call("GET", "callout:Orders/x", settings={"key": "co_secret"})
    assert gateway.last.header("Callout-Key") == "co_secret"
    assert "co_secret" not in repr(response.request.headers)
    with Client(gateway.url, "co_secret") as client:
        assert repr(client) == f"<Client '{gateway.url}'>"
        assert "co_secret" not in repr(client._http._transport)


def test_the_environment_gives_gateway_and_key(gateway, call, monkeypatch):
    monkeypatch.setenv("CALLOUT_URL", gateway.url)
    monkeypatch.setenv("CALLOUT_KEY", "co_from_environment\n")
    call("GET", "callout:Orders/x", settings={"base_url": None, "key": None})
    assert gateway.last.header("Callout-Key") == "co_from_environment"


def test_arguments_win_over_the_environment(gateway, call, monkeypatch):
    monkeypatch.setenv("CALLOUT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("CALLOUT_KEY", "co_from_environment")
    call("GET", "callout:Orders/x", settings={"key": "co_given"})
    assert gateway.last.header("Callout-Key") == "co_given"


def test_without_a_key_the_guest_calls(gateway, call):
    call("GET", "callout:Orders/x", settings={"key": None})
    assert gateway.last.header("Callout-Key") is None


def test_without_a_gateway_the_two_ways_to_give_one_are_named(monkeypatch):
    monkeypatch.delenv("CALLOUT_URL", raising=False)
    with pytest.raises(ValueError, match=r"expected base_url=… or the environment variable CALLOUT_URL"):
        Client()


@pytest.mark.parametrize("key", ["co_a b", "co_a\r\nHost: x", "co_é"])
def test_a_key_that_no_header_carries_is_refused_without_showing_it(key):
    with pytest.raises(ValueError, match="got a key") as caught:
        Client("http://h", key)
    assert key not in str(caught.value)


def test_principal_and_timeout_are_sent_as_headers(gateway, call):
    call("GET", "callout:Orders/x", principal="Service", callout_timeout=2.5)
    assert gateway.last.header("Callout-Principal") == "Service"
    assert gateway.last.header("Callout-Timeout") == "2.5"


def test_a_callout_wins_over_the_defaults_of_its_client(gateway, call):
    settings = {"principal": "Service", "callout_timeout": 30}
    call("GET", "callout:Orders/x", settings=settings, principal="Other")
    assert gateway.last.header("Callout-Principal") == "Other"
    assert gateway.last.header("Callout-Timeout") == "30"


@pytest.mark.parametrize("callout_timeout", [0, -1, float("inf"), float("nan")])
def test_a_timeout_that_is_no_time_is_refused(gateway, call, callout_timeout):
    with pytest.raises(ValueError, match="expected a positive number of seconds"):
        call("GET", "callout:Orders/x", callout_timeout=callout_timeout)
    assert gateway.received == []


@pytest.mark.parametrize(("given", "expected"), [({}, 120), ({"callout_timeout": 10}, 15), ({"timeout": 30}, 30)])
def test_the_client_waits_a_little_longer_than_callout(gateway, call, given, expected):
    assert call("GET", "callout:Orders/x", **given).request.extensions["timeout"]["read"] == expected


def test_a_body_and_headers_arrive_as_given(gateway, call):
    call("POST", "callout:Orders/x", json={"a": 1}, headers={"X-Trace": "t"})
    assert gateway.last.body == b'{"a":1}'
    assert gateway.last.header("Content-Type") == "application/json"
    assert gateway.last.header("X-Trace") == "t"
    assert gateway.last.header("Host") == gateway.url.removeprefix("http://")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_a_method_of_both_clients(gateway, verb):
    async def call_async() -> None:
        async with AsyncClient(gateway.url) as client:
            await getattr(client, verb)("callout:Orders/x")

    with Client(gateway.url) as client:
        getattr(client, verb)("callout:Orders/x")
    asyncio.run(call_async())
    assert [received.method for received in gateway.received] == [verb.upper()] * 2


@pytest.mark.parametrize("status_line", ["200 OK", "204 No Content", "404 Not Found", "503 Busy"])
@pytest.mark.parametrize("odd", ["601 Session Expired", "712 No", "999 "])
def test_the_external_systems_answer_is_returned_whatever_its_status(gateway, call, status_line, odd):
    for line in (status_line, odd):
        gateway.will_answer(answer(line, "Callout-Id: c-9"))
        response = call("GET", "callout:Orders/x")
        assert (response.status_code, response.reason_phrase) == (int(line[:3]), line[4:])
        assert response.headers["Callout-Id"] == "c-9"


@pytest.mark.parametrize("location", ["/callout/Payments/x", "callout:Payments/x", "https://elsewhere.example/x", "y"])
def test_redirects_are_returned_not_followed(gateway, call, location):
    gateway.will_answer(answer("307 Elsewhere", f"Location: {location}"))
    assert call("POST", "callout:Orders/x", content=b"b").status_code == 307
    assert len(gateway.received) == 1


def test_a_cookie_of_one_external_system_never_reaches_another(gateway):
    gateway.will_answer(answer("200 OK", "Set-Cookie: session=orders; Path=/"))
    with Client(gateway.url) as client:
        assert client.get("callout:Orders/x").headers["Set-Cookie"] == "session=orders; Path=/"
        client.get("callout:Payments/x")
    assert gateway.last.header("Cookie") is None


def test_proxy_settings_of_the_environment_do_not_see_callouts(gateway, call, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert call("GET", "callout:Orders/x").status_code == 200


CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_stream_is_read_piece_by_piece(gateway):
    first_read = threading.Event()
    gateway.will_answer(CHUNKED, b"3\r\none\r\n", first_read, b"3\r\ntwo\r\n0\r\n\r\n")
    with Client(gateway.url) as client, client.stream("GET", "callout:Orders/x") as response:
        pieces = response.iter_raw()
        assert next(pieces) == b"one"
        first_read.set()
        assert list(pieces) == [b"two"]


async def test_an_asynchronous_stream_is_read_piece_by_piece(gateway):
    first_read = threading.Event()
    gateway.will_answer(CHUNKED, b"3\r\none\r\n", first_read, b"3\r\ntwo\r\n0\r\n\r\n")
    async with AsyncClient(gateway.url) as client, client.stream("GET", "callout:Orders/x") as response:
        pieces = response.aiter_raw()
        assert await anext(pieces) == b"one"
        first_read.set()
        assert [piece async for piece in pieces] == [b"two"]


async def test_a_refused_stream_raises_before_it_starts_and_leaves_the_connection_usable(gateway):
    gateway.will_answer(refusal("callouts_disabled"))
    async with AsyncClient(gateway.url) as client:
        with pytest.raises(CalloutsDisabled, match="got this; expected that"):
            async with client.stream("GET", "callout:Orders/x"):
                pass
        assert (await client.get("callout:Orders/x")).status_code == 200


def test_a_gateway_that_is_not_there_is_a_transport_error(call):
    with pytest.raises(httpx2.ConnectError):
        call("GET", "callout:Orders/x", settings={"base_url": "http://127.0.0.1:1"})
