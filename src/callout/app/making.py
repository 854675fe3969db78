"""Makes a new home, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from callout.adapters.store.migrate import create, remove
from callout.adapters.store.store import Store
from callout.adapters.system import SystemClock, SystemEntropy
from callout.adapters.vault import master_key
from callout.adapters.vault.keyring import new_data_key
from callout.adapters.vault.master_key import MasterKey
from callout.app.home import database_of, read_master_key
from callout.app.master_keys import MASTER_KEY_FILE
from callout.core.errors import StoreError, VaultError
from callout.core.ports import AdminAct
from callout.settings import Settings


@contextmanager
def make_home(settings: Settings) -> Iterator[None]:
    """Make the folder, the database, the master key and the first data key. Raises `StoreError`, `VaultError`.

    Where that fails, or the block that fills the new home does, all that was made is removed again.
    """
    entropy, clock = SystemEntropy(), SystemClock()
    with ExitStack() as undo:
        _make_folder(settings.folder, undo)
        key = _first_master_key(settings, entropy, undo)
        create(database_of(settings))
        undo.callback(remove, database_of(settings))
        store = Store.open(database_of(settings), clock=clock)
        try:
            act = AdminAct(clock.now(), "local", "init", "database and first data key made")
            store.data_keys.add(1, new_data_key(1, key, entropy), act)
        finally:
            store.close()
        yield
        undo.pop_all()


def _make_folder(folder: Path, undo: ExitStack) -> None:
    """Make the folder and those above it; undone, those that were made go where they hold nothing else."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):  # what was noted last is undone first: a folder before the one above it
        undo.callback(_remove_empty, path)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"got {error.strerror!r} at {folder}; expected to make the home there") from error


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _first_master_key(settings: Settings, entropy: SystemEntropy, undo: ExitStack) -> MasterKey:
    """Return the master key that is given, or make one; undone, one that was made goes."""
    path = settings.folder / MASTER_KEY_FILE
    if settings.master_key:
        return read_master_key(settings)
    if settings.keyring:
        key = MasterKey.generate(entropy)
        master_key.to_os_keyring(str(settings.folder), key)
        undo.callback(_forget_master_key, str(settings.folder))
        return key
    if path.exists() and not database_of(settings).exists():
        return read_master_key(settings)  # a key brought along for a new database
    key = master_key.create_file(path, entropy)
    undo.callback(path.unlink, missing_ok=True)
    return key


def _forget_master_key(user: str) -> None:
    with suppress(VaultError):  # the error that is on its way says more; the next `init` names a key that is left
        master_key.remove_from_os_keyring(user)
