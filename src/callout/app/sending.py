"""Makes callouts inside a process that is no gateway: one of its own on loopback, started when it is first needed.

Callers are known there by keys that this process alone accepts: one for each user, package and limit, never stored.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from callout.app.home import Home
from callout.app.worker import addresses, limits_of
from callout.core.errors import Refused
from callout.core.http1.body import Body, ChunkedBody, LengthBody, MalformedBody, UntilCloseBody
from callout.core.http1.lines import name_of, value_of
from callout.core.model.people import Caller, CallerKey
from callout.engine.callers import digest_of
from callout.engine.evaluating import Asked
from callout.engine.keys import key_text
from callout.engine.routes import Ready, Route
from callout.engine.sending import (
    MOST_OF_ALL,
    MOST_OF_ONE,
    MOST_SHOWN,
    READ_BEYOND,
    Answered,
    Outgoing,
    Witnessed,
    read_headers,
    with_timeout,
)
from callout.entrypoints.gateway import Gateway

#: How long the rest of an answer may take once its time is over, in seconds; then what came is shown.
PATIENCE = 5.0
PIECE = 64 * 1024
#: Keys that are kept; beyond it they are made anew.
MOST_KEYS = 1_000


class Sender:
    """Implements `engine.sending.Send` for one home, and witnesses what leaves it."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._gateway: Gateway | None = None
        self._starting = asyncio.Lock()
        self._keys: dict[tuple[str, str | None, tuple[str, ...]], bytes] = {}
        self._under_way: Counter[str] = Counter()
        self._witnessed: dict[bytes, Witnessed] = {}

    async def __call__(self, outgoing: Outgoing, caller: Caller) -> tuple[Answered, Witnessed]:
        """Make a callout as this caller, and wait for its answer; its record is written when this returns."""
        outgoing = with_timeout(outgoing, self._home.settings.default_timeout)
        raw = outgoing.written(self._key_of(caller))
        with self._turn_of(caller):
            gateway = await self._started()
            await self._home.org.follow()
            answered = await self._exchanged(gateway, outgoing, raw)
        callout_id = (answered.header("Callout-Id") or "").encode()
        witnessed = self._witnessed.pop(callout_id, Witnessed())
        await self._home.writer.flush()
        return answered, witnessed

    def left(
        self, callout_id: bytes, route: Route, ready: Ready, target: bytes, tail: bytes, asked: Asked | None
    ) -> None:
        """Take over what leaves now (`engine.sending.Witness`): of callouts that are made here, and no others."""
        if route.memo is None or route.memo[1] not in self._keys.values():
            return
        self._home.records.keep(callout_id)
        while len(self._witnessed) >= 2 * MOST_OF_ALL:  # those whose answer never came
            del self._witnessed[next(iter(self._witnessed))]
        self._witnessed.setdefault(callout_id, Witnessed()).add(route, ready, target, tail, asked)

    async def close(self) -> None:
        """Stop the gateway."""
        if self._gateway is not None:
            await self._gateway.stop(self._home.settings.drain_timeout)

    async def _started(self) -> Gateway:
        async with self._starting:
            if self._gateway is None:
                home = self._home
                home.callouts.shows = True
                gateway = Gateway(home.callouts, home.outbound, limits_of(home.settings), addresses(home.settings))
                gateway.witness = self
                await gateway.start("127.0.0.1", 0)
                home.org.followers.append(lambda _: gateway.reconsider())
                home.closing.append(self.close)
                self._gateway = gateway
            return self._gateway

    def _key_of(self, caller: Caller) -> bytes:
        """Return a key of this caller: of the same user and package, and with the same limit."""
        limit = caller.key.named_credentials if caller.key is not None else ()
        known = (caller.user, caller.namespace, limit)
        if known not in self._keys:
            local = self._home.callouts.local_keys
            if len(self._keys) >= MOST_KEYS:
                for old in self._keys.values():
                    local.pop(digest_of(old), None)
                self._keys.clear()
            key = self._keys[known] = key_text(self._home.entropy.bytes(32)).encode()
            made = CallerKey(
                digest_of(key), "setup", caller.user, caller.namespace, self._home.clock.now(), named_credentials=limit
            )
            local[made.digest] = made
        return self._keys[known]

    @contextmanager
    def _turn_of(self, caller: Caller) -> Iterator[None]:
        under_way = self._under_way
        if under_way[caller.user] >= MOST_OF_ONE or under_way.total() >= MOST_OF_ALL:
            detail = (
                f"got one more callout than the {MOST_OF_ONE} of one user, or the {MOST_OF_ALL} of all, under way here"
            )
            raise Refused("rate_limited", f"{detail}; expected the others to end first", retry_after=1)
        under_way[caller.user] += 1
        try:
            yield
        finally:
            under_way[caller.user] -= 1
            if not under_way[caller.user]:
                del under_way[caller.user]

    async def _exchanged(self, gateway: Gateway, outgoing: Outgoing, raw: bytes) -> Answered:
        """Send the request to the gateway, and read the answer up to a size and a time."""
        monotonic, began = self._home.clock.monotonic, self._home.clock.monotonic()
        assert outgoing.timeout is not None
        reading = _Reading(bodiless=outgoing.method == "HEAD")
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, limit=MOST_SHOWN)
        except OSError as error:
            raise Refused("overloaded", f"got no connection to the gateway of this process: {error.strerror}") from None
        try:
            async with asyncio.timeout(outgoing.timeout + PATIENCE):
                writer.write(raw)
                await reading.follow(reader)
        except TimeoutError:
            reading.cut = "time"
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, MalformedBody):
            reading.cut = "broken"
        finally:
            writer.transport.abort()
        return reading.answered(monotonic() - began)


class _Reading:
    """Reads an answer of the gateway, and stops where enough of it has come. What frames it is the gateway's own."""

    def __init__(self, *, bodiless: bool) -> None:
        self.cut: str | None = None
        self._bodiless = bodiless
        self._start = b""
        self._lines: list[bytes] = []
        self._parts: list[bytes] = []

    async def follow(self, reader: asyncio.StreamReader) -> None:
        """Read head and body. Raises what the stream raises, and `MalformedBody`."""
        while not self._start or self._start[9:10] == b"1":  # interim answers are not for the one who looks
            self._start, *self._lines = (await reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
        body = self._framed()
        size = 0
        while not body.ended:
            if size >= MOST_SHOWN + READ_BEYOND:
                self.cut = "size"
                return
            piece = await reader.read(PIECE)
            if not piece:
                if not isinstance(body, UntilCloseBody):
                    self.cut = "broken"
                return
            if not isinstance(body, ChunkedBody):
                self._parts.append(piece)
            body.feed(piece)
            size += len(piece)

    def _framed(self) -> Body:
        framing = {name_of(line): value_of(line) for line in self._lines}
        if self._bodiless or self._start[9:12] in (b"204", b"304"):
            return LengthBody(0)
        if b"transfer-encoding" in framing:
            return ChunkedBody(self._parts)
        length = framing.get(b"content-length")
        return UntilCloseBody() if length is None else LengthBody(int(length))

    def answered(self, seconds: float) -> Answered:
        """Return what came. Raises `Refused` where not even a head did."""
        if not self._start:
            raise Refused("timed_out", "got no answer of the gateway; expected one in time")
        body = b"".join(self._parts)[: MOST_SHOWN + READ_BEYOND]
        headers = ((line.partition(b":")[0], value_of(line)) for line in self._lines)
        status, phrase = int(self._start[9:12]), self._start[13:].decode("latin-1")
        return Answered(status, phrase, read_headers(headers), body, self.cut, seconds)
