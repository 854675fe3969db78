"""Commands on named and external credentials: look, and the switches of a named credential."""

from __future__ import annotations

from cyclopts import App

from callout.entrypoints.cli.commands import refreshing
from callout.entrypoints.cli.errors import UsageError
from callout.entrypoints.cli.output import Lines, Result, fields, message, table, text
from callout.entrypoints.cli.where import HERE, Given, Switch, Where


def register(app: App) -> None:
    """Add these commands."""
    named = App(name="named-credential", help="Named credentials: where external systems are.")
    named.command(list_named, name="list")
    named.command(show_named, name="show")
    named.command(enable, name="enable")
    named.command(disable, name="disable")
    named.command(allow_namespace, name="allow-namespace")
    named.command(disallow_namespace, name="disallow-namespace")
    named.command(allow_method, name="allow-method")
    named.command(allow_path, name="allow-path")
    named.command(disallow_method, name="disallow-method")
    named.command(disallow_path, name="disallow-path")
    named.command(allow_replay, name="allow-replay")
    named.command(present, name="present")
    external = App(name="external-credential", help="External credentials: how external systems are authenticated to.")
    external.command(list_external, name="list")
    external.command(show_external, name="show")
    external.command(add_status_code, name="add-status-code")
    external.command(remove_status_code, name="remove-status-code")
    refreshing.register(external)
    app.command(named)
    app.command(external)


async def list_named(*, where: Where = HERE, session: Given) -> int:
    """List named credentials.

    Example: `callout named-credential list`
    """
    return await session.show(where, "named_credential.list", {}, _named)


def _named(result: Result) -> Lines:
    columns = ("named credential", "url", "external credential", "enabled", "allowed namespaces", "made by")
    rows = (
        (
            n["name"],
            n["url"],
            n["external_credential"],
            n["enabled_for_callouts"],
            n["allowed_namespaces"],
            n["created_by_namespace"] or "an admin",
        )
        for n in result["named_credentials"]
    )
    return table(columns, rows, empty="No named credential is defined; `callout apply -f FILE` defines them.")


async def show_named(name: str, /, *, where: Where = HERE, session: Given) -> int:
    """Show a named credential: where it points, and the principals that it could use.

    Example: `callout named-credential show Orders`
    """
    return await session.show(where, "named_credential.show", {"name": name}, _whole)


async def enable(name: str, /, *, where: Where = HERE, session: Given) -> int:
    """Enable a named credential for callouts. Judge where it points first: `named-credential show`.

    Example: `callout named-credential enable Orders`
    """
    return await session.show(where, "named_credential.enable", {"name": name}, message)


async def disable(name: str, /, *, where: Where = HERE, session: Given) -> int:
    """Disable a named credential: no callout is made by it until it is enabled again.

    Example: `callout named-credential disable Orders`
    """
    return await session.show(where, "named_credential.disable", {"name": name}, message)


async def present(
    name: str, certificate: str | None = None, /, *, none: Switch = False, where: Where = HERE, session: Given
) -> int:
    """Present a certificate of Callout's own to the external system in TLS, or none.

    Example: `callout named-credential present Orders Orders_Client`

    Parameters
    ----------
    name:
        Name of the named credential.
    certificate:
        Name of the certificate: `callout certificate list`.
    none:
        Present none any more.
    """
    if (certificate is None) != none:
        raise UsageError("got a certificate and --none, or neither; expected one of them")
    return await session.show(where, "named_credential.present", {"name": name, "certificate": certificate}, message)


async def allow_namespace(name: str, namespace: str, /, *, where: Where = HERE, session: Given) -> int:
    """Let the code of a package make callouts by this name.

    Example: `callout named-credential allow-namespace Orders acme`
    """
    request = {"name": name, "namespace": namespace}
    return await session.show(where, "named_credential.allow_namespace", request, message)


async def disallow_namespace(name: str, namespace: str, /, *, where: Where = HERE, session: Given) -> int:
    """Stop the code of a package from making callouts by this name.

    Example: `callout named-credential disallow-namespace Orders acme`
    """
    request = {"name": name, "namespace": namespace}
    return await session.show(where, "named_credential.disallow_namespace", request, message)


async def allow_method(name: str, method: str, /, *, where: Where = HERE, session: Given) -> int:
    """Add a method to those that a named credential allows.

    Example: `callout named-credential allow-method Orders DELETE`
    """
    return await session.show(where, "named_credential.allow_method", {"name": name, "method": method}, message)


