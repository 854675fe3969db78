"""The tree of commands, and its reference page."""

from __future__ import annotations

from cyclopts import App

from callout.entrypoints.cli.commands import calling, credentials, defining, granting, people, running, secrets

_HELP = """Named credentials for any stack: programs make callouts by name, no program holds a secret.

Exit codes say whose action mends it: 0 done, 2 the caller's, 3 an admin's, 4 the external system's, 5 Callout's own.
"""
_EXAMPLES = """Start: `callout init`, `callout apply -f callout.yaml`, `callout secret set Orders/Service client_secret=-`,
`callout serve`. Then `callout diagnose Orders --as alice` says what a callout would do, and
`callout send Orders/items --as alice` makes it."""


def build(version: str) -> App:
    """Build the app with every command."""
    app = App(
        name="callout",
        help=_HELP,
        help_epilogue=_EXAMPLES,
        help_format="markdown",
        version=version,
        default_parameter=None,
    )
    for part in (running, calling, defining, secrets, people, granting, credentials):
        part.register(app)
    return app


def cli_reference() -> str:
    """Return the reference page of the command line, in Markdown."""
    return build("").generate_docs(output_format="markdown", heading_level=1)
