"""What permission sets and profiles grant: the two grants that a callout needs, side by side, and how each is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from callout.core.access.sources import object_permissions_of
from callout.core.model.org import Org
from callout.core.model.people import INCLUDES_READ, AdminPermission, ObjectPermission
from callout.entrypoints.web.forms import Field, Group, Kind
from callout.entrypoints.web.visit import Form, Visit

#: Most names that are offered in a list to choose from; of more, the name is typed.
MOST_OFFERED = 200
OBJECT_WORDS = (
    (ObjectPermission.READ.value, "Read"),
    (ObjectPermission.CREATE.value, "Create"),
    (ObjectPermission.EDIT.value, "Edit"),
    (ObjectPermission.DELETE.value, "Delete"),
    (ObjectPermission.VIEW_ALL.value, "View All"),
    (ObjectPermission.MODIFY_ALL.value, "Modify All"),
)
ADMIN_WORDS = (
    (AdminPermission.VIEW_SETUP.value, "View Setup and Configuration"),
    (AdminPermission.MANAGE_NAMED_CREDENTIALS.value, "Manage Named Credentials"),
    (AdminPermission.CUSTOMIZE_APPLICATION.value, "Customize Application"),
    (AdminPermission.MANAGE_USERS.value, "Manage Users"),
)
WORDS: Mapping[str, str] = dict((*OBJECT_WORDS, *ADMIN_WORDS))
ACCESS, OBJECT = "External Credential Principal Access", "User External Credentials"


def principals_of(org: Org) -> tuple[str, ...]:
    """Return every principal, as `EXTERNAL_CREDENTIAL/PRINCIPAL`."""
    return tuple(
        f"{name}/{each.name}"
        for name, external in sorted(org.external_credentials.items())
        for each in external.principals
    )


def named(
    path: tuple[str, ...], label: str, names: tuple[str, ...], told: str = "", *, required: bool = False
) -> Field:
    """Return a field for one of these names: chosen, or typed where there are too many."""
    if len(names) > MOST_OFFERED:
        return Field(path, label, help=told, required=required)
    return Field(path, label, Kind.CHOICE, told, required, (("", "Choose…"), *((each, each) for each in names)))


def objects(path: tuple[str, ...], *, explicit: bool = False) -> Field:
    """Return the field of the object permissions on User External Credentials."""
    return Field(
        path,
        f"Object permissions on {OBJECT}",
        Kind.PICK,
        "Callouts need Read: the object holds the encrypted tokens. Standard profiles have it, but for Guest User; "
        "custom permission sets and profiles have none unless it is given here.",
        choices=OBJECT_WORDS,
        options=tuple(value for value, _ in OBJECT_WORDS),
        explicit=explicit,
    )


def muted_objects(path: tuple[str, ...]) -> Field:
    """Return the field of the object permissions that a group mutes."""
    return replace(objects(path), label=OBJECT, help="")


def administering(path: tuple[str, ...], told: str) -> Field:
    """Return the field of the admin permissions."""
    options = tuple(value for value, _ in ADMIN_WORDS)
    return Field(path, "Admin permissions", Kind.PICK, told, choices=ADMIN_WORDS, options=options)


def groups_of(visit: Visit, *, standard: bool, more: tuple[Field, ...] = ()) -> tuple[Group, ...]:
    """Return the form of a permission set or profile. What a `standard` one administers is not to be changed."""
    access = Field(
        ("principals",),
        ACCESS,
        Kind.ROWS,
        "Identities at external systems that may be used. Methods and paths narrow what for; left out: for anything.",
        fields=(
            named(("principal",), "Principal", principals_of(visit.org)),
            Field(("methods",), "Methods", Kind.LINES, "One a line; none: any."),
            Field(("paths",), "Paths", Kind.LINES, "Patterns, one a line; none: any."),
        ),
        row="principal",
        short="principal",
        explicit=standard,
    )
    both = "A callout needs both: a principal, and Read on User External Credentials. One set may give both."
    administered = administering(("admin_permissions",), "What its users may do in Setup. You give only what you have.")
    return (
        Group("About", (Field(("label",), "Label", help="The title that people see."),)),
        Group("What callouts need", (access, objects(("user_external_credential",), explicit=standard)), both),
        Group("More", (*(() if standard else (administered,)), *more)),
    )


def rows_of(grants: Any) -> list[dict[str, Any]]:
    """Return granted principals as rows, whether a manifest writes them as a text or with methods and paths."""
    rows = [{"principal": each} if isinstance(each, str) else each for each in grants]
    return [{"methods": [], "paths": [], **row} for row in rows]


def lacks(definition: Mapping[str, Any]) -> list[str]:
    """Say which of the two grants that a callout needs are not there: `principal`, `object`."""
    reads = INCLUDES_READ.intersection(definition["user_external_credential"])
    return [*([] if definition["principals"] else ["principal"]), *([] if reads else ["object"])]


def without_read(visit: Visit, users: list[str]) -> list[str]:
    """Return those of these users who may not read User External Credentials by anything that they have."""
    now = visit.console.setup.now()
    return [name for name in users if not INCLUDES_READ.intersection(object_permissions_of(visit.org, name, now))]


def given(form: Form) -> dict[str, Any]:
    """Return what a form of the page gives or takes."""
    arguments: dict[str, Any] = {
        name: form.texts(name) for name in ("principals", "user_external_credential") if form.texts(name)
    }
    lists = {
        name: [each for text in form.texts(name) for each in text.replace(",", " ").split()]
        for name in ("methods", "paths")
    }
    return arguments | {name: texts for name, texts in lists.items() if texts}


async def change(visit: Visit, noun: str, path: str) -> tuple[Response | None, dict[str, Any] | None]:
    """Grant or revoke as the form says; returns where to go, or None and what was refused."""
    verb = "revoke" if visit.form.text("do") == "revoke" else "grant"
    arguments = given(visit.form)
    if verb == "revoke":
        arguments = {name: texts for name, texts in arguments.items() if name not in ("methods", "paths")}
    done, refused = await visit.attempt(f"{noun}.{verb}", name=visit.named("name"), **arguments)
    return (None, refused) if refused is not None else (visit.go(path, done["message"]), None)
