"""The form of one operation that is no definition: its fields are the arguments, and its preview shows what it would do."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from callout.engine.operations.preview import PREVIEWED
from callout.entrypoints.web.forms import Group, draw, placed, read
from callout.entrypoints.web.sections import Page
from callout.entrypoints.web.visit import Visit

Arguments = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asking:
    """A form at `path` that runs an operation.

    `fixed` are arguments that the path says, `start` what the form begins with, `prefixes` the places that problems of
    it are named by; `done` answers with what the operation returned. `about` is a line under the title, `arguments`
    makes the arguments of what the form says, `places` are prefixes that follow from those, `moved` the fields of problems
    that no field is called like. One that `confirms` runs only where the form says the same as when what it would do was
    shown.
    """

    path: str
    operation: str
    title: Callable[[Visit], str]
    submit: str
    groups: Callable[[Visit], tuple[Group, ...]]
    crumbs: Callable[[Visit], tuple[tuple[str, str], ...]]
    done: Callable[[Visit, Mapping[str, Any]], Response]
    fixed: Callable[[Visit], Arguments] = lambda _: {}
    start: Callable[[Visit], Arguments] = lambda _: {}
    prefixes: tuple[str, ...] = ()
    about: str = ""
    arguments: Callable[[Arguments], Arguments] = lambda given: given
    places: Callable[[Arguments], tuple[str, ...]] = lambda _: ()
    moved: Mapping[str, str] = field(default_factory=dict)
    confirms: bool = False
    template: str = "operation_form.html"

    def page(self) -> Page:
        """Return the page of the form."""
        return Page(self.path, get=self.ask, post=self.act)

    async def ask(self, visit: Visit) -> Response:
        """Show the form, to those who may run the operation."""
        await visit.demand(self.operation)
        return self._form(visit, self.start(visit))

    async def act(self, visit: Visit) -> Response:
        """Run the operation as the form says, or show what it would do."""
        await visit.demand(self.operation)
        given = {**read(self.groups(visit), visit.form, {}), **self.fixed(visit)}
        if visit.form.text("do") == "redraw":
            return self._form(visit, given)
        arguments = self.arguments(given)
        shown = not self.confirms or visit.form.raw("seen") == _seen(visit, given)
        dry = visit.form.text("do") == "preview" or not shown
        if dry:
            done, refused = await visit.attempt("preview", operation=self.operation, arguments=arguments)
        else:
            done, refused = await visit.attempt(self.operation, **arguments)
        if refused is not None:
            await visit.demand(self.operation)
            found = placed(refused, *self.prefixes, *self.places(arguments))
            problems = {tuple(self.moved.get(part, part) for part in place): texts for place, texts in found.items()}
            return self._form(visit, given, problems, status=int(refused["status"]))
        return self._form(visit, given, plan=done) if dry else self.done(visit, done)

    def _form(
        self,
        visit: Visit,
        arguments: Arguments,
        problems: dict[tuple[str, ...], list[str]] | None = None,
        *,
        plan: Mapping[str, Any] | None = None,
        status: int = 200,
    ) -> Response:
        crumbs = self.crumbs(visit)
        to_confirm = self.confirms and plan is not None
        return visit.page(
            self.template,
            status=status,
            title=self.title(visit),
            about=self.about,
            submit=f"Yes: {self.submit.lower()}" if to_confirm else self.submit,
            hidden={"seen": _seen(visit, arguments) if to_confirm else ""} if self.confirms else {},
            drawing=draw(self.groups(visit), arguments, problems),
            plan=plan,
            previews=self.operation in PREVIEWED,
            crumbs=crumbs,
            back=crumbs[-1][1],
        )


def _seen(visit: Visit, given: Arguments) -> str:
    """Return what says, to this session, that a form says the same as when what it would do was shown."""
    text = json.dumps(given, sort_keys=True)
    return hmac.new(visit.session.id.encode(), text.encode(), hashlib.sha256).hexdigest()


async def confirmed(
    visit: Visit, operation: str, arguments: Arguments, title: str, submit: str, back: str
) -> Mapping[str, Any] | Response:
    """Run what cannot be taken back where that was confirmed, else show what it would do; returns what it returned."""
    if visit.form.text("do") == "confirm":
        done: Mapping[str, Any] = await visit.run(operation, **arguments)
        return done
    plan = await visit.run("preview", operation=operation, arguments=arguments)
    return visit.page("confirm.html", title=title, submit=submit, plan=plan, back=back)
