"""Approvals: what packages ask to reach, judged and let in, or rejected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from callout.core.access.approvals import pending_requests
from callout.entrypoints.web.creating_form import MOST_PROPOSED
from callout.entrypoints.web.forms import Field, Group, Kind, draw, read
from callout.entrypoints.web.listing import listing
from callout.entrypoints.web.sections import Page, Place, Section
from callout.entrypoints.web.visit import Visit, address

TITLE, PATH = "Approvals", "/setup/approvals"
Members = Mapping[str, Any]


async def list_all(visit: Visit) -> Response:
    """List what waits."""
    rows: Sequence[Members] = (await visit.run("approvals.list"))["requests"]
    shown = listing(visit, rows, lambda r: f"{r['namespace']} {r['named_credential']} {r['url']}")
    return visit.page("approvals.html", title=TITLE, list=shown)


def groups_of(visit: Visit, request: Members) -> tuple[Group, ...]:
    """Return what the one who approves decides beside the request itself."""
    org = visit.org
    sets, users = sorted(org.permission_sets), sorted(name for name, user in org.users.items() if user.active)
    own = [each.partition("/")[2] for each in request["principals"]]
    principals = (("", f"Usual: {own[0]}" if own else "There is none"), *((each, each) for each in own[1:]))
    others = tuple(name for name in sorted(org.packages) if name != request["namespace"])
    return (
        Group(
            "Who gets the grant",
            (
                Field(
                    ("permission_set",),
                    "Permission Set",
                    help="One that is there gains the grant; another name makes one. Left empty: nobody gets it now.",
                    options=tuple(sets) if len(sets) <= MOST_PROPOSED else (),
                ),
                Field(("users",), "Users", Kind.PICK, "They are given the permission set.", options=tuple(users)),
                Field(("principal",), "Principal", Kind.CHOICE, "Whose identity is spent.", choices=principals),
            ),
            "A package's code calls with a key of a user, so somebody has to have the grant.",
        ),
        Group(
            "Other packages",
            (
                Field(
                    ("namespaces",),
                    "Allowed Namespaces for Callouts",
                    Kind.PICK,
                    "Other packages that may call by this name as well.",
                    options=others,
                ),
            ),
            folded=True,
        ),
    )


async def show(visit: Visit) -> Response:
    """Show one request, and what approving it would change."""
    request = await visit.run("approvals.show", id=visit.named("id"))
    return _shown(visit, request, {}, request)


async def judge(visit: Visit) -> Response:
    """Approve or reject a request, or show what approving it so would change."""
    identifier = visit.named("id")
    request = await visit.run("approvals.show", id=identifier)
    if visit.form.text("do") == "reject":
        done = await visit.run("approvals.reject", id=identifier)
        return visit.go(PATH, done["message"])
    given = read(groups_of(visit, request), visit.form, {})
    choice = {name: value for name, value in given.items() if value is not None}
    dry = visit.form.text("do") != "approve"
    done, refused = await visit.attempt("approvals.approve", id=identifier, **choice, dry_run=dry)
    if refused is not None:
        return _shown(visit, request, given, request, refused)
    if dry:
        return _shown(visit, request, given, done)
    said = ". Still: ".join([done["message"], *done["warnings"]])
    return visit.go(address("named-credentials", request["named_credential"]), said)


def _shown(visit: Visit, request: Members, given: Members, plan: Members, refused: Members | None = None) -> Response:
    return visit.page(
        "approval.html",
        status=200 if refused is None else int(refused["status"]),
        request=request,
        drawing=draw(groups_of(visit, request), given),
        plan=plan,
        refused=refused,
        crumbs=((TITLE, PATH),),
    )


def found(visit: Visit) -> Iterator[Place]:
    """Yield what waits, for Quick Find."""
    for request in pending_requests(visit.org):
        title = f"Approve {request.namespace}: {request.named_credential.name}"
        yield Place(title, address("approvals", request.id), "Approval", "package request waiting enable allow")


SECTION = Section(
    TITLE,
    PATH,
    "Packages",
    "approvals.list",
    (Page(PATH, get=list_all), Page(f"{PATH}/{{id}}", get=show, post=judge)),
    words="inbox requests pending waiting approve reject package enable",
    found=found,
)
