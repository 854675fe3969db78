"""The master key: from a file that nobody else may read, from a given value, or from the OS keyring."""

from __future__ import annotations

import base64
import os
import pickle
import stat
import sys
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest

from callout.adapters.vault import master_key as master_keys
from callout.adapters.vault.master_key import MasterKey
from callout.core.errors import VaultError
from callout.core.secret import Secret
from tests.adapters.vault.conftest import CountingEntropy

KEY = MasterKey(bytes(range(200, 232)))


class TestFile:
    @pytest.mark.parametrize("umask", [0, 0o022, 0o777])
    def test_a_new_file_is_the_owners_alone_whatever_the_umask(
        self, tmp_path: Path, entropy: CountingEntropy, umask: int
    ) -> None:
        before = os.umask(umask)
        try:
            master_keys.create_file(tmp_path / "master.key", entropy)
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "master.key").stat().st_mode) == 0o600

    def test_what_was_made_is_read_back(self, tmp_path: Path, entropy: CountingEntropy) -> None:
        made = master_keys.create_file(tmp_path / "master.key", entropy)
        assert master_keys.read_file(tmp_path / "master.key") == made

    def test_a_file_that_is_there_is_never_replaced(self, tmp_path: Path, entropy: CountingEntropy) -> None:
        path = tmp_path / "master.key"
        first = master_keys.create_file(path, entropy)
        with pytest.raises(VaultError, match=r"got a file at .* already; expected none"):
            master_keys.create_file(path, entropy)
        assert master_keys.read_file(path) == first

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o666, 0o610])
    def test_a_file_that_others_may_open_is_refused_with_the_remedy(self, tmp_path: Path, mode: int) -> None:
        path = tmp_path / "master.key"
        master_keys.write_file(path, KEY)
        path.chmod(mode)
        with pytest.raises(VaultError, match=f"got mode {mode:04o}; expected 0600.*chmod 600"):
            master_keys.read_file(path)

    def test_a_file_that_its_owner_may_only_read_is_good(self, tmp_path: Path) -> None:
        path = tmp_path / "master.key"
        master_keys.write_file(path, KEY)
        path.chmod(0o400)
        assert master_keys.read_file(path) == KEY

    def test_a_missing_file_names_init(self, tmp_path: Path) -> None:
        with pytest.raises(VaultError, match=r"got no file at .*callout init"):
            master_keys.read_file(tmp_path / "none")

    def test_a_missing_directory_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(VaultError, match="No such file or directory"):
            master_keys.write_file(tmp_path / "none" / "master.key", KEY)

    @pytest.mark.parametrize("kind", ["directory", "pipe"])
    def test_what_is_no_file_is_refused_and_not_waited_for(self, tmp_path: Path, kind: str) -> None:
        path = tmp_path / "master.key"
        path.mkdir(mode=0o700) if kind == "directory" else os.mkfifo(path, 0o600)
        with pytest.raises(VaultError, match="something else than a file"):
            master_keys.read_file(path)

    def test_binary_content_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "master.key"
        path.touch(0o600)
        path.write_bytes(b"\xff" * 32)
        with pytest.raises(VaultError, match="got binary content"):
            master_keys.read_file(path)


class TestText:
    @pytest.mark.parametrize(
        "text",
        [
            "cmk_" + base64.urlsafe_b64encode(KEY.material()).decode().rstrip("="),
            "cmk_" + base64.urlsafe_b64encode(KEY.material()).decode(),
            base64.b64encode(KEY.material()).decode(),
            base64.b64encode(KEY.material()).decode() + "\n",
            KEY.material().hex(),
            KEY.material().hex().upper(),
        ],
    )
    def test_every_usual_way_to_write_32_bytes_is_read(self, text: str) -> None:
        assert master_keys.from_text(Secret(text), where="CALLOUT_MASTER_KEY") == KEY

    @pytest.mark.parametrize(
        "text", ["", "cmk_", "hunter2-hunter2", "zz" * 32, base64.b64encode(bytes(31)).decode(), "ключ", "a" * 41]
    )
    def test_anything_else_is_refused_without_being_shown(self, text: str) -> None:
        with pytest.raises(VaultError, match=r"master key in CALLOUT_MASTER_KEY: got .*; expected cmk_…") as refused:
            master_keys.from_text(Secret(text), where="CALLOUT_MASTER_KEY")
        assert len(text) < 5 or text not in str(refused.value)

    def test_a_key_goes_to_text_and_back(self) -> None:
        assert master_keys.from_text(KEY.to_text(), where="here") == KEY


