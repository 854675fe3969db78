"""Manifest: everything that is defined as one text, and a text put in force after what it would change was shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from callout.entrypoints.web.asking import Asking
from callout.entrypoints.web.forms import Field, Group, Kind
from callout.entrypoints.web.sections import Page, Place, Section
from callout.entrypoints.web.visit import Visit

TITLE, PATH = "Manifest", "/setup/manifest"
EXPORT = f"{PATH}/export"
#: What a manifest that may hold a secret value says; such a one is not written back into the page.
_SECRETS = "secrets"


def groups_of(visit: Visit) -> tuple[Group, ...]:
    """Return the form: the text, what it refers to, and whether what it does not name goes."""
    sealed = _SECRETS in visit.form.raw("manifest")
    told = "YAML or JSON, as it is exported. What it names is made or changed; nothing is changed before you saw it."
    if sealed:
        told += " It may hold secrets, so it is not shown again: paste it again, where your browser did not keep it."
    return (
        Group(
            "Put a manifest in force",
            (
                Field(("manifest",), "Manifest", Kind.KEY if sealed else Kind.LONG, told, required=True),
                Field(
                    ("prune",),
                    "Prune",
                    Kind.CHECK,
                    "What the manifest does not name goes, with its secrets, in each section that it has.",
                ),
                Field(
                    ("references",),
                    "Values that it refers to",
                    Kind.ROWS,
                    "What {env: NAME} stands for.",
                    fields=(Field(("name",), "NAME"), Field(("value",), "Value", Kind.SECRET)),
                    row="value",
                ),
            ),
        ),
    )


async def show(visit: Visit) -> Response:
    """Show the form to those who may apply, and the ways to export to all who may look."""
    if visit.may("apply"):
        return await APPLYING.ask(visit)
    await visit.demand("export")
    return visit.page("manifest.html", title=TITLE, about=APPLYING.about, crumbs=APPLYING.crumbs(visit))


async def export(visit: Visit) -> Response:
    """Show everything that is defined as a manifest, without a secret."""
    made = await visit.run("export")
    return visit.page("manifest_export.html", manifest=made["manifest"], crumbs=((TITLE, PATH),))


async def download(visit: Visit) -> Response:
    """Send everything that is defined as a file."""
    made = await visit.run("export")
    headers = {"Content-Disposition": 'attachment; filename="callout.yaml"'}
    return Response(made["manifest"], media_type="application/yaml", headers=headers)


def _arguments(given: dict[str, Any]) -> dict[str, Any]:
    rows = given.get("references") or ()
    values = {f"env:{row.get('name', '')}": row["value"] for row in rows if row.get("value")}
    return {**given, "references": values, "source": "manifest in Setup"}


def _done(visit: Visit, done: Mapping[str, Any]) -> Response:
    warnings = " ".join(str(each) for each in done["warnings"])
    return visit.go(PATH, f"{done['message']} {warnings}".strip())


APPLYING = Asking(
    PATH,
    "apply",
    lambda _: TITLE,
    "Apply",
    groups_of,
    lambda _: (("Setup", "/setup"),),
    _done,
    arguments=_arguments,
    confirms=True,
    template="manifest.html",
    about="Everything that is defined, as one text: kept under version control, and the same on every installation.",
)
SECTION = Section(
    TITLE,
    PATH,
    "Integrations",
    "export",
    (Page(PATH, get=show, post=APPLYING.act), Page(EXPORT, get=export), Page(f"{PATH}/callout.yaml", get=download)),
    words="yaml export import apply plan backup gitops configuration salesforce metadata",
    places=(Place("Export Everything", EXPORT, "Do", "manifest yaml download backup"),),
)
