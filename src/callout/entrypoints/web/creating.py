"""Quick create: choose a preset, fill in one form, and have endpoint, authentication, principal and grant."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from callout.entrypoints.web.creating_form import Members, arguments_of, at_fields, groups_of, start_of
from callout.entrypoints.web.filters import words
from callout.entrypoints.web.forms import draw, placed, read, with_unfilled
from callout.entrypoints.web.sections import Page, Place, Section
from callout.entrypoints.web.visit import Visit, address

TITLE, PATH = "Quick Create", "/setup/create"
_CRUMBS = ((TITLE, PATH),)
#: A tag that so many presets have is a heading of the list.
_HEADING = 4
_REST = "More"
#: Tags that are written in capitals.
_INITIALS = frozenset({"ai", "aws", "ci", "crm", "hr", "llm", "sms", "sso", "cdn", "erp", "itsm"})
#: What is chosen brings fields with it, and what is chosen in those others: each reading knows the fields of one more.
_READINGS = ("protocol", "its parameters", "what those bring")
#: How long the page of what to do next can be opened again, in seconds.
_NEXT_LIFE = 86400.0


# --- choosing ----------------------------------------------------------------------------------------------------


async def choose(visit: Visit) -> Response:
    """Show the presets: all of them under headings, or those that words find."""
    await visit.demand(SECTION.operation)
    question, tag = visit.asked("q"), visit.asked("tag")
    rows: Sequence[Members] = (await visit.run("preset.list", words=question))["presets"]
    left = [row for row in rows if tag in row["tags"]] if tag else rows
    grouped = {"": left} if question or tag else _grouped(rows)
    titles = {name: protocol.title for name, protocol in visit.console.setup.catalogue.items()}
    return visit.page("create_choose.html", grouped=grouped, question=question, tag=tag, count=len(left), titles=titles)


def _grouped(rows: Sequence[Members]) -> dict[str, list[Members]]:
    """Put each preset under the first of its tags that several have."""
    counted = Counter(tag for row in rows for tag in row["tags"])
    grouped: dict[str, list[Members]] = {}
    for row in rows:
        heading = next((tag for tag in row["tags"] if counted[tag] >= _HEADING), None)
        grouped.setdefault(_heading(heading) if heading else _REST, []).append(row)
    return dict(sorted(grouped.items(), key=lambda item: (item[0] == _REST, item[0].lower())))


def _heading(tag: str) -> str:
    return tag.upper() if tag in _INITIALS else words(tag.replace("-", " "))


# --- one form ----------------------------------------------------------------------------------------------------


async def ask(visit: Visit) -> Response:
    """Show the form of a preset, to those who may create."""
    await visit.demand("named_credential.create")
    preset = await visit.run("preset.show", id=visit.named("id"))
    return _form(visit, preset, start_of(visit, preset))


async def ask_without(visit: Visit) -> Response:
    """Show the form without a preset, to those who may create."""
    await visit.demand("named_credential.create")
    return _form(visit, None, start_of(visit, None))


async def make(visit: Visit) -> Response:
    """Make what the form of a preset says."""
    await visit.demand(SECTION.operation)
    return await _made(visit, await visit.run("preset.show", id=visit.named("id")))


async def make_without(visit: Visit) -> Response:
    """Make what the form without a preset says."""
    await visit.demand(SECTION.operation)
    return await _made(visit, None)


async def _made(visit: Visit, preset: Members | None) -> Response:
    await visit.demand("named_credential.create")  # also to draw the form again
    form = visit.form
    definition: dict[str, Any] = {}
    for _ in _READINGS:
        definition = read(groups_of(visit, preset, definition), form, definition)
    if form.text("do") == "redraw":
        return _form(visit, preset, definition)
    dry = form.text("do") == "preview"
    arguments = arguments_of(visit, definition, preset)
    result, refused = await visit.attempt("named_credential.create", **arguments, dry_run=dry)
    if refused is not None:
        problems = placed(at_fields(refused, str(arguments.get("name", ""))), "form")
        problems = with_unfilled(problems, groups_of(visit, preset, definition), definition)
        return _form(visit, preset, definition, problems=problems, status=_status(refused))
    if dry:
        return _form(visit, preset, definition, plan=result)
    members = {key: result[key] for key in ("named_credential", "principal", "permission_set", "note", "next")}
    made = visit.console.links.seal("created", {**members, "id": visit.session.id}, _NEXT_LIFE)
    return RedirectResponse(f"{PATH}/next?{urlencode({'made': made})}", 303)


def _status(refused: Members) -> int:
    """Return the status of a refusal; a name that is not defined is a field that is wrong, not a page that is not there."""
    return 422 if refused["status"] == 404 else int(refused["status"])


def _form(
    visit: Visit,
    preset: Members | None,
    definition: Mapping[str, Any],
    *,
    problems: dict[tuple[str, ...], list[str]] | None = None,
    plan: Members | None = None,
    status: int = 200,
) -> Response:
    drawing = draw(groups_of(visit, preset, definition), definition, problems)
    title = f"New from preset: {preset['label']}" if preset is not None else "New without a preset"
    members = {"title": title, "preset": preset, "drawing": drawing, "plan": plan, "crumbs": _CRUMBS}
    return visit.page("create_form.html", status=status, **members)


# --- what to do next -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do, on which page, and the command that does the same."""

    say: str
    path: str
    act: str
    command: str


