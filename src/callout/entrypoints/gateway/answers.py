"""The answers that Callout itself makes: refusals (RFC 9457) and its own pages."""

from __future__ import annotations

import json
from http import HTTPStatus

from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.problem import CONTENT_TYPE, problem

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_UNAUTHORIZED = 401
_SLOW_TOKEN = Remedy("Raise the timeout with Callout-Timeout, or ask why the token endpoint is slow", "callout status")


def refusal(refused: Refused, callout_id: bytes, *, head_only: bool, keep_alive: bool) -> tuple[int, bytes]:
    """Return the status and the whole answer for a refusal. What a guest is told decides both."""
    members = problem(refused, callout_id.decode())
    status = int(members["status"])
    lines = [
        f"Content-Type: {CONTENT_TYPE}",
        "Cache-Control: no-store",
        f"Callout-Error: {members['reason']}",
        f"Callout-Id: {callout_id.decode()}",
    ]
    if status == _UNAUTHORIZED:
        lines.append('WWW-Authenticate: Bearer realm="callout"')  # RFC 9110 section 15.5.2
    if refused.retry_after is not None:
        lines.append(f"Retry-After: {refused.retry_after}")
    body = json.dumps(members, ensure_ascii=False).encode()
    return status, _answer(status, lines, body, head_only=head_only, keep_alive=keep_alive)


def page(status: int, body: bytes, content_type: str, *, head_only: bool, keep_alive: bool) -> bytes:
    """Return a page of Callout's own."""
    lines = [f"Content-Type: {content_type}", "Cache-Control: no-store"]
    return _answer(status, lines, body, head_only=head_only, keep_alive=keep_alive)


def _answer(status: int, lines: list[str], body: bytes, *, head_only: bool, keep_alive: bool) -> bytes:
    end = () if keep_alive else ("Connection: close",)
    start = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"
    head = "\r\n".join((start, *lines, f"Content-Length: {len(body)}", *end, "", "")).encode("latin-1")
    return head if head_only else head + body


def too_large(got: str, most: int, *remedies: Remedy) -> Refused:
    """Refuse a request for the size of its body, in bytes."""
    return Refused("request_too_large", f"got a body of {got} bytes; expected at most {most}", *remedies)


def late(seconds: float, *, token: bool, whole: bool) -> Refused:
    """Refuse for what did not come in time: a token, the answer to a whole request, or the rest of a request."""
    if token:
        detail = f"got no token; expected it within {seconds:g} seconds. It is still asked for"
        return Refused("timed_out", detail, _SLOW_TOKEN)
    missing = "answer" if whole else "more of the request's body"
    return Refused("timed_out", f"got no {missing}; expected it within {seconds:g} seconds")
