"""Client Certificates: which certificate proves whom, by what it is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from callout.core.model.certificates import IDENTITIES
from callout.core.model.people import GUEST
from callout.entrypoints.web import facts
from callout.entrypoints.web.editing import Editing, Subject
from callout.entrypoints.web.forms import Field, Group, Kind
from callout.entrypoints.web.granting import named
from callout.entrypoints.web.listing import listing
from callout.entrypoints.web.sections import Page, Place, Section
from callout.entrypoints.web.visit import Visit, address

TITLE, PATH, NOUN = "Client Certificates", "/setup/client-certificates", "client_certificate"
_CRUMBS = ((TITLE, PATH),)
_ABOUT = "A client that presents it in TLS is taken for this user."
_WORDS = {"spiffe_id": "SPIFFE ID", "dns": "DNS name", "subject": "Subject", "sha256": "SHA-256 fingerprint"}


def groups_of(visit: Visit, _: Mapping[str, Any]) -> tuple[Group, ...]:
    """Return the form of a mapping."""
    users = tuple(sorted(visit.org.users.keys() - {GUEST}))
    packages = (("", "None: your own code"), *((name, name) for name in sorted(visit.org.packages)))
    return (
        Group(
            "Which certificate",
            (
                Field(
                    ("spiffe_id",),
                    _WORDS["spiffe_id"],
                    help="spiffe://DOMAIN/PATH; a segment may be *, the last may be **.",
                ),
                Field(("dns",), _WORDS["dns"], help="A DNS name that the certificate has."),
                Field(("subject",), _WORDS["subject"], help="The whole subject, such as CN=orders,O=Example."),
                Field(("sha256",), _WORDS["sha256"], help="64 hexadecimal digits; colons may stand between."),
            ),
            "Exactly one of these says which.",
        ),
        Group(
            "Who it is",
            (
                named(("user",), "User", users, required=True),
                Field(("namespace",), "Package", Kind.CHOICE, "Whose code holds the certificate.", choices=packages),
                Field(("label",), "Label"),
                Field(("description",), "Description", Kind.LONG),
            ),
        ),
    )


async def list_all(visit: Visit) -> Response:
    """List the mappings."""
    rows: Sequence[dict[str, Any]] = (await visit.run("client_certificate.list"))["client_certificates"]
    rows = [{**row, "by": next(((_WORDS[e], row[e]) for e in IDENTITIES if row[e]), ("", ""))} for row in rows]
    shown = listing(visit, rows, lambda r: f"{r['name']} {r['label']} {r['user']} {r['by'][1]}")
    return visit.page("client_certificates.html", title=TITLE, list=shown)


async def show(visit: Visit) -> Response:
    """Show one."""
    return await facts.show(visit, EDITING, _ABOUT)


def subject(_: Visit, name: str) -> Subject:
    """Say which mapping is edited."""
    return Subject(name, {"name": name}, f"client_certificates.{name}", address("client-certificates", name), _CRUMBS)


EDITING = Editing(
    "client certificate",
    NOUN,
    PATH,
    "/setup/new/client-certificate",
    subject,
    groups_of,
    "Such as Orders Service. It stays as it is.",
    start=lambda visit: {"user": visit.asked("user")} if visit.asked("user") else {},
    setting="define",
    removing="forget",
)


def found(visit: Visit) -> Iterator[Place]:
    """Yield every mapping, for Quick Find."""
    for name, each in visit.org.client_certificates.items():
        words = f"{name} {each.identity[1]} {each.user}"
        yield Place(each.label or name, address("client-certificates", name), "Client Certificate", words)


SECTION = Section(
    TITLE,
    PATH,
    "People and access",
    "client_certificate.list",
    (Page(PATH, get=list_all), *EDITING.pages(), Page(f"{PATH}/{{name}}", get=show)),
    words="mtls mutual tls spiffe fingerprint caller",
    places=(Place("New Client Certificate", EDITING.new_path, "Do", "create add map mtls spiffe"),),
    found=found,
)
