"""How an answer of the token endpoint goes out: in the dialect that the settings say, whole, in halves, or not at all."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

from callout.sandbox.faults import FAULTS, Fault
from callout.sandbox.settings import Settings
from callout.sandbox.wire import Exchange, Headers

NOT_STORED: Headers = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))

_TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded", "text": "text/plain; charset=utf-8"}
_ENDS: Mapping[str, Callable[[float], object]] = {
    "seconds": int,
    "milliseconds": lambda seconds: int(seconds * 1000),
    "rfc3339": lambda seconds: datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z"),
}


def end_of_life(form: str, epoch_seconds: float) -> object:
    """Return an absolute end as `expires_at` says it."""
    return _ENDS[form](epoch_seconds)


def date_headers(settings: Settings, wall: float) -> Headers:
    """Return the `Date` of an answer, on the server's clock; none where none is sent."""
    if not settings.send_date:
        return ()
    moment = datetime.fromtimestamp(wall + settings.clock_offset, UTC)
    return (("Date", format_datetime(moment, usegmt=True)),)


async def answer_granted(
    exchange: Exchange,
    members: Mapping[str, Any],
    fault: Fault | None,
    settings: Settings,
    *,
    wall: float,
    half_way: Callable[[], Awaitable[object]],
) -> None:
    """Send a token answer. `half_way` is awaited where a fault holds the second half back."""
    kind = fault.kind if fault else ""
    if kind == "lost_answer":
        exchange.reset()
        return
    if kind == "error_after_grant":
        status = fault.status if fault is not None and fault.status is not None else 500
        await exchange.answer(status, (("Content-Type", "text/plain"),), b"Internal Server Error\n")
        return
    form = "form" if kind == "form_encoded" else settings.answer_format
    body = _body(form, _placed(members, settings.answer_fields))
    status = settings.answer_status
    headers: Headers = (("Content-Type", _TYPES[form]), *NOT_STORED, *date_headers(settings, wall))
    if kind in ("short_body", "half_held"):
        half = len(body) // 2
        await exchange.start(status, (*headers, ("Content-Length", str(len(body)))))
        await exchange.send(body[:half])
        if kind == "half_held":
            await half_way()
            await exchange.send(body[half:])
            await exchange.finish()
        else:
            exchange.close()
    else:
        await exchange.answer(status, headers, body)


def _placed(members: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, Any]:
    """Put members where `answer_fields` says (JSON pointers, RFC 6901); the others stay at the top."""
    placed: dict[str, Any] = {}
    for name, value in members.items():
        *path, last = fields.get(name, f"/{name}").split("/")[1:]
        at = placed
        for part in path:
            at = at.setdefault(part, {})
        at[last] = value
    return placed


def _body(form: str, members: Mapping[str, Any]) -> bytes:
    return urlencode(members).encode() if form == "form" else json.dumps(members).encode()


async def failed(exchange: Exchange, fault: Fault) -> bool:
    """Fail as told; False where the fault is one of a right answer."""
    kind = FAULTS[fault.kind]
    if kind.status is not None:
        content_type = fault.content_type or kind.content_type
        headers = [("Content-Type", content_type)] if content_type else []
        if fault.retry_after is not None:
            headers.append(("Retry-After", fault.retry_after))
        await exchange.answer(fault.status or kind.status, headers, kind.body if fault.body is None else fault.body)
        return True
    if fault.kind in _CUTS:
        await _CUTS[fault.kind](exchange)
        return True
    return False


async def _reset(exchange: Exchange) -> None:
    exchange.reset()


_CUTS: Mapping[str, Callable[[Exchange], Awaitable[None]]] = {"reset": _reset, "hang": Exchange.gone}
