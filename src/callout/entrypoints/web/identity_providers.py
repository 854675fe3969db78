"""External Auth Identity Providers: authorization servers, and our client at each, kept once for several credentials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from callout.core.model.identity_providers import CLIENT_SECRETS, key_of_provider
from callout.core.oauth2 import parameters as oauth
from callout.core.protocol import Parameter
from callout.core.rules.identity_providers import SECTION as PROVIDERS
from callout.core.rules.identity_providers import parameters_of_providers
from callout.entrypoints.web.editing import Editing, Subject
from callout.entrypoints.web.filters import words
from callout.entrypoints.web.forms import Field, Group, Kind
from callout.entrypoints.web.listing import listing
from callout.entrypoints.web.protocol_fields import fields_of
from callout.entrypoints.web.sections import Page, Place, Section
from callout.entrypoints.web.visit import Visit, address

TITLE, PATH = "External Auth Identity Providers", "/setup/identity-providers"
_CRUMBS = ((TITLE, PATH),)
#: What most servers are told; the rest is folded.
_FIRST = (
    oauth.ISSUER,
    oauth.AUTHORIZATION_ENDPOINT,
    oauth.TOKEN_ENDPOINT,
    oauth.USERINFO_ENDPOINT,
    oauth.CLIENT_AUTHENTICATION,
    oauth.SCOPE,
)


def groups_of(visit: Visit, definition: Mapping[str, Any]) -> tuple[Group, ...]:
    """Return the form of a provider: what any OAuth protocol can be told, and our client there."""
    known, present = parameters_of_providers(visit.console.setup.catalogue), definition.get("parameters") or {}
    first = [known[each.name] for each in _FIRST]
    rest = [each for each in known.values() if each not in first and _applies(each, present)]
    name = str(visit.request.path_params.get("name", ""))
    held = visit.org.configured.get(key_of_provider(name), frozenset())
    client = (Field(("secrets", each), words(each), Kind.SECRET, held=each in held) for each in CLIENT_SECRETS)
    return (
        Group(
            "External Auth Identity Provider",
            (
                Field(("label",), "Label", help="The title that people see, also those who connect an account."),
                Field(("description",), "Description", Kind.LONG),
            ),
        ),
        Group("Authorization server", fields_of(visit, first)),
        Group(
            "Client",
            tuple(client),
            "What the server knows Callout by. Register the callback URL there:"
            f" {visit.console.links.callback_url}. Both are sealed, and never shown again.",
        ),
        Group("More of the server", fields_of(visit, rest), folded=True),
    )


def _applies(parameter: Parameter, present: Mapping[str, str]) -> bool:
    return parameter.applies(present) or bool(present.get(parameter.name))


async def list_all(visit: Visit) -> Response:
    """List the providers."""
    rows: Sequence[dict[str, Any]] = (await visit.run("identity_provider.list"))[PROVIDERS]
    shown = listing(visit, rows, lambda r: f"{r['name']} {r['label']} {' '.join(r['external_credentials'])}")
    return visit.page("identity_providers.html", title=TITLE, list=shown)


async def show(visit: Visit) -> Response:
    """Show one: the callback URL to register, its client, and what uses it."""
    found = await visit.run("identity_provider.show", name=visit.named("name"))
    return visit.page("identity_provider.html", provider=found, client=CLIENT_SECRETS, crumbs=_CRUMBS)


def subject(_: Visit, name: str) -> Subject:
    """Say which provider is edited."""
    return Subject(name, {"name": name}, f"{PROVIDERS}.{name}", address("identity-providers", name), _CRUMBS)


EDITING = Editing(
    "external auth identity provider",
    "identity_provider",
    PATH,
    "/setup/new/identity-provider",
    subject,
    groups_of,
    "External credentials name it. It stays as it is.",
)


def found(visit: Visit) -> Iterator[Place]:
    """Yield every provider, for Quick Find."""
    for name, provider in visit.org.external_auth_identity_providers.items():
        path = address("identity-providers", name)
        yield Place(provider.label or name, path, "External Auth Identity Provider", f"{name} auth provider")


SECTION = Section(
    TITLE,
    PATH,
    "Integrations",
    "identity_provider.list",
    (Page(PATH, get=list_all), *EDITING.pages(), Page(f"{PATH}/{{name}}", get=show)),
    words="auth providers oauth openid connect authorization server callback url redirect client",
    places=(Place("New External Auth Identity Provider", EDITING.new_path, "Do", "create add auth provider"),),
    found=found,
)
