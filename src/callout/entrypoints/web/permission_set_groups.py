"""Permission Set Groups: permission sets that are assigned together, and what does not come through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from callout.entrypoints.web import assignments, granting
from callout.entrypoints.web.editing import Editing, Subject
from callout.entrypoints.web.forms import Field, Group, Kind
from callout.entrypoints.web.listing import listing
from callout.entrypoints.web.sections import Page, Place, Section
from callout.entrypoints.web.visit import Visit, address

TITLE, PATH, NOUN = "Permission Set Groups", "/setup/permission-set-groups", "permission_set_group"
_CRUMBS = ((TITLE, PATH),)


def groups_of(visit: Visit, _: Mapping[str, Any]) -> tuple[Group, ...]:
    """Return the form of a group."""
    org = visit.org
    principals = granting.principals_of(org)
    muted = "It does not come through this group; who has it by another way keeps it."
    members = Field(
        ("permission_sets",),
        "Permission Sets",
        Kind.PICK,
        "Who has the group has every one of them.",
        options=tuple(sorted(org.permission_sets)),
    )
    return (
        Group("About", (Field(("label",), "Label", help="The title that people see."), members)),
        Group(
            "Muted",
            (
                Field(("muted", "principals"), "Principals", Kind.PICK, options=principals),
                granting.muted_objects(("muted", "user_external_credential")),
                granting.administering(("muted", "admin_permissions"), ""),
            ),
            muted,
            folded=True,
        ),
    )


async def list_all(visit: Visit) -> Response:
    """List the groups."""
    rows: Sequence[dict[str, Any]] = (await visit.run("permission_set_group.list"))["permission_set_groups"]
    shown = listing(visit, rows, lambda r: f"{r['name']} {r['label']} {' '.join(r['permission_sets'])}")
    return visit.page("permission_set_groups.html", title=TITLE, list=shown)


async def show(visit: Visit) -> Response:
    """Show one: its permission sets, what it mutes, and who has it."""
    return await _shown(visit)


async def _shown(visit: Visit, problem: dict[str, Any] | None = None) -> Response:
    name = visit.named("name")
    found = await visit.run("permission_set_group.show", name=name)
    definition = found["definition"]
    others = [each for each in visit.org.permission_sets if each not in definition["permission_sets"]]
    return visit.page(
        "permission_set_group.html",
        status=int(problem["status"]) if problem else 200,
        found=found,
        definition=definition,
        list=await assignments.users_of(visit, NOUN, name),
        offered=assignments.offered([*visit.org.users]),
        others=assignments.offered(others),
        words=granting.WORDS,
        problem=problem,
        crumbs=_CRUMBS,
    )


async def change_members(visit: Visit) -> Response:
    """Put a permission set into one, or take it out."""
    name, out = visit.named("name"), visit.form.text("do") == "exclude"
    operation = f"{NOUN}.{'exclude' if out else 'include'}"
    done, refused = await visit.attempt(operation, name=name, permission_set=visit.form.text("set"))
    return await _shown(visit, refused) if refused else visit.go(_path(name), done["message"])


async def unmute(visit: Visit) -> Response:
    """Let a grant come through again."""
    name = visit.named("name")
    fields = ("principals", "user_external_credential", "admin_permissions")
    done = await visit.run(f"{NOUN}.unmute", name=name, **{each: visit.form.texts(each) for each in fields})
    return visit.go(_path(name), done["message"])


async def assign(visit: Visit) -> Response:
    """Assign one to a user."""
    name = visit.named("name")
    said, refused = await assignments.assign(visit, NOUN, name, visit.form.text("user"))
    return await _shown(visit, refused) if refused else visit.go(_path(name), said)


async def unassign(visit: Visit) -> Response:
    """Take one from a user."""
    return await assignments.unassign(visit, NOUN, _path(visit.named("name")))


def _path(name: str) -> str:
    return address("permission-set-groups", name)


def subject(_: Visit, name: str) -> Subject:
    """Say which group is edited."""
    return Subject(name, {"name": name}, f"permission_set_groups.{name}", _path(name), _CRUMBS)


EDITING = Editing(
    "permission set group",
    NOUN,
    PATH,
    "/setup/new/permission-set-group",
    subject,
    groups_of,
    "Such as Office Staff. It stays as it is.",
)


def found(visit: Visit) -> Iterator[Place]:
    """Yield every group, for Quick Find."""
    for name, each in visit.org.permission_set_groups.items():
        yield Place(each.label or name, _path(name), "Permission Set Group", f"{name} {' '.join(each.permission_sets)}")


SECTION = Section(
    TITLE,
    PATH,
    "People and access",
    "permission_set_group.list",
    (
        Page(PATH, get=list_all),
        *EDITING.pages(),
        Page(f"{PATH}/{{name}}", get=show),
        Page(f"{PATH}/{{name}}/members", post=change_members),
        Page(f"{PATH}/{{name}}/unmute", post=unmute),
        Page(f"{PATH}/{{name}}/assign", post=assign),
        Page(f"{PATH}/{{name}}/unassign", post=unassign),
    ),
    words="group of permission sets mute muting",
    places=(Place("New Permission Set Group", EDITING.new_path, "Do", "create add"),),
    found=found,
)
