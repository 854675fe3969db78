"""A definition as its page shows it where nothing else is to be told: the fields of its form, read instead of written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from callout.entrypoints.web.editing import Editing
from callout.entrypoints.web.forms import Field, Group, Kind, at
from callout.entrypoints.web.visit import Visit


async def show(visit: Visit, editing: Editing, about: str, acts: Sequence[tuple[str, str]] = ()) -> Response:
    """Show one, with what changes and removes it for those who may. `acts` are other forms of it, by their labels."""
    subject = editing.subject(visit, visit.named(editing.parameter))
    found = await visit.run(f"{editing.operations}.show", **subject.arguments)
    definition = found["definition"]
    return visit.page(
        "definition.html",
        name=subject.name,
        title=definition.get("label") or subject.name,
        about=about,
        path=subject.path,
        acts=acts,
        facts=facts_of(editing.groups(visit, definition), definition),
        may_change=visit.may(f"{editing.operations}.{editing.setting}"),
        crumbs=subject.crumbs,
    )


def facts_of(
    groups: Iterable[Group], definition: Mapping[str, Any]
) -> list[tuple[str, list[tuple[str, Sequence[str]]]]]:
    """Return each group with its fields, and the texts that each holds."""
    return [
        (group.title, [(each.label, texts_of(each, at(definition, each.path))) for each in group.fields])
        for group in groups
    ]


def texts_of(field: Field, value: Any) -> Sequence[str]:
    """Return what a field holds as texts to read; none where it is empty."""
    if field.kind is Kind.CHECK:
        return ["Yes" if value else "No"]
    if isinstance(value, Mapping):
        return [f"{name}: {text or 'none'}" for name, text in value.items()]
    worded = dict(field.choices)
    if isinstance(value, (list, tuple)):
        return [worded.get(each, str(each)) for each in value]
    return [worded.get(value, str(value))] if value not in (None, "") else []
