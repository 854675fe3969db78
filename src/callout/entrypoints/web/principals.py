"""Principals: identities at external systems, what each lacks, who was granted it, and its connection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.responses import RedirectResponse, Response

from callout.core.model.credentials import ExternalCredential, Principal, PrincipalType
from callout.core.model.sources import parameters_of
from callout.core.oauth2.parameters import INTROSPECTION_ENDPOINT, ISSUER, SCOPE
from callout.engine.setup import found as defined_or_refused
from callout.entrypoints.web.connecting import (
    LIVES,
    Connecting,
    Meant,
    connected_as,
    is_per_user,
    own_address,
    problems_of_values,
    ways_of,
)
from callout.entrypoints.web.editing import Editing, Subject
from callout.entrypoints.web.filters import words
from callout.entrypoints.web.forms import Field, Group, Kind, draw
from callout.entrypoints.web.listing import listing
from callout.entrypoints.web.protocol_fields import overriding_fields
from callout.entrypoints.web.remedies import Mending, mendings
from callout.entrypoints.web.secret_fields import secret_groups, settled_secrets
from callout.entrypoints.web.sections import Page, Place, Section
from callout.entrypoints.web.visit import Visit, address

TITLE, PATH = "Principals", "/setup/principals"
EXTERNAL, EXTERNAL_PATH = "External Credentials", "/setup/external-credentials"
_START = f"{EXTERNAL_PATH}/{{external_credential}}/principals"
NEW = "/setup/new/principal"
#: What Salesforce calls the types.
IDENTITY = {
    PrincipalType.NAMED.value: "Named Principal: everybody who was granted it shares its values",
    PrincipalType.PER_USER.value: "Per User Principal: each user has values of their own",
    PrincipalType.ANONYMOUS.value: "Anonymous: callouts are not authenticated",
}


async def states(visit: Visit) -> dict[str, list[dict[str, Any]]]:
    """Return the health of every principal by its reference: of a per-user one, for each user who has values."""
    return states_in(await health(visit))


async def health(visit: Visit) -> dict[str, Any]:
    """Return what `status` says; nothing for who may not look at the setup."""
    found: dict[str, Any] = await visit.run("status") if visit.may("status") else {"principals": [], "suggestions": []}
    return found


def states_in(status: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of `status` by principal."""
    known: dict[str, list[dict[str, Any]]] = {}
    for row in status["principals"]:
        known.setdefault(row["principal"], []).append(row)
    return known


# --- the list ---------------------------------------------------------------------------------------------------


async def list_all(visit: Visit) -> Response:
    """List every principal, and what is left of those that are not defined any more."""
    await visit.demand("external_credential.list")
    rows = list(_rows(visit, await states(visit)))
    shown = listing(
        visit, rows, lambda r: f"{r['principal']} {r['user'] or ''} {r['type']} {r['state']} {words(r['state'])}"
    )
    for row in shown.rows:
        row["mendings"] = mendings(visit, row["remedy"], row["remedy_commands"])
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["state"]] = counts.get(row["state"], 0) + 1
    return visit.page("principals.html", title=TITLE, list=shown, counts=counts)


