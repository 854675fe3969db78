"""The control API: JSON over HTTP, on a port of its own that is bound to the loopback address.

It can read what was received and make credentials, so it answers only requests that name the loopback host, and
none that a web page made (a browser's request bears `Origin`). `GET /control` lists everything.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from callout.sandbox.commands import Commands
from callout.sandbox.faults import FAULTS
from callout.sandbox.journal import KEPT
from callout.sandbox.settings import BadCommand
from callout.sandbox.wire import Exchange, read_up_to

#: Largest command accepted, in bytes.
LARGEST_COMMAND = 64 * 1024
#: Longest wait for requests to arrive, in seconds.
LONGEST_WAIT = 60.0

Members = Mapping[str, Any]

#: Method and path → what it does. The control API lists this, and so does `--help`.
ROUTES: Mapping[tuple[str, str], str] = {
    ("GET", "/control"): "this list, with the settings, counts and faults of now",
    ("POST", "/control/expire"): "every access token expires now",
    ("PATCH", "/control/settings"): "change settings: {name: value, …}",
    ("POST", "/control/fail"): "the next token requests fail: {kind, count (null: until reset), delay_ms, status, "
    "retry_after, content_type, body}",
    ("POST", "/control/hold"): 'hold answers back: {kind: "token", "callout", or "half" for second halves}',
    ("POST", "/control/release"): 'let them go: {kind: "token", "callout" or "half"}',
    ("POST", "/control/consent"): "a refresh token, as if a user had consented: {client_id, subject, scope}",
    ("GET", "/control/requests"): f"what was received, the last {KEPT} at most, oldest first: ?last=N&kind=KIND",
    ("GET", "/control/wait"): "wait until so many have come: ?kind=KIND&count=N&timeout=SECONDS",
    ("POST", "/control/forget"): "forget what was received and count from zero; tokens and settings stay",
    ("POST", "/control/reset"): "begin anew: first settings, no faults, no tokens, counts at zero",
}

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Control:
    """Answers the requests of the control listener."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self._answers: Mapping[tuple[str, str], Callable[[Members], Awaitable[Any]]] = {
            ("GET", "/control"): self._list,
            ("POST", "/control/expire"): self._expire,
            ("PATCH", "/control/settings"): self._set,
            ("POST", "/control/fail"): self._fail,
            ("POST", "/control/hold"): self._hold,
            ("POST", "/control/release"): self._release,
            ("POST", "/control/consent"): self._consent,
            ("GET", "/control/requests"): self._requests,
            ("GET", "/control/wait"): self._wait,
            ("POST", "/control/forget"): self._forget,
            ("POST", "/control/reset"): self._reset,
        }

    async def answer(self, exchange: Exchange) -> None:
        """Answer one request."""
        head = exchange.head
        body = await read_up_to(exchange, LARGEST_COMMAND)
        host = (head.header("host") or "").rpartition(":")[0] or head.header("host")
        if host not in _LOOPBACK or head.header("origin") is not None:
            await _answer(exchange, 403, {"error": "only programs on this machine may give commands"})
            return
        route = self._answers.get((head.method, head.path.rstrip("/")))
        if route is None:
            known = [f"{method} {path}" for method, path in ROUTES]
            await _answer(exchange, 404, {"error": f"got {head.method} {head.path}", "expected": known})
            return
        try:
            answer = await route({**dict(parse_qsl(head.query)), **_members(body)})
        except BadCommand as error:
            await _answer(exchange, 400, {"error": str(error)})
            return
        await _answer(exchange, 200, answer)

    async def _list(self, _members: Members) -> Members:
        routes = {f"{method} {path}": does for (method, path), does in ROUTES.items()}
        faults = {kind: fault.description for kind, fault in FAULTS.items()}
        return {**self._commands.state(), "routes": routes, "fault_kinds": faults}

    async def _expire(self, _members: Members) -> Members:
        return {"expired": self._commands.expire_tokens()}

    async def _set(self, members: Members) -> Members:
        return self._commands.set(**members).members()

    async def _fail(self, members: Members) -> Members:
        self._commands.fail(**{"kind": "", **members})
        return {"faults": self._commands.state()["faults"]}

    async def _hold(self, members: Members) -> Members:
        self._commands.hold(_text(members, "kind"))
        return {"held": self._commands.state()["held"]}

    async def _release(self, members: Members) -> Members:
        self._commands.release(_text(members, "kind"))
        return {"held": self._commands.state()["held"]}

    async def _consent(self, members: Members) -> Members:
        names = ("client_id", "subject", "scope")
        return {"refresh_token": self._commands.consent(*(_text(members, name) for name in names))}

    async def _requests(self, members: Members) -> Members:
        last = int(_number(members, "last", KEPT))
        return {"requests": [r.members() for r in self._commands.requests(last, members.get("kind"))]}

    async def _wait(self, members: Members) -> Members:
        kind, count = _text(members, "kind"), int(_number(members, "count", 1))
        try:
            async with asyncio.timeout(min(_number(members, "timeout", 5), LONGEST_WAIT)):
                await self._commands.arrived(kind, count)
        except TimeoutError:
            raise BadCommand(f"got {self._commands.count(kind)} {kind} requests in time; expected {count}") from None
        return {"count": self._commands.count(kind)}

    async def _forget(self, _members: Members) -> Members:
        self._commands.forget_requests()
        return self._commands.state()

    async def _reset(self, _members: Members) -> Members:
        self._commands.reset()
        return self._commands.state()


def _members(body: bytes | None) -> dict[str, Any]:
    if body is None:
        raise BadCommand(f"got a command of more than {LARGEST_COMMAND} bytes")
    try:
        members = json.loads(body) if body.strip() else {}
    except ValueError:
        members = None
    if not isinstance(members, dict):
        raise BadCommand("got a body that is no JSON object; expected one, or none")
    return members


def _text(members: Members, name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise BadCommand(f"got {name} {value!r}; expected text")
    return value


def _number(members: Members, name: str, default: float) -> float:
    value = members.get(name, default)
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise BadCommand(f"got {name} {value!r}; expected a number")
    return number


async def _answer(exchange: Exchange, status: int, members: object) -> None:
    body = json.dumps(members, ensure_ascii=False).encode() + b"\n"
    await exchange.answer(status, (("Content-Type", "application/json"), ("Cache-Control", "no-store")), body)
