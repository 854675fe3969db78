"""Where the master key of a home is kept, and how another takes its place without a moment in which neither opens.

The new key is put beside the old one first, then the data keys are wrapped with it, then it takes the old one's place:
whatever ends half-way leaves a key that opens. Processes read both, and use the one that wrapped what they read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from callout.adapters.vault import master_key
from callout.adapters.vault.master_key import MasterKey
from callout.core.errors import VaultError
from callout.core.explanation import Remedy
from callout.core.ports import Entropy
from callout.core.secret import Secret
from callout.settings import Settings

MASTER_KEY_FILE = "master.key"
#: Added to the name of the place where a new key waits.
NEXT = ".next"


class MasterKeys(Protocol):
    """A place where the master key is kept, and beside it, while it is rotated, the next one."""

    def read(self) -> Sequence[MasterKey]:
        """Return the master key, then the next one where one waits. Raises `VaultError`."""

    def prepare(self, entropy: Entropy) -> MasterKey:
        """Return the next one: the one that waits, or a new one that waits from now on. Raises `VaultError`."""

    def promote(self) -> str:
        """Put the next one in the master key's place, and say what a person still has to do; empty for nothing."""


def master_keys_of(settings: Settings) -> MasterKeys:
    """Return the place that the settings name."""
    if settings.master_key:
        return _Variables(settings)
    return _OsKeyring(str(settings.folder)) if settings.keyring else _File(settings)


class _File:
    def __init__(self, settings: Settings) -> None:
        self._path = settings.folder / MASTER_KEY_FILE
        self._next = self._path.with_name(MASTER_KEY_FILE + NEXT)

    def read(self) -> Sequence[MasterKey]:
        waiting = [master_key.read_file(self._next)] if self._next.exists() else []
        return (master_key.read_file(self._path), *waiting)

    def prepare(self, entropy: Entropy) -> MasterKey:
        if self._next.exists():
            return master_key.read_file(self._next)
        return master_key.create_file(self._next, entropy)

    def promote(self) -> str:
        master_key.replace_file(self._path, by=self._next)
        return ""


class _OsKeyring:
    def __init__(self, user: str) -> None:
        self._user, self._next = user, user + NEXT

    def read(self) -> Sequence[MasterKey]:
        waiting = master_key.find_in_os_keyring(self._next)
        current = master_key.from_os_keyring(self._user)
        return (current,) if waiting is None else (current, waiting)

    def prepare(self, entropy: Entropy) -> MasterKey:
        waiting = master_key.find_in_os_keyring(self._next)
        if waiting is None:
            waiting = MasterKey.generate(entropy)
            master_key.to_os_keyring(self._next, waiting)
        return waiting

    def promote(self) -> str:
        master_key.move_in_os_keyring(self._next, to=self._user)
        return ""


class _Variables:
    """The environment: the new key is given beside the old one, since no process can change what others were given."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def read(self) -> Sequence[MasterKey]:
        given = {
            "CALLOUT_MASTER_KEY": self._settings.master_key,
            "CALLOUT_NEW_MASTER_KEY": self._settings.new_master_key,
        }
        return [master_key.from_text(Secret(text), where=where) for where, text in given.items() if text]

    def prepare(self, entropy: Entropy) -> MasterKey:  # noqa: ARG002 - the environment's is made elsewhere
        keys = self.read()
        if len(keys) == 1 or keys[0] == keys[1]:
            raise VaultError(
                "master key: got CALLOUT_MASTER_KEY alone; expected the next one in CALLOUT_NEW_MASTER_KEY",
                remedy=Remedy(
                    "Start every server with a new key (`openssl rand -base64 32`) in CALLOUT_NEW_MASTER_KEY beside the "
                    "old one, and give both to this command",
                ),
            )
        return keys[1]

    def promote(self) -> str:
        return (
            "Start every server with CALLOUT_MASTER_KEY set to what CALLOUT_NEW_MASTER_KEY is, and without the latter"
        )
