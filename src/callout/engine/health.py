"""Health over time: what the log counts, and how every principal stands, in one answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from callout.core.model.org import Org
from callout.engine.approvals import list_requests
from callout.engine.audit import Audit
from callout.engine.audit.tallies import Counted, Place, Tally, series_of, width_of
from callout.engine.certificate_uses import CertificateState
from callout.engine.setup import Result, Setup
from callout.engine.status import status


async def health(setup: Setup, audit: Audit, recent: Callable[[int], Awaitable[list[Result]]], since: str) -> Result:
    """Show callouts, errors, refreshes and how long they took since a time; principals, certificates, approvals.

    Where the log keeps a sample of successful callouts, those that it left out are counted by named credential all the
    same (`left_out`); by principal, and for how long they took, the sample speaks.
    """
    now, began = setup.now(), audit.began(since)
    org, counted, standing = (
        await setup.org(),
        await audit.counted(began, width_of(began, now)),
        await status(setup, recent),
    )
    whole, since_when = Tally(), counted.since or began
    for tally in counted.tallies.values():
        whole.add(tally)
    return {
        "at": now,
        "since": since_when.isoformat(timespec="seconds"),
        "complete": since_when <= began,
        "bucket_seconds": width_of(began, now),
        "looked_at": counted.records,
        "left_out": whole.unseen,
        "dropped": counted.dropped,
        "unreadable": counted.unreadable,
        "total": whole.members(),
        "series": series_of(counted.tallies, began, now),
        "named_credentials": _by(counted, _named, began, now),
        "external_credentials": _by(counted, lambda place: _external(org, place), began, now),
        "principals": _principals(standing["principals"], counted),
        "states": standing["states"],
        "suggestions": standing["suggestions"],
        "certificates": [each for each in standing["certificates"] if each["state"] != CertificateState.READY],
        "approvals": (await list_requests(setup))["requests"],
    }


def _named(place: Place) -> str:
    return place[1]


def _external(org: Org, place: Place) -> str:
    """Name the external credential; of what sampling left out, that which the named credential has now."""
    named = org.named_credentials.get(place[1])
    return place[2] or (named.external_credential if named is not None else "")


def _by(counted: Counted, name_of: Callable[[Place], str], since: datetime, until: datetime) -> list[dict[str, Any]]:
    """Return the counts by name, most callouts first, with callouts and errors over time."""
    groups: dict[str, dict[Place, Tally]] = {}
    for place, tally in counted.tallies.items():
        if name := name_of(place):
            groups.setdefault(name, {})[place] = tally
    shown = []
    for name, tallies in groups.items():
        whole = Tally()
        for tally in tallies.values():
            whole.add(tally)
        series = series_of(tallies, since, until)
        over_time = {f"{member}_over_time": [each[member] for each in series] for member in ("calls", "errors")}
        shown.append({"name": name, **whole.members(), **over_time})
    return sorted(shown, key=lambda each: (-each["calls"], each["name"]))


def _principals(rows: list[Result], counted: Counted) -> list[Result]:
    """Return how each principal stands, and what it was used for; those of users have their counts together."""
    used: dict[str, Tally] = {}
    for (_, _, external, principal), tally in counted.tallies.items():
        if principal:
            used.setdefault(f"{external}/{principal}", Tally()).add(tally)
    return [{**row, "used": used[row["principal"]].members() if row["principal"] in used else None} for row in rows]
