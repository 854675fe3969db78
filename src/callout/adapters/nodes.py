"""Which of the processes that share a home have ended: told by file locks, which the system takes from a dead process.

Each process holds a lock on a file of its own in the folder `nodes` (port `Nodes`). It is made under another name and
named when it is locked, so that a file without a lock is always that of a process that has ended. A file that is not
there says nothing: its process may run on another machine, or have ended well.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from callout.core.errors import StoreError
from callout.core.ports import Clock, Entropy

FOLDER = "nodes"
#: The file of a process that ended long ago is removed, in seconds: what it left behind is settled by then.
KEPT = 86400.0


class LockedNodes:
    """The processes that share a home on one machine."""

    def __init__(self, home: Path, clock: Clock, entropy: Entropy) -> None:
        self._folder = home / FOLDER
        self._clock = clock
        self._entropy = entropy
        self._name = ""
        self._file = -1

    @property
    def name(self) -> str:
        """The name of this process; no other ever has it. The first to ask locks its file: `StoreError` where it cannot."""
        if not self._name:
            self._name = self._locked(self._entropy.bytes(12).hex())
            self._remove_old(self._clock.now().timestamp() - KEPT)
        return self._name

    def _locked(self, name: str) -> str:
        unnamed = self._folder / f".{name}"
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._file = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            unnamed.rename(self._path(name))
        except OSError as error:
            raise StoreError(f"got {error.strerror!r} at {self._folder}; expected to lock a file there") from error
        return name

    def is_gone(self, name: str) -> bool:
        """Say whether a process has certainly ended: its file is there and nobody holds its lock."""
        if name == self._name:
            return False
        try:
            file = os.open(self._path(name), os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            os.close(file)
        return True

    def close(self) -> None:
        """Give up the lock and remove the file: nothing is left behind."""
        if self._name:
            with contextlib.suppress(OSError):
                self._path(self._name).unlink()
            os.close(self._file)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.lock"

    def _remove_old(self, before: float) -> None:
        for path in self._folder.glob("*.lock"):
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < before and self.is_gone(path.stem):
                    path.unlink()
