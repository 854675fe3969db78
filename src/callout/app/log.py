"""Log lines: JSON on standard error. Fields are names and sentences that Callout made; never a header, body or secret."""

from __future__ import annotations

import json
import sys


def log(event: str, **fields: str | float) -> None:
    """Write one line."""
    print(json.dumps({"event": event, **fields}), file=sys.stderr, flush=True)  # noqa: T201 - the log itself
