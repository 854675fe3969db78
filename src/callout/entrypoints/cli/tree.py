"""The tree of commands, and its reference page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Literal

from cyclopts import App

from callout.entrypoints.cli.commands import (
    auditing,
    calling,
    certificates,
    connecting,
    creating,
    credentials,
    defining,
    forming,
    granting,
    identity,
    packages,
    people,
    running,
    secrets,
    signing_in,
    troubleshooting,
)

_HELP = """Named credentials for any stack: programs make callouts by name, no program holds a secret.

Start: `callout init`, `callout apply -f callout.yaml`, `callout secret set Orders/Service client_secret=-`,
`callout serve`. Or from a preset: `callout presets`, `callout create Pay --preset stripe --secret ApiKey=-`.
Then `callout diagnose Orders --as alice` says what a callout would do, and `callout send Orders/items --as alice` makes it.

Exit codes say whose action mends it: 0 done, 2 the caller's, 3 an admin's, 4 the external system's, 5 Callout's own.
"""


@cache
def build(version: str, *, help_format: Literal["plaintext", "markdown"] = "plaintext") -> App:
    """Build the app with every command, once. Help on a terminal is plain: Markdown would double its time."""
    app = App(
        name="callout",
        help=_HELP,
        help_format=help_format,
        version=version,
    )
    for part in (
        running,
        calling,
        troubleshooting,
        defining,
        creating,
        secrets,
        connecting,
        people,
        packages,
        granting,
        identity,
        signing_in,
        credentials,
        certificates,
        auditing,
        forming,
    ):
        part.register(app)
    return app


def cli_reference() -> str:
    """Return the reference page of the command line, in Markdown."""
    return build("", help_format="markdown").generate_docs(output_format="markdown", heading_level=1)


#: The commands that are not called as the operation that they run.
_OTHERWISE = {
    "named_credential.create": "create",
    "preset.list": "presets",
    "token.revoke": "revoke",
    "connection.link": "connect",
    "connection.remove": "disconnect",
    "callout.log": "log",
    "who_can": "who-can",
}


def command_examples(operations: Iterable[str]) -> Mapping[str, str]:
    """Return the example of the command that runs each of these operations, where there is one."""
    examples = dict(_examples(build(""), ()))
    named = {name: _OTHERWISE.get(name, name.replace(".", " ").replace("_", "-")) for name in operations}
    return {name: examples[command] for name, command in named.items() if command in examples}


def _examples(app: App, before: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name in app:
        command = app[name]
        if command.default_command is None:
            yield from _examples(command, (*before, name))
        elif found := re.search(r"Example: `(.*?)`", command.default_command.__doc__ or "", re.DOTALL):
            yield " ".join((*before, name)), " ".join(found[1].split())