class TestHiding:
    def test_a_master_key_shows_its_fingerprint_alone(self) -> None:
        assert repr(KEY) == f"MasterKey(…, fingerprint={KEY.fingerprint})"

    def test_a_master_key_cannot_be_pickled(self) -> None:
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(KEY)

    def test_different_keys_differ_and_have_other_fingerprints(self, entropy: CountingEntropy) -> None:
        one, two = MasterKey.generate(entropy), MasterKey.generate(entropy)
        assert one != two
        assert one.fingerprint != two.fingerprint

    def test_a_key_of_another_length_is_refused(self) -> None:
        with pytest.raises(VaultError, match="got 16 bytes; expected 32"):
            MasterKey(bytes(16))


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A back end as a desktop has it, in memory."""

    priority = 1  # type: ignore[assignment]  # the package declares a class property

    def __init__(self, failure: Exception | None = None) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}
        self.failure = failure

    def get_password(self, service: str, username: str) -> str | None:
        if self.failure is not None:
            raise self.failure
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.entries.pop((service, username), None) is None:
            raise keyring.errors.PasswordDeleteError("there is none")


@pytest.fixture
def os_keyring():
    before = keyring.get_keyring()
    backend = MemoryKeyring()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


class TestOsKeyring:
    def test_a_key_is_kept_and_read_back(self, os_keyring: MemoryKeyring) -> None:
        master_keys.to_os_keyring("prod", KEY)
        assert master_keys.from_os_keyring("prod") == KEY

    def test_a_key_that_is_there_is_never_replaced(self, os_keyring: MemoryKeyring) -> None:
        master_keys.to_os_keyring("prod", KEY)
        with pytest.raises(VaultError, match="got one in the OS keyring for 'prod' already"):
            master_keys.to_os_keyring("prod", MasterKey(bytes(32)))
        assert master_keys.from_os_keyring("prod") == KEY

    def test_a_key_that_came_to_nothing_is_removed(self, os_keyring: MemoryKeyring) -> None:
        master_keys.to_os_keyring("prod", KEY)
        master_keys.remove_from_os_keyring("prod")
        with pytest.raises(VaultError, match="got none"):
            master_keys.from_os_keyring("prod")
        with pytest.raises(VaultError, match="from the OS keyring"):
            master_keys.remove_from_os_keyring("prod")

    def test_a_missing_key_names_init(self, os_keyring: MemoryKeyring) -> None:
        with pytest.raises(VaultError, match=r"got none in the OS keyring for 'prod'.*callout init"):
            master_keys.from_os_keyring("prod")

    def test_an_entry_of_another_kind_is_refused(self, os_keyring: MemoryKeyring) -> None:
        os_keyring.set_password(master_keys.KEYRING_NAME, "prod", "hunter2")
        with pytest.raises(VaultError, match="master key in the OS keyring"):
            master_keys.from_os_keyring("prod")

    def test_a_locked_keyring_is_named_with_what_else_can_be_done(self, os_keyring: MemoryKeyring) -> None:
        os_keyring.failure = keyring.errors.KeyringLocked("canary")
        with pytest.raises(VaultError, match=r"got KeyringLocked.*CALLOUT_MASTER_KEY") as refused:
            master_keys.from_os_keyring("prod")
        assert "canary" not in str(refused.value)

    def test_without_the_package_the_error_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "keyring", None)  # as if it were not installed
        with pytest.raises(VaultError, match=r"got no package 'keyring'.*Install callout\[keyring\]"):
            master_keys.from_os_keyring("prod")
