"""Explanations as JSON members: the one shape that `diagnose`, `explain` and the audit trail show."""

from __future__ import annotations

from typing import Any

from callout.core.explanation import Explanation, Step


def step_members(step: Step) -> dict[str, Any]:
    """Return one step as JSON members."""
    return {
        "name": step.name,
        "held": step.held,
        "detail": step.detail,
        "reason": step.reason,
        "remedy": [str(remedy) for remedy in step.remedies],
        "remedy_commands": [remedy.command for remedy in step.remedies if remedy.command],
    }


def refusal_members(explanation: Explanation) -> dict[str, Any]:
    """Return reason, status, blame, title and remedies of the first step that did not hold; nulls where all held."""
    reason = explanation.reason
    return {
        "reason": reason.code if reason else None,
        "status": reason.status if reason else None,
        "blame": reason.blame.value if reason else None,
        "title": reason.title if reason else None,
        "remedy": [str(remedy) for remedy in explanation.remedies],
        "remedy_commands": [remedy.command for remedy in explanation.remedies if remedy.command],
    }
