"""Explanations as JSON members: the one shape that `diagnose`, `explain` and the audit trail show."""

from __future__ import annotations

from typing import Any

from callout.core.errors import CalloutError, Refused, VaultError
from callout.core.explanation import Explanation, Remedy, Step
from callout.core.formula import FormulaError


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


def outcome_members(explanation: Explanation) -> dict[str, Any]:
    """Return whether all held, what refused, and every step."""
    return {
        "allowed": explanation.refused is None,
        **refusal_members(explanation),
        "steps": [step_members(step) for step in explanation.steps],
    }


def refusal_of(error: CalloutError) -> Refused:
    """Return the refusal that an error of the engine's parts amounts to."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, FormulaError):
        return Refused("formula_failed", error.whole)
    if isinstance(error, VaultError):
        remedy = Remedy("Give Callout the master key that sealed the values, or set them again")
        return Refused("principal_not_configured", str(error), remedy)
    return Refused("overloaded", str(error))
