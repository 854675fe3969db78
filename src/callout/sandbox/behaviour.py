"""What a command can change while the sandbox runs, in one place that both servers read."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from callout.sandbox.faults import Faults
from callout.sandbox.settings import Settings


def _open_gate() -> asyncio.Event:
    gate = asyncio.Event()
    gate.set()
    return gate


@dataclass(slots=True)
class Behaviour:
    """The settings, the faults to come, and gates: while one is closed, answers (or their second halves) are held back."""

    settings: Settings
    faults: Faults = field(default_factory=Faults)
    token_gate: asyncio.Event = field(default_factory=_open_gate)
    callout_gate: asyncio.Event = field(default_factory=_open_gate)
    half_gate: asyncio.Event = field(default_factory=_open_gate)

    def gate(self, name: str) -> asyncio.Event | None:
        """Return the gate of `token` or `callout` requests or of second halves (`half`), or None for another name."""
        return {"token": self.token_gate, "callout": self.callout_gate, "half": self.half_gate}.get(name)
