"""A real home in a folder of its own, opened in the process of the test."""

import asyncio
import json
import shutil

import pytest

from callout.app.home import open_home
from callout.app.operations import initialise
from callout.settings import Settings


@pytest.fixture(scope="session")
def new_home(tmp_path_factory):
    """A home as `callout init` makes it; each test opens a copy."""
    folder = tmp_path_factory.mktemp("new") / "home"
    asyncio.run(initialise(Settings(home=folder), "admin"))
    return folder


@pytest.fixture
async def home(tmp_path, new_home):
    settings = Settings(home=tmp_path / "home", poll_interval=0.001)
    shutil.copytree(new_home, settings.folder)
    async with open_home(settings) as opened:
        yield opened


@pytest.fixture
def logged(capfd):
    """Return what was logged since it was asked the last time."""

    def read():
        return [json.loads(line) for line in capfd.readouterr().err.splitlines()]

    return read
