"""What every counterparty suite may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.counterparties.aws import Ministack, Swift
from tests.counterparties.browsing import chromium, new_page
from tests.counterparties.openbao import OpenBao
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


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A headless Chromium. A module that uses it has no async tests."""
    with chromium(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a profile of its own."""
    with new_page(browser) as page:
        yield page


@pytest.fixture(scope="module")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    """An issuer and a verifier of JWTs."""
    with OpenBao(tmp_path_factory.mktemp("openbao")) as openbao:
        yield openbao
