"""Certificates and Keys: those of Callout's own, made, imported, rotated, asked for, shown and removed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from callout.core.model.own_certificates import ALGORITHMS, USUAL_ALGORITHM, USUAL_DAYS
from callout.engine.own_certificates import USUAL_OVERLAP
from callout.entrypoints.web.asking import Asking
from callout.entrypoints.web.forms import Field, Group, Kind
from callout.entrypoints.web.listing import listing
from callout.entrypoints.web.sections import Page, Place, Section
from callout.entrypoints.web.visit import Visit, address

TITLE, PATH = "Certificates and Keys", "/setup/certificates"
NEW, IMPORT = "/setup/new/certificate", "/setup/new/certificate-import"
#: How each state of a certificate is coloured.
STATES: Mapping[str, str] = {"ready": "good", "ends_soon": "warn", "ended": "bad", "no_private_key": "bad"}
Members = Mapping[str, Any]
_NAME = Field(("name",), "Name", help="Definitions name it. It stays as it is.", required=True)
_LABEL = Field(("label",), "Label", help="The title that people see.")
_DAYS = Field(("days",), "Days", Kind.NUMBER, f"How long it lasts. Left empty: {USUAL_DAYS}.")
_OVERLAP = Field(
    ("overlap",),
    "Overlap",
    help=f"How long the key before stays published, such as 12h or 7d. Left empty: {USUAL_OVERLAP}.",
)


def _algorithm(usual: str) -> Field:
    choices = (("", f"Usual: {usual}"), *((each, each) for each in ALGORITHMS))
    return Field(("algorithm",), "Algorithm", Kind.CHOICE, choices=choices)


def _subject(usual: str) -> tuple[Field, Field]:
    told = f"Such as CN=orders,O=Example. Left empty: {usual}."
    return (
        Field(("subject",), "Subject", help=told),
        Field(("dns",), "DNS names", Kind.LINES, "One a line, such as orders.example.com."),
    )


async def list_all(visit: Visit) -> Response:
    """List the certificates."""
    rows: Sequence[Members] = (await visit.run("certificate.list"))["certificates"]
    shown = listing(visit, rows, lambda r: f"{r['name']} {r['label']} {r['algorithm']} {r['kid']} {r['subject']}")
    return visit.page("certificates.html", title=TITLE, list=shown, states=STATES, linked=linked)


async def show(visit: Visit) -> Response:
    """Show one: its key, its chain, what uses it."""
    return await _shown(visit)


async def _shown(visit: Visit, request: Members | None = None, refused: Members | None = None) -> Response:
    found = await visit.run("certificate.show", name=visit.named("name"))
    return visit.page(
        "certificate.html",
        status=200 if refused is None else int(refused["status"]),
        certificate=found,
        state=STATES[found["state"]],
        uses=[(place, linked(place)) for place in found["used_by"]],
        jwk=json.dumps(found["public_key"], indent=2) if found["public_key"] else "",
        fingerprint=_fingerprint(found["certificates"]),
        jwks=f"{visit.console.links.public_url}/.well-known/jwks.json",
        request=request,
        refused=refused,
        crumbs=((TITLE, PATH),),
    )


def linked(place: str) -> str:
    """Return the page of what uses a certificate, from the place that names it."""
    section, name, *_ = place.split(".")
    return address(section.replace("_", "-"), name)


def _fingerprint(chain: Sequence[str]) -> str:
    """Return the SHA-256 of the leaf as people compare it; empty for a key without a certificate."""
    if not chain:
        return ""
    try:
        leaf = base64.b64decode("".join(chain[0].strip().splitlines()[1:-1]))
    except binascii.Error:
        return ""
    return hashlib.sha256(leaf).digest().hex(":").upper()


async def request(visit: Visit) -> Response:
    """Write a request for a certificate of an authority, and show it."""
    dns = [each for text in visit.form.texts("dns") for each in text.split()]
    asked = {"name": visit.named("name"), "subject": visit.form.text("subject"), "dns": dns}
    written, refused = await visit.attempt("certificate.request", **asked)
    return await _shown(visit, written, refused)


async def remove(visit: Visit) -> Response:
    """Show that one goes; remove it where that was confirmed. One that is in use stays, and what uses it is named."""
    name = visit.named("name")
    if visit.form.text("do") == "remove":
        done = await visit.run("certificate.remove", name=name)
        return visit.go(PATH, done["message"])
    plan = await visit.run("preview", operation="certificate.remove", arguments={"name": name})
    return visit.page("remove.html", noun="certificate", name=name, plan=plan, back=address("certificates", name))


# --- forms --------------------------------------------------------------------------------------------------------


def _to_its_page(visit: Visit, done: Members) -> Response:
    return visit.go(address("certificates", done["name"]), done["message"])


def _places(arguments: Members) -> tuple[str, ...]:
    return (f"certificates.{arguments.get('name', '')}",)


def _making(_: Visit) -> tuple[Group, ...]:
    return (Group("Certificate", (_NAME, _LABEL, _algorithm(USUAL_ALGORITHM), *_subject("CN and the name"), _DAYS)),)


_FILE = (
    Field(
        ("content",),
        "Key and certificates",
        Kind.KEY,
        "A private key with its certificates in PEM, a private JWK, or a PKCS #12 file in base64. Certificates alone "
        "are taken for the key that is there. It is sealed, and never shown again.",
        required=True,
    ),
    Field(("password",), "Password", Kind.SECRET, "Where the file has one."),
)


#: The file is what a problem of its key is about.
_CONTENT: Mapping[str, str] = {"private_key": "content", "certificates": "content", "kid": "content"}


def _importing(_: Visit) -> tuple[Group, ...]:
    return (Group("File", (_NAME, _LABEL, *_FILE)),)


def _importing_again(_: Visit) -> tuple[Group, ...]:
    return (Group("File", (*_FILE, _OVERLAP)),)


def _rotating(visit: Visit) -> tuple[Group, ...]:
    known = visit.org.certificates.get(visit.named("name"))
    usual = known.algorithm if known is not None and known.algorithm in ALGORITHMS else USUAL_ALGORITHM
    return (Group("Another key", (_algorithm(usual), _DAYS, _OVERLAP)),)


def _one(visit: Visit) -> dict[str, Any]:
    return {"name": visit.named("name")}


def _crumbs(_: Visit) -> tuple[tuple[str, str], ...]:
    return ((TITLE, PATH),)


def _crumbs_of_one(visit: Visit) -> tuple[tuple[str, str], ...]:
    name = visit.named("name")
    return ((TITLE, PATH), (name, address("certificates", name)))


MAKING = Asking(
    NEW,
    "certificate.create",
    lambda _: "New certificate",
    "Make it",
    _making,
    _crumbs,
    _to_its_page,
    about="Callout makes the key and signs the certificate itself. The private key never leaves it.",
    places=_places,
)
IMPORTING = Asking(
    IMPORT,
    "certificate.import",
    lambda _: "Import a certificate",
    "Import",
    _importing,
    _crumbs,
    _to_its_page,
    start=lambda visit: {"name": visit.asked("name")},
    moved=_CONTENT,
    about="A key that you have already, or that an external system gave you.",
    places=_places,
)
IMPORTING_AGAIN = Asking(
    f"{PATH}/{{name}}/import",
    "certificate.import",
    lambda visit: f"Import into {visit.named('name')}",
    "Import",
    _importing_again,
    _crumbs_of_one,
    _to_its_page,
    fixed=_one,
    moved=_CONTENT,
    about="Another key with its certificates, or what an authority issued for the key that is there.",
    places=_places,
)
ROTATING = Asking(
    f"{PATH}/{{name}}/rotate",
    "certificate.rotate",
    lambda visit: f"Rotate {visit.named('name')}",
    "Rotate",
    _rotating,
    _crumbs_of_one,
    _to_its_page,
    fixed=_one,
    about="Another key takes its place. The public half of the one before stays published for the overlap.",
    places=_places,
)


def found(visit: Visit) -> Iterator[Place]:
    """Yield every certificate, for Quick Find."""
    for name, certificate in visit.org.certificates.items():
        yield Place(
            certificate.label or name, address("certificates", name), "Certificate", f"{name} {certificate.kid}"
        )


SECTION = Section(
    TITLE,
    PATH,
    "Integrations",
    "certificate.list",
    (
        Page(PATH, get=list_all),
        MAKING.page(),
        IMPORTING.page(),
        Page(f"{PATH}/{{name}}", get=show),
        IMPORTING_AGAIN.page(),
        ROTATING.page(),
        Page(f"{PATH}/{{name}}/request", post=request),
        Page(f"{PATH}/{{name}}/remove", post=remove),
    ),
    words="tls mutual client certificate private key jwk jwks signing pkcs csr",
    places=(
        Place("New Certificate", NEW, "Do", "create self-signed key"),
        Place("Import a Certificate", IMPORT, "Do", "upload pem pkcs12 jwk key"),
    ),
    found=found,
)
