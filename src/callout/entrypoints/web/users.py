"""Users: what each has and by which way, what they can call and why not, their keys, and how they sign in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from callout.core.model.people import UserKind
from callout.entrypoints.web import assignments, granting
from callout.entrypoints.web.asking import Asking
from callout.entrypoints.web.editing import Editing, Subject
from callout.entrypoints.web.forms import Field, Group, Kind
from callout.entrypoints.web.listing import ROWS, Listing, listing
from callout.entrypoints.web.sections import Page, Place, Section
from callout.entrypoints.web.visit import Visit, address

TITLE, PATH = "Users", "/setup/users"
_CRUMBS = ((TITLE, PATH),)
_ONE = f"{PATH}/{{name}}"
_KINDS = (
    (UserKind.HUMAN.value, "Human"),
    (UserKind.SERVICE.value, "Service: a program with keys"),
    (UserKind.BACKGROUND.value, "Background identity: proven by tokens alone, never by a key"),
)


def groups_of(visit: Visit, definition: Mapping[str, Any]) -> tuple[Group, ...]:
    """Return the form of a user."""
    org = visit.org
    kinds = ((UserKind.GUEST.value, "Guest"),) if definition.get("kind") == UserKind.GUEST else _KINDS
    return (
        Group(
            "Who it is",
            (
                Field(("label",), "Label", help="The name that people see."),
                Field(("email",), "Email", help="Formulas read it as $User.Email. Nothing is sent to it."),
                Field(("kind",), "Kind", Kind.CHOICE, choices=kinds, absent=UserKind.HUMAN.value),
                Field(("active",), "Active", Kind.CHECK, "Off: they prove nothing, and call nothing.", absent=True),
            ),
        ),
        Group(
            "What they have",
            (
                granting.named(("profile",), "Profile", tuple(sorted(org.profiles)), "Exactly one.", required=True),
                _assigned("permission_sets", "Permission Sets", "permission set", tuple(sorted(org.permission_sets))),
                _assigned(
                    "permission_set_groups",
                    "Permission Set Groups",
                    "permission set group",
                    tuple(sorted(org.permission_set_groups)),
                ),
            ),
        ),
    )


def _assigned(field: str, label: str, noun: str, names: tuple[str, ...]) -> Field:
    return Field(
        (field,),
        label,
        Kind.ROWS,
        "With a time in Until the assignment ends then.",
        fields=(
            granting.named(("name",), "Name", names),
            Field(("until",), "Until", help="Such as 2030-01-31T12:00:00Z."),
            Field(("purpose",), "Purpose"),
        ),
        row=noun,
        short="name",
    )


async def list_all(visit: Visit) -> Response:
    """List the users."""
    rows: Sequence[dict[str, Any]] = (await visit.run("user.list"))["users"]
    shown = listing(
        visit,
        rows,
        lambda r: " ".join((r["name"], r["label"], r["email"], r["profile"], r["kind"], *r["permission_sets"])),
    )
    return visit.page("users.html", title=TITLE, list=shown)


async def show(visit: Visit) -> Response:
    """Show one: every way in which grants come, what they can call, their keys and their sessions."""
    return await _shown(visit)


async def _shown(visit: Visit, problem: dict[str, Any] | None = None) -> Response:
    name = visit.named("name")
    found = await visit.run("user.show", name=name)
    keys = (await visit.run("key.list", user=name))["keys"]
    return visit.page(
        "user.html",
        status=int(problem["status"]) if problem else 200,
        user=found,
        keys=keys[:ROWS],
        more_keys=max(0, len(keys) - ROWS),
        calls=await _calls(visit, name) if visit.may("can") else None,
        sessions=await visit.run("user.sessions", name=name) if visit.may("user.sessions") else None,
        invites=visit.may("user.invite") and found["kind"] == UserKind.HUMAN and found["active"],
        sets=assignments.offered([*visit.org.permission_sets]),
        groups=assignments.offered([*visit.org.permission_set_groups]),
        words=granting.WORDS,
        problem=problem,
        crumbs=_CRUMBS,
    )


async def _calls(visit: Visit, user: str) -> Listing:
    """List the named credentials with whether this user can call each: only those of the page are decided."""
    names = sorted(visit.org.named_credentials)
    shown = listing(visit, names, lambda name: f"{name} {visit.org.named_credentials[name].label}")
    rows = [await visit.run("can", user=user, name=name) for name in shown.rows]
    return Listing(rows, shown.question, shown.page, shown.pages, shown.total, shown.whole, shown.path)


async def assign(visit: Visit) -> Response:
    """Give a permission set or a group to one."""
    name, form = visit.named("name"), visit.form
    noun = "permission_set_group" if form.text("group") else "permission_set"
    said, refused = await assignments.assign(visit, noun, form.text("group") or form.text("set"), name)
    return await _shown(visit, refused) if refused else visit.go(address("users", name), said)


async def unassign(visit: Visit) -> Response:
    """Take a permission set or a group from one."""
    name, form = visit.named("name"), visit.form
    noun = "permission_set_group" if form.text("group") else "permission_set"
    done = await visit.run(f"{noun}.unassign", name=form.text("group") or form.text("set"), user=name)
    return visit.go(address("users", name), done["message"])


async def activate(visit: Visit) -> Response:
    """Make one active, or not."""
    name = visit.named("name")
    done = await visit.run("user.set", name=name, active=visit.form.text("active") == "true")
    return visit.go(address("users", name), done["message"])


async def sign_out(visit: Visit) -> Response:
    """End a session of one, or all of them."""
    name = visit.named("name")
    session = {"session": visit.form.text("session")} if visit.form.text("session") else {}
    done = await visit.run("user.sign_out", name=name, **session)
    return visit.go(address("users", name), done["message"])


def _invited(visit: Visit, done: Mapping[str, Any]) -> Response:
    """Show an invite link, on this answer alone."""
    return visit.page(
        "shown_once.html",
        title=f"Invitation of {done['user']}",
        label="Invite link",
        text=done["link"],
        user=done["user"],
        told=", and chooses their password",
        said=done["message"],
        back=address("users", done["user"]),
        crumbs=_CRUMBS,
    )


INVITE = Asking(
    f"{_ONE}/invite",
    "user.invite",
    lambda visit: f"Invite {visit.named('name')}",
    "Make the link",
    lambda _: (
        Group(
            "Invitation",
            (Field(("expires",), "The link is good for", help="A life such as 12h or 7d, or a time.", required=True),),
            "At the link they choose a password. It is shown once; send it to them and to nobody else.",
        ),
    ),
    lambda visit: (*_CRUMBS, (visit.named("name"), address("users", visit.named("name")))),
    _invited,
    lambda visit: {"name": visit.named("name")},
    lambda _: {"expires": "7d"},
    ("invitations", "sign_in"),
)


def subject(_: Visit, name: str) -> Subject:
    """Say which user is edited."""
    return Subject(name, {"name": name}, f"users.{name}", address("users", name), _CRUMBS)


EDITING = Editing(
    "user",
    "user",
    PATH,
    "/setup/new/user",
    subject,
    groups_of,
    "Such as alice, or an email address. It stays as it is.",
    start=lambda _: {"profile": "Standard User", "kind": UserKind.HUMAN.value},
    setting="define",
)


def found(visit: Visit) -> Iterator[Place]:
    """Yield every user, for Quick Find."""
    for name, user in visit.org.users.items():
        yield Place(user.label or name, address("users", name), "User", f"{name} {user.email}")


SECTION = Section(
    TITLE,
    PATH,
    "People and access",
    "user.list",
    (
        Page(PATH, get=list_all),
        *EDITING.pages(),
        Page(_ONE, get=show),
        Page(f"{_ONE}/assign", post=assign),
        Page(f"{_ONE}/unassign", post=unassign),
        Page(f"{_ONE}/active", post=activate),
        Page(f"{_ONE}/sign-out", post=sign_out),
        INVITE.page(),
    ),
    words="people person who can what can call deactivate invite",
    places=(Place("New User", EDITING.new_path, "Do", "create add person invite"),),
    found=found,
)
