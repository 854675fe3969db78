"""Commands on secret values: set, list, remove. Values are read, never shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from callout.entrypoints.cli.errors import UsageError
from callout.entrypoints.cli.output import Lines, Result, exit_code, fields, message
from callout.entrypoints.cli.session import Session
from callout.entrypoints.cli.where import HERE, Given, Switch, Where

SecretValues = Annotated[str, Parameter(name="NAME=VALUE", allow_leading_hyphen=False)]


def register(app: App) -> None:
    """Add these commands."""
    secret = App(name="secret", help="Secret values of principals.")
    secret.command(set_values, name="set")
    secret.command(list_values, name="list")
    secret.command(remove_values, name="remove")
    app.command(secret)
    app.command(revoke)


async def set_values(
    principal: str, /, *values: SecretValues, user: str | None = None, where: Where = HERE, session: Given
) -> int:
    """Set secret values of a principal. They are sealed, and never shown again.

    `NAME=-` reads the value from standard input (with several `-`, one line each), or asks for it on a terminal
    without showing it. `NAME=@FILE` reads a file. `NAME=VALUE` is accepted, but stays in the shell's history.

    Example: `callout secret set Orders/Service client_id=- client_secret=@secret.txt`

    Parameters
    ----------
    principal:
        EXTERNAL_CREDENTIAL/PRINCIPAL.
    values:
        The values, by name.
    user:
        Whose values they are, for a per-user principal.
    """
    external_credential, name = split_principal(principal)
    request = {
        "external_credential": external_credential,
        "principal": name,
        "values": read_values(session, values),
        "user": user,
    }
    return await session.show(where, "secret.set", request, message)


def split_principal(text: str) -> tuple[str, str]:
    """Split EXTERNAL_CREDENTIAL/PRINCIPAL; raises `UsageError`."""
    external_credential, mark, principal = text.partition("/")
    if not mark or not external_credential or not principal:
        raise UsageError(f"got {text!r}; expected EXTERNAL_CREDENTIAL/PRINCIPAL")
    return external_credential, principal


def read_values(session: Session, values: tuple[str, ...]) -> dict[str, str]:
    """Read the values from where each argument says. Raises `UsageError`; no message holds a value."""
    if not values:
        raise UsageError("got no value; expected at least one, as NAME=-, NAME=@FILE or NAME=VALUE")
    given: dict[str, str] = {}
    for value in values:
        name, mark, source = value.partition("=")
        if not name or (not mark and not name.isidentifier()):
            raise UsageError("got an argument without a name; expected NAME=-, NAME=@FILE or NAME=VALUE")
        if name in given:
            raise UsageError(f"got {name} twice; expected each name once")
        given[name] = source if mark else "-"
    asked = [name for name, source in given.items() if source == "-"]
    read = _read_input(session, asked)
    spoken = [name for name, source in given.items() if source != "-" and not source.startswith("@")]
    if spoken:
        session.output.note(f"warning: {', '.join(spoken)} came on the command line, where history and ps show it")
    return {name: read[name] if name in read else _value(name, source) for name, source in given.items()}


def _read_input(session: Session, names: list[str]) -> dict[str, str]:
    if not names:
        return {}
    if session.stdin.isatty():
        from getpass import getpass

        return {name: getpass(f"{name}: ") for name in names}
    if len(names) == 1:
        return {names[0]: _without_line_end(session.stdin.read())}
    lines = [_without_line_end(session.stdin.readline()) for _ in names]
    if not all(lines):
        raise UsageError(
            f"got {sum(map(bool, lines))} lines on standard input; expected one for each of {', '.join(names)}"
        )
    return dict(zip(names, lines, strict=True))


def _value(name: str, source: str) -> str:
    if not source.startswith("@"):
        return source
    try:
        return _without_line_end(Path(source[1:]).expanduser().read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        because = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"got file {source[1:]!r} for {name}, which cannot be read: {because}") from None


def _without_line_end(value: str) -> str:
    return value.removesuffix("\n").removesuffix("\r")


async def list_values(principal: str, /, *, user: str | None = None, where: Where = HERE, session: Given) -> int:
    """List which secret values a principal has, and which it lacks. Names only.

    Example: `callout secret list Orders/Service`

    Parameters
    ----------
    principal:
        EXTERNAL_CREDENTIAL/PRINCIPAL.
    user:
        Whose values they are, for a per-user principal.
    """
    external_credential, name = split_principal(principal)
    request = {"external_credential": external_credential, "principal": name, "user": user}
    return await session.show(where, "secret.list", request, _listed)


def _listed(result: Result) -> Lines:
    return fields(result, "set", "missing")


async def remove_values(
    principal: str,
    /,
    *names: str,
    everything: Annotated[Switch, Parameter(name="--all")] = False,
    user: str | None = None,
    where: Where = HERE,
    session: Given,
) -> int:
    """Remove secret values of a principal, and its token.

    Example: `callout secret remove Orders/Service client_secret`

    Parameters
    ----------
    principal:
        EXTERNAL_CREDENTIAL/PRINCIPAL.
    names:
        Names of the values.
    everything:
        Remove all of them.
    user:
        Whose values they are, for a per-user principal.
    """
    if bool(names) == everything:
        raise UsageError("got names and --all, or neither; expected one of them")
    external_credential, name = split_principal(principal)
    request = {
        "external_credential": external_credential,
        "principal": name,
        "names": None if everything else list(names),
        "user": user,
    }
    return await session.show(where, "secret.remove", request, message)


async def revoke(principal: str, /, *, user: str | None = None, where: Where = HERE, session: Given) -> int:
    """Revoke the token of a principal at its authorization server, and keep it no longer. Its values stay.

    The exit code is 4 where the authorization server did not revoke it: the receipt says what is left to be done.

    Example: `callout revoke Orders/Service`

    Parameters
    ----------
    principal:
        EXTERNAL_CREDENTIAL/PRINCIPAL.
    user:
        Whose token it is, for a per-user principal.
    """
    external_credential, name = split_principal(principal)
    request = {"external_credential": external_credential, "principal": name, "user": user}
    result = await session.run(where, "token.revoke", request)
    session.output.result(result, message)
    return 0 if all(receipt["revoked"] for receipt in result.get("revocations", ())) else exit_code("external")
