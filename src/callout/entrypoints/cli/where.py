"""The options that every command takes: where the definitions are, and how the answer is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

from callout.entrypoints.cli.session import Session

_GROUP = Group("Where, and how it is written")


@Parameter(name="*", group=_GROUP)
@dataclass(frozen=True, slots=True)
class Where:
    """A home directory on this machine, or a running server."""

    home: Path | None = None
    """Home directory; default $CALLOUT_HOME, else ~/.callout."""
    url: str | None = None
    """URL of a running server, its gateway's or its setup's, instead of a home."""
    key: str | None = None
    """Key for the running server; default $CALLOUT_KEY, which keeps it off the process list."""
    json: Annotated[bool, Parameter(negative=(), show_default=False)] = False
    """Write JSON on standard output, errors too."""


HERE = Where()

#: The session is handed in by `main`; it is no argument of the command line.
Given = Annotated[Session, Parameter(parse=False)]
#: Options that may be given several times, and switches without a `--no-…`.
Repeated = Annotated[list[str] | None, Parameter(negative=(), metavar="NAME")]
Switch = Annotated[bool, Parameter(negative=(), show_default=False)]
