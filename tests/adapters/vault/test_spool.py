"""Request bodies in files: what comes back is what went in, and nothing of it is readable or left anywhere."""

import asyncio
import contextlib
import errno
import os

import pytest

from callout.adapters.system import SystemEntropy
from callout.adapters.vault.spool import FRAME, Spools
from callout.core.errors import SpoolError

ROOM = 64 * 1024 * 1024


@pytest.fixture
def spools(tmp_path):
    made = Spools(tmp_path / "spool", SystemEntropy(), most=ROOM)
    yield made
    made.close()


@pytest.fixture
def no_unnamed_files(monkeypatch):
    """A file system that cannot make files without names."""
    real = os.open

    def refusing(path, flags, mode=0o777):
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", refusing)


async def whole(spool) -> bytes:
    return b"".join([await spool.read(frame) for frame in range(spool.frames)])


def descriptor_of(spool) -> int:
    return spool._descriptor


@pytest.mark.parametrize("size", [1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME + 7])
async def test_what_is_read_is_what_was_written_frame_by_frame(spools, size) -> None:
    spool, body = spools.open(), os.urandom(size)
    for start in range(0, size, 100_000):
        await spool.write(body[start : start + 100_000])
    assert await whole(spool) == body
    assert await spool.read(0) == body[:FRAME]
    spool.close()


@pytest.mark.usefixtures("no_unnamed_files")
async def test_a_file_system_without_unnamed_files_will_do(spools) -> None:
    spool = spools.open()
    await spool.write(b"body")
    assert (await whole(spool), list(spools.directory.iterdir())) == (b"body", [])
    spool.close()


async def test_the_folder_shows_no_file_and_only_its_owner_may_look(spools) -> None:
    spool = spools.open()
    assert not spools.directory.exists()
    await spool.write(b"body")
    assert list(spools.directory.iterdir()) == []
    assert spools.directory.stat().st_mode & 0o777 == 0o700
    status = os.fstat(descriptor_of(spool))
    assert (status.st_mode & 0o777, status.st_nlink) == (0o600, 0)
    spool.close()


async def test_the_file_holds_nothing_of_the_body(spools) -> None:
    spool, body = spools.open(), b"a secret order " * 10_000
    await spool.write(body)
    sealed = os.pread(descriptor_of(spool), ROOM, 0)
    assert len(sealed) > len(body)
    assert b"secret" not in sealed
    spool.close()


async def test_two_spools_have_two_keys(spools) -> None:
    first, second = spools.open(), spools.open()
    await first.write(b"the same")
    await second.write(b"the same")
    assert os.pread(descriptor_of(first), 99, 0) != os.pread(descriptor_of(second), 99, 0)
    first.close()
    second.close()


@pytest.mark.parametrize("change", ["a bit", "frames swapped", "cut short"])
async def test_a_file_that_was_changed_does_not_open(spools, change) -> None:
    spool = spools.open()
    await spool.write(os.urandom(2 * FRAME))
    descriptor, size = descriptor_of(spool), FRAME + 16
    first, second = os.pread(descriptor, size, 0), os.pread(descriptor, size, size)
    if change == "a bit":
        os.pwrite(descriptor, bytes([first[0] ^ 1]), 0)
    elif change == "frames swapped":
        os.pwrite(descriptor, second + first, 0)
    else:
        os.ftruncate(descriptor, 10)
    with pytest.raises(SpoolError, match="expected those that were written"):
        await spool.read(0)
    spool.close()


async def test_a_full_disk_is_said_and_what_was_kept_before_stays(spools, monkeypatch) -> None:
    spool = spools.open()
    await spool.write(b"kept")
    monkeypatch.setattr(os, "pwrite", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left")))
    with pytest.raises(SpoolError, match="No space left"):
        await spool.write(b"not kept")
    monkeypatch.undo()
    assert await whole(spool) == b"kept"
    with pytest.raises(SpoolError, match="not kept whole"):  # or its nonce would be used twice
        await spool.write(b"other")
    spool.close()


async def test_a_folder_that_cannot_be_made_is_said(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    spools = Spools(tmp_path / "file" / "spool", SystemEntropy(), most=ROOM)
    with pytest.raises(SpoolError, match="file/spool"):
        await spools.open().write(b"body")
    spools.close()


async def test_all_spools_together_have_a_limit_and_a_closed_one_makes_room(tmp_path) -> None:
    spools = Spools(tmp_path, SystemEntropy(), most=1000)
    first, second, third = spools.open(), spools.open(), spools.open()
    await first.write(b"x" * 900)
    with pytest.raises(SpoolError, match="expected at most 1000"):
        await second.write(b"y" * 900)
    first.close()
    async with asyncio.timeout(60):
        while not third.frames:
            with contextlib.suppress(SpoolError):  # the first is let go of in a thread
                await third.write(b"z" * 900)
    third.close()
    spools.close()


async def test_a_closed_spool_lets_go_of_its_file_after_what_is_under_way(spools) -> None:
    spool = spools.open()
    writing = asyncio.ensure_future(spool.write(b"x" * 1_000_000))
    await asyncio.sleep(0)
    spool.close()
    spool.close()
    await asyncio.wait({writing})
    spools.close()
    assert descriptor_of(spool) == -1
    with pytest.raises(SpoolError, match="dropped"):
        spool._said(int, 0)


async def test_a_spool_outlives_the_threads(spools) -> None:
    spool = spools.open()
    await spool.write(b"body")
    spools.close()
    spool.close()
    assert descriptor_of(spool) == -1
    assert list(spools.directory.iterdir()) == []
