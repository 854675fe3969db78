"""What one user has at external systems: the per-user principals that were granted, with the state of each connection."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from callout.core.access.sources import granting, object_permissions_of, principals_of
from callout.core.model.credentials import (
    ExternalCredential,
    Principal,
    PrincipalReference,
    PrincipalType,
    UserExternalCredentialKey,
)
from callout.core.model.org import Org
from callout.core.ports import PrincipalHealth
from callout.core.rules import users_of
from callout.engine.connect import Connecting
from callout.engine.setup import Result, Setup, found
from callout.engine.status import principal_status


async def list_connections(setup: Setup, connecting: Connecting, user: str) -> Result:
    """List the per-user principals that a user was granted: what each is for, whose account it is, what it lacks.

    `may` are the object permissions on User External Credential that the user has. Raises `NotDefined`.
    """
    org = await setup.org()
    found(org.users, user, "users", "a user")
    granted = principals_of(org, user, setup.now())
    stored = {row.key: row for row in await setup.user_external_credentials.health()} if granted else {}
    rows = []
    for _, external in sorted(org.external_credentials.items()):
        for principal in sorted(external.principals, key=lambda p: (p.sequence, p.name)):
            reference = PrincipalReference(external.name, principal.name)
            if principal.type is PrincipalType.PER_USER and any(map(reference.names_same, granted)):
                key = UserExternalCredentialKey(external.name, principal.name, user)
                row = stored.get(key, PrincipalHealth(key, frozenset()))
                state = principal_status(
                    setup, org, external, principal, row, await setup.user_external_credentials.look(key)
                )
                told = await connecting.record(key)
                rows.append({**_what_for(setup, org, external, principal, user), **state, **told})
    may = sorted(each.value for each in object_permissions_of(org, user, setup.now()))
    return {"user": user, "may": may, "connections": rows}


def _what_for(setup: Setup, org: Org, external: ExternalCredential, principal: Principal, user: str) -> dict[str, Any]:
    protocol, provider = setup.catalogue.get(external.protocol), org.provider_of(external)
    wanted = PrincipalReference(external.name, principal.name)
    using = sorted(users_of(org, external.name), key=lambda named: named.name)
    ways = (s for s in granting(org, user, setup.now()) if any(map(wanted.names_same, s.principals)))
    return {
        "external_credential": external.name,
        "label": external.label or (provider.label if provider is not None else "") or external.name,
        "description": external.description,
        "interactive": protocol is not None and protocol.interactive,
        "systems": [{"name": n.name, "label": n.label or n.name, "host": urlsplit(n.url).netloc} for n in using],
        "granted_by": [str(way) for way in ways],
    }
