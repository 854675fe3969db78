"""`python -m callout.sandbox`: start the sandbox, say where it is in one line of JSON, run until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import resource
import signal
import sys
from collections.abc import Sequence

from callout.sandbox import external_system
from callout.sandbox.clients import Client
from callout.sandbox.control import ROUTES
from callout.sandbox.external_system import Accounts
from callout.sandbox.faults import FAULTS
from callout.sandbox.running import DEFAULT_CLIENTS, DEFAULT_SCOPES, LOOPBACK, Sandbox
from callout.sandbox.settings import AUTHENTICATIONS, CLIENT_AUTHENTICATIONS, BadCommand, Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sandbox; returns 0 after a signal, 2 for a wrong option or a port that is taken."""
    options = _parser().parse_args(arguments)
    _allow_many_connections()
    try:
        return asyncio.run(_run(_sandbox(options)))
    except (BadCommand, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _allow_many_connections() -> None:
    """Raise the limit of open files to what is allowed: a soft limit of 1024 is less than a thousand callouts need."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS allows less than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _run(sandbox: Sandbox) -> int:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with sandbox:
        where = {
            "event": "ready",
            "external_system": sandbox.url,
            "authorization_server": sandbox.issuer,
            "token_endpoint": sandbox.token_endpoint,
            "control": sandbox.control_url,
        }
        sys.stdout.write(json.dumps(where) + "\n")
        sys.stdout.flush()
        await stopped.wait()
    return 0


def _sandbox(options: argparse.Namespace) -> Sandbox:
    settings = dict(_setting(text) for text in options.set)
    settings |= {name: getattr(options, name) for name in _SETTINGS if hasattr(options, name)}
    return Sandbox(
        host=options.host,
        port=options.port,
        token_port=options.token_port,
        control_port=options.control_port,
        clients=tuple(_client(text) for text in options.client) or DEFAULT_CLIENTS,
        scopes=tuple(options.scope) or DEFAULT_SCOPES,
        accounts=_accounts(options),
        settings=Settings().changed(settings),
        show_credentials=options.show_credentials,
    )


_SETTINGS = ("stale_status", "default_authentication", "lifetime", "expires_in", "client_authentication")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="callout sandbox",
        description="An external system and an OAuth 2.0 authorization server that misbehave on command.",
        epilog=_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    ports = parser.add_argument_group("where")
    ports.add_argument("--host", default=LOOPBACK, help="address of the two servers (default %(default)s)")
    ports.add_argument("--port", type=int, default=0, help="of the external system (default 0: any free one)")
    ports.add_argument("--token-port", type=int, default=0, help="of the authorization server (default 0)")
    ports.add_argument("--control-port", type=int, default=0, help="of the control API, on loopback (default 0)")
    accepted = parser.add_argument_group("credentials that are accepted")
    accepted.add_argument(
        "--client",
        action="append",
        default=[],
        metavar="ID:SECRET",
        help="(default sandbox-client:sandbox-secret); ID: alone for a public client",
    )
    accepted.add_argument("--scope", action="append", default=[], help=f"(default {' '.join(DEFAULT_SCOPES)})")
    accepted.add_argument("--basic", metavar="USER:PASSWORD", help="(default sandbox-user:sandbox-password)")
    accepted.add_argument("--key", metavar="HEADER:KEY", help="(default X-API-Key:sandbox-api-key)")
    how = parser.add_argument_group("settings at the start", argument_default=argparse.SUPPRESS)
    how.add_argument("--stale-status", type=int, help="answer for stale credentials, 200 to 999 (default 401)")
    how.add_argument("--default-authentication", choices=AUTHENTICATIONS, help="of plain paths (default bearer)")
    how.add_argument("--lifetime", type=float, help="seconds for which a token is accepted (default 3600)")
    how.add_argument("--expires-in", type=_json_or_text, help="what token answers say, as JSON; null leaves it out")
    how.add_argument("--client-authentication", choices=CLIENT_AUTHENTICATIONS, help="(default any)")
    how.add_argument(
        "--set", action="append", default=[], metavar="NAME=JSON", help="any setting, as PATCH /control/settings has it"
    )
    how.add_argument(
        "--show-credentials",
        action="store_true",
        default=False,
        help="repeat credentials as they came instead of … (for tests)",
    )
    return parser


def _epilog() -> str:
    paths = (external_system.__doc__ or "").partition("\n\n")[2]
    commands = "\n".join(f"    {method:5} {path:18} {does}" for (method, path), does in ROUTES.items())
    faults = "\n".join(f"    {kind:24} {fault.description}" for kind, fault in FAULTS.items())
    settings = (Settings.__doc__ or "").partition("\n\n")[2].strip()
    return (
        f"paths of the external system:\n{paths}\ncommands of the control API:\n{commands}\n\n"
        f"kinds of POST /control/fail:\n{faults}\n\nsettings of PATCH /control/settings:\n    {settings}\n"
    )


def _json_or_text(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _setting(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise BadCommand(f"got --set {text!r}; expected NAME=JSON")
    return name, _json_or_text(value)


def _client(text: str) -> Client:
    client_id, colon, secret = text.partition(":")
    return Client(client_id, "") if colon and client_id and not secret else Client(*_pair("--client", text))


def _accounts(options: argparse.Namespace) -> Accounts:
    standard = Accounts()
    username, password = _pair("--basic", options.basic) if options.basic else (standard.username, standard.password)
    key_header, key = _pair("--key", options.key) if options.key else (standard.key_header, standard.key)
    return Accounts(username, password, key_header, key)


def _pair(option: str, text: str) -> tuple[str, str]:
    left, colon, right = text.partition(":")
    if not (left and colon and right):
        raise BadCommand(f"got {option} {text!r}; expected two texts with a colon between them")
    return left, right


if __name__ == "__main__":
    sys.exit(main())
