"""The inbox of what packages ask to reach, and the one act that lets them: endpoint, namespace and grant together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from callout.core.access.approvals import AccessRequest, pending_request, pending_requests, request_of
from callout.core.access.sources import granting
from callout.core.access.target import origin_of
from callout.core.errors import DefinitionError, Problem
from callout.core.model.credentials import NamedCredential, Principal, PrincipalReference
from callout.core.model.org import SECTIONS, Definition, Org
from callout.core.model.people import INCLUDES_READ, ObjectPermission, PermissionSet, User
from callout.engine.grants import assigned
from callout.engine.manifest import plain_fields
from callout.engine.plan import Action, Plan, PlannedChange
from callout.engine.plan.diff import differences
from callout.engine.plan.warnings import warnings_of
from callout.engine.setup import Edit, NotDefined, Result, Setup, changed, found, moving, put


@dataclass(frozen=True, slots=True)
class Choice:
    """What the admin decides beside the request itself: other namespaces to allow, and who gets the grant."""

    namespaces: Sequence[str] = ()
    permission_set: str | None = None
    users: Sequence[str] = ()
    principal: str | None = None


async def list_requests(setup: Setup) -> Result:
    """List what waits for an admin."""
    org = await setup.org()
    return {"requests": [shown_request(org, request, setup.now()) for request in pending_requests(org)]}


async def show_request(setup: Setup, wanted: str) -> Result:
    """Show one request whole, and what approving it as it is would change."""
    org = await setup.org()
    request = _waiting(org, wanted)
    made = _plan(setup, org, _definitions(org, request, Choice(), setup.now()))
    return {
        **shown_request(org, request, setup.now()),
        "asks": {
            "named_credential": plain_fields(request.named_credential, everything=True),
            "external_credential": plain_fields(request.external_credential, everything=True),
        },
        **made.to_dict(),
        "text": made.render(),
    }


async def approve(setup: Setup, who: str, wanted: str, choice: Choice, *, dry_run: bool = False) -> Result:
    """Enable the endpoint, allow the namespaces and make the grant in one write.

    Raises `NotDefined` where nothing waits under this id: what was asked may have changed since it was shown.
    """
    if dry_run:
        org = await setup.org()
        request = _waiting(org, wanted)
        made = _plan(setup, org, _definitions(org, request, choice, setup.now()))
        return {**shown_request(org, request, setup.now()), **made.to_dict(), "text": made.render()}
    shown: Result = {}

    def edit(org: Org) -> Edit:
        nonlocal shown
        request = _waiting(org, wanted)
        definitions = _definitions(org, request, choice, setup.now())
        made = _plan(setup, org, definitions)
        shown = {**shown_request(org, request, setup.now()), **made.to_dict(), "text": made.render()}
        named = request.named_credential
        setup.authority.demand_sections(org, (change.section for change in put(*definitions)), setup.now())
        what = f"{request.id}: package {request.namespace}, {named.name} to {named.url}, as {named.external_credential}"
        return Edit(put(*definitions), "approve request", what, more=tuple(_acts(request, choice)))

    _, moved = await setup.write(who, edit)
    message = f"Package {shown['namespace']} may make callouts by {shown['named_credential']}"
    if choice.permission_set is not None:
        message += f"; {choice.permission_set} has the grant"
    return {**shown, "changed": moved, "message": message}


async def reject(setup: Setup, who: str, wanted: str) -> Result:
    """Reject a request: it is gone from the inbox until the package asks something else."""
    shown: Result = {}

    def edit(org: Org) -> Edit:
        nonlocal shown
        request = _waiting(org, wanted)
        shown = shown_request(org, request, setup.now())
        package = org.packages[request.namespace]
        named = request.named_credential
        what = f"{request.id}: package {request.namespace}, {named.name} to {named.url}"
        return Edit(put(replace(package, rejected=(*package.rejected, request.id))), "reject request", what)

    _, moved = await setup.write(who, edit)
    message = f"Rejected: package {shown['namespace']} stays off {shown['named_credential']}"
    return {**shown, "changed": moved, "message": message}


def shown_request(org: Org, request: AccessRequest, now: datetime) -> Result:
    """Show what an admin judges: where to, as which principals, and who could call."""
    named, external = request.named_credential, request.external_credential
    origin = origin_of(named.url)
    return {
        "id": request.id,
        "namespace": request.namespace,
        "named_credential": named.name,
        "made_by_package": request.made,
        "url": named.url,
        "host": origin.authority,
        "path": origin.path or "/",
        "external_credential": external.name,
        "protocol": external.protocol,
        "principals": [f"{external.name}/{principal.name}" for principal in _in_order(external.principals)],
        "could_call": _could_call(org, external.name, now),
        "approve": f"callout approvals approve {request.id}",
    }


def _could_call(org: Org, external_credential: str, now: datetime) -> list[str]:
    """Return the users who have both grants, so that the package's code could call with a key of theirs."""
    names = []
    for name, user in sorted(org.users.items()):
        sources = list(granting(org, name, now))
        granted = any(r.external_credential == external_credential for s in sources for r in s.principals)
        if user.active and granted and any(s.user_external_credential & INCLUDES_READ for s in sources):
            names.append(name)
    return names


