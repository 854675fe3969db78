"""What every journey may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.journeys.processes import Home, Sandbox, callout_home, pytest_runtest_makereport

__all__ = ["pytest_runtest_makereport"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A fresh home, one a module."""
    with callout_home(tmp_path_factory.mktemp("callout") / "home") as home:
        yield home


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox, one a module."""
    with Sandbox(tmp_path_factory.mktemp("sandbox") / "sandbox.log") as sandbox:
        yield sandbox
