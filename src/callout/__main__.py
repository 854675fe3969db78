"""The `callout` command."""

from __future__ import annotations

import sys

from callout.app import wiring
from callout.entrypoints.cli.main import main as run


def main() -> int:
    """Run one command; returns its exit code."""
    return run(sys.argv[1:], wiring())


if __name__ == "__main__":
    sys.exit(main())
