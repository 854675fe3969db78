"""The explanation of a callout as a ladder: every rung, in order, also those that were not reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from callout.core.reasons import REASONS
from callout.entrypoints.web.filters import words
from callout.entrypoints.web.remedies import Mending, mendings
from callout.entrypoints.web.visit import Visit

#: The rungs of every callout, in their order, as people name them.
RUNGS: Mapping[str, str] = {
    "caller": "Who calls",
    "named_credential": "Named Credential",
    "enabled": "Enabled for Callouts",
    "namespace": "Allowed Namespaces",
    "principal": "Principal",
    "user_external_credential": "User External Credential",
    "configured": "Values and connection",
    "values": "Values opened",
    "token": "Token",
    "formulas": "Formulas in the request",
    "headers": "Headers",
    "authenticate": "Authentication",
}
#: Rungs that some callouts have beside.
_MORE: Mapping[str, str] = {
    "key_limit": "Limit of the key",
    "on_behalf_of": "Acts for",
    "method": "Method",
    "path": "Path",
    "rules": "Methods and paths",
    "rate_limits": "Rate limits",
    "target": "Target",
    "refresh": "Refresh",
    "replay": "Sent again",
    "answer": "Answer",
}
#: Rungs that follow whatever was reached.
_LAST = frozenset({"refresh", "replay", "answer"})
_REASONS = {reason.code: reason for reason in REASONS}
BLAMES: Mapping[str, str] = {
    "caller": "whoever calls",
    "admin": "an admin",
    "external": "the external system",
    "callout": "Callout itself",
}


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung. `state` is held, failed or unreached; the last four are of one that failed."""

    title: str
    state: str
    detail: str = ""
    because: str = ""
    blame: str = ""
    reason: str = ""
    mendings: Sequence[Mending] = ()


def ladder(visit: Visit, steps: Sequence[Mapping[str, Any]], outcome: Mapping[str, Any]) -> list[Rung]:
    """Return the rungs of an explanation. Behind one that failed stand those that were not reached, then the answer.

    `outcome` says which external credential and principal the steps came to.
    """
    spent = (outcome.get("external_credential"), outcome.get("principal"))
    failed = next((step["name"] for step in steps if not step["held"] and step["name"] in RUNGS), None)
    if failed is None:
        return [_rung(visit, step, spent) for step in steps]
    known, order = {step["name"] for step in steps}, list(RUNGS)
    last = max(number for number, name in enumerate(order) if name in known)
    unreached = [Rung(RUNGS[name], "unreached") for name in order[last + 1 :]]
    before, after = ([step for step in steps if (step["name"] in _LAST) is late] for late in (False, True))
    shown = [[_rung(visit, step, spent) for step in some] for some in (before, after)]
    return [*shown[0], *unreached, *shown[1]]


def _rung(visit: Visit, step: Mapping[str, Any], spent: tuple[str | None, str | None]) -> Rung:
    title = RUNGS.get(step["name"]) or _MORE.get(step["name"]) or words(step["name"])
    if step["held"]:
        return Rung(title, "held", step["detail"])
    reason = _REASONS.get(step["reason"] or "")
    return Rung(
        title,
        "failed",
        step["detail"],
        reason.title if reason is not None else "",
        BLAMES.get(reason.blame.value, "") if reason is not None else "",
        step["reason"] or "",
        mendings(visit, step["remedy"], step["remedy_commands"], *spent),
    )
