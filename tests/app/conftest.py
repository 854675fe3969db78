"""A real home in a folder of its own, opened in the process of the test."""

import json

import pytest

from callout.app.home import open_home
from callout.app.operations import initialise
from callout.settings import Settings


@pytest.fixture
async def home(tmp_path):
    settings = Settings(home=tmp_path / "home", poll_interval=0.001)
    await initialise(settings, "admin")
    async with open_home(settings) as opened:
        yield opened


@pytest.fixture
def logged(capfd):
    """Return what was logged since it was asked the last time."""

    def read():
        return [json.loads(line) for line in capfd.readouterr().err.splitlines()]

    return read
