"""Commands that make, run and look after an installation: init, serve, demo, sandbox, db, keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from callout.entrypoints.cli.errors import UsageError
from callout.entrypoints.cli.output import fields
from callout.entrypoints.cli.where import HERE, Given, Where
from callout.entrypoints.cli.wiring import Serving

#: Name of the first administrator, where none is given.
FIRST_ADMINISTRATOR = "admin"

Tokens = Annotated[str, Parameter(show=False, allow_leading_hyphen=True)]


def register(app: App) -> None:
    """Add these commands."""
    app.command(init)
    app.command(serve)
    app.command(demo, help_flags=[], version_flags=[])
    app.command(sandbox, help_flags=[], version_flags=[])
    database = App(name="db", help="The database of a home.")
    database.command(migrate)
    app.command(database)
    sealing = App(name="keys", help="The keys that seal secrets: the master key, and the data keys that it wraps.")
    sealing.command(rotate)
    app.command(sealing)


async def init(*, admin: str = FIRST_ADMINISTRATOR, where: Where = HERE, session: Given) -> int:
    """Make a home: database, master key and first administrator. Then `callout create` makes a first named credential.

    Example: `callout init --home ./callout-home`

    Parameters
    ----------
    admin:
        Name of the first administrator.
    """
    made = await session.wiring.init(_home(session, where, "init"), admin)
    session.output.result(made, lambda result: fields(result, *result))
    return 0


def serve(
    *,
    host: str | None = None,
    port: int | None = None,
    setup_port: int | None = None,
    workers: int | None = None,
    tls_certificate_file: Path | None = None,
    tls_key_file: Path | None = None,
    client_ca_file: Path | None = None,
    where: Where = HERE,
    session: Given,
) -> int:
    """Run the gateway and setup until stopped. One line of JSON on standard output says when they are ready, and where.

    Example: `callout serve --port 8470 --setup-port 8471 --workers 4`

    Example: `callout serve --tls-certificate-file gateway.pem --tls-key-file gateway.key --client-ca-file clients.pem`

    Parameters
    ----------
    host:
        Address to listen on; default 127.0.0.1.
    port:
        Port of the gateway; default 8470, 0 for any free one.
    setup_port:
        Port of setup; default 8471, 0 for any free one.
    workers:
        Processes of the gateway; default 1.
    tls_certificate_file:
        Certificate of the gateway, and those between it and its authority (PEM): the gateway then speaks TLS alone.
    tls_key_file:
        Its private key (PEM), closed to other users; default: in the same file.
    client_ca_file:
        Authorities (PEM) that judge the certificates of callers; default: none is asked for.
    """
    files = (tls_certificate_file, tls_key_file, client_ca_file)
    return session.wiring.serve(_home(session, where, "serve"), Serving(host, port, setup_port, workers, *files))


def demo(*tokens: Tokens, session: Given) -> int:
    """See the main job done for real, on loopback, in a transcript that ends by itself.

    Example: `callout demo --keep`
    """
    return session.wiring.demo(tokens)


def sandbox(*tokens: Tokens, session: Given) -> int:
    """Run an external system and an OAuth authorization server that misbehave on command, to try a set-up against.

    Example: `callout sandbox --help`
    """
    return session.wiring.sandbox(tokens)


def migrate(*, where: Where = HERE, session: Given) -> int:
    """Bring the database of a home to the schema of this version.

    Example: `callout db migrate`
    """
    done = session.wiring.migrate(_home(session, where, "db migrate"))
    session.output.result(done, lambda result: fields(result, *result))
    return 0


async def rotate(*, where: Where = HERE, session: Given) -> int:
    """Rotate the keys that seal: a fresh data key, every value and token sealed again with it, a new master key.

    Servers of this home go on meanwhile, and callouts with them. The old master key is replaced only when the new one
    wraps every data key; a rotation that was interrupted is brought to its end by the next. A backup from before needs
    the old master key: copy it to where the backup is, first. Where the master key is in CALLOUT_MASTER_KEY, start every server
    with the new one in CALLOUT_NEW_MASTER_KEY beside it, then rotate with both.

    Example: `callout keys rotate`
    """
    with session.output.working("Sealing again …"):
        done = await session.wiring.rotate(_home(session, where, "keys rotate"))
    session.output.result(done, lambda result: fields(result, *(n for n, v in result.items() if v is not None)))
    return 0


def _home(session: Given, where: Where, command: str) -> Path:
    if where.url is not None or where.key is not None:
        raise UsageError(f"got --url or --key for {command}; expected --home: it works on this machine")
    return session.home(where)
