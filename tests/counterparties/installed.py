"""Where the programs of others are, that these suites start."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

#: The environment of the servers of requirements/counterparties.txt, beside the packages of the tests.
ENVIRONMENT = Path(sys.prefix) / "counterparties"


def node() -> str:
    """Return the path of Node.js."""
    found = shutil.which("node")
    if found is None:
        pytest.fail("got no node on PATH; expected Node.js 20 or later (Debian: apt install nodejs npm)", pytrace=False)
    return found


def npm_package(folder: Path, package: str) -> Path:
    """Return the folder of an npm package that is installed in this folder."""
    found = folder / "node_modules" / package
    if not found.is_dir():
        pytest.fail(f"got no {found}; expected `make setup`, or `npm ci` in {folder}", pytrace=False)
    return found


def program(name: str) -> Path:
    """Return the path of a program of the counterparties' environment."""
    found = ENVIRONMENT / "bin" / name
    if not found.exists():
        pytest.fail(f"got no {found}; expected `make setup`", pytrace=False)
    return found
