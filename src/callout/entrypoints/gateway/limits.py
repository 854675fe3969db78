"""What the gateway allows. Sizes are bytes, times seconds."""

from __future__ import annotations

from dataclasses import dataclass

from callout.core.http1.head import LARGEST_HEAD


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one gateway.

    `head_bytes`: largest request head. `replay_bytes`: largest request body that is kept for sending it again.
    `request_bytes`: largest request body, None for any. `timeout_seconds` and `most_timeout_seconds`: how long an
    external system may take until the head of its answer, by default and at most (`Callout-Timeout`).
    `idle_seconds`: longest pause while bodies are carried. `keep_alive_seconds`: how long a caller's connection may
    rest between two requests, `head_seconds` how long a caller may take for a request's head. `connections`: most
    callers' connections at a time.
    """

    head_bytes: int = LARGEST_HEAD
    replay_bytes: int = 64 * 1024
    request_bytes: int | None = None
    timeout_seconds: float = 60.0
    most_timeout_seconds: float = 600.0
    idle_seconds: float = 300.0
    keep_alive_seconds: float = 75.0
    head_seconds: float = 30.0
    connections: int = 10_000
