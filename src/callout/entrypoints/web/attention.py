"""What the first page of Setup tells: what is to be done first, how much there is, what needs attention."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from callout.core.access.approvals import pending_requests
from callout.core.model.people import GUEST
from callout.entrypoints.web.filters import words
from callout.entrypoints.web.visit import Visit, address

#: States of a principal in which its callouts are answered, as far as is known.
WELL = frozenset({"ready", "connected", "expiring", "refreshing", "no_token_yet"})


@dataclass(frozen=True, slots=True)
class FirstStep:
    """Something to begin with."""

    title: str
    about: str
    path: str
    done: bool


@dataclass(frozen=True, slots=True)
class Count:
    """How many of something there are, and where."""

    number: int
    title: str
    path: str


@dataclass(frozen=True, slots=True)
class Item:
    """Something that needs attention: what it is, in which state, why, and where it is mended."""

    title: str
    state: str
    kind: str
    about: str
    path: str


def first_steps(visit: Visit) -> list[FirstStep]:
    """Return what to begin with, to one who may; nothing once all of it is done."""
    org = visit.org
    steps = []
    if visit.may("named_credential.create"):
        about = "Where an external system is and how it authenticates, with the grant to use it."
        steps.append(FirstStep("Create a named credential", about, "/setup/create", bool(org.named_credentials)))
    if visit.may("user.set"):
        others = org.users.keys() - {GUEST, visit.session.user}
        about = "Each colleague, program and agent is a user of its own."
        steps.append(FirstStep("Let colleagues in", about, "/setup/users", bool(others)))
    if visit.may("key.create"):
        own = [key for key in org.keys.values() if key.user != visit.session.user or len(org.keys) > 1]
        about = "Programs prove by it who they are, and hold no other secret."
        steps.append(FirstStep("Make a key for a program", about, "/setup/keys", bool(own)))
    return steps if any(not step.done for step in steps) else []


def counts(visit: Visit) -> list[Count]:
    """Return how many there are of what one may look at."""
    org = visit.org
    of: tuple[tuple[str, Mapping[str, Any] | Mapping[bytes, Any], str, str], ...] = (
        ("named_credential.list", org.named_credentials, "Named Credentials", "/setup/named-credentials"),
        ("external_credential.list", org.external_credentials, "External Credentials", "/setup/external-credentials"),
        ("user.list", org.users, "Users", "/setup/users"),
        ("permission_set.list", org.permission_sets, "Permission Sets", "/setup/permission-sets"),
        ("key.list", org.keys, "Keys", "/setup/keys"),
        ("certificate.list", org.certificates, "Certificates and Keys", "/setup/certificates"),
        ("package.list", org.packages, "Packages", "/setup/packages"),
    )
    return [Count(len(there), title, path) for operation, there, title, path in of if visit.may(operation)]


async def needs_attention(visit: Visit) -> list[Item]:
    """Return what waits, failed or ends soon, of what one may look at; what an admin has to decide first."""
    found = list(_waiting(visit)) if visit.may("approvals.list") else []
    if visit.may("status"):
        status, _ = await visit.attempt("status")
        found += _of_status(status) if status is not None else ()
    return found


def _waiting(visit: Visit) -> Iterator[Item]:
    for request in pending_requests(visit.org):
        about = f"package {request.namespace} asks to call {request.named_credential.url}"
        path = address("approvals", request.id)
        yield Item(request.named_credential.name, "waits for approval", "warn", about, path)


def _of_status(status: Mapping[str, Any]) -> Iterator[Item]:
    for row in status["principals"]:
        if row["state"] not in WELL:
            name = row["principal"] + (f" of {row['user']}" if row["user"] else "")
            yield Item(name, words(row["state"]).lower(), "bad", row["state_reason"], _page_of(row))
    for row in status["certificates"]:
        if row["state"] != "ready":
            kind = "warn" if row["state"] == "ends_soon" else "bad"
            path = address("certificates", row["name"])
            yield Item(row["name"], words(row["state"]).lower(), kind, row["state_reason"], path)
    for row in status["suggestions"]:
        yield Item(row["external_credential"], "suggestion", "warn", row["evidence"], "/setup/troubleshoot")


def _page_of(row: Mapping[str, Any]) -> str:
    """Return the page of a principal; of one that is not defined any more the health of all."""
    external, _, principal = row["principal"].partition("/")
    if row["state"] == "not_defined":
        return "/setup/health"
    path = address("external-credentials", external, "principals", principal)
    return f"{path}?{urlencode({'user': row['user']})}" if row["user"] else path
