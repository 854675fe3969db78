"""What was decided, rung by rung, and why. An explanation is a value: it is built, stored and shown.

It never holds a secret: details are texts that were redacted where they were made.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from callout.core.reasons import Reason, reason


@dataclass(frozen=True, slots=True)
class Remedy:
    """The action that mends a refusal: a sentence, and the command that does it where there is one."""

    text: str
    command: str | None = None

    def __str__(self) -> str:
        return f"{self.text.rstrip('.')}: {self.command}" if self.command else self.text


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of the ladder or stage of a callout: what was looked at, whether it held, and what was found."""

    name: str
    held: bool
    detail: str
    reason: str | None = None
    remedies: tuple[Remedy, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """The steps of one decision or callout, in order."""

    steps: tuple[Step, ...] = field(default=())

    def with_step(self, step: Step) -> Explanation:
        """Return a copy with one more step."""
        return Explanation((*self.steps, step))

    @property
    def refused(self) -> Step | None:
        """The first step that did not hold, or None."""
        return next((step for step in self.steps if not step.held), None)

    @property
    def reason(self) -> Reason | None:
        """The reason of the first step that did not hold, or None."""
        step = self.refused
        return reason(step.reason) if step is not None and step.reason is not None else None

    @property
    def remedies(self) -> tuple[Remedy, ...]:
        """The remedies of every step that did not hold, in order, each once: one act may mend several."""
        return tuple(dict.fromkeys(remedy for step in self.steps if not step.held for remedy in step.remedies))
