"""`init`: a home is made whole, or nothing of it is left."""

import pytest

from callout.app.making import make_home
from callout.app.operations import initialise
from callout.core.errors import DefinitionError, StoreError, VaultError
from callout.settings import Settings, read_settings


@pytest.fixture
def settings(tmp_path) -> Settings:
    return read_settings(home=tmp_path / "above" / "home")


async def test_a_new_home_has_its_administrator_and_a_key(settings):
    made = await initialise(settings, "root")
    assert made["key"].startswith("co_")
    assert {path.name for path in settings.folder.iterdir()} >= {"callout.db", "master.key"}


@pytest.mark.parametrize("admin", ["bad/name", "", "al ice", "guest", "Guest"])
async def test_an_administrator_who_cannot_be_leaves_no_home(settings, tmp_path, admin):
    with pytest.raises(DefinitionError, match="users"):
        await initialise(settings, admin)
    assert list(tmp_path.iterdir()) == []


def make_and_fail(settings):
    with make_home(settings):
        assert (settings.folder / "callout.db").exists()
        raise ZeroDivisionError


def test_a_home_that_could_not_be_filled_is_removed_with_all_that_was_made(settings, tmp_path):
    with pytest.raises(ZeroDivisionError):
        make_and_fail(settings)
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_cannot_be_made_leaves_nothing(settings, tmp_path):
    settings.folder.mkdir(parents=True)
    (settings.folder / "callout.db").write_text("mine")
    with pytest.raises(StoreError, match="already"), make_home(settings):
        pass
    assert [path.name for path in settings.folder.iterdir()] == ["callout.db"]


def test_what_was_there_before_stays(settings):
    with make_home(settings):
        pass
    key = (settings.folder / "master.key").read_bytes()
    (settings.folder / "callout.db").unlink()
    (settings.folder / "notes").write_text("mine")
    with pytest.raises(ZeroDivisionError):
        make_and_fail(settings)
    assert (settings.folder / "master.key").read_bytes() == key
    assert {path.name for path in settings.folder.iterdir()} == {"master.key", "notes"}


async def test_a_master_key_that_cannot_be_read_leaves_no_folder(settings, tmp_path):
    wrong = read_settings(home=settings.folder, master_key="no key")
    with pytest.raises(VaultError):
        await initialise(wrong, "root")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StoreError, match="expected to make the home there"),
        make_home(read_settings(home=tmp_path / "file" / "home")),
    ):
        pass
