"""What the gateway allows. Sizes are bytes, times seconds."""

from __future__ import annotations

import re
from dataclasses import dataclass

from callout.core.errors import Refused
from callout.core.http1.head import LARGEST_HEAD

_SECONDS = re.compile(rb"[0-9]{1,6}(?:\.[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one gateway.

    `head_limit`: largest request head. `replay_limit`: largest request body that memory keeps for sending it again,
    `replay_file_limit`: the largest that a file keeps.
    `request_limit`: largest request body, None for any. `default_timeout` and `longest_timeout`: how long an
    external system may take until the head of its answer, by default and at most (`Callout-Timeout`).
    `idle_timeout`: longest pause while bodies are carried. `keep_alive_timeout`: how long a caller's connection may
    rest between two requests, `head_timeout` how long a caller may take for a request's head. `connection_limit`: most
    callers' connections at a time. `formula_body_limit`: largest request body that is read whole because formulas in
    it are evaluated, or a header reads it.
    """

    head_limit: int = LARGEST_HEAD
    replay_limit: int = 64 * 1024
    replay_file_limit: int = 16 * 1024 * 1024
    request_limit: int | None = None
    default_timeout: float = 30.0
    longest_timeout: float = 600.0
    idle_timeout: float = 300.0
    keep_alive_timeout: float = 75.0
    head_timeout: float = 30.0
    connection_limit: int = 20_000
    formula_body_limit: int = 1024 * 1024

    def timeout(self, asked: bytes) -> float:
        """Read `Callout-Timeout`, in seconds; raises `Refused` for what is no number, 0, or too long."""
        most = self.longest_timeout
        if _SECONDS.fullmatch(asked) is None or not 0 < float(asked) <= most:
            shown = asked[:40].decode("latin-1")
            raise Refused(
                "malformed_request", f"got Callout-Timeout {shown!r}; expected seconds, above 0 and at most {most:g}"
            )
        return float(asked)
