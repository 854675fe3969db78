"""The external system: it echoes what it received, asks for credentials, and misbehaves as its path says.

A path is read from the left. First come any number of prefixes:

    /bearer  /basic  /key  /open   what is asked for: a token of the sandbox's authorization server, the Basic
                                   user, the API key, nothing (default: setting default_authentication)
    /stale-as/{status}             answer this (200 to 999) where a credential is no longer valid (default: setting
                                   stale_status); a request without any credential is always answered with 401
    /say/{shape}                   how refusals are worded: json (default), challenge (json, and WWW-Authenticate with
                                   any status), soap (a fault), graphql, slack
    /early                         refuse before the upload is read
    /slow/{ms}                     wait so long before the answer

then, if any, one action; every other path echoes the request as JSON:

    /status/{code}                 this status (?reason=TEXT)
    /refusal/{code}                this status, and an error that is no sign of stale credentials (?code=TEXT)
    /stream/{n}                    n server-sent events (?ms= between them)
    /chunked/{n}                   n chunks (?size= bytes each, ?trailer=1)
    /bytes/{n}                     n bytes 00 01 … ff 00 … with Content-Length
    /redirect?to=URL               302 (?status=)
    /headers                       odd response headers: duplicates, mixed case, empty, Latin-1
    /reset  /hang                  cut the connection, or never answer (?after=N: when N bytes of the body are out)
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, quote

from callout.sandbox.behaviour import Behaviour
from callout.sandbox.clients import split_basic
from callout.sandbox.journal import Journal, Received
from callout.sandbox.refusals import SHAPES, STALE_CODES, worded
from callout.sandbox.settings import AUTHENTICATIONS, STATUSES, BadCommand, Settings
from callout.sandbox.tokens import Tokens
from callout.sandbox.wire import Exchange, Head, Headers

#: Largest count or size in a path: larger answers are rather a mistake.
LARGEST = 1 << 30
#: The actions that a number follows, and the numbers that they take.
_COUNTED = {
    "status": STATUSES,
    "refusal": STATUSES,
    **dict.fromkeys(("stream", "chunked", "bytes"), range(LARGEST + 1)),
}
_PIECE = bytes(range(256)) * 256
_JSON = ("Content-Type", "application/json")
_ODD_HEADERS: Headers = (
    ("X-MiXeD-Case", "1"),
    ("Set-Cookie", "a=1"),
    ("Set-Cookie", "b=2"),
    ("X-Duplicate", "one"),
    ("x-duplicate", "two"),
    ("X-Empty", ""),
    ("X-Latin", "caf\xe9"),
    ("X_Under_Score", "1"),
)


@dataclass(frozen=True, slots=True)
class Accounts:
    """The Basic user and the API key that the external system accepts."""

    username: str = "sandbox-user"
    password: str = "sandbox-password"
    key_header: str = "X-API-Key"
    key: str = "sandbox-api-key"


@dataclass(frozen=True, slots=True)
class Command:
    """What a path asks for."""

    authentication: str
    stale_status: int
    shape: str = "json"
    early: bool = False
    delay_ms: int = 0
    action: str = "echo"
    argument: int = 0

    @classmethod
    def of(cls, path: str, settings: Settings) -> Command:
        """Read a path; raises `BadCommand`."""
        command = cls(settings.default_authentication, settings.stale_status)
        segments = path.lstrip("/").split("/")
        while segments:
            word, *rest = segments
            if word in AUTHENTICATIONS:
                command = replace(command, authentication=word)
            elif word == "early":
                command = replace(command, early=True)
            elif word == "stale-as":
                command = replace(command, stale_status=_number(word, rest, STATUSES))
            elif word == "say":
                command = replace(command, shape=_shape(rest))
            elif word == "slow":
                command = replace(command, delay_ms=_number(word, rest, range(LARGEST)))
            else:
                break
            segments = rest[1:] if word in ("stale-as", "say", "slow") else rest
        word, *rest = segments or [""]
        if word in _COUNTED:
            return replace(command, action=word, argument=_number(word, rest, _COUNTED[word]))
        return replace(command, action=word) if word in _ACTIONS else command


class NotAdmitted(Exception):
    """The request's credential is missing or not valid: the whole answer."""

    def __init__(self, status: int, error: str, description: str, challenge: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.challenge = challenge


class ExternalSystem:
    """Answers the requests of the external system's listener."""

    def __init__(self, *, accounts: Accounts, tokens: Tokens, behaviour: Behaviour, journal: Journal) -> None:
        self._accounts = accounts
        self._tokens = tokens
        self._behaviour = behaviour
        self._journal = journal
        self._admit: Mapping[str, Callable[[Head, int], dict[str, Any] | None]] = {
            "bearer": self._bearer,
            "basic": self._basic,
            "key": self._key,
            "open": lambda _head, _stale_status: None,
        }

    async def answer(self, exchange: Exchange) -> None:
        """Answer one request."""
        received = await self._journal.note("callout", exchange)
        try:
            await self._obey(exchange, received)
        except BadCommand as error:
            await _answer_json(exchange, 400, {"error": "bad_command", "error_description": str(error)})
        except NotAdmitted as error:
            shape = Command.of(exchange.head.path, self._behaviour.settings).shape
            headers = (("WWW-Authenticate", error.challenge),) if error.status == 401 or shape == "challenge" else ()
            code = STALE_CODES.get(shape, error.error)
            content_type, body = worded(shape, code, str(error))
            await exchange.answer(error.status, (("Content-Type", content_type), *headers), body)
        finally:
            self._journal.note_answer(received, exchange.status)

    async def _obey(self, exchange: Exchange, received: Received) -> None:
        if exchange.head.method == "CONNECT":
            raise BadCommand("got method CONNECT; expected any other: this is no proxy")
        command = Command.of(exchange.head.path, self._behaviour.settings)
        if command.early:
            received.authenticated = self._admit[command.authentication](exchange.head, command.stale_status)
        if command.action not in ("reset", "hang"):
            await self._journal.read_body(received, exchange.body())
        await self._behaviour.callout_gate.wait()
        if command.delay_ms:
            await asyncio.sleep(command.delay_ms / 1000)
        # Judged now, not on arrival: a token may have expired while the answer was held back.
        received.authenticated = self._admit[command.authentication](exchange.head, command.stale_status)
        if command.action in _ACTIONS:
            await _ACTIONS[command.action](exchange, command, _Query(exchange.head.query))
        else:
            await _answer_json(exchange, 200, received.echo())

    def _bearer(self, head: Head, stale_status: int) -> dict[str, Any]:
        """Judge a bearer token (RFC 6750 sections 2.1 and 3)."""
        scheme, _, text = (head.header("authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not text.strip():
            raise NotAdmitted(401, "unauthorized", "got no bearer token; expected one", 'Bearer realm="sandbox"')
        token = self._tokens.access(text.strip())
        if token is None or not self._tokens.is_valid(token):
            why = "unknown" if token is None else "revoked" if token.revoked else "expired"
            challenge = f'Bearer realm="sandbox", error="invalid_token", error_description="the token is {why}"'
            raise NotAdmitted(stale_status, "invalid_token", f"the token is {why}", challenge)
        return {"by": "bearer", "as": token.subject, "token": token.number, "scope": token.scope}

    def _basic(self, head: Head, stale_status: int) -> dict[str, Any]:
        header = head.header("authorization")
        challenge = 'Basic realm="sandbox", charset="UTF-8"'
        if header is None:
            raise NotAdmitted(401, "unauthorized", "got no Basic credentials; expected them", challenge)
        user, password = split_basic(header) or ("", "")
        right = (self._accounts.username, self._accounts.password)
        if not (_same(user, right[0]) and _same(password, right[1])):
            raise NotAdmitted(stale_status, "invalid_credentials", "user-id or password is wrong", challenge)
        return {"by": "basic", "as": user}

    def _key(self, head: Head, stale_status: int) -> dict[str, Any]:
        name = self._accounts.key_header
        key = head.header(name)
        challenge = f'ApiKey realm="sandbox", header="{name}"'
        if key is None:
            raise NotAdmitted(401, "unauthorized", f"got no {name} header; expected one", challenge)
        if not _same(key, self._accounts.key):
            raise NotAdmitted(stale_status, "invalid_key", "the API key is not valid", challenge)
        return {"by": "key", "as": name}


class _Query:
    """The query's parameters."""

    def __init__(self, query: str) -> None:
        self._values = parse_qs(query)

    def text(self, name: str, default: str = "") -> str:
        return self._values.get(name, [default])[0]

    def number(self, name: str, default: int) -> int:
        return _number(name, [self.text(name, str(default))], range(LARGEST + 1))


async def _status(exchange: Exchange, command: Command, query: _Query) -> None:
    reason = query.text("reason")
    if not reason.isprintable() or not reason.isascii():
        raise BadCommand(f"got reason {reason!r}; expected visible ASCII")
    await _answer_json(exchange, command.argument, {"status": command.argument}, reason=reason or None)


async def _refusal(exchange: Exchange, command: Command, query: _Query) -> None:
    code = query.text("code", "insufficient_scope")
    if not code.replace("_", "").isalnum() or not code.isascii():
        raise BadCommand(f"got code {code!r}; expected letters, digits and underscores")
    headers = (("WWW-Authenticate", f'Bearer realm="sandbox", error="{code}"'),) if command.shape == "challenge" else ()
    content_type, body = worded(command.shape, code, "the request was refused")
    await exchange.answer(command.argument, (("Content-Type", content_type), *headers), body)


async def _stream(exchange: Exchange, command: Command, query: _Query) -> None:
    pause = query.number("ms", 0) / 1000
    await exchange.start(200, (("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache")))
    for event in range(1, command.argument + 1):
        await exchange.send(f'id: {event}\ndata: {{"event": {event}}}\n\n'.encode())
        await asyncio.sleep(pause)
    await exchange.finish()


async def _chunked(exchange: Exchange, command: Command, query: _Query) -> None:
    size = min(query.number("size", 16), len(_PIECE))
    trailer = query.text("trailer") == "1"
    headers = (("Content-Type", "application/octet-stream"), *((("Trailer", "X-Chunks"),) if trailer else ()))
    await exchange.start(200, headers)
    for _ in range(command.argument if size else 0):
        await exchange.send(_PIECE[:size])
    await exchange.finish((("X-Chunks", str(command.argument)),) if trailer else ())


async def _bytes(exchange: Exchange, command: Command, query: _Query) -> None:  # noqa: ARG001 - one shape for all
    length = command.argument
    await exchange.start(200, (("Content-Type", "application/octet-stream"), ("Content-Length", str(length))))
    for start in range(0, length, len(_PIECE)):
        await exchange.send(_PIECE[: length - start])
    await exchange.finish()


async def _redirect(exchange: Exchange, command: Command, query: _Query) -> None:  # noqa: ARG001 - one shape for all
    to = query.text("to")
    status = _number("status", [query.text("status", "302")], range(300, 400))
    if not to:
        raise BadCommand("got no ?to=; expected a URL")
    await exchange.answer(status, (("Location", quote(to, safe=":/?#[]@!$&'()*+,;=%~")),))


async def _headers(exchange: Exchange, command: Command, query: _Query) -> None:  # noqa: ARG001 - one shape for all
    await _answer_json(exchange, 200, {"headers": [list(pair) for pair in _ODD_HEADERS]}, _ODD_HEADERS)


async def _reset(exchange: Exchange, command: Command, query: _Query) -> None:  # noqa: ARG001 - one shape for all
    await _begin(exchange, query)
    exchange.reset()


async def _hang(exchange: Exchange, command: Command, query: _Query) -> None:  # noqa: ARG001 - one shape for all
    await _begin(exchange, query)
    await exchange.gone()


async def _begin(exchange: Exchange, query: _Query) -> None:
    """Send the head and `after` bytes of a body that is longer; nothing without `after`."""
    after = min(query.number("after", 0), len(_PIECE))
    if query.text("after"):
        await exchange.start(200, (("Content-Length", str(after + 1)),))
        if after:
            await exchange.send(_PIECE[:after])


_ACTIONS: Mapping[str, Callable[[Exchange, Command, _Query], Awaitable[None]]] = {
    "status": _status,
    "refusal": _refusal,
    "stream": _stream,
    "chunked": _chunked,
    "bytes": _bytes,
    "redirect": _redirect,
    "headers": _headers,
    "reset": _reset,
    "hang": _hang,
}


def _shape(rest: list[str]) -> str:
    shape = rest[0] if rest else ""
    if shape not in SHAPES:
        raise BadCommand(f"got say {shape!r}; expected one of {', '.join(SHAPES)}")
    return shape


def _number(word: str, rest: list[str], allowed: range) -> int:
    text = rest[0] if rest else ""
    if not (text.isascii() and text.isdigit() and len(text) < 12) or int(text) not in allowed:
        raise BadCommand(f"got {word} {text!r}; expected a number from {allowed.start} to {allowed.stop - 1}")
    return int(text)


def _same(presented: str, expected: str) -> bool:
    return hmac.compare_digest(presented.encode(), expected.encode())


async def _answer_json(
    exchange: Exchange, status: int, members: object, headers: Headers = (), *, reason: str | None = None
) -> None:
    body = json.dumps(members, ensure_ascii=False).encode() + b"\n"
    await exchange.answer(status, (_JSON, *headers), body, reason)
