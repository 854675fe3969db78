"""The Callout Log: what was called, by whom, how it ended; and one callout with its ladder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlencode

from starlette.responses import Response

from callout.core.errors import Refused
from callout.core.reasons import REASONS
from callout.entrypoints.web.ladder import BLAMES, ladder
from callout.entrypoints.web.remedies import mendings
from callout.entrypoints.web.sections import Page, Place, Section
from callout.entrypoints.web.trying import PATH as TRY
from callout.entrypoints.web.visit import Visit, address, status_of

TITLE, PATH = "Callout Log", "/setup/log"
CRUMBS = ((TITLE, PATH),)
FILTERS = ("name", "user", "reason", "since")
ROWS = 50
#: Spans that are offered; any other can be typed in the address.
SINCE = (("", "Any time"), ("15m", "15 minutes"), ("1h", "1 hour"), ("24h", "24 hours"), ("7d", "7 days"))
_CALLOUT_ID = re.compile(r"[0-9a-f]{25}")


async def list_all(visit: Visit) -> Response:
    """List callouts, newest first."""
    asked = {name: visit.asked(name) for name in FILTERS}
    wanted = {name: text for name, text in asked.items() if text}
    before = visit.asked("before")
    found, refused = await visit.attempt("callout.log", limit=ROWS, before=before or None, **wanted)
    older = found["older"] if found is not None else None
    return visit.page(
        "callout_log.html",
        status=status_of(refused),
        title=TITLE,
        found=found or {"callouts": [], "complete": True},
        refused=refused,
        asked=asked,
        since=SINCE if asked["since"] in dict(SINCE) else (*SINCE, (asked["since"], asked["since"])),
        reasons=[each.code for each in REASONS],
        older=f"{PATH}?{urlencode({**wanted, 'before': older})}" if older else "",
        newest=f"{PATH}?{urlencode(wanted)}" if before else "",
        everyone=visit.may("callout.log"),
    )


async def show(visit: Visit) -> Response:
    """Show one callout: how it went, rung by rung, and what mends it."""
    callout_id = visit.named("callout_id")
    record = await visit.run("explain", callout_id=callout_id)
    user = record["on_behalf_of"] or record["caller"]["user"] or ""
    again = {
        "name": record["named_credential"] or "",
        "method": record["method"],
        "path": _path_of(record["path"], record["named_credential"] or ""),
        "user": "" if user == visit.session.user else user,
        "namespace": record["caller"]["namespace"] or "",
        "do": "dry",
    }
    rungs = ladder(visit, record["steps"], record)
    lit = {each.text for rung in rungs for each in rung.mendings}
    spent = (record["external_credential"], record["principal"])
    mending = mendings(visit, record["remedy"], record["remedy_commands"], *spent)
    others = [each for each in mending if each.text not in lit]
    return visit.page(
        "callout.html",
        record=record,
        crumbs=CRUMBS,
        rungs=rungs,
        others=others,
        blame=BLAMES.get(record["blame"] or "", ""),
        again=f"{TRY}?{urlencode({name: text for name, text in again.items() if text})}",
        here=address("callouts", callout_id),
    )


def _path_of(target: str, name: str) -> str:
    """Return the path after the name, as the caller wrote it."""
    return target.removeprefix(f"/callout/{name}")


async def find(visit: Visit) -> Response:
    """Go to a callout by its id."""
    wanted = visit.asked("id").lower()
    if _CALLOUT_ID.fullmatch(wanted) is None:
        raise Refused("malformed_request", f"got {wanted[:60]!r}; expected a Callout-Id: 25 hexadecimal digits")
    return visit.go(address("callouts", wanted))


def found(visit: Visit) -> Iterator[Place]:
    """Yield the callout whose id was pasted into Quick Find."""
    wanted = visit.asked("q").lower()
    if _CALLOUT_ID.fullmatch(wanted):
        yield Place(f"Callout {wanted}", address("callouts", wanted), "Callout")


SECTION = Section(
    TITLE,
    PATH,
    "Look and mend",
    "callout.log",
    (
        Page(PATH, get=list_all),
        Page("/setup/callouts", get=find),
        Page("/setup/callouts/{callout_id}", get=show),
    ),
    words="debug history records requests explain callout id",
    found=found,
)
