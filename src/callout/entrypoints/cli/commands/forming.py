"""Commands on one definition whole: show it, set it from a file, remove it; and previews of any change."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from cyclopts import App

from callout.entrypoints.cli.commands.defining import ManifestFile, read_manifest_file, references_of
from callout.entrypoints.cli.commands.secrets import split_principal
from callout.entrypoints.cli.errors import UsageError
from callout.entrypoints.cli.output import Lines, Result, fields, message, table, text
from callout.entrypoints.cli.session import Session
from callout.entrypoints.cli.where import HERE, Given, Switch, Where

Command = Callable[..., Awaitable[int]]

#: The nouns of which one definition is set, with the section of the manifest, and a name for the example.
_SET = {
    "named-credential": ("named_credential", "named_credentials", "named credential", "Orders"),
    "external-credential": ("external_credential", "external_credentials", "external credential", "Orders"),
    "identity-provider": ("identity_provider", "external_auth_identity_providers", "identity provider", "Contoso"),
    "permission-set": ("permission_set", "permission_sets", "permission set", "'Order Clerks'"),
    "permission-set-group": ("permission_set_group", "permission_set_groups", "permission set group", "Staff"),
    "profile": ("profile", "profiles", "profile", "Contractors"),
    "trusted-issuer": ("trusted_issuer", "trusted_issuers", "trusted issuer", "Login"),
}
#: Those of which `set` or `trust` does another thing: they are defined.
_DEFINED = {
    "user": ("user", "users", "user", "alice"),
    "client-certificate": ("client_certificate", "client_certificates", "mapping of a client certificate", "Orders"),
}


def register(app: App) -> None:
    """Add these commands, beside those that are there on each noun."""
    for noun, (operation, section, called, example) in _SET.items():
        app[noun].command(_setting(noun, operation, section, called, example, "set"), name="set")
    for noun, (operation, section, called, example) in _DEFINED.items():
        app[noun].command(_setting(noun, operation, section, called, example, "define"), name="define")
    for noun in ("permission-set", "permission-set-group", "profile", "trusted-issuer", "client-certificate"):
        operation, _, called, example = (_SET | _DEFINED)[noun]
        app[noun].command(_showing(noun, operation, called, example), name="show")
    for noun in ("named-credential", "external-credential"):
        operation, _, called, example = _SET[noun]
        app[noun].command(_removing(noun, operation, called, example), name="remove")
    principal = App(name="principal", help="Principals: identities at an external system.")
    principal.command(set_principal, name="set")
    principal.command(show_principal, name="show")
    principal.command(remove_principal, name="remove")
    app.command(principal)
    protocol = App(name="protocol", help="Authentication protocols, and what each is told.")
    protocol.command(list_protocols, name="list")
    protocol.command(show_protocol, name="show")
    app.command(protocol)
    app.command(preview)


_OF_SETTING = """
    Parameters
    ----------
    name:
        Name of it.
    file:
        The fields that a manifest has under its name, YAML or JSON; `-` reads standard input.
    dry_run:
        Show what would change, and change nothing.
    expects:
        The `version` that `show --json` gave: refuse where it was changed since; 0: where the name is taken.
