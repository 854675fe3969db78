"""The body of every answer that Callout itself makes: problem details (RFC 9457) with reason, blame and remedy."""

from __future__ import annotations

from typing import Any

from callout.core.errors import Refused
from callout.core.reasons import Telling

CONTENT_TYPE = "application/problem+json"

GUEST_REMEDY = "Prove who you are: send your key in the Callout-Key header"


#: Reasons by which a guest could tell a name that exists from one that does not: it is told this one instead.
HIDDEN_FROM_GUESTS = frozenset({"named_credential_not_found", "callouts_disabled", "namespace_not_allowed"})
TOLD_INSTEAD = "principal_not_granted"


def problem(refused: Refused, callout_id: str) -> dict[str, Any]:
    """Return the members of the problem body.

    `refused.telling` code leaves out detail and exact remedies. A guest who is told the code alone is not told either
    whether a name exists.
    """
    if refused.to_guest and refused.telling is Telling.CODE and refused.reason.code in HIDDEN_FROM_GUESTS:
        refused = Refused(TOLD_INSTEAD, "", telling=Telling.CODE, to_guest=True)
    reason = refused.reason
    full = refused.telling is Telling.FULL
    members: dict[str, Any] = {
        "type": f"urn:callout:reason:{reason.code}",
        "title": reason.title,
        "status": reason.status,
        "detail": refused.detail if full else reason.title,
        "instance": f"urn:callout:callout:{callout_id}",
        "reason": reason.code,
        "blame": reason.blame.value,
        "remedy": [str(r) for r in refused.remedies] if full else [_general_remedy(refused)],
        "remedy_commands": [r.command for r in refused.remedies if r.command] if full else [],
        "callout_id": callout_id,
    }
    if refused.connect_url is not None:
        members["connect_url"] = refused.connect_url
    return members


def _general_remedy(refused: Refused) -> str:
    return GUEST_REMEDY if refused.to_guest else refused.reason.remedy