async def show_next(visit: Visit) -> Response:
    """Show what was made, and what is to be done with it."""
    made = visit.console.links.open("created", visit.asked("made"))
    if made is None or made["id"] != visit.session.id:
        return visit.go(PATH)
    steps = [_step(visit, step) for step in made["next"]]
    return visit.page("create_next.html", made=made, steps=steps, crumbs=_CRUMBS)


def _step(visit: Visit, step: Mapping[str, Any]) -> Step:
    """Return a step with the page on which it is done, and what is done there."""
    command, user = str(step["command"]), step["user"]
    _, noun, *rest = shlex.split(command)
    say = str(step["say"])
    match noun, rest:
        case "certificate", [verb, name, *_]:
            return Step(say, address("certificates", name), "Import" if verb == "import" else "Show", command)
        case "identity-provider", [verb, name, *_]:
            path = address("identity-providers", name)
            return Step(say, path, "Set its client" if verb == "set-secret" else "Show the callback URL", command)
        case "secret", [_, reference, *_]:
            return Step(say, _principal(reference), "Set its values", command)
        case "permission-set", ["create", *_]:
            return Step(say, "/setup/new/permission-set", "New permission set", command)
        case "permission-set", [_, name, *_]:
            return Step(say, address("permission-sets", name), "Assign it", command)
        case "connect", [reference, *options]:
            own = "--user" in options and user == visit.session.user
            return Step(say, "/setup/connections" if own else _principal(reference), "Authenticate", command)
        case _:
            return Step(say, f"/setup/try?{urlencode(_trial(command, user))}", "Try it", command)


def _principal(reference: str) -> str:
    external, _, principal = reference.partition("/")
    return address("external-credentials", external, "principals", principal)


def _trial(command: str, user: str | None) -> dict[str, str]:
    """Return what the page of Try it begins with, from the command that does the same."""
    _, _, target, *options = shlex.split(command)
    name, slash, rest = target.partition("/")
    path, _, query = rest.partition("?")
    trial = {"name": name, "user": user or "", "path": slash + path, "query": query}
    if "-d" in options:
        trial |= {"method": "POST", "body": options[options.index("-d") + 1]}
        trial["headers"] = options[options.index("-H") + 1]
    return {key: value for key, value in trial.items() if value}


# --- Quick Find ----------------------------------------------------------------------------------------------------


def found(visit: Visit) -> Iterator[Place]:
    """Yield a place for every preset."""
    for preset in visit.console.operations.uses.presets():
        told = f"{preset.id} {preset.description} {' '.join(preset.tags)}"
        yield Place(f"New from preset: {preset.label}", address("create", "preset", preset.id), "Preset", told)


SECTION = Section(
    TITLE,
    PATH,
    "Integrations",
    "named_credential.create",
    (
        Page(PATH, get=choose),
        Page(f"{PATH}/next", get=show_next),
        Page(f"{PATH}/preset/{{id}}", get=ask, post=make),
        Page(f"{PATH}/without-preset", get=ask_without, post=make_without),
    ),
    words="new preset add connect integration api template",
    places=(Place("New without a preset", f"{PATH}/without-preset", "Do", "create endpoint custom api"),),
    found=found,
)
