"""What can go wrong at a token endpoint: one table that the endpoint, the control API and `--help` read."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from callout.sandbox.settings import STATUSES, BadCommand

_JSON = "application/json"
_MEMBERS = ("kind", "count", "status", "delay_ms", "retry_after", "content_type", "body")


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One way to fail. `status` None: not an answer of its own, but something done to the connection or the answer."""

    description: str
    status: int | None = None
    content_type: str = ""
    body: bytes = b""


def _error(status: int, code: str) -> FaultKind:
    body = json.dumps({"error": code, "error_description": "the sandbox was told to answer this"}).encode()
    return FaultKind(f"{status} with the RFC 6749 error {code}", status, _JSON, body)


FAULTS: Mapping[str, FaultKind] = {
    "slow": FaultKind("answers as it should, after delay_ms"),
    "server_error": FaultKind("500 with plain text", 500, "text/plain", b"Internal Server Error\n"),
    "unavailable": FaultKind("503 with plain text", 503, "text/plain", b"Service Unavailable\n"),
    "html": FaultKind("502 with an HTML page", 502, "text/html", b"<html><h1>Bad Gateway</h1></html>\n"),
    "html_ok": FaultKind("200 with an HTML page", 200, "text/html", b"<html><h1>Please sign in</h1></html>\n"),
    "empty": FaultKind("200 without a body", 200),
    "truncated_json": FaultKind("200 with JSON that is cut short", 200, _JSON, b'{"access_token": "sbx_at_cut", "exp'),
    "no_access_token": FaultKind("200 with JSON that has no access_token", 200, _JSON, b'{"token_type": "Bearer"}'),
    "non_rfc_error": FaultKind("400 with JSON in a shape of its own", 400, _JSON, b'{"code": 17, "message": "no"}'),
    "rate_limited": FaultKind("429 with Retry-After: retry_after", 429, _JSON, b'{"error": "slow_down"}'),
    "invalid_client": _error(401, "invalid_client"),
    "invalid_grant": _error(400, "invalid_grant"),
    "invalid_scope": _error(400, "invalid_scope"),
    "unauthorized_client": _error(400, "unauthorized_client"),
    "temporarily_unavailable": _error(503, "temporarily_unavailable"),
    "error_ok": FaultKind(
        "200 with an error, as GitHub answers", 200, _JSON, b'{"error": "bad_refresh_token", "error_description": "no"}'
    ),
    "answer": FaultKind("the status, content_type and body that are given with it", 200),
    "short_body": FaultKind("a right answer of which the connection closes half-way through the body"),
    "half_held": FaultKind("a right answer of which the second half waits while `half` is held"),
    "form_encoded": FaultKind("a right answer, but as application/x-www-form-urlencoded"),
    "reset": FaultKind("cuts the connection; nothing is granted"),
    "lost_answer": FaultKind("grants (and rotates), then cuts the connection before the answer"),
    "error_after_grant": FaultKind("grants (and rotates), then answers 500 (or status)"),
    "hang": FaultKind("never answers"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault to come: its kind, for how many requests (None: until reset), and its details."""

    kind: str
    count: int | None = 1
    status: int | None = None
    delay_ms: int = 0
    retry_after: str | None = None
    content_type: str | None = None
    body: bytes | None = None

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> Fault:
        """Read the members of a control call; raises `BadCommand`."""
        unknown = sorted(members.keys() - set(_MEMBERS))
        if unknown:
            raise BadCommand(f"got member {unknown[0]!r}; expected one of {', '.join(_MEMBERS)}")
        kind, count, status = members.get("kind"), members.get("count", 1), members.get("status")
        delay_ms, retry_after = members.get("delay_ms", 0), members.get("retry_after")
        if not isinstance(kind, str) or kind not in FAULTS:
            raise BadCommand(f"got fault {kind!r}; expected one of {', '.join(FAULTS)}")
        if count is not None and (not _is_int(count) or count < 1):
            raise BadCommand(f"got count {count!r}; expected 1 or more, or null for: until reset")
        if status is not None and (not _is_int(status) or status not in STATUSES):
            raise BadCommand(f"got status {status!r}; expected 200 to 999")
        if not _is_int(delay_ms) or delay_ms < 0:
            raise BadCommand(f"got delay_ms {delay_ms!r}; expected 0 or more")
        for name in ("content_type", "body"):
            if not isinstance(members.get(name), str | None):
                raise BadCommand(f"got {name} {members[name]!r}; expected text")
        if retry_after is None and kind == "rate_limited":
            retry_after = 1
        body = members.get("body")
        return cls(
            kind,
            count,
            status,
            delay_ms,
            None if retry_after is None else str(retry_after),
            members.get("content_type"),
            None if body is None else body.encode(),
        )


class Faults:
    """The faults to come, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._coming: deque[tuple[Fault, int | None]] = deque()

    def add(self, fault: Fault) -> None:
        """Let the next `fault.count` requests fail, after those that were asked for before."""
        self._coming.append((fault, fault.count))

    def take(self) -> Fault | None:
        """Return the fault of this request, or None where it is answered as it should be."""
        if not self._coming:
            return None
        fault, left = self._coming[0]
        if left is not None:
            self._coming.popleft()
            if left > 1:
                self._coming.appendleft((fault, left - 1))
        return fault

    def clear(self) -> None:
        """Forget them all."""
        self._coming.clear()

    def members(self) -> list[dict[str, Any]]:
        """Return what is still to come, as JSON."""
        return [{"kind": fault.kind, "left": left} for fault, left in self._coming]


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
