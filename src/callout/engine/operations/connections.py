"""Rows of the table about connections, and about the identity providers that they are made with."""
# ruff: noqa: ARG005 - every row takes the same three

from __future__ import annotations

from datetime import timedelta
from typing import Any

from callout.core.errors import DefinitionError, Problem
from callout.core.model.credentials import PrincipalType, UserExternalCredentialKey
from callout.core.model.people import Caller, ObjectPermission
from callout.core.protocol import CONNECTION
from callout.core.rules.identity_providers import SECTION
from callout.engine import identity_providers, own_connections, revocation
from callout.engine.moments import span
from callout.engine.operations import requests as r
from callout.engine.operations.callouts import own_user, views_setup
from callout.engine.operations.connecting_rights import demand_own_key, judge_connecting, whose
from callout.engine.operations.operation import Access, Operation, Uses
from callout.engine.operations.problems import OperationRefused
from callout.engine.secret_values import holder
from callout.engine.setup import Result
from callout.engine.showing import with_definition

#: The longest that a link may be good.
LONGEST_LIFE = timedelta(days=14)

_PATH = "/external-credentials/{external_credential}/principals/{principal}/connection"
_PROVIDERS = "/external-auth-identity-providers"


class Whose(r.Request):
    """Whose they are; left out: one's own."""

    user: str | None = None


async def show(uses: Uses, q: r.Held, caller: Caller) -> Result:
    """Say whether a principal is connected, since when, and to whose account."""
    key = await _judged(uses, q, caller)
    return {**await uses.connecting.record(key), "callback_url": uses.connecting.links.callback_url}


async def make_link(uses: Uses, q: r.ConnectLink, caller: Caller) -> Result:
    """Make the address at which a principal is connected, with a link that is good once."""
    key = await _judged(uses, q, caller)
    seconds = span_of(q.expires)
    await uses.connecting.offer(key, whose(caller))
    url = uses.connecting.links.link(key, whose(caller), seconds=seconds, invited=q.invited)
    act = uses.setup.act(str(caller), "make connect link", f"{key}, good for {q.expires}")
    await uses.setup.definitions.write((), [act])
    return {
        **await uses.connecting.record(key),
        "url": url,
        "expires_in": seconds,
        "changed": True,
        "message": f"Open {url}",
    }


async def begin_device(uses: Uses, q: r.Held, caller: Caller) -> Result:
    """Ask for a device code."""
    key = await _judged(uses, q, caller)
    return {"reference": str(key), **await uses.connecting.begin_device(key, whose(caller))}


async def poll_device(uses: Uses, q: r.DevicePoll, caller: Caller) -> Result:
    """Ask once whether a device code was entered: with what may begin one, and for who began it."""
    demand_own_key(caller)
    return await uses.connecting.poll_device(q.handle, whose(caller))


async def disconnect(uses: Uses, q: r.Held, caller: Caller) -> Result:
    """Take back an authorization: its token goes, and is revoked where that is declared."""
    key = await _judged(uses, q, caller, ObjectPermission.DELETE)
    setup, org = uses.setup, await uses.setup.org()
    one = holder(org, key.external_credential, key.principal, key.user or None)
    there = CONNECTION in org.configured.get(key, ())
    orphans = await revocation.orphans_of(setup, org, [key]) if there else []
    if there:
        act = setup.act(str(caller), "disconnect principal", key)
        await setup.user_external_credentials.remove_secrets(key, [CONNECTION], act)
        setup.orphans += orphans
    told = "disconnected" if there else "it is not connected"
    protocol = setup.catalogue[one.external.protocol]
    if there and not revocation.declares_revocation(protocol, org, one.external, one.principal):
        told += "; no revocation_endpoint is declared, so its provider was not told: revoke the access there"
    return {"reference": str(key), "changed": there, "message": f"{key}: {told}"}


async def list_own(uses: Uses, q: Whose, caller: Caller) -> Result:
    """List one's connections; those of others for who may look at the setup."""
    demand_own_key(caller)
    org = await uses.setup.org()
    user = q.user or own_user(org, caller) or ""
    if user != caller.user and not views_setup(uses, org, caller):
        detail = f"got connections of {user}; expected your own, or admin permission view_setup: you are {caller}"
        raise OperationRefused("administrator_required", detail)
    return await own_connections.list_connections(uses.setup, uses.connecting, user)


async def _judged(
    uses: Uses, q: r.Held, caller: Caller, wanted: ObjectPermission | None = None
) -> UserExternalCredentialKey:
    """Return the key that is meant, where the caller may connect it. A per-user principal is the caller's own unless said."""
    org = await uses.setup.org()
    external = org.external_credentials.get(q.external_credential)
    principal = external.principal(q.principal) if external is not None else None
    own = principal is not None and principal.type is PrincipalType.PER_USER and not q.user and whose(caller)
    key = UserExternalCredentialKey(q.external_credential, q.principal, q.user or (caller.user if own else ""))
    judge_connecting(org, key, caller, uses.setup.now(), wanted)
    return holder(org, key.external_credential, key.principal, key.user or None).key


def span_of(text: str) -> float:
    """Read for how many seconds a link is good, such as `30m`, `12h` or `7d`. Raises `DefinitionError`."""
    life = span(text)
    if life is None or not timedelta() < life <= LONGEST_LIFE:
        raise DefinitionError([Problem("--expires", repr(text), "how long, such as 30m, 12h or 7d; at most 14d")])
    return life.total_seconds()


def _row(name: str, method: str, path: str, request: Any, summary: str, run: Any) -> Operation:
    return Operation(f"connection.{name}", method, _PATH + path, request, summary, run, Access.KNOWN)


CONNECTIONS = (
    Operation(
        "connection.list",
        "GET",
        "/connections",
        Whose,
        "List the accounts that a user connects for themselves, and the state of each",
        list_own,
        Access.KNOWN,
    ),
    _row("show", "GET", "", r.Held, "Say whether a principal is connected, and to whose account", show),
    _row("link", "POST", "/link", r.ConnectLink, "Make an address at which a principal is connected, once", make_link),
    _row("begin_device", "POST", "/device", r.Held, "Ask for a device code to connect a principal", begin_device),
    _row("poll_device", "POST", "/device/poll", r.DevicePoll, "Ask whether a device code was entered", poll_device),
    _row("remove", "DELETE", "", r.Held, "Disconnect a principal, and revoke its token", disconnect),
    Operation(
        "identity_provider.list",
        "GET",
        _PROVIDERS,
        r.Nothing,
        "List external auth identity providers",
        lambda u, q, c: identity_providers.list_providers(u.setup, u.connecting.links),
    ),
    Operation(
        "identity_provider.show",
        "GET",
        _PROVIDERS + "/{name}",
        r.Name,
        "Show an external auth identity provider, and the callback URL to register there",
        lambda u, q, c: with_definition(
            u.setup,
            SECTION,
            q.name,
            lambda s: identity_providers.show_provider(s, u.connecting.links, q.name),
        ),
    ),
    Operation(
        "identity_provider.set_secret",
        "PUT",
        _PROVIDERS + "/{name}/secrets",
        r.ClientValues,
        "Set the client id or secret of an external auth identity provider",
        lambda u, q, c: identity_providers.set_client(u.setup, str(c), q.name, q.values),
    ),
    Operation(
        "identity_provider.remove",
        "DELETE",
        _PROVIDERS + "/{name}",
        r.Name,
        "Remove an external auth identity provider that no external credential names",
        lambda u, q, c: identity_providers.remove_provider(u.setup, str(c), q.name),
    ),
)
