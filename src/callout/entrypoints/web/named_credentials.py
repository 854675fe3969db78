"""Named Credentials: where external systems are, who may call them from which code, and what could spend what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from callout.core.access.approvals import pending_requests
from callout.core.model.credentials import LimitScope
from callout.core.model.org import Org
from callout.entrypoints.web.editing import Editing, Subject
from callout.entrypoints.web.forms import Field, Group, Kind
from callout.entrypoints.web.listing import listing
from callout.entrypoints.web.sections import Page, Place, Section
from callout.entrypoints.web.visit import Visit, address

TITLE, PATH = "Named Credentials", "/setup/named-credentials"
_CRUMBS = ((TITLE, PATH),)
HEADERS = Field(
    ("headers",),
    "Custom Headers",
    Kind.ROWS,
    "Headers that Callout writes. {!…} in a value is a formula, such as {!$Credential.Name.Secret}.",
    fields=(Field(("name",), "Name"), Field(("value",), "Value")),
    row="header",
)
_LIMITS = Field(
    ("rate_limits",),
    "Rate limits",
    Kind.ROWS,
    "At most so many calls each so many seconds. One that observes refuses nothing, and counts.",
    fields=(
        Field(("calls",), "Calls", Kind.NUMBER),
        Field(("seconds",), "Each so many seconds", Kind.NUMBER),
        Field(
            ("per",), "Per", Kind.CHOICE, choices=(("", "caller"), (LimitScope.NAMED_CREDENTIAL, "named credential"))
        ),
        Field(("observe",), "Observe only", Kind.CHECK),
    ),
    row="limit",
)


def groups_of(visit: Visit, _: Mapping[str, Any]) -> tuple[Group, ...]:
    """Return the form of a named credential."""
    return (_WHERE, _authentication(visit.org), _options(visit.org), _RULES)


_WHERE = Group(
    "Where it is",
    (
        Field(("label",), "Label", help="The title that people see."),
        Field(("url",), "URL", Kind.URL, "Callers add a path and query to it; they cannot change its host.", True),
        Field(
            ("enabled_for_callouts",),
            "Enabled for Callouts",
            Kind.CHECK,
            "Off: nobody's callouts by this name are made. What code of a package creates starts off.",
            absent=True,
        ),
        Field(("description",), "Description", Kind.LONG),
    ),
)


def _authentication(org: Org) -> Group:
    certificates = (("", "None"), *((name, name) for name in sorted(org.certificates)))
    external = (("", "Choose…"), *((name, name) for name in sorted(org.external_credentials)))
    return Group(
        "Authentication",
        (
            Field(
                ("external_credential",),
                "External Credential",
                Kind.CHOICE,
                "How it is authenticated to, and as whom.",
                required=True,
                choices=external,
                see=("New External Credential", "/setup/new/external-credential"),
            ),
            Field(
                ("client_certificate",),
                "Client Certificate",
                Kind.CHOICE,
                "Presented in TLS.",
                choices=certificates,
                see=("Certificates and keys", "/setup/certificates"),
            ),
            Field(
                ("generate_authorization_header",),
                "Generate Authorization Header",
                Kind.CHECK,
                "Off: the headers below authenticate, and the protocol writes none.",
                absent=True,
            ),
            HEADERS,
        ),
    )


def _options(org: Org) -> Group:
    return Group(
        "Callout Options",
        (
            Field(
                ("allowed_namespaces",),
                "Allowed Namespaces for Callouts",
                Kind.PICK,
                "Packages whose code may call by this name. Your own code needs no entry.",
                options=tuple(sorted(org.packages)),
            ),
            Field(
                ("allow_merge_fields_in_header",),
                "Allow Formulas in HTTP Header",
                Kind.CHECK,
                "{!…} in headers that callers send is evaluated.",
            ),
            Field(
                ("allow_merge_fields_in_body",),
                "Allow Formulas in HTTP Body",
                Kind.CHECK,
                "{!…} in bodies that callers send is evaluated.",
            ),
            Field(
                ("allow_private_network",),
                "Allow private network",
                Kind.CHECK,
                "For a host on a private or loopback address; http:// is allowed only then.",
            ),
        ),
    )


_RULES = Group(
    "Limits and replay",
    (
        Field(("allowed_methods",), "Allowed methods", Kind.LINES, "One a line; none: any."),
        Field(
            ("allowed_paths",),
            "Allowed paths",
            Kind.LINES,
            "Patterns of what follows the URL, one a line: * within a segment, ** for any; none: any.",
        ),
        _LIMITS,
        Field(
            ("replay_methods",),
            "Replay methods",
            Kind.LINES,
            "Methods that may be sent again after a refresh, and no others; none: the idempotent ones.",
        ),
        Field(
            ("idempotency_header",),
            "Idempotency header",
            help="A header by which the external system knows a repeated request, such as Idempotency-Key.",
        ),
    ),
    folded=True,
)


async def list_all(visit: Visit) -> Response:
    """List the named credentials."""
    rows: Sequence[dict[str, Any]] = (await visit.run("named_credential.list"))["named_credentials"]
    shown = listing(visit, rows, lambda r: f"{r['name']} {r['label']} {r['url']} {r['external_credential']}")
    return visit.page("named_credentials.html", title=TITLE, list=shown)


async def show(visit: Visit) -> Response:
    """Show one: its settings, who can call it, and the switches."""
    name = visit.named("name")
    found = await visit.run("named_credential.show", name=name)
    able = await visit.run("who_can", name=name) if visit.may("who_can") else None
    waiting = [each for each in pending_requests(visit.org) if each.named_credential.name == name]
    requests = waiting if visit.may("approvals.list") else []
    return visit.page("named_credential.html", named=found, able=able, requests=requests, crumbs=_CRUMBS)


async def switch(visit: Visit) -> Response:
    """Enable or disable one for callouts."""
    name = visit.named("name")
    operation = "named_credential.enable" if visit.form.text("enabled") == "true" else "named_credential.disable"
    done = await visit.run(operation, name=name)
    return visit.go(address("named-credentials", name), done["message"])


def subject(_: Visit, name: str) -> Subject:
    """Say which named credential is edited."""
    path = address("named-credentials", name)
    return Subject(name, {"name": name}, f"named_credentials.{name}", path, _CRUMBS)


def start(visit: Visit) -> dict[str, Any]:
    """Return what a new one begins with: what the page that led here knows."""
    return {name: visit.asked(name) for name in ("external_credential", "url") if visit.asked(name)}


EDITING = Editing(
    "named credential",
    "named_credential",
    PATH,
    "/setup/new/named-credential",
    subject,
    groups_of,
    "Callers use it: callout:Name/path. It stays as it is.",
    start=start,
)


def found(visit: Visit) -> Iterator[Place]:
    """Yield every named credential, for Quick Find."""
    for name, named in visit.org.named_credentials.items():
        yield Place(named.label or name, address("named-credentials", name), "Named Credential", f"{name} {named.url}")


SECTION = Section(
    TITLE,
    PATH,
    "Integrations",
    "named_credential.list",
    (
        Page(PATH, get=list_all),
        *EDITING.pages(),
        Page(f"{PATH}/{{name}}", get=show),
        Page(f"{PATH}/{{name}}/enabled", post=switch),
    ),
    words="endpoint url callout external system enabled for callouts allowed namespaces formulas remote site settings",
    places=(Place("New Named Credential", EDITING.new_path, "Do", "create add endpoint"),),
    found=found,
)
