"""What the tests of the console's security share: one furnished home, and who is signed in there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.furnished import Furnished, furnish
from tests.journeys.processes import Sandbox, callout_home, pytest_runtest_makereport

__all__ = ["pytest_runtest_makereport"]


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    """A running home with one of everything."""
    folder = tmp_path_factory.mktemp("furnished")
    with (
        Sandbox(folder / "sandbox.log") as sandbox,
        callout_home(folder / "home") as home,
        home.serve() as server,
    ):
        yield furnish(home, server, sandbox)
