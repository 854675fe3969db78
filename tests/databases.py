"""New databases for tests. The migrations run once in a process; every database after that is a copy."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from callout.adapters.store.migrate import create


@cache
def _as_created() -> bytes:
    with TemporaryDirectory(prefix="callout-tests-") as folder:
        path = Path(folder) / "callout.db"
        create(path)
        assert list(Path(folder).iterdir()) == [path], "whole in one file, with nothing left to write"
        return path.read_bytes()


def create_copy(path: Path) -> None:
    """Do what `create` does, without its time: a new database of mode 0600 with the present schema."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(_as_created())
