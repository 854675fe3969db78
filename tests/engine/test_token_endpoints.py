"""Few requests at once to a token endpoint, none to one that keeps failing, and the others go on."""

import asyncio
from dataclasses import dataclass, field

import pytest

from callout.core.errors import Refused
from callout.core.message import HttpRequest, HttpResponse
from callout.core.oauth2 import TokenRefused
from callout.core.refresh.breaker import THRESHOLD
from callout.engine.token_endpoints import TokenEndpoints
from tests.engine.conftest import MovedClock, json_answer
from tests.world import CountedEntropy

URL = "https://id.example.com/token"
GRANTED = json_answer(200, {"access_token": "a"})
DOWN = HttpResponse(503, "", (), b"")
HTML = HttpResponse(200, "", (("Content-Type", "text/html"),), b"<html>Sign in</html>")
CUT = HttpResponse(200, "", (("Content-Type", "application/json"),), b'{"access_token": "a')
LIMITED = HttpResponse(429, "", (("Retry-After", "30"),), b"")
INVALID = json_answer(400, {"error": "invalid_grant"})


@dataclass
class Server:
    """Implements `Transport`: answers in turn, then grants. With a gate it waits before each answer."""

    answers: list[HttpResponse | Exception] = field(default_factory=list)
    gate: asyncio.Event | None = None
    received: list[HttpRequest] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def send(self, request: HttpRequest, *, allow_private_network: bool, timeout_seconds: float) -> HttpResponse:
        self.received.append(request)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.gate is not None:
                await self.gate.wait()
        finally:
            self.at_once -= 1
        answer = self.answers.pop(0) if self.answers else GRANTED
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Way:
    server: Server
    clock: MovedClock
    endpoints: TokenEndpoints

    async def ask(self, url: str = URL, client: str = "c1", seconds: float = 30.0) -> HttpResponse:
        request = HttpRequest("POST", url, client=client)
        return await self.endpoints.send(request, allow_private_network=False, timeout_seconds=seconds)

    async def refused(self, **asked) -> TokenRefused:
        with pytest.raises(TokenRefused) as caught:
            await self.ask(**asked)
        return caught.value

    async def open(self, answer: HttpResponse | Exception = DOWN) -> None:
        self.server.answers = [answer] * THRESHOLD
        for _ in range(THRESHOLD):
            if isinstance(answer, Exception):
                await self.refused()
            else:
                await self.ask()


@pytest.fixture
def way() -> Way:
    server, clock = Server(), MovedClock()
    return Way(server, clock, TokenEndpoints(server, clock, CountedEntropy(), most_at_once=2, most_waiting=3))


async def several(count: int) -> None:
    for _ in range(count * 10):
        await asyncio.sleep(0)


async def test_only_so_many_requests_to_one_endpoint_are_under_way_at_once(way) -> None:
    way.server.gate = asyncio.Event()
    asked = [asyncio.ensure_future(way.ask()) for _ in range(5)]
    await several(5)
    assert way.server.at_once == 2
    way.server.gate.set()
    assert [answer.status for answer in await asyncio.gather(*asked)] == [200] * 5
    assert way.server.most_at_once == 2


async def test_a_queue_that_is_full_refuses_and_nothing_was_sent(way) -> None:
    way.server.gate = asyncio.Event()
    asked = [asyncio.ensure_future(way.ask()) for _ in range(5)]
    await several(5)
    refused = await way.refused()
    assert (refused.reason.code, refused.unsent, refused.transient) == ("token_endpoint_unreachable", True, True)
    assert "3 token requests wait" in refused.detail
    way.server.gate.set()
    await asyncio.gather(*asked)


async def test_who_gets_no_turn_in_time_is_refused_and_nothing_was_sent(way) -> None:
    way.server.gate = asyncio.Event()
    asked = [asyncio.ensure_future(way.ask()) for _ in range(2)]
    await several(2)
    refused = await way.refused(seconds=0.01)
    assert (refused.unsent, refused.transient) == (True, True)
    assert len(way.server.received) == 2
    way.server.gate.set()
    await asyncio.gather(*asked)


async def test_another_endpoint_does_not_wait_for_a_slow_one(way) -> None:
    way.server.gate = asyncio.Event()
    asked = [asyncio.ensure_future(way.ask()) for _ in range(5)]
    await several(5)
    other = asyncio.ensure_future(way.ask(url="https://id.example.com/other/token"))
    await several(1)
    assert len(way.server.received) == 3
    way.server.gate.set()
    await asyncio.gather(other, *asked)


