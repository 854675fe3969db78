"""Trusted Issuers: whose tokens (OpenID Connect) prove a caller, and as whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from callout.core.model.issuers import SIGNATURE_ALGORITHMS
from callout.core.model.people import GUEST
from callout.entrypoints.web import facts
from callout.entrypoints.web.asking import Asking
from callout.entrypoints.web.editing import Editing, Subject
from callout.entrypoints.web.forms import Field, Group, Kind
from callout.entrypoints.web.granting import named
from callout.entrypoints.web.listing import listing
from callout.entrypoints.web.sections import Page, Place, Section
from callout.entrypoints.web.visit import Visit, address

TITLE, PATH, NOUN = "Trusted Issuers", "/setup/trusted-issuers", "trusted_issuer"
_CRUMBS = ((TITLE, PATH),)
_ABOUT = "Callers that bring a token of it are taken for the users that it names."
_TOKENS = (
    Field(("label",), "Label", help="The title that people see."),
    Field(("description",), "Description", Kind.LONG),
    Field(("issuer",), "Issuer", Kind.URL, "The iss of its tokens, letter for letter.", required=True),
    Field(("audience",), "Audience", help="The aud that its tokens must have, letter for letter.", required=True),
    Field(("jwks_uri",), "JWKS URI", Kind.URL, "Where its keys are. Left out: discovered at the issuer."),
    Field(
        ("algorithms",),
        "Algorithms",
        Kind.PICK,
        "How its tokens may be signed. None: each of these.",
        options=SIGNATURE_ALGORITHMS,
    ),
    Field(
        ("allow_private_network",),
        "Allow private network",
        Kind.CHECK,
        "For an issuer on a private or loopback address; http:// is allowed only then.",
    ),
)
_BY_NAME = Field(
    ("users_by_name",),
    "Users by name",
    Kind.CHECK,
    "A value that is not listed is itself the name of a user. Only for an issuer that you run.",
)
_USER_CLAIM = Field(("user_claim",), "User claim", help="The claim that says who calls. Left out: sub.", absent="sub")
_NAMESPACE_CLAIM = Field(
    ("namespace_claim",), "Namespace claim", help="The claim that says whose code calls. Left out: your own code calls."
)
_SIGNING_IN = (
    Field(("client_id",), "Client ID", help="With one, people sign in to Setup at this issuer."),
    Field(("scope",), "Scope", help="What is asked for when people sign in.", absent="openid profile email"),
)


def _mapped(name: str, label: str, noun: str, told: str, names: Iterable[str]) -> Field:
    value = named(("value",), noun, tuple(sorted(names)))
    return Field((name,), label, Kind.MAP, told, fields=(Field(("key",), "Claim value"), value), row="value")


def groups_of(visit: Visit, _: Mapping[str, Any]) -> tuple[Group, ...]:
    """Return the form of a trusted issuer."""
    told = "Who a value of the claim is."
    users = _mapped("users", "Users", "User", told, visit.org.users.keys() - {GUEST})
    told = "Which package a value of the claim is; none chosen: your own code. Tokens with another are refused."
    namespaces = _mapped("namespaces", "Namespaces", "Package", told, visit.org.packages)
    return (
        Group("Tokens", _TOKENS),
        Group("Who calls", (_USER_CLAIM, users, _BY_NAME)),
        Group("Whose code calls", (_NAMESPACE_CLAIM, namespaces), folded=True),
        Group("Signing in to Setup", _SIGNING_IN, folded=True),
    )


async def list_all(visit: Visit) -> Response:
    """List the trusted issuers."""
    rows: Sequence[dict[str, Any]] = (await visit.run("trusted_issuer.list"))["trusted_issuers"]
    shown = listing(visit, rows, lambda r: f"{r['name']} {r['label']} {r['issuer']} {r['audience']}")
    return visit.page("trusted_issuers.html", title=TITLE, list=shown)


async def show(visit: Visit) -> Response:
    """Show one."""
    acts = (("Set the client secret", f"{address('trusted-issuers', visit.named('name'))}/secret"),)
    return await facts.show(visit, EDITING, _ABOUT, acts)


def subject(_: Visit, name: str) -> Subject:
    """Say which issuer is edited."""
    return Subject(name, {"name": name}, f"trusted_issuers.{name}", address("trusted-issuers", name), _CRUMBS)


EDITING = Editing(
    "trusted issuer",
    NOUN,
    PATH,
    "/setup/new/trusted-issuer",
    subject,
    groups_of,
    "Such as Company Login. It stays as it is.",
)


SECRET = Asking(
    f"{PATH}/{{name}}/secret",
    "trusted_issuer.set_secret",
    lambda visit: f"Client secret at {visit.named('name')}",
    "Set the secret",
    lambda _: (
        Group(
            "The client with which people sign in to Setup",
            (Field(("values", "client_secret"), "Client secret", Kind.SECRET, "It is sealed, and never shown."),),
        ),
    ),
    lambda visit: (*_CRUMBS, (visit.named("name"), address("trusted-issuers", visit.named("name")))),
    lambda visit, done: visit.go(address("trusted-issuers", visit.named("name")), done["message"]),
    lambda visit: {"name": visit.named("name")},
)


def found(visit: Visit) -> Iterator[Place]:
    """Yield every trusted issuer, for Quick Find."""
    for name, each in visit.org.trusted_issuers.items():
        yield Place(each.label or name, address("trusted-issuers", name), "Trusted Issuer", f"{name} {each.issuer}")


SECTION = Section(
    TITLE,
    PATH,
    "People and access",
    "trusted_issuer.list",
    (Page(PATH, get=list_all), *EDITING.pages(), Page(f"{PATH}/{{name}}", get=show), SECRET.page()),
    words="jwt oidc openid connect token caller claim single sign-on",
    places=(Place("New Trusted Issuer", EDITING.new_path, "Do", "create add jwt oidc"),),
    found=found,
)
