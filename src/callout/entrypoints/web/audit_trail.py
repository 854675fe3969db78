"""The Audit Trail: what admins did, whether the chain holds, and its export."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import Response, StreamingResponse

from callout.core.errors import Refused
from callout.entrypoints.web.callout_log import SINCE
from callout.entrypoints.web.sections import Page, Place, Section
from callout.entrypoints.web.visit import Visit, status_of

TITLE, PATH = "Audit Trail", "/setup/audit"
FORMATS = (("jsonl", "JSON Lines, which can be verified"), ("cef", "CEF"), ("ocsf", "OCSF"))
ROWS = 200
_TYPES = {"jsonl": "application/x-ndjson", "cef": "text/plain", "ocsf": "application/x-ndjson"}


async def list_acts(visit: Visit) -> Response:
    """List what admins did."""
    return await _shown(visit)


async def verify(visit: Visit) -> Response:
    """Walk the chain, and say whether it holds."""
    against = visit.form.text("against")
    found, refused = await visit.attempt("audit.verify", against=against or None)
    return await _shown(visit, verified=found, refused=refused, against=against)


async def _shown(
    visit: Visit,
    *,
    verified: dict[str, Any] | None = None,
    refused: dict[str, Any] | None = None,
    against: str = "",
) -> Response:
    who, since = visit.asked("who"), visit.asked("since")
    found, wrong = await visit.attempt("audit.list", limit=ROWS, who=who or None, since=since or None)
    return visit.page(
        "audit_trail.html",
        status=status_of(refused or wrong),
        title=TITLE,
        acts=found["acts"] if found is not None else [],
        most=ROWS,
        head=await visit.run("audit.head"),
        who=who,
        asked_since=since,
        since=SINCE if since in dict(SINCE) else (*SINCE, (since, since)),
        verified=verified,
        against=against,
        refused=refused or wrong,
        formats=FORMATS,
    )


async def export(visit: Visit) -> Response:
    """Send the trail as a file, page by page as it is read."""
    form = visit.asked("format", "jsonl")
    if form not in _TYPES:
        raise Refused("malformed_request", f"got format {form[:40]!r}; expected one of {', '.join(_TYPES)}")
    given = {"format": form, **({"since": visit.asked("since")} if visit.asked("since") else {})}
    first = await visit.run("audit.export", **given)
    headers = {"Content-Disposition": f'attachment; filename="callout-audit.{form}"'}
    return StreamingResponse(_lines(visit, given, first), media_type=_TYPES[form], headers=headers)


async def _lines(visit: Visit, given: dict[str, str], page: dict[str, Any]) -> AsyncIterator[str]:
    while True:
        if page["lines"]:
            yield "\n".join(page["lines"]) + "\n"
        if page["done"]:
            return
        page = await visit.run("audit.export", **given, after=page["after"], through=page["through"])


SECTION = Section(
    TITLE,
    PATH,
    "Look and mend",
    "audit.list",
    (Page(PATH, get=list_acts), Page(f"{PATH}/verify", post=verify), Page(f"{PATH}/export", get=export)),
    words="login history who changed verify chain export siem setup audit trail",
    places=(Place("Export the Audit Trail", f"{PATH}#export", "Do", "siem jsonl cef ocsf download"),),
)
