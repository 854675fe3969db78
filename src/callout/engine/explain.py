"""Explanations as JSON members: the one shape that `diagnose`, `explain` and the audit trail show; and as refusals."""

from __future__ import annotations

from typing import Any

from callout.core.access.decide import Decision
from callout.core.errors import CalloutError, Refused, VaultError
from callout.core.explanation import Explanation, Remedy, Step
from callout.core.formula import FormulaError
from callout.core.reasons import Telling


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


def refused_by(decision: Decision, telling: Telling, *, retry_after: int | None = None) -> Refused:
    """Return the refusal that a decision which is not allowed amounts to, with its whole explanation."""
    step = decision.explanation.refused
    if step is None or step.reason is None:
        msg = "a decision that is not allowed names its reason"
        raise ValueError(msg)
    return Refused(
        step.reason,
        step.detail,
        *decision.explanation.remedies,
        retry_after=retry_after,
        explanation=decision.explanation,
        telling=telling,
        who=decision.caller.user if decision.caller is not None else None,
        namespace=decision.caller.namespace if decision.caller is not None else None,
        on_behalf_of=decision.caller.on_behalf_of if decision.caller is not None else None,
        to_guest=decision.caller is None or decision.caller.is_guest,
        principal=decision.wanted,
    )


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
