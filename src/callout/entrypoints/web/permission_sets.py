"""Permission Sets: which principals and object permissions they give, whom they let act for, and who has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from callout.core.model.people import GUEST, PROFILE_PREFIX
from callout.entrypoints.web import assignments, granting
from callout.entrypoints.web.editing import Editing, Subject
from callout.entrypoints.web.forms import Field, Group, Kind
from callout.entrypoints.web.listing import listing
from callout.entrypoints.web.sections import Page, Place, Section
from callout.entrypoints.web.visit import Visit, address

TITLE, PATH, NOUN = "Permission Sets", "/setup/permission-sets", "permission_set"
_CRUMBS = ((TITLE, PATH),)


def groups_of(visit: Visit, _: Mapping[str, Any]) -> tuple[Group, ...]:
    """Return the form of a permission set."""
    org = visit.org
    known = org.permission_sets.get(visit.request.path_params.get("name", ""))
    others = (*(f"{PROFILE_PREFIX}{name}" for name in sorted(org.profiles)), *sorted(org.users.keys() - {GUEST}))
    acting = Field(
        ("may_act_for",),
        "May act for",
        Kind.PICK,
        "Users on whose behalf callouts may be made with this set; profile:NAME stands for its users.",
        options=others,
    )
    return granting.groups_of(visit, standard=known is not None and known.standard, more=(acting,))


async def list_all(visit: Visit) -> Response:
    """List the permission sets, with what each lacks for callouts."""
    rows: Sequence[dict[str, Any]] = (await visit.run("permission_set.list"))["permission_sets"]
    rows = [{**row, "lacks": granting.lacks(row)} for row in rows]
    shown = listing(visit, rows, lambda r: f"{r['name']} {r['label']} {' '.join(r['principals'])}")
    return visit.page("permission_sets.html", title=TITLE, list=shown)


async def show(visit: Visit) -> Response:
    """Show one: both grants that callouts need side by side, and who has it."""
    return await _shown(visit)


async def _shown(visit: Visit, problem: dict[str, Any] | None = None) -> Response:
    name = visit.named("name")
    found = await visit.run("permission_set.show", name=name)
    having = await assignments.users_of(visit, NOUN, name)
    definition = found["definition"]
    return visit.page(
        "permission_set.html",
        status=int(problem["status"]) if problem else 200,
        found=found,
        definition=definition,
        principals=granting.rows_of(definition["principals"]),
        lacks=granting.lacks(definition),
        unread=granting.without_read(visit, [row["name"] for row in having.rows]),
        groups=[place.partition(".")[2] for place in found["used_by"] if place.startswith("permission_set_groups.")],
        list=having,
        offered=assignments.offered([*visit.org.users]),
        principals_offered=assignments.offered(granting.principals_of(visit.org)),
        words=granting.WORDS,
        problem=problem,
        crumbs=_CRUMBS,
    )


async def change_grants(visit: Visit) -> Response:
    """Give or take a principal or an object permission."""
    response, refused = await granting.change(visit, NOUN, address("permission-sets", visit.named("name")))
    return response if response is not None else await _shown(visit, refused)


async def assign(visit: Visit) -> Response:
    """Assign one to a user."""
    name = visit.named("name")
    said, refused = await assignments.assign(visit, NOUN, name, visit.form.text("user"))
    return await _shown(visit, refused) if refused else visit.go(address("permission-sets", name), said)


async def unassign(visit: Visit) -> Response:
    """Take one from a user."""
    return await assignments.unassign(visit, NOUN, address("permission-sets", visit.named("name")))


def subject(_: Visit, name: str) -> Subject:
    """Say which permission set is edited."""
    return Subject(name, {"name": name}, f"permission_sets.{name}", address("permission-sets", name), _CRUMBS)


def start(visit: Visit) -> dict[str, Any]:
    """Return what a new one begins with: what callouts need, and the principal of the page that led here."""
    wanted = visit.asked("principal")
    return {"principals": [wanted] if wanted else [], "user_external_credential": ["read"] if wanted else []}


EDITING = Editing(
    "permission set",
    NOUN,
    PATH,
    "/setup/new/permission-set",
    subject,
    groups_of,
    "Such as Order Clerks. It stays as it is.",
    start=start,
)


def found(visit: Visit) -> Iterator[Place]:
    """Yield every permission set, for Quick Find."""
    for name, each in visit.org.permission_sets.items():
        principals = " ".join(sorted(map(str, each.principals)))
        yield Place(each.label or name, address("permission-sets", name), "Permission Set", f"{name} {principals}")


SECTION = Section(
    TITLE,
    PATH,
    "People and access",
    "permission_set.list",
    (
        Page(PATH, get=list_all),
        *EDITING.pages(),
        Page(f"{PATH}/{{name}}", get=show),
        Page(f"{PATH}/{{name}}/grants", post=change_grants),
        Page(f"{PATH}/{{name}}/assign", post=assign),
        Page(f"{PATH}/{{name}}/unassign", post=unassign),
    ),
    words="external credential principal access user external credential object permissions grant assign",
    places=(Place("New Permission Set", EDITING.new_path, "Do", "create add grant"),),
    found=found,
)
