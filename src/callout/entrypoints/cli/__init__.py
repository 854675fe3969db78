"""The command line: parse, run an operation of `engine.operations` (here or on a running server), render."""

from callout.entrypoints.cli.main import main
from callout.entrypoints.cli.wiring import Serving, Wiring

__all__ = ["Serving", "Wiring", "main"]
