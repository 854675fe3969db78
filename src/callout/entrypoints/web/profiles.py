"""Profiles: the base grants of users. Standard ones stay; what they give for callouts may be changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from callout.entrypoints.web import assignments, granting
from callout.entrypoints.web.editing import Editing, Subject
from callout.entrypoints.web.forms import Group
from callout.entrypoints.web.listing import listing
from callout.entrypoints.web.sections import Page, Place, Section
from callout.entrypoints.web.visit import Visit, address

TITLE, PATH, NOUN = "Profiles", "/setup/profiles", "profile"
_CRUMBS = ((TITLE, PATH),)


def groups_of(visit: Visit, _: Mapping[str, Any]) -> tuple[Group, ...]:
    """Return the form of a profile."""
    known = visit.org.profiles.get(visit.request.path_params.get("name", ""))
    return granting.groups_of(visit, standard=known is not None and known.standard)


async def list_all(visit: Visit) -> Response:
    """List the profiles, with what each lacks for callouts."""
    rows: Sequence[dict[str, Any]] = (await visit.run("profile.list"))["profiles"]
    rows = [{**row, "lacks": granting.lacks(row)} for row in rows]
    shown = listing(visit, rows, lambda r: f"{r['name']} {r['label']} {' '.join(r['principals'])}")
    return visit.page("profiles.html", title=TITLE, list=shown)


async def show(visit: Visit) -> Response:
    """Show one: both grants that callouts need side by side, and who has it."""
    return await _shown(visit)


async def _shown(visit: Visit, problem: dict[str, Any] | None = None) -> Response:
    name = visit.named("name")
    found = await visit.run("profile.show", name=name)
    users = [row for row in (await visit.run("user.list"))["users"] if row["profile"] == name]
    definition = found["definition"]
    return visit.page(
        "profile.html",
        status=int(problem["status"]) if problem else 200,
        found=found,
        definition=definition,
        principals=granting.rows_of(definition["principals"]),
        lacks=granting.lacks(definition),
        list=listing(visit, users, lambda r: f"{r['name']} {r['label']} {r['email']}"),
        principals_offered=assignments.offered(granting.principals_of(visit.org)),
        words=granting.WORDS,
        problem=problem,
        crumbs=_CRUMBS,
    )


async def change_grants(visit: Visit) -> Response:
    """Give or take a principal or an object permission."""
    response, refused = await granting.change(visit, NOUN, address("profiles", visit.named("name")))
    return response if response is not None else await _shown(visit, refused)


def subject(_: Visit, name: str) -> Subject:
    """Say which profile is edited."""
    return Subject(name, {"name": name}, f"profiles.{name}", address("profiles", name), _CRUMBS)


EDITING = Editing(
    "profile",
    NOUN,
    PATH,
    "/setup/new/profile",
    subject,
    groups_of,
    "Such as Contractors. It stays as it is.",
)


def found(visit: Visit) -> Iterator[Place]:
    """Yield every profile, for Quick Find."""
    for name, each in visit.org.profiles.items():
        yield Place(each.label or name, address("profiles", name), "Profile", name)


SECTION = Section(
    TITLE,
    PATH,
    "People and access",
    "profile.list",
    (
        Page(PATH, get=list_all),
        *EDITING.pages(),
        Page(f"{PATH}/{{name}}", get=show),
        Page(f"{PATH}/{{name}}/grants", post=change_grants),
    ),
    words="external credential principal access user external credential object permissions standard guest user",
    places=(Place("New Profile", EDITING.new_path, "Do", "create add"),),
    found=found,
)
