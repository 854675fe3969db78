"""The master key: the key-encryption key that wraps every data-encryption key, and where it is kept.

Its text is `cmk_` and the unpadded URL-safe base64 (RFC 4648 section 5) of 32 random bytes; plain base64 and 64 hex digits are
read too, so that `openssl rand -base64 32` makes one. It comes from a file that only its owner may read, from a
value that settings read, or from the keyring of the operating system.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from callout.adapters.vault.envelope import KEY_BYTES
from callout.core.errors import VaultError
from callout.core.ports import Entropy
from callout.core.secret import REDACTED, Secret, reveal

if TYPE_CHECKING:
    from types import ModuleType

PREFIX = "cmk_"

#: Under which name the operating system's keyring holds it; the user name is the one settings give.
KEYRING_NAME = "callout master key"

_FINGERPRINT_CONTEXT = b"callout master key fingerprint 1\n"
_HEX_DIGITS = 2 * KEY_BYTES
_MOST_FILE_BYTES = 1024
_EXPECTED = f"{PREFIX}… or the base64 or hex of {KEY_BYTES} bytes"


class MasterKey:
    """32 bytes that hide themselves. `fingerprint` names the key without giving it away."""

    __slots__ = ("_material", "fingerprint")
    __hash__ = None  # type: ignore[assignment]  # as for Secret

    def __init__(self, material: bytes) -> None:
        if len(material) != KEY_BYTES:
            raise VaultError(f"master key: got {len(material)} bytes; expected {KEY_BYTES}")
        self._material = material
        self.fingerprint: str = hashlib.sha256(_FINGERPRINT_CONTEXT + material).hexdigest()[:16]

    @classmethod
    def generate(cls, entropy: Entropy) -> MasterKey:
        """Make a new one."""
        return cls(entropy.bytes(KEY_BYTES))

    def __repr__(self) -> str:
        return f"MasterKey({REDACTED}, fingerprint={self.fingerprint})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MasterKey):
            return NotImplemented
        return self.to_text() == other.to_text()  # Secret compares in constant time

    def __reduce__(self) -> NoReturn:
        raise TypeError("a MasterKey cannot be pickled; keep it in a file or a keyring")

    def to_text(self) -> Secret:
        """Return its text, for a file or a keyring."""
        return Secret(PREFIX + base64.urlsafe_b64encode(self._material).rstrip(b"=").decode())

    def material(self) -> bytes:
        """Return the key itself, for the cipher and nothing else."""
        return self._material


def from_text(text: Secret, *, where: str) -> MasterKey:
    """Read a master key from its text. `where` names its source in errors; the text never is (`VaultError`)."""
    plain = reveal(text).strip().removeprefix(PREFIX)
    try:
        if len(plain) == _HEX_DIGITS:
            return MasterKey(bytes.fromhex(plain))
        padded = plain.rstrip("=").translate(str.maketrans("-_", "+/"))
        material = base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True)
    except (ValueError, binascii.Error):
        raise VaultError(f"master key in {where}: got text of another kind; expected {_EXPECTED}") from None
    if len(material) != KEY_BYTES:
        raise VaultError(f"master key in {where}: got the text of {len(material)} bytes; expected {_EXPECTED}")
    return MasterKey(material)


def create_file(path: Path, entropy: Entropy) -> MasterKey:
    """Make a master key and its file, readable by the owner alone; `VaultError` where a file is there already."""
    key = MasterKey.generate(entropy)
    write_file(path, key)
    return key


def write_file(path: Path, key: MasterKey) -> None:
    """Write a master key to a new file of mode 0600, on the disk before this returns. Never replaces a file."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise VaultError(
            f"master key: got a file at {path} already; expected none. "
            "It opens what was sealed with it: keep it, or move it away by hand"
        ) from None
    except OSError as error:
        raise VaultError(f"master key file {path}: got {error.strerror}; expected to create it") from error
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            os.fchmod(file.fileno(), 0o600)  # whatever the umask took away
            file.write(reveal(key.to_text()) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink()
        raise VaultError(f"master key file {path}: got {error.strerror}; expected to write it") from error
    _sync_directory(path.parent)


def replace_file(path: Path, *, by: Path) -> None:
    """Put the file of another master key in the place of one, at once; `VaultError` where that fails."""
    try:
        by.replace(path)
    except OSError as error:
        raise VaultError(f"master key file {path}: got {error.strerror}; expected to put {by} in its place") from error
    _sync_directory(path.parent)


def read_file(path: Path) -> MasterKey:
    """Read the master key of a file; `VaultError` where it is missing, no key, or open to other users."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # a pipe must not hang the start
    except FileNotFoundError:
        raise VaultError(
            f"master key: got no file at {path}; expected one. Make it with `callout init`, or bring back the one "
            "that goes with this database"
        ) from None
    except OSError as error:
        raise VaultError(f"master key file {path}: got {error.strerror}; expected to read it") from error
    try:
        # The open file is judged, not the path, so that it cannot be exchanged in between.
        _refuse_if_open_to_others(path, os.fstat(descriptor))
        content = os.read(descriptor, _MOST_FILE_BYTES)
    finally:
        os.close(descriptor)
    try:
        text = Secret(content.decode("ascii"))
    except UnicodeDecodeError:
        raise VaultError(f"master key in {path}: got binary content; expected {_EXPECTED}") from None
    return from_text(text, where=str(path))


def from_os_keyring(user: str) -> MasterKey:
    """Read the master key from the operating system's keyring (optional package `keyring`); `VaultError`."""
    found = find_in_os_keyring(user)
    if found is None:
        raise VaultError(
            f"master key: got none in the OS keyring for {user!r}; expected one. Make it with `callout init`"
        )
    return found


def find_in_os_keyring(user: str) -> MasterKey | None:
    """Read the master key from the operating system's keyring, or None where none is there; `VaultError`."""
    keyring = _keyring_package()
    try:
        text = keyring.get_password(KEYRING_NAME, user)
    except Exception as error:  # every back end has errors of its own
        raise _keyring_error(error) from error
    return None if text is None else from_text(Secret(text), where="the OS keyring")


def move_in_os_keyring(user: str, *, to: str) -> None:
    """Put one master key in the place of another; `VaultError`. Half-way it is in both places."""
    keyring = _keyring_package()
    try:
        keyring.set_password(KEYRING_NAME, to, keyring.get_password(KEYRING_NAME, user))
        keyring.delete_password(KEYRING_NAME, user)
    except Exception as error:  # every back end has errors of its own
        raise _keyring_error(error) from error


def to_os_keyring(user: str, key: MasterKey) -> None:
    """Put a master key into the operating system's keyring; `VaultError` where one is there already."""
    keyring = _keyring_package()
    try:
        present = keyring.get_password(KEYRING_NAME, user)
        if present is None:
            keyring.set_password(KEYRING_NAME, user, reveal(key.to_text()))
    except Exception as error:  # every back end has errors of its own
        raise _keyring_error(error) from error
    if present is not None:
        raise VaultError(
            f"master key: got one in the OS keyring for {user!r} already; expected none. "
            "It opens what was sealed with it: keep it, or remove it by hand"
        )


def remove_from_os_keyring(user: str) -> None:
    """Remove a master key that was only just put there and seals nothing; `VaultError` where that fails."""
    keyring = _keyring_package()
    try:
        keyring.delete_password(KEYRING_NAME, user)
    except Exception as error:  # every back end has errors of its own
        raise _keyring_error(error) from error


def _keyring_package() -> ModuleType:
    """Import late: the package is optional, and slow to load."""
    try:
        import keyring
    except ImportError:
        raise VaultError(
            "master key: got no package 'keyring'; expected it, to use the OS keyring. "
            "Install callout[keyring], or keep the master key in a file or in CALLOUT_MASTER_KEY"
        ) from None
    return keyring


def _keyring_error(error: Exception) -> VaultError:
    # Only the kind of the error is told: what a back end puts into its text is not known.
    return VaultError(
        f"master key: got {type(error).__name__} from the OS keyring; expected a keyring that is there and unlocked. "
        "On a server keep the master key in a file or in CALLOUT_MASTER_KEY"
    )


def _refuse_if_open_to_others(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise VaultError(f"master key: got something else than a file at {path}; expected a file")
    mode = stat.S_IMODE(status.st_mode)
    if os.name == "posix" and mode & 0o077:
        raise VaultError(
            f"master key file {path}: got mode {mode:04o}; expected 0600, so that no other user can read it. "
            f"Run: chmod 600 {path}"
        )


def _sync_directory(directory: Path) -> None:
    """Put the directory entry on the disk too: a master key that is lost takes every secret with it."""
    if os.name != "posix":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
