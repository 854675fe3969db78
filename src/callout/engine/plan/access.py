"""How a plan shows who gains and who loses access by it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from callout.core.access.difference import AccessChange, AccessDifference

#: Users that are named in a line; the rest is counted.
MOST_NAMED = 10


def access_members(difference: AccessDifference) -> dict[str, Any]:
    """Return who gains, who loses and who calls as another principal, as JSON has it: every user is named."""
    kinds: dict[str, list[dict[str, Any]]] = {"gains": [], "loses": [], "changes": []}
    for change in difference.changes:
        if change.namespace is None:
            members = {"principal_before": change.before, "principal_after": change.after}
            rows = [{"named_credential": change.named_credential, "user": u, **members} for u in change.users]
        else:
            rows = [{"named_credential": change.named_credential, "namespace": change.namespace}]
        kinds[_kind(change)] += rows
    return {**kinds, "not_compared": difference.not_compared}


def access_lines(difference: AccessDifference) -> Iterator[str]:
    """Yield a line for each change; `+` gains, `-` loses, `~` calls as another principal."""
    for change in difference.changes:
        kind = _kind(change)
        whom = f"the code of package {change.namespace}" if change.namespace else _named(change.users)
        if kind == "gains":
            yield f"+ access to {change.named_credential}{_as(change.after)}: {whom}"
        elif kind == "loses":
            yield f"- access to {change.named_credential}{_as(change.before)}: {whom}"
        else:
            yield f"~ access to {change.named_credential} as {change.before} → {change.after}: {whom}"
    if difference.not_compared:
        pairs = difference.not_compared
        yield f"! access: {pairs} pairs of user and named credential were too many to compare; `callout who-can NAME`"


def _kind(change: AccessChange) -> str:
    if change.before is None:
        return "gains"
    return "loses" if change.after is None else "changes"


def _as(principal: str | None) -> str:
    return f" as {principal}" if principal else ""


def _named(users: Sequence[str]) -> str:
    named = ", ".join(users[:MOST_NAMED])
    return f"{named} and {len(users) - MOST_NAMED} more" if len(users) > MOST_NAMED else named
