"""Commands on who a caller is: limits and rotation of keys, acting for others, trusted issuers."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from callout.entrypoints.cli.errors import UsageError
from callout.entrypoints.cli.output import Lines, Result, message, table
from callout.entrypoints.cli.where import HERE, Given, Repeated, Switch, Where


def register(app: App) -> None:
    """Add these commands, beside those that are there on keys and permission sets."""
    app["key"].command(rotate_key, name="rotate")
    app["key"].command(limit_key, name="limit")
    app["permission-set"].command(let_act_for, name="let-act-for")
    app["permission-set"].command(stop_acting_for, name="stop-acting-for")
    issuers = App(name="trusted-issuer", help="Trusted issuers: whose tokens (OpenID Connect) prove a caller.")
    issuers.command(list_trusted_issuers, name="list")
    issuers.command(remove_trusted_issuer, name="remove")
    app.command(issuers)


async def rotate_key(
    prefix: str,
    /,
    *,
    overlap: str = "24h",
    expires: str | None = None,
    where: Where = HERE,
    session: Given,
) -> int:
    """Make a new key in the place of one, which ends after the overlap. The new key is shown this once.

    Example: `callout key rotate co_1a2B3c4D --overlap 24h`

    Parameters
    ----------
    prefix:
        The visible start of the key that is to end.
    overlap:
        How long both hold, such as 30m, 24h or 7d; 0s: the old key ends at once.
    expires:
        When the new key ends. Default: it lives as long as the old one was made for.
    """
    result = await session.run(where, "key.rotate", {"prefix": prefix, "overlap": overlap, "expires": expires})
    if not session.output.machine:
        session.output.note(result["message"])
    session.output.result(result, lambda made: [made["key"]])
    return 0


async def limit_key(
    prefix: str,
    /,
    *,
    named_credential: Repeated = None,
    no_limit: Annotated[Switch, Parameter(name="--no-limit", negative=())] = False,
    where: Where = HERE,
    session: Given,
) -> int:
    """Limit a key to some named credentials; it can then do nothing but make callouts by these names.

    Example: `callout key limit co_1a2B3c4D --named-credential Orders --named-credential Invoices`

    Parameters
    ----------
    prefix:
        The visible start of the key.
    named_credential:
        A named credential that it may be used for; may be given several times. These replace an earlier limit.
    no_limit:
        Let it be used for every named credential.
    """
    if bool(named_credential) == no_limit:
        raise UsageError("got --named-credential and --no-limit, or neither; expected one of them")
    request = {"prefix": prefix, "named_credentials": named_credential or []}
    return await session.show(where, "key.limit", request, message)


async def let_act_for(name: str, user: str, /, *, where: Where = HERE, session: Given) -> int:
    """Let who has a permission set make callouts on behalf of a user (`Callout-On-Behalf-Of`).

    Example: `callout permission-set let-act-for "Billing Agents" profile:"Standard User"`

    Parameters
    ----------
    name:
        Name of the permission set.
    user:
        A user, or profile:NAME for the users of a profile.
    """
    return await session.show(where, "permission_set.let_act_for", {"name": name, "user": user}, message)


async def stop_acting_for(name: str, user: str, /, *, where: Where = HERE, session: Given) -> int:
    """Take back that who has a permission set makes callouts on behalf of a user or profile.

    Example: `callout permission-set stop-acting-for "Billing Agents" bob`
    """
    return await session.show(where, "permission_set.stop_acting_for", {"name": name, "user": user}, message)


async def list_trusted_issuers(*, where: Where = HERE, session: Given) -> int:
    """List the issuers whose tokens prove a caller. They are defined in the manifest.

    Example: `callout trusted-issuer list`
    """
    return await session.show(where, "trusted_issuer.list", {}, _issuers)


def _issuers(result: Result) -> Lines:
    columns = ("name", "issuer", "audience", "user claim", "users", "namespace claim", "namespaces")
    rows = (
        (
            i["name"],
            i["issuer"],
            i["audience"],
            i["user_claim"],
            "by name" if i["users_by_name"] else [f"{value} = {user}" for value, user in i["users"].items()],
            i["namespace_claim"] or None,
            [f"{value} = {namespace or 'own code'}" for value, namespace in i["namespaces"].items()],
        )
        for i in result["trusted_issuers"]
    )
    return table(columns, rows, empty="No issuer is trusted.")


async def remove_trusted_issuer(name: str, /, *, where: Where = HERE, session: Given) -> int:
    """Trust an issuer no longer: its tokens prove nothing from now on.

    Example: `callout trusted-issuer remove "Example Identity"`
    """
    return await session.show(where, "trusted_issuer.remove", {"name": name}, message)
