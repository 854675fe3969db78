"""The commands that make the sandbox misbehave, and the questions about what it received.

Tests call these; the control API offers the same over HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from callout.sandbox.authorization_server import AuthorizationServer
from callout.sandbox.behaviour import Behaviour
from callout.sandbox.faults import Fault
from callout.sandbox.journal import KEPT, Journal, Received
from callout.sandbox.settings import BadCommand, Settings
from callout.sandbox.tokens import Tokens


class Commands:
    """Commands and questions. Each raises `BadCommand` for what it does not understand."""

    def __init__(
        self, *, behaviour: Behaviour, tokens: Tokens, journal: Journal, authorization_server: AuthorizationServer
    ) -> None:
        self._behaviour = behaviour
        self._tokens = tokens
        self._journal = journal
        self._authorization_server = authorization_server
        self._initial = behaviour.settings

    @property
    def settings(self) -> Settings:
        """The settings that hold now."""
        return self._behaviour.settings

    def set(self, /, **members: Any) -> Settings:
        """Change settings, all or none."""
        self._behaviour.settings = self._behaviour.settings.changed(members)
        return self._behaviour.settings

    def expire_tokens(self) -> int:
        """Let every access token expire now; returns how many were valid."""
        return self._tokens.expire_all()

    def fail(self, /, kind: str, count: int | None = 1, **details: Any) -> None:
        """Let the next `count` token requests fail in this way; details: those of `faults.Fault`."""
        self._behaviour.faults.add(Fault.of({"kind": kind, "count": count, **details}))

    def hold(self, kind: str) -> None:
        """Hold back every answer to `token` or `callout` requests, or second halves (`half`), until `release`."""
        self._gate(kind).clear()

    def release(self, kind: str) -> None:
        """Let the answers go that were held back, and those to come."""
        self._gate(kind).set()

    def consent(self, client_id: str, subject: str, scope: str) -> str:
        """Return a refresh token as if a user had just given consent to a client."""
        return self._authorization_server.consent(client_id, subject, scope).text

    def requests(self, last: int = KEPT, kind: str | None = None) -> tuple[Received, ...]:
        """Return the newest requests (of one kind), oldest first."""
        return self._journal.last(last, kind)

    def count(self, kind: str) -> int:
        """Return how many requests of a kind have come since the last reset."""
        return self._journal.counts[kind]

    async def arrived(self, kind: str, count: int = 1) -> None:
        """Wait until `count` requests of a kind have come since the last reset."""
        await self._journal.arrived(kind, count)

    def state(self) -> Mapping[str, Any]:
        """Return settings, faults to come and counts, as JSON members."""
        return {
            "settings": self.settings.members(),
            "faults": self._behaviour.faults.members(),
            "held": [kind for kind in ("token", "callout", "half") if not self._gate(kind).is_set()],
            "counts": {"token": 0, "callout": 0, **self._journal.counts},
            "answers": {kind: dict(statuses) for kind, statuses in self._journal.answers.items()},
        }

    def forget_requests(self) -> None:
        """Forget the requests and count from zero; tokens, settings and faults stay."""
        self._journal.clear()

    def reset(self) -> None:
        """Begin anew: first settings, no faults, nothing held back, no tokens, counts at zero."""
        self._behaviour.settings = self._initial
        self._behaviour.faults.clear()
        self._behaviour.token_gate.set()
        self._behaviour.callout_gate.set()
        self._behaviour.half_gate.set()
        self._tokens.clear()
        self._journal.clear()

    def _gate(self, kind: str) -> Any:
        gate = self._behaviour.gate(kind)
        if gate is None:
            raise BadCommand(f"got kind {kind!r}; expected token, callout or half")
        return gate
