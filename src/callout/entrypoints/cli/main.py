"""The entry: parse, run, print errors in one place, end with the exit code that says whose action mends it."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Sequence
from io import StringIO
from typing import IO, Any, TextIO

from cyclopts import CycloptsError

from callout.entrypoints.cli.errors import RemoteRefused, UsageError
from callout.entrypoints.cli.session import Session
from callout.entrypoints.cli.tree import build
from callout.entrypoints.cli.wiring import Wiring

#: As shells report a program that Ctrl-C ended.
INTERRUPTED = 130


def main(
    argv: Sequence[str],
    wiring: Wiring,
    *,
    stdin: TextIO | None = None,
    stdout: IO[str] | None = None,
    stderr: IO[str] | None = None,
) -> int:
    """Run one command; returns the exit code: 0, or by blame 2 caller, 3 admin, 4 external, 5 callout."""
    given = stdin or sys.stdin or StringIO()  # closed by who started this: Python has None for it
    session = Session(wiring, given, stdout or sys.stdout or StringIO(), stderr or sys.stderr or StringIO())
    session.output.machine = _wants_json(argv)
    try:
        return _run(list(argv), session)
    except KeyboardInterrupt:
        session.output.note("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the interpreter complains when it flushes at its end
        return 0
    except Exception as error:  # noqa: BLE001 - the one place that prints errors
        return session.output.problem(_document(error, argv))


def _run(argv: list[str], session: Session) -> int:
    from rich.console import Console

    console = Console(file=session.output.stdout)
    app = build(session.wiring.version)
    command, bound, wanted = app.parse_args(argv, exit_on_error=False, print_error=False, console=console)
    if "session" in wanted:
        bound.arguments["session"] = session
    where = bound.arguments.get("where")
    session.output.machine = bool(where is not None and where.json)
    session.output.place = session.place_of(where) if where is not None else ""
    result: Any = command(*bound.args, **bound.kwargs)
    if inspect.iscoroutine(result):
        import asyncio

        result = asyncio.run(result)
    return result if isinstance(result, int) else 0


def _wants_json(argv: Sequence[str]) -> bool:
    """Say whether errors of the arguments themselves are to be JSON."""
    options = argv[: argv.index("--")] if "--" in argv else argv
    return "--json" in options


def _document(error: Exception, argv: Sequence[str]) -> dict[str, Any]:
    if isinstance(error, RemoteRefused):
        return dict(error.document)
    if isinstance(error, CycloptsError | UsageError):
        return _usage(str(error), _command_of(argv))
    from callout.engine.operations import document_of

    return document_of(error)


def _command_of(argv: Sequence[str]) -> str:
    """Return the command that the arguments name, as far as there is one."""
    command, app = "callout", build("")
    for word in argv:
        if word.startswith("-") or word not in app:
            break
        command, app = f"{command} {word}", app[word]
    return command


def _usage(detail: str, command: str) -> dict[str, Any]:
    return {
        "type": "urn:callout:reason:usage",
        "title": "The arguments are not right",
        "status": 400,
        "detail": detail,
        "reason": "usage",
        "blame": "caller",
        "remedy": [f"Read what it takes: {command} --help"],
        "remedy_commands": [f"{command} --help"],
    }
