"""An external system that wants its nonce in the proof (RFC 9449 section 9): the same request once more, no refresh."""

import os
from dataclasses import replace
from types import SimpleNamespace

import pytest

from callout.core.protocol import Needs, Values
from callout.core.protocols.oauth2_client_credentials import OAuth2ClientCredentials
from callout.core.refresh.replay import ReplayContract
from callout.engine.evaluating import Formulas, Written
from callout.entrypoints.gateway import Limits

from .conftest import Received, StandIn, answer

CHALLENGE = b'WWW-Authenticate: DPoP error="use_dpop_nonce", error_description="nonce"'
INVALID = answer(b"stale", b'WWW-Authenticate: DPoP error="invalid_token"', start=b"HTTP/1.1 401 Unauthorized")


class Proving(StandIn):
    """Signs as a test sees at once: the proof is a number that rises, and the nonce that was heard."""

    async def prepare(self, route, asked=None):
        ready = await super().prepare(route, asked)
        assert asked is not None, "a proof is made of a request"
        nonce = route.slot.heard.get(route.destination, "none")
        proof = f"DPoP: {self.prepared}/{nonce}/{asked.method.decode()} {asked.target.decode()}\r\n"
        token = f"Authorization: DPoP token-{self.refreshed}\r\n"
        head = ready.head.partition(b"Authorization")[0] + (token + proof).encode()
        return replace(ready, head=head, fresh_until=0.0, written=Written(asked.lines, asked.body), once=True)


@pytest.fixture
async def limits() -> Limits:
    return Limits(replay_limit=1000)


@pytest.fixture
async def world(world):
    world.engine.__class__ = Proving
    route = world.engine.route
    route.ready, route.hears = None, True
    route.formulas = Formulas(headers=False, body=False, reads_body=False, needs=Needs.HEAD)
    route.slot = SimpleNamespace(protocol=OAuth2ClientCredentials(Values({"dpop_certificate": "d"})), heard={})
    return world


def challenge(nonce: bytes, *lines: bytes) -> bytes:
    return answer(b"no", CHALLENGE, b"DPoP-Nonce: " + nonce, *lines, start=b"HTTP/1.1 401 Unauthorized")


def nonce_of(request: Received) -> bytes:
    return request.values(b"dpop")[0].split(b"/")[1]


def wants(nonce: bytes):
    """Want this nonce of every request."""
    return lambda request, number: answer(b"fresh") if nonce_of(request) == nonce else challenge(nonce)


async def test_a_request_without_the_nonce_is_sent_once_more_with_it_and_no_token_is_refreshed(world) -> None:
    world.external.said = wants(b"n1")
    found = await world.ask(b"/callout/Orders/x?y", b"X-A: 1")
    assert (found.status, found.body, found.values("Callout-Replay")) == (200, b"fresh", [])
    first, second = world.external.requests
    assert first.values(b"dpop") == [b"1/none/GET /v2/x?y"]
    assert second.values(b"dpop") == [b"2/n1/GET /v2/x?y"]
    assert first.values(b"x-a") == second.values(b"x-a") == [b"1"]
    assert (world.engine.refreshed, world.engine.told, world.external.connections) == (0, [], 1)


async def test_the_next_request_bears_the_nonce_at_once_also_one_that_a_good_answer_brought(world) -> None:
    world.external.said = wants(b"n1")
    await world.ask()
    await world.ask()
    assert [nonce_of(request) for request in world.external.requests] == [b"none", b"n1", b"n1"]
    world.external.said = lambda request, number: answer(b"fresh", b"DPoP-Nonce: n2")
    await world.ask()
    await world.ask()
    assert nonce_of(world.external.requests[-1]) == b"n2"


async def test_a_nonce_that_is_wanted_again_and_again_ends_with_the_answer_as_it_is(world) -> None:
    world.external.said = lambda request, number: challenge(b"n%d" % number)
    found = await world.ask()
    assert (found.status, found.values("DPoP-Nonce"), len(world.external.requests)) == (401, ["n2"], 2)
    assert world.engine.refreshed == 0


async def test_a_stale_token_after_that_is_refreshed_and_the_request_sent_again_all_the_same(world) -> None:
    def said(request: Received, number: int) -> bytes:
        if nonce_of(request) != b"n1":
            return challenge(b"n1")
        return INVALID if request.values(b"authorization") == [b"DPoP token-0"] else answer(b"fresh")

    world.external.said = said
    found = await world.ask()
    assert (found.status, found.values("Callout-Replay")) == (200, ["done"])
    assert (len(world.external.requests), world.engine.refreshed) == (3, 1)


async def test_a_nonce_that_runs_out_with_the_token_is_asked_for_once_more_after_the_refresh(world) -> None:
    def said(request: Received, number: int) -> bytes:
        if request.values(b"authorization") == [b"DPoP token-0"]:
            return INVALID if nonce_of(request) == b"n1" else challenge(b"n1")
        return answer(b"fresh") if nonce_of(request) == b"n2" else challenge(b"n2")

    world.external.said = said
    assert (await world.ask()).status == 200
    assert [nonce_of(request) for request in world.external.requests] == [b"none", b"n1", b"n1", b"n2"]


@pytest.mark.parametrize("method", [b"POST", b"PUT"])
async def test_a_body_that_was_kept_is_sent_once_more_byte_for_byte(world, method) -> None:
    world.external.said = wants(b"n1")
    body = os.urandom(900)
    assert (await world.ask(method=method, body=body)).status == 200
    assert [request.body for request in world.external.requests] == [body, body]


@pytest.mark.parametrize(
    ("contract", "size"), [(ReplayContract(methods=frozenset({b"PUT"})), 5), (ReplayContract(), 1001)]
)
async def test_what_may_not_be_sent_again_after_a_refresh_may_not_here_but_the_nonce_is_kept(
    world, contract, size
) -> None:
    world.engine.route.replay = contract
    world.external.said = wants(b"n1")
    found = await world.ask(method=b"POST", body=b"x" * size)
    assert (found.status, found.values("Callout-Replay")) == (401, ["not-possible"])
    assert (await world.ask(method=b"POST", body=b"x" * size)).status == 200
    assert (len(world.external.requests), world.engine.refreshed) == (2, 0)


async def test_an_answer_that_is_still_coming_keeps_no_one_waiting(world) -> None:
    endless = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 99999\r\nDPoP-Nonce: n1\r\n" + CHALLENGE + b"\r\n\r\nno"
    world.external.said = lambda request, number: answer(b"fresh") if nonce_of(request) == b"n1" else endless
    assert (await world.ask()).body == b"fresh"
    assert world.external.connections == 2


@pytest.mark.parametrize("hears", [True, False])
async def test_what_is_sent_once_is_made_anew_where_a_kept_connection_was_closed(world, hears) -> None:
    """Not only a proof that a nonce goes into: a JWT with an identifier, the nonce of OAuth 1.0a and of RFC 9421, too."""
    world.engine.route.hears = hears
    world.external.said = wants(b"none")
    await world.ask()

    world.external.said = lambda request, number: None if number == 2 else answer(b"fresh")
    found = await world.ask()
    assert found.status == 200
    proofs = [request.values(b"dpop")[0].split(b"/")[0] for request in world.external.requests]
    assert len(set(proofs)) == len(proofs) == 3


async def test_who_says_nothing_of_that_kind_is_not_listened_to(world) -> None:
    world.engine.route.hears = False
    world.external.said = wants(b"n1")
    assert (await world.ask()).status == 401
    assert world.engine.route.slot.heard == {}
