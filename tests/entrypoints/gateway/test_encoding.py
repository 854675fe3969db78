"""Bodies that are sent in another form, made while they pass: in order, from the beginning, and so again when repeated."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from callout.core.protocol import Needs
from callout.core.refresh.replay import ReplayContract
from callout.engine.evaluating import Formulas, Written
from callout.entrypoints.gateway import Limits

from .conftest import StandIn, answer
from .test_refreshing import STALE
from .test_replaying import spools

__all__ = ["spools"]

LIMIT = 1000


class Numbered:
    """Adds to each byte its number in the body, and which sending it is of: bytes out of order, or left over, show."""

    def __init__(self, sending: int, length: int) -> None:
        self.length = length
        self._sending = sending

    def begin(self) -> Callable[[bytes], bytes]:
        count = self._sending

        def take(piece: bytes) -> bytes:
            nonlocal count
            start, count = count, count + len(piece)
            return bytes((byte + start + index) % 256 for index, byte in enumerate(piece))

        return take


class Encoding(StandIn):
    async def prepare(self, route, asked=None):
        ready = await super().prepare(route)
        assert asked.body is None
        return replace(ready, written=Written(asked.lines, None, encoding=Numbered(self.prepared, 0)))


def numbered(body: bytes, sending: int) -> bytes:
    return Numbered(sending, len(body)).begin()(body)


@pytest.fixture
async def limits() -> Limits:
    return Limits(replay_limit=LIMIT, replay_file_limit=100 * LIMIT)


@pytest.fixture
async def world(world):
    world.engine.__class__ = Encoding
    world.engine.route.formulas = Formulas(headers=False, body=False, reads_body=False, needs=Needs.HEAD)
    world.engine.route.replay = ReplayContract(methods=frozenset({b"POST"}))
    return world


async def test_a_body_is_sent_in_its_other_form_however_it_comes(world) -> None:
    body = os.urandom(LIMIT)
    caller = await world.caller()
    caller.request(b"/callout/Orders", b"Content-Length: %d" % LIMIT, method=b"POST")
    for position in range(0, LIMIT, 90):
        caller.write(body[position : position + 90])
        await asyncio.sleep(0)
    assert (await caller.answer()).status == 200
    assert world.external.requests[0].body == numbered(body, 1)


@pytest.mark.parametrize("size", [1, LIMIT, 50 * LIMIT], ids=["small", "kept in memory", "kept in a file"])
async def test_a_body_is_sent_again_in_the_form_of_that_sending_from_its_beginning(world, size) -> None:
    body = os.urandom(size)
    world.external.said = lambda request, number: answer(b"fresh") if number > 1 else STALE
    found = await world.ask(method=b"POST", body=body)
    assert (found.status, found.values("Callout-Replay")) == (200, ["done"])
    assert [each.body for each in world.external.requests] == [numbered(body, 1), numbered(body, 2)]


async def test_one_that_has_no_body_is_sent_as_it_is(world) -> None:
    world.external.said = lambda request, number: answer(b"fine")
    assert (await world.ask(b"/callout/Orders")).body == b"fine"
    assert world.external.requests[0].body == b""
