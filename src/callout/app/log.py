"""Log lines: JSON on standard error. Fields are names and sentences that Callout made; never a header, body or secret."""

from __future__ import annotations

import json
import sys
from contextlib import suppress

from callout.core.errors import CalloutError


def log(event: str, **fields: str | float) -> None:
    """Write one line, in one piece: processes share the file. One that cannot be written stops nothing."""
    with suppress(OSError, ValueError):
        sys.stderr.write(json.dumps({"event": event, **fields}) + "\n")  # print would write the end by itself
        sys.stderr.flush()


def described(error: BaseException) -> str:
    """Word an error: Callout's own by its text, another by its type and place, as its text could hold anything."""
    if isinstance(error, CalloutError):
        return str(error)
    raised = error.__traceback__
    while raised is not None and raised.tb_next is not None:
        raised = raised.tb_next
    place = f" in {raised.tb_frame.f_globals.get('__name__')}, line {raised.tb_lineno}" if raised is not None else ""
    return f"an unforeseen {type(error).__name__}{place}"
