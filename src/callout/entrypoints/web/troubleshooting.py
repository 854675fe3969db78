"""Troubleshoot: why recent callouts failed, one finding for each cause, with the one change that mends it."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from callout.entrypoints.web.ladder import BLAMES
from callout.entrypoints.web.remedies import Mending, mendings
from callout.entrypoints.web.sections import Page, Place, Section
from callout.entrypoints.web.visit import Visit, status_of

TITLE, PATH = "Troubleshoot", "/setup/troubleshoot"


async def find_out(visit: Visit) -> Response:
    """Show the findings, those that are mended last."""
    name, user = visit.asked("name"), visit.asked("user")
    found, refused = await visit.attempt("troubleshoot", name=name or None, user=user or None)
    found = found or {"findings": [], "mended": [], "looked_at": 0, "since": None}
    return visit.page(
        "troubleshoot.html",
        status=status_of(refused),
        title=TITLE,
        name=name,
        user=user,
        found=found,
        refused=refused,
        findings=[(each, _mendings(visit, each)) for each in found["findings"]],
        blames=BLAMES,
        next=visit.here + (f"?{visit.request.url.query}" if visit.request.url.query else ""),
    )


def _mendings(visit: Visit, finding: dict[str, Any]) -> list[Mending]:
    return mendings(visit, finding["remedy"], finding["remedy_commands"], finding["external_credential"])


SECTION = Section(
    TITLE,
    PATH,
    "Look and mend",
    "troubleshoot",
    (Page(PATH, get=find_out),),
    words="mend fix errors failing why T1 T2 T3 T4 T5 T6 problems",
    places=(Place("Why do callouts fail?", PATH, "Do", "troubleshoot errors"),),
)
