"""What every counterparty suite may use."""

from __future__ import annotations

import pytest

from tests.journeys.processes import pytest_runtest_makereport

__all__ = ["pytest_runtest_makereport"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here talks to software that others wrote, and starts real processes."""
    for item in items:
        if "counterparties" in item.path.parts:
            item.add_marker(pytest.mark.counterparty)