def _waiting(org: Org, wanted: str) -> AccessRequest:
    for request in pending_requests(org):
        if request.id == wanted:
            return request
    raise NotDefined([Problem(f"approvals.{wanted}", _state_of(org, wanted), _expected(org))])


def _state_of(org: Org, wanted: str) -> str:
    for namespace, package in org.packages.items():
        for named in org.named_credentials.values():
            request = request_of(org, namespace, named)
            if request is not None and request.id == wanted:
                if wanted in package.rejected and pending_request(org, namespace, named) is None:
                    return f"a request of package {namespace} that was rejected, or needs no approval"
                return f"a request of package {namespace} that needs no approval: {named.name} is open to it"
    return "no waiting request; what was asked may have changed since it was shown"


def _expected(org: Org) -> str:
    waiting = [f"{r.id} ({r.namespace}: {r.named_credential.name})" for r in pending_requests(org)]
    return f"one of those that wait: {', '.join(waiting)}" if waiting else "the id of one that waits; none does"


def _definitions(org: Org, request: AccessRequest, choice: Choice, now: datetime) -> list[Definition]:
    """Return what approving puts: the named credential, and the permission set with its users where one is chosen."""
    own = () if request.made else (request.namespace,)
    for namespace in choice.namespaces:
        found(org.packages, namespace, "packages", "an installed package")
    named = request.named_credential
    allowed = tuple(dict.fromkeys((*named.allowed_namespaces, *own, *choice.namespaces)))
    made: list[Definition] = [replace(named, enabled_for_callouts=True, allowed_namespaces=allowed)]
    if choice.permission_set is None:
        if choice.users or choice.principal:
            raise DefinitionError(
                [Problem("approve", "users or a principal", "a permission set with them: --assign SET")]
            )
        return made
    known = org.permission_sets.get(choice.permission_set, PermissionSet(choice.permission_set))
    reference = PrincipalReference(request.external_credential.name, _chosen(request, choice.principal).name)
    granted = replace(known, principals=known.principals | {reference})
    users = [found(org.users, name, "users", "a user") for name in dict.fromkeys(choice.users)]
    if not users or not all(_reads(org, user, now) for user in users):
        granted = replace(granted, user_external_credential=known.user_external_credential | {ObjectPermission.READ})
    having = (replace(user, permission_sets=assigned(user.permission_sets, granted.name, now)) for user in users)
    return [*made, granted, *having]


def _chosen(request: AccessRequest, wanted: str | None) -> Principal:
    external = request.external_credential
    if wanted is not None:
        place = f"external_credentials.{external.name}.principals"
        return found({p.name: p for p in external.principals}, wanted, place, "a principal")
    if not external.principals:
        got = f"a grant of {external.name}, which has no principal"
        raise DefinitionError([Problem(f"external_credentials.{external.name}.principals", got, "at least one")])
    return _in_order(external.principals)[0]


def _in_order(principals: Sequence[Principal]) -> list[Principal]:
    return sorted(principals, key=lambda principal: (principal.sequence, principal.name))


def _reads(org: Org, user: User, now: datetime) -> bool:
    return any(source.user_external_credential & INCLUDES_READ for source in granting(org, user.name, now))


def _plan(setup: Setup, org: Org, definitions: Sequence[Definition]) -> Plan:
    """Show what would change as a plan, with what is still missing afterwards."""
    changes = moving(org, put(*definitions))
    planned = tuple(_planned(org, change.section, change.name, change.definition) for change in changes)
    after = changed(org, changes)
    kept = [definition for definition in definitions if isinstance(definition, NamedCredential)]
    looked_at = (*planned, *(_planned(org, SECTIONS[NamedCredential], named.name, named) for named in kept))
    warnings: list[Any] = list(dict.fromkeys(warnings_of(org, after, setup.catalogue, looked_at, ())))
    if kept and not _could_call(after, kept[0].external_credential, setup.now()):
        text = f"no user has a grant for {kept[0].external_credential} yet: approve with --assign SET USER"
        warnings.append(text)
    return Plan(planned, (), tuple(warnings))


def _planned(org: Org, section: str, name: str, definition: Definition | None) -> PlannedChange:
    present = getattr(org, section).get(name)
    action = Action.CREATE if present is None else Action.UPDATE
    return PlannedChange(action, section, name, definition, differences(present, definition))


def _acts(request: AccessRequest, choice: Choice) -> list[tuple[str, str]]:
    """Word what the approval does, so that the audit trail shows each part beside the whole."""
    name = request.named_credential.name
    acts = [("enable named credential", f"{name} ({request.id})")]
    own = () if request.made else (request.namespace,)
    acts += [("allow namespace", f"{namespace} on {name} ({request.id})") for namespace in (*own, *choice.namespaces)]
    if choice.permission_set is not None:
        reference = PrincipalReference(request.external_credential.name, _chosen(request, choice.principal).name)
        acts.append(("grant", f"{reference} to permission set {choice.permission_set} ({request.id})"))
        acts += [
            ("assign permission set", f"{choice.permission_set} to {user} ({request.id})") for user in choice.users
        ]
    return acts