async def allow_path(name: str, path: str, /, *, where: Where = HERE, session: Given) -> int:
    """Add a pattern to the paths that a named credential allows: `*` within a segment, `**` for any segments.

    Example: `callout named-credential allow-path Orders '/items/**'`
    """
    return await session.show(where, "named_credential.allow_path", {"name": name, "path": path}, message)


async def disallow_method(name: str, method: str, /, *, where: Where = HERE, session: Given) -> int:
    """Take a method off those that a named credential allows. The last one stays: no method would mean any.

    Example: `callout named-credential disallow-method Orders DELETE`
    """
    return await session.show(where, "named_credential.disallow_method", {"name": name, "method": method}, message)


async def disallow_path(name: str, path: str, /, *, where: Where = HERE, session: Given) -> int:
    """Take a pattern off the paths that a named credential allows. The last one stays: no pattern would mean any.

    Example: `callout named-credential disallow-path Orders '/items/**'`
    """
    return await session.show(where, "named_credential.disallow_path", {"name": name, "path": path}, message)


async def allow_replay(name: str, method: str, /, *, where: Where = HERE, session: Given) -> int:
    """Declare that requests of a method may be sent again after a refresh, with any body that can be kept.

    What is declared are the only methods; where none is yet, the idempotent ones are declared with it.

    Example: `callout named-credential allow-replay Orders POST`
    """
    return await session.show(where, "named_credential.allow_replay", {"name": name, "method": method}, message)


async def list_external(*, where: Where = HERE, session: Given) -> int:
    """List external credentials and their principals.

    Example: `callout external-credential list`
    """
    return await session.show(where, "external_credential.list", {}, _external)


def _external(result: Result) -> Lines:
    columns = ("external credential", "protocol", "principals", "refresh on", "named credentials")
    rows = (
        (
            e["name"],
            e["protocol"],
            [p["name"] for p in e["principals"]],
            [401, *e["additional_status_codes"], *(rule["rule"] for rule in e["refresh_rules"])],
            e["named_credentials"],
        )
        for e in result["external_credentials"]
    )
    return table(columns, rows, empty="No external credential is defined; `callout apply -f FILE` defines them.")


async def show_external(name: str, /, *, where: Where = HERE, session: Given) -> int:
    """Show an external credential, and what its protocol can be told.

    Example: `callout external-credential show Orders`
    """
    return await session.show(where, "external_credential.show", {"name": name}, _whole_external)


async def add_status_code(name: str, status: int, /, *, where: Where = HERE, session: Given) -> int:
    """Make a status a sign of stale credentials, beside 401: an answer with it makes Callout refresh the token.

    Example: `callout external-credential add-status-code Orders 400`

    Parameters
    ----------
    name:
        Name of the external credential.
    status:
        A status of 400 to 499 or 600 to 999.
    """
    request = {"name": name, "status": status}
    return await session.show(where, "external_credential.add_status_code", request, message)


async def remove_status_code(name: str, status: int, /, *, where: Where = HERE, session: Given) -> int:
    """Take a status off the signs of stale credentials; 401 is always one.

    Example: `callout external-credential remove-status-code Orders 400`
    """
    request = {"name": name, "status": status}
    return await session.show(where, "external_credential.remove_status_code", request, message)


def _whole(result: Result) -> Lines:
    apart = ("headers", "rate_limits", "refresh_rules")
    plain = [name for name, value in result.items() if name not in apart and value not in ("", [], None)]
    yield from fields(result, *plain)
    for limit in result.get("rate_limits", ()):
        observed = ", observed" if limit["observe"] else ""
        per = limit["per"].replace("_", " ")
        yield text(f"rate limit  {limit['calls']} calls each {limit['seconds']} s per {per}{observed}")
    for rule in result.get("refresh_rules", ()):
        yield text(f"refresh rule {rule['number']}  {rule['rule']}")
    for header in result["headers"]:
        yield text(f"header  {header['name']}: {header['value']}")


def _whole_external(result: Result) -> Lines:
    parts = ("principals", "protocol_parameters")
    yield from _whole({name: value for name, value in result.items() if name not in parts})
    columns = ("principal", "type", "sequence", "parameters")
    rows = ((p["name"], p["type"], p["sequence"], p["parameters"]) for p in result["principals"])
    yield text("")
    yield from table(columns, rows, empty="It has no principal.")
    declared = ("protocol takes", "kind", "required", "what it is")
    kinds = (
        (p["name"], "secret" if p["secret"] else "parameter", p["required"], p["help"])
        for p in result["protocol_parameters"]
    )
    yield text("")
    yield from table(declared, kinds, empty="Its protocol takes nothing.")
