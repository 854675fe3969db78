"""One form for one operation: asked for, shown what it would change, done; problems stand at their fields."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from callout.entrypoints.web.forms import Group, draw, placed, read
from callout.entrypoints.web.sections import Page
from callout.entrypoints.web.visit import Visit

Members = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Performing:
    """A form and what it does.

    `title` and `crumbs` are told from the visit, `groups` are the fields, `start` what they hold at first. `fixed` are
    the arguments that the address gives, `arguments` makes those of the operation of what the form says; `places` where its problems stand, `moved` the fields of those that no field is
    called like; `done` what is answered when it is done. One that `confirms` is done only where what it would change was
    shown before, with the same in the form.
    """

    path: str
    operation: str
    title: Callable[[Visit], str]
    about: str
    submit: str
    groups: Callable[[Visit], tuple[Group, ...]]
    done: Callable[[Visit, Members], Response]
    places: Callable[[Members], tuple[str, ...]]
    crumbs: Callable[[Visit], tuple[tuple[str, str], ...]]
    fixed: Callable[[Visit], dict[str, Any]] = lambda _: {}
    start: Callable[[Visit], dict[str, Any]] = lambda _: {}
    moved: Mapping[str, str] = field(default_factory=dict)
    arguments: Callable[[dict[str, Any]], dict[str, Any]] = lambda given: given
    confirms: bool = False
    template: str = "performing.html"

    def page(self) -> Page:
        """Return the page of it."""
        return Page(self.path, get=self.ask, post=self.do)

    async def ask(self, visit: Visit) -> Response:
        """Show the form, to those who may do it: it holds names that are not everybody's."""
        await visit.demand(self.operation)
        return self._form(visit, self.start(visit))

    async def do(self, visit: Visit) -> Response:
        """Do what the form says, or show what it would change."""
        await visit.demand(self.operation)
        given = read(self.groups(visit), visit.form, {})
        if visit.form.text("do") == "redraw":
            return self._form(visit, given)
        said = {name: value for name, value in given.items() if value is not None}
        arguments = {**self.arguments(said), **self.fixed(visit)}
        seen = visit.form.raw("seen") == _seen(visit, given)
        dry = visit.form.text("do") == "preview" or (self.confirms and not seen)
        if dry:
            result, refused = await visit.attempt("preview", operation=self.operation, arguments=arguments)
        else:
            result, refused = await visit.attempt(self.operation, **arguments)
        if refused is not None:
            found = placed(refused, *self.places(arguments))
            problems = {tuple(self.moved.get(part, part) for part in place): texts for place, texts in found.items()}
            return self._form(visit, given, problems=problems, status=int(refused["status"]))
        return self._form(visit, given, plan=result) if dry else self.done(visit, result)

    def _form(
        self,
        visit: Visit,
        given: Members,
        *,
        problems: dict[tuple[str, ...], list[str]] | None = None,
        plan: Members | None = None,
        status: int = 200,
    ) -> Response:
        crumbs = self.crumbs(visit)
        confirmed = self.confirms and plan is not None
        return visit.page(
            self.template,
            status=status,
            title=self.title(visit),
            about=self.about,
            submit=f"Yes: {self.submit.lower()}" if confirmed else self.submit,
            hidden={"seen": _seen(visit, given)} if confirmed else {},
            drawing=draw(self.groups(visit), given, problems),
            plan=plan,
            crumbs=crumbs,
            back=crumbs[-1][1],
        )


def _seen(visit: Visit, given: Members) -> str:
    """Return what says, to this session, that a form holds the same as when what it would change was shown."""
    text = json.dumps(given, sort_keys=True)
    return hmac.new(visit.session.id.encode(), text.encode(), hashlib.sha256).hexdigest()
