"""Packages: code that the admin did not write, what it asked for, what it may reach, and what was overridden here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from callout.core.model.credentials import ExternalCredential, NamedCredential
from callout.engine.packages import WHAT_BECOMES
from callout.entrypoints.web.asking import Asking
from callout.entrypoints.web.forms import Field, Group, Kind
from callout.entrypoints.web.listing import listing
from callout.entrypoints.web.sections import Page, Place, Section
from callout.entrypoints.web.visit import Visit, address

TITLE, PATH, NEW = "Packages", "/setup/packages", "/setup/new/package"
Members = Mapping[str, Any]
_LABEL = Field(("label",), "Label", help="The title that people see.")
_VERSION = Field(("version",), "Version", help="Such as 1.2.")
_NAMESPACE = Field(
    ("namespace",), "Namespace", help="What its keys and tokens carry: 1 to 15 letters and digits.", required=True
)


def _manifest(told: str, *, required: bool = False) -> Field:
    return Field(("manifest",), "Manifest", Kind.LONG, told, required=required)


async def list_all(visit: Visit) -> Response:
    """List the packages."""
    rows: Sequence[Members] = (await visit.run("package.list"))["packages"]
    shown = listing(visit, rows, lambda r: f"{r['namespace']} {r['label']} {r['version']}")
    return visit.page("packages.html", title=TITLE, list=shown)


async def show(visit: Visit) -> Response:
    """Show one: what it asked for, what it may reach, what was overridden, its keys."""
    namespace = visit.named("namespace")
    found = await visit.run("package.show", namespace=namespace)
    keys, _ = await visit.attempt("key.list")
    own = [key for key in (keys or {"keys": []})["keys"] if key["namespace"] == namespace]
    named = sorted(visit.org.named_credentials.values(), key=lambda each: each.name)
    reached = [
        {"named": each, "made": each.created_by_namespace == namespace}
        for each in named
        if namespace in each.allowed_namespaces or each.created_by_namespace == namespace
    ]
    return visit.page(
        "package.html", package=found, keys=own, sees_keys=keys is not None, reached=reached, crumbs=_crumbs(visit)
    )


# --- forms --------------------------------------------------------------------------------------------------------


def _crumbs(_: Visit) -> tuple[tuple[str, str], ...]:
    return ((TITLE, PATH),)


def _crumbs_of_one(visit: Visit) -> tuple[tuple[str, str], ...]:
    namespace = visit.named("namespace")
    return ((TITLE, PATH), (namespace, address("packages", namespace)))


def _one(visit: Visit) -> dict[str, Any]:
    return {"namespace": visit.named("namespace")}


def _places(arguments: Members) -> tuple[str, ...]:
    return (f"packages.{arguments.get('namespace', '')}",)


def _to_its_page(visit: Visit, done: Members) -> Response:
    return visit.go(address("packages", done["namespace"]), done["message"])


def _installing(_: Visit) -> tuple[Group, ...]:
    told = (
        "What it asks for: its named credentials and external credentials, in YAML or JSON, without a secret. It waits."
    )
    return (Group("Package", (_NAMESPACE, _LABEL, _VERSION, _manifest(told))),)


def _upgrading(_: Visit) -> tuple[Group, ...]:
    told = "The manifest of the newer version. Secrets, overrides, and approvals of what stays the same are kept."
    return (Group("Newer version", (_VERSION, _LABEL, _manifest(told, required=True))),)


def _removing(visit: Visit) -> tuple[Group, ...]:
    labels = {
        "credentials": "What becomes of the credentials that it made",
        "secrets": "What becomes of their sealed values",
    }
    namespace = visit.named("namespace")
    made = [each for each in _made(visit) if each.created_by_namespace == namespace]
    names = {each.name for each in made if isinstance(each, ExternalCredential)}
    held = any(key.external_credential in names and values for key, values in visit.org.configured.items())
    asked = [question for question, needed in (("credentials", made), ("secrets", held)) if needed]
    fields = tuple(_answers(question, labels[question]) for question in asked)
    told = "" if fields else "It made nothing."
    return (Group(f"Remove {namespace}", fields, told),)


def _made(visit: Visit) -> tuple[NamedCredential | ExternalCredential, ...]:
    return (*visit.org.named_credentials.values(), *visit.org.external_credentials.values())


def _answers(question: str, label: str) -> Field:
    answers = ((answer, f"{answer.capitalize()}: {does}") for answer, does in WHAT_BECOMES[question].items())
    return Field((question,), label, Kind.CHOICE, "This has to be said.", choices=(("", "Choose…"), *answers))


INSTALLING = Asking(
    NEW,
    "package.install",
    lambda _: "Install a package",
    "Install",
    _installing,
    _crumbs,
    _to_its_page,
    about="Its namespace becomes known. What its manifest asks for is in force only when it is approved.",
    places=_places,
)
UPGRADING = Asking(
    f"{PATH}/{{namespace}}/upgrade",
    "package.upgrade",
    lambda visit: f"Upgrade {visit.named('namespace')}",
    "Upgrade",
    _upgrading,
    _crumbs_of_one,
    _to_its_page,
    fixed=_one,
    confirms=True,
    about="What would change is shown first.",
    places=_places,
)
REMOVING = Asking(
    f"{PATH}/{{namespace}}/remove",
    "package.remove",
    lambda visit: f"Remove {visit.named('namespace')}",
    "Remove",
    _removing,
    _crumbs_of_one,
    lambda visit, done: visit.go(PATH, done["message"]),
    fixed=_one,
    confirms=True,
    about="Its keys go with it, and its namespace leaves every named credential. What would go is shown first.",
    places=_places,
)


def found(visit: Visit) -> Iterator[Place]:
    """Yield every package, for Quick Find."""
    for namespace, package in visit.org.packages.items():
        yield Place(package.label or namespace, address("packages", namespace), "Package", namespace)


SECTION = Section(
    TITLE,
    PATH,
    "Packages",
    "package.list",
    (
        Page(PATH, get=list_all),
        INSTALLING.page(),
        Page(f"{PATH}/{{namespace}}", get=show),
        UPGRADING.page(),
        REMOVING.page(),
    ),
    words="namespace vendor app plug-in agent managed installed",
    places=(Place("Install a Package", NEW, "Do", "new add namespace"),),
    found=found,
)
