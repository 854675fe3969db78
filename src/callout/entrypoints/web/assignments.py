"""Who has a permission set or a group, until when and what for; assigning and unassigning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from callout.entrypoints.web.granting import MOST_OFFERED
from callout.entrypoints.web.listing import Listing, listing
from callout.entrypoints.web.visit import Visit

#: The field of a user that has assignments, by the noun of the operations.
FIELDS = {"permission_set": "permission_sets", "permission_set_group": "permission_set_groups"}


async def users_of(visit: Visit, noun: str, name: str) -> Listing:
    """List the users who have a set or group, each with the time box of it where there is one."""
    users: Sequence[dict[str, Any]] = (await visit.run("user.list"))["users"]
    rows = [{**user, "box": box_of(user, name)} for user in users if name in user[FIELDS[noun]]]
    return listing(visit, rows, lambda r: f"{r['name']} {r['label']} {r['email']} {r['profile']}")


def box_of(user: dict[str, Any], name: str) -> dict[str, Any] | None:
    """Return the time box in which a user has something of this name, or None."""
    return next((box for box in user["time_boxes"] if box["name"] == name), None)


def offered(names: Sequence[str]) -> list[str]:
    """Return the names that a field proposes; none where they are too many to be a help."""
    return sorted(names) if len(names) <= MOST_OFFERED else []


async def assign(visit: Visit, noun: str, name: str, user: str) -> tuple[str, dict[str, Any] | None]:
    """Assign as the form says; returns what to say, or the problem document."""
    form = visit.form
    box = {"until": form.text("until") or None, "purpose": form.text("purpose")}
    done, refused = await visit.attempt(f"{noun}.assign", name=name, user=user, **box)
    return ("", refused) if refused is not None else (done["message"], None)


async def unassign(visit: Visit, noun: str, path: str) -> Response:
    """Take a set or group from the user whom the form names."""
    done = await visit.run(f"{noun}.unassign", name=visit.named("name"), user=visit.form.text("user"))
    return visit.go(path, done["message"])
