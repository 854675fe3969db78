"""Quick create: presets, and one command that makes endpoint, authentication, principal and grant."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from cyclopts import App, Parameter

from callout.entrypoints.cli.commands.secrets import read_values
from callout.entrypoints.cli.errors import UsageError
from callout.entrypoints.cli.output import Lines, Result, command_line, fields, table, text
from callout.entrypoints.cli.where import HERE, Given, Switch, Where

Pairs = Annotated[list[str] | None, Parameter(negative=(), metavar="NAME=VALUE")]


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is called, and how it is authenticated to."""

    preset: Annotated[str | None, Parameter(metavar="ID")] = None
    """A provider preset; `callout presets` finds one."""
    input: Pairs = None
    """What the preset asks for, as `subdomain=acme`; may be given several times."""
    url: Annotated[str | None, Parameter(name="--endpoint", metavar="URL")] = None
    """URL of the external system, without a preset or in the place of its own."""
    protocol: str | None = None
    """Authentication protocol, without a preset."""
    parameter: Pairs = None
    """A parameter of the protocol, as `token_endpoint=https://…`; may be given several times."""
    header: Annotated[list[str] | None, Parameter(alias="-H", negative=(), metavar="'NAME: VALUE'")] = None
    """A header that Callout writes, with formulas; may be given several times."""
    scope: str | None = None
    """Scope to ask for, in the place of the preset's."""
    allow_private_network: Switch = False
    """The external system is on this machine or in a private network."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Identity:
    """As whom it is called, and who may."""

    secret: Annotated[list[str] | None, Parameter(negative=(), metavar="NAME=-|NAME=@FILE")] = None
    """A secret value: from standard input or a hidden question (`-`), or from a file; may be given several times."""
    principal: str | None = None
    """Name of the principal; default Service, or Own where it is per user."""
    named: Switch = False
    """One identity for all who may call."""
    per_user: Switch = False
    """Each user has their own identity at the external system."""
    grant: Annotated[str | None, Parameter(metavar="PERMISSION_SET")] = None
    """Permission set that gets the grant; it is made where there is none."""
    user: str | None = None
    """User who gets the grant, by that permission set or by a new one."""
    namespace: Annotated[list[str] | None, Parameter(negative=())] = None
    """Package whose code may call, too; may be given several times."""


TO_NOTHING = Endpoint()
AS_USUAL = Identity()


def register(app: App) -> None:
    """Add these commands."""
    presets = App(name="presets", help="Provider presets: well-known APIs, ready to be used.", default_command=search)
    presets.command(show, name="show")
    app.command(presets)
    app.command(create)


async def search(*words: str, where: Where = HERE, session: Given) -> int:
    """List provider presets, or find some by words, which need not be written exactly.

    Example: `callout presets payments`

    Parameters
    ----------
    words:
        Words that are in the name, the description or the tags.
    """
    return await session.show(where, "preset.list", {"words": " ".join(words)}, _found)


def _found(result: Result) -> Lines:
    columns = ("preset", "what it is", "description", "protocol")
    rows = ((p["id"], p["label"], p["description"], p["protocol"]) for p in result["presets"])
    yield from table(columns, rows, empty="No preset is like that. `callout presets` lists all of them.")


async def show(preset: str, /, *, where: Where = HERE, session: Given) -> int:
    """Show a provider preset: what it makes, what it asks for, and the command that uses it.

    Example: `callout presets show stripe`

    Parameters
    ----------
    preset:
        Id of the preset.
    """
    return await session.show(where, "preset.show", {"id": preset}, _shown)


def _shown(result: Result) -> Lines:
    yield text(f"{result['label']}: {result['description']}", "bold")
    told = ("url", "protocol", "principal", "parameters", "additional_status_codes", "inactivity_limit", "docs")
    yield from fields(result, *(name for name in told if result[name]))
    yield from (text(f"header  {name}: {value}") for name, value in result["headers"].items())
    if result["note"]:
        yield text("")
        yield text(result["note"])
    if result["inputs"]:
        yield text("")
        rows = ((i["name"], i["help"], i["example"], i["default"]) for i in result["inputs"])
        yield from table(("input", "what it is", "example", "default"), rows, empty="")
    if result["secrets"]:
        yield text("")
        yield from table(("secret", "where it is"), ((s["name"], s["help"]) for s in result["secrets"]), empty="")
    yield text("")
    yield command_line("", result["command"])


async def create(
    name: str,
    /,
    *,
    endpoint: Endpoint = TO_NOTHING,
    identity: Identity = AS_USUAL,
    label: str | None = None,
    dry_run: Switch = False,
    where: Where = HERE,
    session: Given,
) -> int:
    """Make endpoint, authentication, principal and grant with one command, and say what is to be done next.

    Everything is written together, secrets sealed, or nothing is. `callout presets` lists what is known already;
    without a preset, `--endpoint` and `--protocol` say what is called and how.

    Example: `callout create Stripe --preset stripe --secret ApiKey=- --user alice`

    Example: `callout create Shop --preset shopify --input shop=acme --grant "Shop Keepers" --dry-run`

    Example: `callout create Stock --endpoint https://stock.example.com --protocol basic --secret username=- --secret password=-`

    Parameters
    ----------
    name:
        Name by which callouts are made, for the named credential and its external credential.
    label:
        What people read; default the preset's.
    dry_run:
        Show what would be made, and change nothing.
    """
    if identity.named and identity.per_user:
        raise UsageError("got --named and --per-user; expected one of them")
    request: dict[str, Any] = {
        "name": name,
        "preset": endpoint.preset,
        "url": endpoint.url,
        "protocol": endpoint.protocol,
        "inputs": _pairs("--input", endpoint.input or ()),
        "parameters": _pairs("--parameter", endpoint.parameter or ()),
        "headers": _header_fields(endpoint.header or ()),
        "scope": endpoint.scope,
        "allow_private_network": endpoint.allow_private_network,
        "secrets": read_values(session, tuple(identity.secret)) if identity.secret else {},
        "principal": identity.principal,
        "principal_type": "per_user" if identity.per_user else "named" if identity.named else None,
        "permission_set": identity.grant,
        "user": identity.user,
        "namespaces": identity.namespace or [],
        "label": label or "",
        "dry_run": dry_run,
    }
    with session.output.working("Planning …" if dry_run else "Making it …"):
        result = dict(await session.run(where, "named_credential.create", request))
    if where.url is None:
        result["next"] = [_as_user(step) for step in result["next"]]
    session.output.result(result, _created)
    return 0


def _as_user(step: Result) -> Result:
    """On a home, say as whom a callout is sent; a running server knows it by the key."""
    sending = step["command"].startswith("callout send ") and step["user"] is not None
    return {**step, "command": f"{step['command']} --as {shlex.quote(step['user'])}"} if sending else step


def _created(result: Result) -> Lines:
    yield text(str(result["text"]).rstrip("\n"))
    yield text(str(result["message"]))
    if result["note"]:
        yield text(str(result["note"]))
    for number, step in enumerate(result["next"]):
        yield command_line(f"{'Next' if number == 0 else 'Then'}: {step['say']}: ", step["command"])


def _pairs(option: str, given: Iterable[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for each in given:
        name, mark, value = each.partition("=")
        if not mark or not name or name in pairs:
            raise UsageError(f"got {option} {each!r}; expected {option} NAME=VALUE, each name once")
        pairs[name] = value
    return pairs


def _header_fields(given: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in given:
        name, mark, value = each.partition(":")
        if not mark or not name.strip():
            raise UsageError(f"got header {each!r}; expected 'NAME: VALUE'")
        found[name.strip()] = value.strip()
    return found
