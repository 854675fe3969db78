"""The transports, in httpx2 clients that others configured."""

import base64

import httpx2
import pytest

from callout_client import (
    AsyncCalloutTransport,
    CalloutsDisabled,
    CalloutTransport,
    InvalidAddress,
    raise_for_callout,
)
from tests.client.raw_gateway import RawGateway, answer, refusal


def plain(gateway: RawGateway, **settings) -> httpx2.Client:
    return httpx2.Client(transport=CalloutTransport(gateway.url, "co_key"), **settings)


@pytest.mark.parametrize("base_url", ["", "callout:"])
@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("callout:Orders/orders/7", "/callout/Orders/orders/7"),
        ("callout:Orders/a%2Fb//c?x=%2F", "/callout/Orders/a%2Fb//c?x=%2F"),
        ("callout:Orders", "/callout/Orders"),
    ],
)
def test_a_plain_client_takes_callout_urls(gateway, base_url, url, target):
    with plain(gateway, base_url=base_url) as client:
        assert client.get(url).status_code == 200
    assert gateway.last.target == target
    assert gateway.last.header("Callout-Key") == "co_key"
    assert gateway.last.header("Host") == gateway.url.removeprefix("http://")


async def test_a_plain_asynchronous_client_takes_callout_urls(gateway):
    async with httpx2.AsyncClient(transport=AsyncCalloutTransport(gateway.url, "co_key")) as client:
        assert (await client.post("callout:Orders/x", params={"a": 1}, content=b"body")).status_code == 200
    assert (gateway.last.target, gateway.last.body) == ("/callout/Orders/x?a=1", b"body")


def test_a_request_built_by_hand_is_sent_too(gateway):
    with plain(gateway) as client:
        client.send(httpx2.Request("GET", "CALLOUT:Orders/x", headers={"Callout-Key": "co_other"}))
    assert gateway.last.header("Callout-Key") == "co_key"


def test_a_base_url_may_name_the_credential(gateway):
    with plain(gateway, base_url="callout:Orders/v2") as client:
        client.get("orders/7")
    assert gateway.last.target == "/callout/Orders/v2/orders/7"


def test_defaults_of_the_transport_yield_to_headers_of_the_request(gateway):
    transport = CalloutTransport(gateway.url, "co_key", principal="Service", callout_timeout=0.25)
    with httpx2.Client(transport=transport) as client:
        client.get("callout:Orders/x", headers={"callout-principal": "Other"})
    assert gateway.last.header("Callout-Principal") == "Other"
    assert gateway.last.header("Callout-Timeout") == "0.25"


@pytest.mark.parametrize("url", ["https://elsewhere.example/x", "http://127.0.0.1:1/callout/Orders/x"])
def test_a_url_that_is_not_a_callout_is_refused_unsent(gateway, url):
    with plain(gateway) as client, pytest.raises(httpx2.UnsupportedProtocol, match="expected callout:NAME"):
        client.get(url)
    with plain(gateway) as client, pytest.raises(InvalidAddress, match="expected callout:NAME"):
        client.get("/")
    assert gateway.received == []


@pytest.mark.parametrize(
    "location",
    [
        "/callout/Payments/transfer",
        "../Payments/transfer",
        "//127.0.0.1:1/callout/Payments",
        "https://elsewhere.example/",
        "callout:Payments/transfer",
        "callout:/Payments/transfer",
    ],
)
def test_no_redirect_moves_a_callout_to_another_credential_or_host(gateway, location):
    gateway.will_answer(answer("307 Elsewhere", f"Location: {location}"))
    with plain(gateway, follow_redirects=True) as client, pytest.raises(httpx2.TransportError):
        client.post("callout:Orders/x", content=b"amount=1")
    assert len(gateway.received) == 1


def test_an_authentication_flow_may_send_its_request_again(gateway):
    class AskTwice(httpx2.Auth):
        def auth_flow(self, request):
            response = yield request
            if response.status_code == 401:
                request.headers["X-Answer"] = base64.b64encode(response.headers["X-Question"].encode()).decode()
                yield request

    gateway.will_answer(answer("401 Ask", "X-Question: q"))
    with plain(gateway, auth=AskTwice()) as client:
        assert client.get("callout:Orders/a%2Fb").status_code == 200
    assert [received.target for received in gateway.received] == ["/callout/Orders/a%2Fb"] * 2
    assert gateway.last.header("X-Answer") == "cQ=="


def test_raise_for_callout_serves_as_a_response_hook(gateway):
    gateway.will_answer(refusal("callouts_disabled"))
    with plain(gateway, event_hooks={"response": [raise_for_callout]}) as client:
        with pytest.raises(CalloutsDisabled, match="got this; expected that"):
            client.get("callout:Orders/x")
        assert client.get("callout:Orders/x").status_code == 200


async def test_a_streamed_refusal_is_at_hand_whole(gateway):
    gateway.will_answer(refusal("callouts_disabled"))
    client = httpx2.AsyncClient(transport=AsyncCalloutTransport(gateway.url))
    async with client, client.stream("GET", "callout:Orders/x") as response:
        with pytest.raises(CalloutsDisabled, match="got this; expected that"):
            raise_for_callout(response)


def test_a_transport_of_ones_own_carries_the_requests():
    def answer_request(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={"url": str(request.url), "target": request.extensions["target"].decode()})

    transport = CalloutTransport("http://gateway", transport=httpx2.MockTransport(answer_request))
    with httpx2.Client(transport=transport) as client:
        answered = client.get("callout:Orders/x").json()
    assert answered == {"url": "http://gateway/callout/Orders/x", "target": "/callout/Orders/x"}


@pytest.mark.parametrize("kind", [CalloutTransport, AsyncCalloutTransport])
@pytest.mark.parametrize("files", [{"ca_file": "missing.pem"}, {"cert": "missing.pem"}, {"cert": ("a.pem", "a.key")}])
def test_tls_files_that_cannot_be_used_are_named(kind, files):
    with pytest.raises(ValueError, match="expected files in PEM"):
        kind("https://gateway.example.com", "co_key", **files)


def test_tls_is_said_once_where_a_transport_is_given():
    with pytest.raises(ValueError, match="to be set on that transport itself"):
        CalloutTransport("https://gateway.example.com", "co_key", transport=httpx2.HTTPTransport(), ca_file="ca.pem")
