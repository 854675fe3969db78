"""Commands on signing in to Setup: invitations, passwords, sessions, the client at a trusted issuer."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from callout.entrypoints.cli.commands.secrets import SecretValues, read_values
from callout.entrypoints.cli.output import Lines, Result, message, table
from callout.entrypoints.cli.where import HERE, Given, Switch, Where


def register(app: App) -> None:
    """Add these commands, beside those that are there on users and trusted issuers."""
    app["user"].command(invite, name="invite")
    app["user"].command(set_password, name="password")
    app["user"].command(sessions, name="sessions")
    app["user"].command(sign_out, name="sign-out")
    app["trusted-issuer"].command(set_client_secret, name="set-secret")


async def invite(name: str, /, *, expires: str = "7d", where: Where = HERE, session: Given) -> int:
    """Make a link at which a user chooses a password for Setup. It is good once, and shown this once.

    Example: `callout user invite alice`

    Parameters
    ----------
    name:
        Name of the user.
    expires:
        How long the link is good, such as 12h or 7d.
    """
    result = await session.run(where, "user.invite", {"name": name, "expires": expires})
    if not session.output.machine:
        session.output.note(result["message"])
    session.output.result(result, lambda made: [made["link"]])
    return 0


async def set_password(
    name: str,
    /,
    *,
    current: Annotated[Switch, Parameter(name="--current", negative=())] = False,
    where: Where = HERE,
    session: Given,
) -> int:
    """Set the password with which a user signs in to Setup. It is read from standard input, or asked for on a terminal.

    Example: `callout user password alice`

    Parameters
    ----------
    name:
        Name of the user.
    current:
        Read the present password first, on a line of its own: to change one's own on a running server.
    """
    asked = ("current=-", "password=-") if current else ("password=-",)
    request = {"name": name, **read_values(session, asked)}
    return await session.show(where, "user.set_password", request, message)


async def sessions(name: str, /, *, where: Where = HERE, session: Given) -> int:
    """List the browsers in which a user is signed in to Setup.

    Example: `callout user sessions alice`

    Parameters
    ----------
    name:
        Name of the user.
    """
    return await session.show(where, "user.sessions", {"name": name}, _sessions)


def _sessions(result: Result) -> Lines:
    columns = ("id", "proof", "began_at", "seen_at", "ends_at", "browser")
    rows = ([each[column] for column in columns] for each in result["sessions"])
    empty = f"{result['user']} is signed in nowhere."
    return table(("session", "proven by", "began", "last seen", "ends", "browser"), rows, empty=empty)


async def sign_out(name: str, /, *, id: str | None = None, where: Where = HERE, session: Given) -> int:  # noqa: A002 - the option is --id
    """Sign a user out of Setup: out of every browser, or of one.

    Example: `callout user sign-out alice`

    Parameters
    ----------
    name:
        Name of the user.
    id:
        The session that ends, as `callout user sessions` lists it. Default: all of them.
    """
    return await session.show(where, "user.sign_out", {"name": name, "session": id}, message)


async def set_client_secret(name: str, /, *values: SecretValues, where: Where = HERE, session: Given) -> int:
    """Set the secret of the client with which people sign in at a trusted issuer. It is sealed, and never shown again.

    Example: `callout trusted-issuer set-secret Login client_secret=-`

    Parameters
    ----------
    name:
        Its name.
    values:
        client_secret, as for `callout secret set`.
    """
    request = {"name": name, "values": read_values(session, values)}
    return await session.show(where, "trusted_issuer.set_secret", request, message)