@pytest.mark.parametrize(
    "failure",
    [
        DOWN,
        HTML,
        CUT,
        HttpResponse(200, "", (), b""),
        Refused("timed_out", "slow"),
        Refused("external_system_unreachable", "reset"),
    ],
    ids=["503", "html", "cut short", "empty", "timed out", "reset"],
)
async def test_an_endpoint_that_keeps_failing_is_left_alone(way, failure) -> None:
    await way.open(failure)
    refused = await way.refused(client="c2")
    assert len(way.server.received) == THRESHOLD
    assert (refused.reason.code, refused.transient, refused.unsent, refused.retry_after) == (
        "token_endpoint_unreachable",
        True,
        True,
        1,
    )
    assert f"{URL} is left alone for" in refused.detail
    assert f"failed {THRESHOLD} times in a row" in refused.detail


async def test_after_the_pause_one_probe_goes_and_its_answer_lets_the_others_through(way) -> None:
    await way.open()
    way.clock.move(1.0)
    way.server.gate = asyncio.Event()
    probe = asyncio.ensure_future(way.ask())
    await several(1)
    assert (await way.refused()).unsent
    assert len(way.server.received) == THRESHOLD + 1
    way.server.gate.set()
    assert (await probe).status == 200
    assert (await way.ask()).status == 200


async def test_a_probe_that_fails_makes_the_pause_longer(way) -> None:
    await way.open()
    way.clock.move(1.0)
    way.server.answers = [DOWN]
    await way.ask()
    way.clock.move(0.9)
    assert (await way.refused()).unsent
    way.clock.move(1.2)
    assert (await way.ask()).status == 200


async def test_a_probe_that_is_given_up_leaves_room_for_another(way) -> None:
    await way.open()
    way.clock.move(1.0)
    way.server.gate = asyncio.Event()
    probe = asyncio.ensure_future(way.ask())
    await several(1)
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    way.server.gate.set()
    assert (await way.ask()).status == 200


async def test_permanent_refusals_open_nothing_for_the_other_principals(way) -> None:
    await way.open(INVALID)
    assert (await way.ask(client="c2")).status == 200
    assert (await way.ask()).status == 200


async def test_a_refusal_of_our_own_side_opens_nothing(way) -> None:
    way.server.answers = [Refused("address_not_allowed", "private")] * THRESHOLD
    for _ in range(THRESHOLD):
        with pytest.raises(Refused, match="address_not_allowed"):
            await way.ask()
    assert (await way.ask()).status == 200


async def test_retry_after_is_waited_for_at_once(way) -> None:
    way.server.answers = [HttpResponse(503, "", (("Retry-After", "20"),), b"")]
    await way.ask()
    assert 20 <= (await way.refused()).retry_after <= 22
    way.clock.move(23)
    assert (await way.ask()).status == 200


async def test_too_many_requests_are_the_matter_of_one_client(way) -> None:
    way.server.answers = [LIMITED]
    await way.ask()
    refused = await way.refused()
    assert "this client has asked too often" in refused.detail
    assert 30 <= refused.retry_after <= 33
    assert (await way.ask(client="c2")).status == 200


async def test_devices_that_ask_too_often_are_the_matter_of_their_client(way) -> None:
    """RFC 8628 section 3.5: the server is well, and says so."""
    await way.open(json_answer(400, {"error": "slow_down"}))
    assert "this client has asked too often" in (await way.refused()).detail
    assert (await way.ask(client="c2")).status == 200


async def test_a_connection_that_never_was_is_told_as_not_sent(way) -> None:
    way.server.answers = [Refused("external_system_unreachable", "refused", unsent=True), Refused("timed_out", "late")]
    assert (await way.refused()).unsent
    assert not (await way.refused()).unsent


async def test_what_operators_watch_is_counted_by_endpoint_without_its_query(way) -> None:
    await way.open()
    await way.refused()
    await way.ask(url="https://id.example.com/a?tenant=7")
    seen = {each.url: (each.is_closed, each.failures, each.kept_back, each.waiting) for each in way.endpoints.endpoints}
    assert seen == {
        "https://id.example.com/a": (True, 0, 0, 0),
        URL: (False, THRESHOLD, 1, 0),
    }


async def test_what_is_kept_does_not_grow_with_the_clients(way) -> None:
    for number in range(100):
        await way.ask(client=f"c{number}")
    (endpoint,) = way.endpoints.endpoints
    assert endpoint.breakers == {}
