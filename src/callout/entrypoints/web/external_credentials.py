"""External Credentials: how external systems are authenticated to, as whom, and when a token is stale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from callout.core.errors import Refused
from callout.engine.operations import document_of
from callout.entrypoints.web import principals
from callout.entrypoints.web.editing import Editing, Subject
from callout.entrypoints.web.forms import Field, Group, Kind
from callout.entrypoints.web.listing import listing
from callout.entrypoints.web.named_credentials import HEADERS
from callout.entrypoints.web.protocol_fields import protocol_choices, protocol_groups, protocol_of, settled
from callout.entrypoints.web.remedies import mendings
from callout.entrypoints.web.sections import Page, Place, Section
from callout.entrypoints.web.visit import Visit, address, number_in

TITLE, PATH = "External Credentials", "/setup/external-credentials"
_CRUMBS = ((TITLE, PATH),)

STATUS_CODES = Field(
    ("additional_status_codes",),
    "Additional Status Codes for Token Refresh",
    Kind.NUMBERS,
    "Statuses beside 401 that mean stale credentials, with commas: 4xx, 6xx, 7xx, 8xx and 9xx, such as 400, 601."
    " A 1xx to 3xx refuses nothing, and a 5xx is the external system's own failure: where one of those"
    " says that a token is stale, name a sign in its header or body in",
    see=("Refresh Rules", "#f-refresh_rules"),
)
_RULES = Field(
    ("refresh_rules",),
    "Refresh Rules",
    Kind.ROWS,
    "An answer with one of the statuses, and the sign in its header or body where one is named, means stale credentials.",
    fields=(
        Field(("statuses",), "Statuses", Kind.NUMBERS, "Such as 200, 500."),
        Field(("header", "name"), "Header", help="Such as WWW-Authenticate."),
        Field(("header", "contains"), "Header contains", Kind.LINES, "One a line, in any case."),
        Field(("header", "matches"), "Header matches", Kind.LINES, "One a line; * is any text."),
        Field(("body", "json_pointer"), "JSON pointer", help="Where in the body the value is, such as /error/code."),
        Field(("body", "equals"), "Value there equals", Kind.LINES, "One a line."),
        Field(("body", "soap_fault_code"), "SOAP fault code", Kind.LINES, "One a line."),
        Field(("body", "text"), "Body contains", Kind.LINES, "One a line; in the first 64 KiB."),
        Field(
            ("content_types",), "Content types", Kind.LINES, "Media types that a body is judged in; none: the usual."
        ),
    ),
    row="rule",
)
_PRIVATE = Field(
    ("allow_private_network",),
    "Allow private network",
    Kind.CHOICE,
    "Whether the token endpoint may be on a private or loopback address; http:// is allowed only there.",
    choices=(("", "As the named credentials that use it"), ("true", "Yes"), ("false", "No")),
)


def groups_of(visit: Visit, definition: Mapping[str, Any]) -> tuple[Group, ...]:
    """Return the form of an external credential; the protocol that it names says which fields it has."""
    protocol = protocol_of(visit, definition)
    chosen = Field(
        ("protocol",),
        "Authentication Protocol",
        Kind.CHOICE,
        "The form has its fields when one is chosen.",
        required=True,
        choices=protocol_choices(visit),
        redraws=True,
    )
    return (
        Group(
            "External Credential",
            (
                Field(("label",), "Label", help="The title that people see."),
                Field(("description",), "Description", Kind.LONG),
                chosen,
            ),
            warning=f"{protocol.warning[:1].upper()}{protocol.warning[1:]}."
            if protocol is not None and protocol.warning
            else "",
        ),
        *(protocol_groups(visit, protocol, definition) if protocol is not None else ()),
        Group("Token refresh", (STATUS_CODES,)),
        Group(
            "Refresh Rules and times",
            (
                _RULES,
                Field(
                    ("refresh_debounce",),
                    "Refresh debounce",
                    Kind.NUMBER,
                    "Seconds for which rules stay quiet after a refresh that did not help; none: as the server is set up.",
                ),
                Field(
                    ("inactivity_limit",),
                    "Inactivity limit",
                    help="How long the provider lets a refresh token lie unused, such as 30d: it is refreshed before; none: never.",
                ),
            ),
            folded=True,
        ),
        Group("Headers", (HEADERS,)),
        Group("Network", (_PRIVATE,), folded=True),
    )


async def list_all(visit: Visit) -> Response:
    """List the external credentials, each with its principals and what they lack."""
    rows: Sequence[dict[str, Any]] = (await visit.run("external_credential.list"))["external_credentials"]
    catalogue = visit.console.setup.catalogue
    for row in rows:
        row["title"] = catalogue[row["protocol"]].title if row["protocol"] in catalogue else row["protocol"]
    shown = listing(visit, rows, lambda r: f"{r['name']} {r['label']} {r['title']} {r['protocol']}")
    states = await principals.states(visit)
    return visit.page("external_credentials.html", title=TITLE, list=shown, states=states)


async def show(visit: Visit) -> Response:
    """Show one: its settings, its principals, the statuses that refresh."""
    return await _page(visit)


async def _page(visit: Visit, problem: dict[str, Any] | None = None, typed: str = "") -> Response:
    name = visit.named("name")
    found = await visit.run("external_credential.show", name=name)
    protocol, status = protocol_of(visit, found), await principals.health(visit)
    suggestions = [
        {**each, "mendings": mendings(visit, each["remedy"], [each["command"]])}
        for each in status["suggestions"]
        if each["external_credential"] == name
    ]
    return visit.page(
        "external_credential.html",
        status=int(problem["status"]) if problem is not None else 200,
        external=found,
        title=protocol.title if protocol is not None else found["protocol"],
        interactive=protocol is not None and protocol.interactive,
        warning=protocol.warning if protocol is not None else "",
        states=principals.states_in(status),
        suggestions=suggestions,
        problem=problem,
        typed=typed,
        crumbs=_CRUMBS,
    )


async def change_status_codes(visit: Visit) -> Response:
    """Add a status to those that refresh the token, or take one off."""
    name, form = visit.named("name"), visit.form
    text = form.text("status")
    status = number_in(text)
    if status is None:
        detail = f"got {text[:40]!r}; expected a status of 400 to 499 or 600 to 999, such as 601"
        return await _page(visit, document_of(Refused("malformed_request", detail)), text)
    operation = "remove_status_code" if form.text("do") == "remove" else "add_status_code"
    done, refused = await visit.attempt(f"external_credential.{operation}", name=name, status=status)
    if refused is not None:
        return await _page(visit, refused, text)
    return visit.go(address("external-credentials", name), done["message"])


def subject(_: Visit, name: str) -> Subject:
    """Say which external credential is edited."""
    path = address("external-credentials", name)
    return Subject(name, {"name": name}, f"external_credentials.{name}", path, _CRUMBS)


def start(visit: Visit) -> dict[str, Any]:
    """Return what a new one begins with: the protocol that the page before asked for."""
    return {"protocol": visit.asked("protocol")} if visit.asked("protocol") else {}


EDITING = Editing(
    "external credential",
    "external_credential",
    PATH,
    "/setup/new/external-credential",
    subject,
    groups_of,
    "Formulas use it: {!$Credential.Name.value}. It stays as it is.",
    start=start,
    settled=lambda visit, before, definition: settled(visit, definition, before),
)


def found(visit: Visit) -> Iterator[Place]:
    """Yield every external credential, for Quick Find."""
    for name, external in visit.org.external_credentials.items():
        words = f"{name} {external.protocol}"
        yield Place(external.label or name, address("external-credentials", name), "External Credential", words)


SECTION = Section(
    TITLE,
    PATH,
    "Integrations",
    "external_credential.list",
    (
        Page(PATH, get=list_all),
        *EDITING.pages(),
        Page(f"{PATH}/{{name}}", get=show),
        Page(f"{PATH}/{{name}}/status-codes", post=change_status_codes),
    ),
    words="authentication protocol oauth token refresh additional status codes named credentials",
    places=(Place("New External Credential", EDITING.new_path, "Do", "create add authentication"),),
    found=found,
)
