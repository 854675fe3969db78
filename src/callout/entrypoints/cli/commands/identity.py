"""Commands on who a caller is: limits and rotation of keys, acting for others, trusted issuers, client certificates."""

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
    certificates = App(name="client-certificate", help="Client certificates (TLS, SPIFFE): which prove which caller.")
    certificates.command(list_client_certificates, name="list")
    certificates.command(trust_client_certificate, name="trust")
    certificates.command(forget_client_certificate, name="forget")
    app.command(certificates)


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
    columns = ("name", "issuer", "audience", "user claim", "users", "namespace claim", "namespaces", "sign-in")
    rows = (
        (
            i["name"],
            i["issuer"],
            i["audience"],
            i["user_claim"],
            "by name" if i["users_by_name"] else [f"{value} = {user}" for value, user in i["users"].items()],
            i["namespace_claim"] or None,
            [f"{value} = {namespace or 'own code'}" for value, namespace in i["namespaces"].items()],
            i["client_id"] or None,
        )
        for i in result["trusted_issuers"]
    )
    return table(columns, rows, empty="No issuer is trusted.")


async def remove_trusted_issuer(name: str, /, *, where: Where = HERE, session: Given) -> int:
    """Trust an issuer no longer: its tokens prove nothing from now on.

    Example: `callout trusted-issuer remove "Example Identity"`
    """
    return await session.show(where, "trusted_issuer.remove", {"name": name}, message)


async def list_client_certificates(*, where: Where = HERE, session: Given) -> int:
    """List which client certificates are mapped to whom.

    Example: `callout client-certificate list`
    """
    return await session.show(where, "client_certificate.list", {}, _certificates)


def _certificates(result: Result) -> Lines:
    columns = ("name", "known by", "value", "user", "namespace")
    fields = ("spiffe_id", "dns", "subject", "sha256")
    rows = (
        (c["name"], field, c[field], c["user"], c["namespace"] or None)
        for c in result["client_certificates"]
        for field in fields
        if c[field]
    )
    return table(columns, rows, empty="No client certificate is mapped to a user.")


async def trust_client_certificate(
    name: str,
    /,
    *,
    user: str,
    spiffe_id: str | None = None,
    dns: str | None = None,
    subject: str | None = None,
    sha256: str | None = None,
    namespace: str | None = None,
    where: Where = HERE,
    session: Given,
) -> int:
    """Map a client certificate to a user, by exactly one of what it holds.

    Example: `callout client-certificate trust orders --spiffe-id spiffe://example.org/ns/prod/sa/orders --user orders`

    Parameters
    ----------
    name:
        Name of the mapping.
    user:
        User that who holds such a certificate is.
    spiffe_id:
        Its SPIFFE ID; a segment of the path may be * for any one, the last ** for any that follow.
    dns:
        One of its DNS names.
    subject:
        Its whole subject, such as CN=orders,O=Example.
    sha256:
        Its SHA-256 fingerprint.
    namespace:
        Package whose code holds it.
    """
    given = {"spiffe_id": spiffe_id, "dns": dns, "subject": subject, "sha256": sha256}
    if sum(value is not None for value in given.values()) != 1:
        raise UsageError("got none or several of --spiffe-id, --dns, --subject and --sha256; expected exactly one")
    request = {"name": name, "user": user, **given, "namespace": namespace}
    return await session.show(where, "client_certificate.trust", request, message)


async def forget_client_certificate(name: str, /, *, where: Where = HERE, session: Given) -> int:
    """Forget a mapping: its certificates prove nothing from now on, on open connections too.

    Example: `callout client-certificate forget orders`
    """
    return await session.show(where, "client_certificate.forget", {"name": name}, message)
