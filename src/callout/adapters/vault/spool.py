"""Request bodies in files: sealed, without a name, gone with the process. Implements the ports `Spools` and `Spool`.

A file is made without a name (`O_TMPFILE`), or where the file system cannot do that, named and unlinked at once, with
mode 0600: when its last descriptor is closed, by whatever ends the process, its bytes are free. What is written is
sealed with AES-256-GCM under a key of this spool alone that is only ever in memory; the nonce of a frame is its number,
so that a frame in another place does not open. A frame in the file: ciphertext of at most `FRAME` bytes, then its tag.

Files are touched in threads of their own, never on the event loop, and never in those that resolve names.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from callout.adapters.vault.envelope import KEY_BYTES, NONCE_BYTES, TAG_BYTES
from callout.core.errors import SpoolError
from callout.core.ports import Entropy

#: Most bytes in one frame: what one read holds in memory.
FRAME = 64 * 1024
THREADS = 2
_NAME_BYTES = 16
_FLAGS = os.O_RDWR | os.O_EXCL | os.O_CLOEXEC

Given = TypeVar("Given")
Found = TypeVar("Found")


class Spools:
    """Makes spools in one directory. All of them together take at most `most` bytes of it."""

    def __init__(self, directory: Path, entropy: Entropy, *, most: int) -> None:
        self.directory = directory
        self._entropy = entropy
        self._most = most
        self._taken = 0
        self._counting = threading.Lock()
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="spool")

    def open(self) -> Spool:
        """Begin a spool; its file is made with the first write."""
        return Spool(self, AESGCM(self._entropy.bytes(KEY_BYTES)))

    def close(self) -> None:
        """End the threads, after what they were given to do."""
        self.threads.shutdown()

    def take(self, count: int) -> None:
        """Count bytes that are about to be written; raises `SpoolError` where there is no room for them."""
        with self._counting:
            if self._taken + count > self._most:
                got = f"got {self._taken + count} bytes of request bodies in {self.directory}"
                raise SpoolError(f"{got}; expected at most {self._most} (CALLOUT_REPLAY_DIRECTORY_LIMIT)")
            self._taken += count

    def give_back(self, count: int) -> None:
        """Count bytes that are free again."""
        with self._counting:
            self._taken -= count

    def make_file(self) -> int:
        """Return the descriptor of a new file without a name. Raises `OSError`."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if hasattr(os, "O_TMPFILE"):
            try:
                return os.open(self.directory, _FLAGS | os.O_TMPFILE, 0o600)
            except OSError:
                pass  # not every file system can (open(2)); what else is wrong shows below
        name = self.directory / self._entropy.bytes(_NAME_BYTES).hex()
        descriptor = os.open(name, _FLAGS | os.O_CREAT, 0o600)
        name.unlink()
        return descriptor


class Spool:
    """One body. `frames` is how many frames are kept."""

    def __init__(self, spools: Spools, key: AESGCM) -> None:
        self.frames = 0
        self._spools = spools
        self._key = key
        self._one_at_a_time = threading.Lock()
        self._descriptor = -1
        self._closed = self._broken = False
        self._places = [0]  # where each frame begins, and where the next one will

    async def write(self, body: bytes) -> None:
        """Keep these bytes after those before; raises `SpoolError`, and then keeps none of them."""
        await self._in_thread(self._write, body)

    async def read(self, frame: int) -> bytes:
        """Return one frame, counted from 0; raises `SpoolError` where it is not as it was written."""
        return await self._in_thread(self._read, frame)

    def close(self) -> None:
        """Let go of the file: after what is under way, and without waiting for that."""
        if self._closed:
            return
        self._closed = True
        try:
            self._spools.threads.submit(self._let_go)
        except RuntimeError:  # the threads have ended already: the process is about to
            self._let_go()

    async def _in_thread(self, work: Callable[[Given], Found], given: Given) -> Found:
        return await asyncio.get_running_loop().run_in_executor(self._spools.threads, self._said, work, given)

    def _said(self, work: Callable[[Given], Found], given: Given) -> Found:
        """Work, alone, and say what failed as a `SpoolError`."""
        with self._one_at_a_time:
            if self._closed:
                raise SpoolError("a request body was dropped while it was in use; expected it to be kept")
            try:
                return work(given)
            except OSError as error:
                raise SpoolError(f"a request body in {self._spools.directory}: {error.strerror or error}") from None

    def _write(self, body: bytes) -> None:
        if self._broken:  # its next nonce may have been used: a part may have been written
            raise SpoolError("a request body that was not kept whole before; expected no more of it")
        starts = range(0, len(body), FRAME)
        count = len(body) + TAG_BYTES * len(starts)
        if self._descriptor < 0:
            self._descriptor = self._spools.make_file()
        self._spools.take(count)
        places, plain = [self._places[-1]], memoryview(body)
        try:
            for start in starts:
                frame = self._key.encrypt(_nonce(self.frames + len(places) - 1), plain[start : start + FRAME], None)
                places.append(self._write_at(places[-1], memoryview(frame)))
        except OSError:
            self._broken = True
            self._spools.give_back(count)
            raise
        self._places += places[1:]
        self.frames += len(starts)

    def _write_at(self, place: int, frame: memoryview) -> int:
        """Write one frame; returns where the next one begins."""
        while frame:
            written = os.pwrite(self._descriptor, frame, place)
            place += written
            frame = frame[written:]
        return place

    def _read(self, frame: int) -> bytes:
        place, end = self._places[frame], self._places[frame + 1]
        sealed = os.pread(self._descriptor, end - place, place)
        try:
            return self._key.decrypt(_nonce(frame), sealed, None)
        except (InvalidTag, ValueError):
            got = f"got {len(sealed)} bytes that do not open as frame {frame} of a request body"
            raise SpoolError(f"{got}; expected those that were written") from None

    def _let_go(self) -> None:
        with self._one_at_a_time:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
            self._spools.give_back(self._places[-1])


def _nonce(frame: int) -> bytes:
    """Return the nonce of a frame: never twice with one key, since a spool has a key of its own and frames one number."""
    return frame.to_bytes(NONCE_BYTES, "big")
