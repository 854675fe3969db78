"""Commands on connections: connect a principal in a browser or by device code, disconnect it; and identity providers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Annotated, Any

from cyclopts import App, Parameter

from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.entrypoints.cli.commands.secrets import SecretValues, read_values, split_principal
from callout.entrypoints.cli.errors import UsageError
from callout.entrypoints.cli.output import Lines, Result, fields, message, table, text
from callout.entrypoints.cli.session import Run, Session
from callout.entrypoints.cli.where import HERE, Given, Switch, Where

#: How long somebody may take in the browser, and how often it is looked whether they are done, in seconds.
PATIENCE, PAUSE = 600.0, 1.0


def register(app: App) -> None:
    """Add these commands."""
    app.command(connect)
    app.command(disconnect)
    app.command(connections)
    providers = App(
        name="identity-provider", help="External auth identity providers: authorization servers, kept once."
    )
    providers.command(list_providers, name="list")
    providers.command(show_provider, name="show")
    providers.command(set_secret, name="set-secret")
    providers.command(remove_provider, name="remove")
    app.command(providers)


async def connect(
    principal: str,
    /,
    *,
    user: str | None = None,
    device: Switch = False,
    browser: bool = True,
    link: Switch = False,
    to: Annotated[str | None, Parameter(name="--for")] = None,
    expires: str = "1h",
    where: Where = HERE,
    session: Given,
) -> int:
    """Connect a principal: somebody authorizes at the authorization server, in a browser or by a code.

    A link is printed and opened, and the command waits until it was used. With --home, `callout serve` has to run on
    that home, and CALLOUT_PUBLIC_URL says where browsers reach its setup, unless that is the default.

    Example: `callout connect Orders/Service`

    Parameters
    ----------
    principal:
        EXTERNAL_CREDENTIAL/PRINCIPAL.
    user:
        Whose account it is, for a per-user principal. Default: yours.
    device:
        Show a code that is entered on another device (RFC 8628), instead of a link.
    browser:
        Open the link in a browser of this machine.
    link:
        Only print a link, to be sent to somebody. It is good once.
    to:
        The user whom the link is for, with --link and a per-user principal.
    expires:
        How long the link is good, such as 30m, 12h or 7d.
    """
    _judge(user, to, link=link, device=device)
    external_credential, name = split_principal(principal)
    key = {"external_credential": external_credential, "principal": name, "user": user or to}
    held = {member: value for member, value in key.items() if value is not None}
    async with session.operations(where) as run:
        if device:
            result = await _by_device(session, run, held)
        else:
            before = await run("connection.show", held)
            made = await run("connection.link", {**held, "expires": expires, "invited": link})
            if link:
                session.output.result(made, lambda result: [text(result["url"])])
                return 0
            _show(session, made["url"], browser=browser)
            result = await _connected(session, run, held, before)
    session.output.result(result, _connection)
    return 0


def _judge(user: str | None, to: str | None, *, link: bool, device: bool) -> None:
    """Raise `UsageError` for arguments of `connect` that contradict each other."""
    if to is not None and not link:
        raise UsageError("got --for without --link; expected both, or --user")
    if to is not None and user is not None:
        raise UsageError("got --user and --for; expected one of them: both say whose account it is")
    if link and device:
        raise UsageError("got --link and --device; expected one of them")


def _show(session: Session, url: str, *, browser: bool) -> None:
    import webbrowser

    session.output.note(f"Open {url}")
    if browser:
        webbrowser.open(url)


async def _connected(session: Session, run: Run, held: Mapping[str, str], before: Result) -> Result:
    """Wait until somebody was through with it in a browser."""
    deadline = time.monotonic() + PATIENCE
    with session.output.working("Waiting until it is connected"):
        while time.monotonic() < deadline:
            now: Result = await run("connection.show", held)
            if now["connected"] and now["connected_at"] != before["connected_at"]:
                return now
            await asyncio.sleep(PAUSE)
    detail = f"got no authorization within {PATIENCE:g} seconds; expected somebody to use the link"
    raise Refused("connection_failed", detail, Remedy("Begin again"))


async def _by_device(session: Session, run: Run, held: Mapping[str, str]) -> Result:
    """Show the code, and ask as often as the server allows whether it was entered."""
    begun: dict[str, Any] = await run("connection.begin_device", held)
    session.output.note(f"Open {begun['verification_uri']} and enter the code {begun['user_code']}")
    if begun["verification_uri_complete"]:
        session.output.note(f"or open {begun['verification_uri_complete']}")
    wanted = {name: held[name] for name in ("external_credential", "principal")} | {"handle": begun["handle"]}
    state, interval = "pending", float(begun["interval"])
    with session.output.working("Waiting until the code was entered"):
        while state == "pending":
            await asyncio.sleep(interval)
            polled: dict[str, Any] = await run("connection.poll_device", wanted)
            state, interval = polled["state"], float(polled.get("interval", interval))
    shown: Result = await run("connection.show", held)
    return shown


def _connection(result: Result) -> Lines:
    return fields(result, "reference", "connected", "account", "scope", "connected_at", "connected_by")


async def disconnect(principal: str, /, *, user: str | None = None, where: Where = HERE, session: Given) -> int:
    """Disconnect a principal: its token goes, and is revoked where a revocation endpoint is declared.

    Example: `callout disconnect Orders/Service`

    Parameters
    ----------
    principal:
        EXTERNAL_CREDENTIAL/PRINCIPAL.
    user:
        Whose account it is, for a per-user principal. Default: yours.
    """
    external_credential, name = split_principal(principal)
    request = {"external_credential": external_credential, "principal": name, "user": user}
    return await session.show(where, "connection.remove", request, message)


async def connections(*, user: str | None = None, where: Where = HERE, session: Given) -> int:
    """List the accounts that you connect for yourself: what each is for, whose account it is, how it fares.

    Example: `callout connections --user alice`

    Parameters
    ----------
    user:
        Whose; left out: yours. Those of others take admin permission view_setup.
    """
    request = {"user": user} if user is not None else {}
    return await session.show(where, "connection.list", request, _connections)


def _connections(result: Result) -> Lines:
    columns = ("principal", "state", "account", "connected at", "lacks", "for")
    rows = (
        (
            each["principal"],
            each["state"],
            each["account"],
            each["connected_at"],
            each["missing"],
            [system["name"] for system in each["systems"]],
        )
        for each in result["connections"]
    )
    return table(columns, rows, empty=f"{result['user']} was granted no per-user principal.")


async def list_providers(*, where: Where = HERE, session: Given) -> int:
    """List external auth identity providers.

    Example: `callout identity-provider list`
    """
    return await session.show(where, "identity_provider.list", {}, _listed)


def _listed(result: Result) -> Lines:
    columns = ("name", "secrets_set", "external_credentials", "label")
    rows = ([provider[column] for column in columns] for provider in result["external_auth_identity_providers"])
    return table(("name", "secrets set", "used by", "label"), rows, empty="No identity provider is defined.")


async def show_provider(name: str, /, *, where: Where = HERE, session: Given) -> int:
    """Show an external auth identity provider, and the callback URL to register at its authorization server.

    Example: `callout identity-provider show Contoso`

    Parameters
    ----------
    name:
        Its name.
    """
    return await session.show(where, "identity_provider.show", {"name": name}, _shown)


def _shown(result: Result) -> Lines:
    return fields(
        result, "name", "label", "description", "callback_url", "parameters", "secrets_set", "external_credentials"
    )


async def set_secret(name: str, /, *values: SecretValues, where: Where = HERE, session: Given) -> int:
    """Set the client id or secret of an external auth identity provider. They are sealed, and never shown again.

    Example: `callout identity-provider set-secret Contoso client_id=- client_secret=@secret.txt`

    Parameters
    ----------
    name:
        Its name.
    values:
        client_id and client_secret, as for `callout secret set`.
    """
    request = {"name": name, "values": read_values(session, values)}
    return await session.show(where, "identity_provider.set_secret", request, message)


async def remove_provider(name: str, /, *, where: Where = HERE, session: Given) -> int:
    """Remove an external auth identity provider that no external credential names, with its client id and secret.

    Example: `callout identity-provider remove Contoso`

    Parameters
    ----------
    name:
        Its name.
    """
    return await session.show(where, "identity_provider.remove", {"name": name}, message)
