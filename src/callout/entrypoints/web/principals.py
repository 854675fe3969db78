"""Principals."""

from __future__ import annotations

from typing import Any

from callout.entrypoints.web.visit import Visit


async def states(visit: Visit) -> dict[str, list[dict[str, Any]]]:
    """Return the health of every principal by its reference: of a per-user one, for each user who has values."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in (await visit.run("status"))["principals"] if visit.may("status") else ():
        found.setdefault(row["principal"], []).append(row)
    return found
