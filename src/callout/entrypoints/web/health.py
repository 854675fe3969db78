"""Health: callouts, errors and latency over time, every principal, what ends soon and what waits."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from callout.entrypoints.web import charts
from callout.entrypoints.web.remedies import mendings
from callout.entrypoints.web.sections import Page, Place, Section
from callout.entrypoints.web.visit import Visit

TITLE, PATH = "Health", "/setup/health"
SPANS = (("1h", "Hour"), ("24h", "Day"), ("7d", "Week"), ("30d", "Month"))
#: Rows of each table: what is worst or most used comes first.
MOST_ROWS = 100
#: States in which nothing has to be done.
WELL = frozenset({"ready", "connected", "expiring", "refreshing", "no_token_yet"})


async def show(visit: Visit) -> Response:
    """Show health since a time."""
    since = visit.asked("since", "24h")
    found, refused = await visit.attempt("health", since=since)
    if found is None:
        return visit.refused(refused or {})
    principals = sorted(found["principals"], key=lambda each: each["state"] in WELL)
    return visit.page(
        "health.html",
        title=TITLE,
        since=since,
        spans=SPANS,
        health=found,
        calls=charts.calls_over_time(found["series"]),
        latency=charts.latency_over_time(found["series"]),
        named=[
            (each, charts.small(each["calls_over_time"], each["errors_over_time"]))
            for each in found["named_credentials"][:MOST_ROWS]
        ],
        principals=[(each, _mendings(visit, each)) for each in principals[:MOST_ROWS]],
        more=max(0, len(principals) - MOST_ROWS),
        suggestions=[
            (each, _mendings(visit, {**each, "remedy_commands": [each["command"]]})) for each in found["suggestions"]
        ],
        well=WELL,
        next=f"{PATH}?since={since}",
    )


def _mendings(visit: Visit, row: dict[str, Any]) -> Any:
    return mendings(visit, row["remedy"], row["remedy_commands"])


SECTION = Section(
    TITLE,
    PATH,
    "Look and mend",
    "health",
    (Page(PATH, get=show),),
    words="status charts errors latency tokens expires refresh monitoring suggestions",
    places=(Place("Certificates that end soon", f"{PATH}#certificates", "Health", "expiring expire"),),
)
