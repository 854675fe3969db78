"""Making, changing and removing one definition with a form: the same for every kind of definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from callout.entrypoints.web.forms import Field, Group, draw, placed, read, with_unfilled
from callout.entrypoints.web.sections import Page
from callout.entrypoints.web.visit import Visit, number_in

NEW = 0
#: The status of a definition that somebody else changed since it was shown.
CHANGED = 409
#: How often a form is read: a protocol brings a choice with it, which brings fields with it, in which something is chosen.
MOST_READINGS = 4
Definition = Mapping[str, Any]
#: From who asks and the definition as it stands in the form to its groups of fields.
Groups = Callable[[Visit, Definition], tuple[Group, ...]]


@dataclass(frozen=True, slots=True)
class Subject:
    """One definition that is edited: `name` is empty for a new one.

    `arguments` are those of its operations that say which one it is, `place` is where a manifest has it, `path` its page,
    `crumbs` the way there.
    """

    name: str
    arguments: Mapping[str, Any]
    place: str
    path: str
    crumbs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Editing:
    """The forms of one kind of definition.

    `path` is where its list stands, `new_path` the form of a new one (no name could stand there: `/setup/new/…`).
    `operations` are what its `show`, `set` and `remove` are called before the dot; `subject` says from a visit and a name
    which definition is meant; `start` what the form of a new one holds. `settled` takes out of what was read what has no
    place beside the rest of it any more; it is told what was there before. `setting` and `removing` are the verbs of its operations.
    """

    noun: str
    operations: str
    path: str
    new_path: str
    subject: Callable[[Visit, str], Subject]
    groups: Groups
    name_help: str = "It stays as it is."
    parameter: str = "name"
    start: Callable[[Visit], dict[str, Any]] = lambda _: {}
    settled: Callable[[Visit, Definition, dict[str, Any]], dict[str, Any]] = lambda _visit, _before, definition: (
        definition
    )
    setting: str = "set"
    removing: str = "remove"

    def pages(self) -> tuple[Page, ...]:
        """Return the pages that make, change and remove one."""
        one = f"{self.path}/{{{self.parameter}}}"
        return (
            Page(self.new_path, get=self.ask_new, post=self.make),
            Page(f"{one}/edit", get=self.ask_edit, post=self.edit),
            Page(f"{one}/remove", post=self.remove),
        )

    async def ask_new(self, visit: Visit) -> Response:
        """Show the form of a new one."""
        await visit.demand(f"{self.operations}.{self.setting}")
        return self._form(visit, self.subject(visit, ""), "", self.start(visit), NEW)

    async def make(self, visit: Visit) -> Response:
        """Make one as a form says."""
        await visit.demand(f"{self.operations}.{self.setting}")
        return await self._saved(visit, visit.form.text("name"), {}, new=True)

    async def ask_edit(self, visit: Visit) -> Response:
        """Show the form of one that is there."""
        await visit.demand(f"{self.operations}.{self.setting}")
        subject = self.subject(visit, visit.named(self.parameter))
        found = await visit.run(f"{self.operations}.show", **subject.arguments)
        return self._form(visit, subject, subject.name, found["definition"], found["version"])

    async def edit(self, visit: Visit) -> Response:
        """Change one as a form says."""
        await visit.demand(f"{self.operations}.{self.setting}")
        subject = self.subject(visit, visit.named(self.parameter))
        found = await visit.run(f"{self.operations}.show", **subject.arguments)
        return await self._saved(visit, subject.name, found["definition"], new=False)

    async def remove(self, visit: Visit) -> Response:
        """Show what goes with one; remove it where that was confirmed."""
        subject = self.subject(visit, visit.named(self.parameter))
        operation = f"{self.operations}.{self.removing}"
        if visit.form.text("do") == "remove":
            done = await visit.run(operation, **subject.arguments)
            return visit.go(subject.crumbs[-1][1], done["message"])
        done = await visit.run("preview", operation=operation, arguments=dict(subject.arguments))
        return visit.page("remove.html", noun=self.noun, name=subject.name, plan=done, back=subject.path)

    async def _saved(self, visit: Visit, name: str, before: Definition, *, new: bool) -> Response:
        """Read the form until it says nothing more: what it says first may bring fields with it, which are in it too."""
        subject, form = self.subject(visit, name), visit.form
        definition: dict[str, Any] = dict(before)
        for _ in range(MOST_READINGS):
            before, definition = definition, read(self.groups(visit, definition), form, definition)
            definition = self.settled(visit, before, definition)
            if before == definition:
                break
        version = number_in(form.text("version")) or NEW
        shown = "" if new else name
        if form.text("do") == "redraw":
            return self._form(visit, subject, shown, definition, version, typed=name)
        dry = form.text("do") == "preview"
        arguments = {**subject.arguments, "definition": pruned(definition), "expects": version, "dry_run": dry}
        plan, refused = await visit.attempt(f"{self.operations}.{self.setting}", **arguments)
        if refused is not None:
            problems = with_unfilled(placed(refused, subject.place), self.groups(visit, definition), definition)
            status = int(refused["status"])
            return self._form(visit, subject, shown, definition, version, problems, typed=name, status=status)
        if dry:
            return self._form(visit, subject, shown, definition, version, typed=name, plan=plan)
        return visit.go(subject.path, plan["message"])

    def _form(
        self,
        visit: Visit,
        subject: Subject,
        name: str,
        definition: Definition,
        version: int,
        problems: dict[tuple[str, ...], list[str]] | None = None,
        *,
        typed: str = "",
        plan: dict[str, Any] | None = None,
        status: int = 200,
    ) -> Response:
        groups = self.groups(visit, definition)
        if not name:
            named = Field(("name",), "Name", help=self.name_help, required=True)
            groups = (Group("Name", (named,)), *groups)
            definition = {**definition, "name": typed}
        return visit.page(
            "definition_form.html",
            status=status,
            title=f"Edit {name}" if name else f"New {self.noun}",
            drawing=draw(groups, definition, problems),
            version=version,
            plan=plan,
            changed=status == CHANGED,
            crumbs=subject.crumbs,
            back=subject.path if name else subject.crumbs[-1][1],
        )


def pruned(definition: Definition) -> dict[str, Any]:
    """Leave out mappings in which nothing stands: `parameters: {}` says no more than nothing."""
    return {name: value for name, value in definition.items() if value != {}}
