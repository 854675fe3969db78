"""What every counterparty suite may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.counterparties.aws import Ministack, Swift
from tests.journeys.processes import pytest_runtest_makereport

__all__ = ["pytest_runtest_makereport"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here talks to software that others wrote, and starts real processes."""
    for item in items:
        if "counterparties" in item.path.parts:
            item.add_marker(pytest.mark.counterparty)


@pytest.fixture(scope="session")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swift]:
    """S3 as OpenStack Swift offers it, which verifies every signature and hashes every body."""
    with Swift(tmp_path_factory.mktemp("swift")) as swift:
        yield swift


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    """AWS's APIs as ministack offers them: IAM, STS, KMS, S3 and others, which judge who may."""
    with Ministack(tmp_path_factory.mktemp("ministack")) as ministack:
        yield ministack