def _rows(visit: Visit, known: dict[str, list[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    bare: dict[str, Any] = {
        "user": None,
        "state": "",
        "state_reason": "",
        "remedy": [],
        "remedy_commands": [],
        "missing": [],
    }
    bare |= dict.fromkeys(("issued_at", "expires_at", "last_refresh_at", "last_error_at", "last_error"))
    for _, external in sorted(visit.org.external_credentials.items()):
        for principal in sorted(external.principals, key=lambda p: (p.sequence, p.name)):
            reference = f"{external.name}/{principal.name}"
            told = {"type": principal.type.value, "path": path_of(external.name, principal.name)}
            for row in known.pop(reference, [{**bare, "principal": reference}]):
                yield {**row, **told}
    for rows in known.values():
        yield from ({**row, "type": "", "path": ""} for row in rows)


# --- one ----------------------------------------------------------------------------------------------------------


def path_of(external_credential: str, principal: str) -> str:
    """Return the address of the page of a principal."""
    return address("external-credentials", external_credential, "principals", principal)


def meant_by(visit: Visit) -> Meant:
    """Say which principal a page is about; of a per-user one also which user, where one is named."""
    external_credential, principal = visit.named("external_credential"), visit.named("principal")
    path = path_of(external_credential, principal)
    shared = Meant(external_credential, principal, "", path, path)
    defined, user = shared.defined(visit.org), visit.form.text("user") or visit.asked("user")
    if not user or defined is None or not is_per_user(defined[1]):
        return shared
    return replace(shared, user=user, back=own_address(path, user))


async def show(visit: Visit) -> Response:
    """Show one: what it lacks, its connection and token, who was granted it."""
    return await _page(visit, None, None)


async def _page(visit: Visit, problem: dict[str, Any] | None, answer: dict[str, Any] | None) -> Response:
    meant = meant_by(visit)
    shown = await visit.run("principal.show", external_credential=meant.external_credential, principal=meant.principal)
    external, principal = _defined(visit, meant)
    if meant.user:
        defined_or_refused(visit.org.users, meant.user, "users", "a user")
    own = is_per_user(principal)
    rows = (await states(visit)).get(meant.reference, [])
    row = next((each for each in rows if (each["user"] or "") == meant.user), None)
    held = await _held(visit, meant) if meant.user or not own else None
    ways = ways_of(visit, external, principal)
    connection = await _connection(visit, meant) if any(ways.values()) and held is not None else None
    if problem is None and connection is not None and visit.asked("connected") == meant.reference:
        visit.said = connected_as(connection["account"]) if connection["connected"] else "It is not connected."
    groups = secret_groups(visit, external, principal, held["set"]) if held is not None else ()
    members = {
        "meant": meant,
        "principal": shown,
        "external": external,
        "protocol": visit.console.setup.catalogue.get(external.protocol),
        "rows": rows,
        "row": row,
        "mendings": _elsewhere(visit, meant, row) if row is not None else (),
        "held": held,
        "drawing": draw(groups, {}, problems_of_values(meant, problem)),
        "connection": connection,
        "ways": ways,
        "asks": _asks(visit, external, principal),
        "lives": LIVES,
        "users": shown["granted_to"] if own else (),
        "problem": problem,
        "answer": answer,
        "crumbs": crumbs_of(visit, external.name),
    }
    return visit.page("principal.html", status=int(problem["status"]) if problem is not None else 200, **members)


def _defined(visit: Visit, meant: Meant) -> tuple[ExternalCredential, Principal]:
    credentials = visit.org.external_credentials
    external = defined_or_refused(
        credentials, meant.external_credential, "external_credentials", "an external credential"
    )
    principals = {p.name: p for p in external.principals}
    return external, defined_or_refused(principals, meant.principal, meant.place, "a principal")


def _elsewhere(visit: Visit, meant: Meant, row: Mapping[str, Any]) -> list[Mending]:
    """Return the remedies of a state, but those that this page is for."""
    return [each for each in mendings(visit, row["remedy"], row["remedy_commands"]) if each.path != meant.path]


async def _held(visit: Visit, meant: Meant) -> dict[str, Any] | None:
    held: dict[str, Any] | None = (await visit.attempt("secret.list", **meant.arguments))[0]
    return held


async def _connection(visit: Visit, meant: Meant) -> dict[str, Any] | None:
    connection: dict[str, Any] | None = (await visit.attempt("connection.show", **meant.arguments))[0]
    return connection


def _asks(visit: Visit, external: ExternalCredential, principal: Principal) -> bool:
    """Say whether the authorization server can be asked about its token."""
    given = parameters_of(visit.org, external, principal)
    protocol = visit.console.setup.catalogue.get(external.protocol)
    endpoint = given.get(INTROSPECTION_ENDPOINT.name) or given.get(ISSUER.name)
    return protocol is not None and protocol.obtains and bool(endpoint)


def crumbs_of(visit: Visit, external_credential: str) -> tuple[tuple[str, str], ...]:
    """Return the way to the principals of an external credential."""
    external = visit.org.external_credentials.get(external_credential)
    label = (external.label if external is not None else "") or external_credential
    return ((EXTERNAL, EXTERNAL_PATH), (label, address("external-credentials", external_credential)))


# --- its form -----------------------------------------------------------------------------------------------------


def groups_of(visit: Visit, definition: Mapping[str, Any]) -> tuple[Group, ...]:
    """Return the form of a principal of the external credential that the address names."""
    name = visit.named("external_credential")
    external = defined_or_refused(
        visit.org.external_credentials, name, "external_credentials", "an external credential"
    )
    protocol = visit.console.setup.catalogue.get(external.protocol)
    types = [each.value for each in protocol.principal_types] if protocol is not None else list(IDENTITY)
    told = definition.get("parameters") or {}
    inherited = parameters_of(visit.org, external, Principal(""))
    wanted = (
        PrincipalType(kind) if (kind := str(definition.get("type") or types[0])) in IDENTITY else PrincipalType.NAMED
    )
    drawn = Principal(str(visit.request.path_params.get("principal", "")), wanted, parameters=dict(told))
    fields = overriding_fields(visit, protocol, inherited, told) if protocol is not None else ()
    scope = tuple(each for each in fields if each.path[-1] == SCOPE.name)
    return (
        Group(
            "Principal",
            (
                Field(
                    ("type",),
                    "Identity Type",
                    Kind.CHOICE,
                    "Of a per-user principal each user gives their own values, on My Connections.",
                    required=True,
                    choices=tuple((each, IDENTITY[each]) for each in types),
                    redraws=True,
                ),
                Field(
                    ("sequence",),
                    "Sequence Number",
                    Kind.NUMBER,
                    "Of the principals that a user was granted, the one with the lowest number is used.",
                    absent=1,
                ),
                *scope,
            ),
        ),
        Group(
            "Parameters of its own",
            tuple(each for each in fields if each not in scope),
            "What is given here replaces what the external credential says, for this principal alone.",
            folded=True,
        ),
        *(secret_groups(visit, external, drawn, _set_of(visit, drawn, name)) if wanted is PrincipalType.NAMED else ()),
    )


def _set_of(visit: Visit, principal: Principal, external_credential: str) -> Sequence[str]:
    keys = visit.org.configured.items()
    wanted = (external_credential, principal.name, "")
    return sorted(
        n for key, names in keys for n in names if (key.external_credential, key.principal, key.user) == wanted
    )


def subject(visit: Visit, name: str) -> Subject:
    """Say which principal is edited."""
    external = visit.named("external_credential")
    named = {"external_credential": external, "principal": name}
    place = f"external_credentials.{external}.principals.{name}"
    return Subject(name, named, place, path_of(external, name), crumbs_of(visit, external))


EDITING = Editing(
    "principal",
    "principal",
    _START,
    f"{NEW}/{{external_credential}}",
    subject,
    groups_of,
    "Permission sets grant it as ExternalCredential/Name. It stays as it is.",
    parameter="principal",
    settled=lambda _visit, _before, definition: settled_secrets(definition),
)
CONNECTING = Connecting(f"{_START}/{{principal}}", meant_by, _page)


async def choose_external(visit: Visit) -> Response:
    """Ask of which external credential a new principal is; go on where that is said."""
    await visit.demand("principal.set")
    if visit.asked("external_credential"):
        return RedirectResponse(f"{NEW}/{address(visit.asked('external_credential')).rpartition('/')[2]}", 303)
    names = sorted(visit.org.external_credentials)
    return visit.page("new_principal.html", names=names, crumbs=((TITLE, PATH),))


def found(visit: Visit) -> Iterator[Place]:
    """Yield every principal, for Quick Find."""
    for name, external in visit.org.external_credentials.items():
        for principal in external.principals:
            yield Place(f"{name}/{principal.name}", path_of(name, principal.name), "Principal", external.label)


SECTION = Section(
    TITLE,
    PATH,
    "Integrations",
    "external_credential.list",
    (
        Page(PATH, get=list_all),
        Page(NEW, get=choose_external),
        *EDITING.pages(),
        *CONNECTING.pages(),
        Page(f"{_START}/{{principal}}", get=show),
    ),
    words="identity token refresh state status expires connected authenticate",
    places=(Place("New Principal", NEW, "Do", "create add identity"),),
    found=found,
)