"""


def _setting(noun: str, operation: str, section: str, called: str, example: str, verb: str) -> Command:
    async def command(
        name: str,
        /,
        *,
        file: ManifestFile,
        dry_run: Switch = False,
        expects: int | None = None,
        where: Where = HERE,
        session: Given,
    ) -> int:
        request = _definition(session, file, lambda definition: {section: {name: definition}})
        return await _set(session, where, f"{operation}.{verb}", {"name": name, **request}, dry_run, expects)

    command.__doc__ = f"""Define a {called}, or put another definition in its place. What is left out has its default.

    Example: `callout {noun} {verb} {example} -f definition.yaml --dry-run`
{_OF_SETTING}"""
    return command


def _showing(noun: str, operation: str, called: str, example: str) -> Command:
    async def command(name: str, /, *, where: Where = HERE, session: Given) -> int:
        return await session.show(where, f"{operation}.show", {"name": name}, _shown)

    command.__doc__ = f"""Show a {called}, as a manifest has it, and what uses it.

    Example: `callout {noun} show {example}`
    """
    return command


def _removing(noun: str, operation: str, called: str, example: str) -> Command:
    async def command(name: str, /, *, dry_run: Switch = False, where: Where = HERE, session: Given) -> int:
        request = {"name": name, "dry_run": dry_run}
        return await session.show(where, f"{operation}.remove", _asked(request), _changed)

    command.__doc__ = f"""Remove a {called} that nothing uses, with what is sealed for it; its tokens are revoked.

    Example: `callout {noun} remove {example} --dry-run`

    Parameters
    ----------
    name:
        Name of it.
    dry_run:
        Show what would go, and change nothing.
    """
    return command


async def set_principal(
    principal: str,
    /,
    *,
    file: ManifestFile,
    dry_run: Switch = False,
    expects: int | None = None,
    where: Where = HERE,
    session: Given,
) -> int:
    """Define a principal, or put another definition in its place. Its sealed values stay unless others are given.

    Example: `callout principal set Orders/Service -f principal.yaml`

    Parameters
    ----------
    principal:
        EXTERNAL_CREDENTIAL/PRINCIPAL.
    file:
        The fields that a manifest has under its name, YAML or JSON; `-` reads standard input.
    dry_run:
        Show what would change, and change nothing.
    expects:
        The `version` of it that `external-credential show --json` gave: refuse where it was changed since.
    """
    external, name = split_principal(principal)

    def whole(definition: dict[str, Any]) -> dict[str, Any]:
        return {"external_credentials": {external: {"protocol": "custom", "principals": {name: definition}}}}

    request = {"external_credential": external, "principal": name, **_definition(session, file, whole)}
    return await _set(session, where, "principal.set", request, dry_run, expects)


async def show_principal(principal: str, /, *, where: Where = HERE, session: Given) -> int:
    """Show a principal: which values it has and needs, what grants it, and who was granted it.

    Example: `callout principal show Orders/Service`

    Parameters
    ----------
    principal:
        EXTERNAL_CREDENTIAL/PRINCIPAL.
    """
    external, name = split_principal(principal)
    return await session.show(
        where, "principal.show", {"external_credential": external, "principal": name}, _shown_principal
    )


def _shown_principal(result: Result) -> Lines:
    yield from fields(result, "external_credential", "name", "protocol", "type", "sequence", "parameters")
    yield from fields(result, "secrets_set", "secrets_needed", "used_by", "granted_to")


async def remove_principal(principal: str, /, *, dry_run: Switch = False, where: Where = HERE, session: Given) -> int:
    """Remove a principal that nobody is granted, with what is sealed for it; its tokens are revoked.

    Example: `callout principal remove Orders/Service --dry-run`

    Parameters
    ----------
    principal:
        EXTERNAL_CREDENTIAL/PRINCIPAL.
    dry_run:
        Show what would go, and change nothing.
    """
    external, name = split_principal(principal)
    request = {"external_credential": external, "principal": name, "dry_run": dry_run}
    return await session.show(where, "principal.remove", _asked(request), _changed)


async def preview(operation: str, given: str = "{}", /, *, where: Where = HERE, session: Given) -> int:
    """Show what an operation of the setup API would change; nothing is changed, sent or spent.

    Example: `callout preview 'callout named-credential enable Orders'`

    Example: `callout preview permission_set.assign '{"name": "Order Clerks", "user": "bob"}'`

    Parameters
    ----------
    operation:
        Name of the operation; or the whole command of a remedy, in quotes, as it is printed.
    given:
        What the operation is given, a JSON object.
    """
    if operation.startswith("callout "):
        asked: dict[str, Any] = {"command": operation}
    else:
        asked = {"operation": operation, "arguments": _object(given)}
    return await session.show(where, "preview", asked, _changed)


def _object(given: str) -> dict[str, Any]:
    try:
        members = json.loads(given)
    except ValueError:
        members = None
    if not isinstance(members, dict):
        raise UsageError('got arguments that are no JSON object; expected one, such as \'{"name": "Orders"}\'')
    return members


async def list_protocols(*, where: Where = HERE, session: Given) -> int:
    """List the authentication protocols.

    Example: `callout protocol list`
    """
    return await session.show(where, "protocol.list", {}, _protocols)


def _protocols(result: Result) -> Lines:
    rows = ((each["name"], each["title"], each["principal_types"]) for each in result["protocols"])
    return table(("protocol", "what it is", "principals"), rows, empty="There is no protocol.")


async def show_protocol(name: str, /, *, where: Where = HERE, session: Given) -> int:
    """Show an authentication protocol: its parameters, and the secrets of its principals.

    Example: `callout protocol show oauth2_client_credentials`
    """
    return await session.show(where, "protocol.show", {"name": name}, _protocol)


def _protocol(result: Result) -> Lines:
    yield from fields(result, "name", "title", "principal_types", "interactive", "docs")
    if result["warning"]:
        yield text(f"mind: {result['warning']}")
    columns = ("parameter", "secret", "required", "default", "what it is")
    rows = ((p["name"], p["secret"], p["required"], p["default"], p["help"]) for p in result["parameters"])
    yield from table(columns, rows, empty="It is told nothing.")


def _definition(session: Session, file: Path, whole: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """Read a definition from a file, and the values that it refers to from where the command runs."""
    from callout.engine.manifest import members_of

    given, source = read_manifest_file(session, file)
    definition = members_of(given, source)
    folder = Path() if str(file) == "-" else file.parent
    manifest = json.dumps(whole(definition))
    references = references_of(manifest, "definition.json", folder, session.wiring.environment)
    return {"definition": definition, "references": references}


async def _set(
    session: Session, where: Where, operation: str, request: dict[str, Any], dry_run: bool, expects: int | None
) -> int:
    asked = _asked({**request, "dry_run": dry_run, "expects": expects})
    return await session.show(where, operation, asked, _changed)


def _asked(request: dict[str, Any]) -> dict[str, Any]:
    """Leave out a dry run that is not wanted: a query has no need of it."""
    return {name: value for name, value in request.items() if name != "dry_run" or value}


def _changed(result: Result) -> Lines:
    if result.get("text"):
        yield text(str(result["text"]).rstrip("\n"))
    if "message" in result:
        yield from message(result)


def _shown(result: Result) -> Lines:
    yield from fields(result, "name", "label", "used_by")
    yield from (text(line) for line in json.dumps(result["definition"], indent=2, ensure_ascii=False).splitlines())
