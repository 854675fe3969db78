"""Data keys: the newest seals, older ones open; wrapped by the master key, and by that one alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from callout.adapters.vault import envelope as envelopes
from callout.adapters.vault.keyring import Keyring, new_data_key, rewrap
from callout.adapters.vault.master_key import MasterKey
from callout.core.errors import VaultError
from callout.core.secret import Secret
from tests.adapters.vault.conftest import CountingEntropy

ROW = "secret/Orders/Service/password"
OTHER_MASTER_KEY = MasterKey(b"\xab" * 32)

MakeKeyring = Callable[[dict[int, bytes], MasterKey], Keyring]


def data_key_of(envelope: bytes) -> int:
    return envelopes.parse(envelope, row=ROW).data_key


def test_the_newest_data_key_seals(keyring: Keyring) -> None:
    assert keyring.active == 2
    assert data_key_of(keyring.seal(Secret("x"), row=ROW)) == 2


def test_after_rotation_new_seals_use_the_new_key_and_old_envelopes_open(
    keyring: Keyring, wrapped: dict[int, bytes], master_key: MasterKey, entropy: CountingEntropy
) -> None:
    old = keyring.seal(Secret("old"), row=ROW)
    wrapped[3] = new_data_key(3, master_key, entropy)
    keyring.reload()
    assert data_key_of(keyring.seal(Secret("new"), row=ROW)) == 3
    assert keyring.open(old, row=ROW) == Secret("old")


def test_an_envelope_of_a_key_that_another_process_made_opens_without_a_restart(
    keyring: Keyring,
    wrapped: dict[int, bytes],
    master_key: MasterKey,
    entropy: CountingEntropy,
    keyring_over: MakeKeyring,
) -> None:
    wrapped[3] = new_data_key(3, master_key, entropy)
    envelope = keyring_over(wrapped, master_key).seal(Secret("theirs"), row=ROW)
    assert keyring.open(envelope, row=ROW) == Secret("theirs")
    assert keyring.active == 3


def test_an_envelope_of_a_data_key_that_nobody_has_is_refused(
    keyring: Keyring,
    wrapped: dict[int, bytes],
    master_key: MasterKey,
    entropy: CountingEntropy,
    keyring_over: MakeKeyring,
) -> None:
    elsewhere = keyring_over({9: new_data_key(9, master_key, entropy)}, master_key)
    with pytest.raises(VaultError, match=r"got data key 9; expected one of \[1, 2\]"):
        keyring.open(elsewhere.seal(Secret("x"), row=ROW), row=ROW)


def test_the_same_id_with_another_key_does_not_open(
    keyring: Keyring, master_key: MasterKey, entropy: CountingEntropy, keyring_over: MakeKeyring
) -> None:
    elsewhere = keyring_over({2: new_data_key(2, master_key, entropy)}, master_key)
    with pytest.raises(VaultError, match="fail authentication"):
        keyring.open(elsewhere.seal(Secret("x"), row=ROW), row=ROW)


def test_without_a_data_key_nothing_is_sealed(master_key: MasterKey, keyring_over: MakeKeyring) -> None:
    with pytest.raises(VaultError, match="got no data key"):
        keyring_over({}, master_key).seal(Secret("x"), row=ROW)


def test_a_wrong_master_key_is_named_by_its_fingerprint(wrapped: dict[int, bytes], keyring_over: MakeKeyring) -> None:
    with pytest.raises(VaultError, match="fingerprint") as refused:
        keyring_over(wrapped, OTHER_MASTER_KEY)
    assert OTHER_MASTER_KEY.fingerprint in str(refused.value)
    assert MasterKey(bytes(range(32))).fingerprint in str(refused.value)


def test_wrapped_keys_that_changed_places_do_not_unwrap(
    wrapped: dict[int, bytes], master_key: MasterKey, keyring_over: MakeKeyring
) -> None:
    with pytest.raises(VaultError, match=r"data key [12]: got bytes that fail authentication"):
        keyring_over({1: wrapped[2], 2: wrapped[1]}, master_key)


def test_no_changed_or_shortened_wrapped_key_unwraps(
    wrapped: dict[int, bytes], master_key: MasterKey, keyring_over: MakeKeyring
) -> None:
    record = wrapped[1]
    flipped = [record[:i] + bytes([record[i] ^ 1]) + record[i + 1 :] for i in range(len(record))]
    for broken in [*flipped, *(record[:i] for i in range(len(record))), record + b"\0"]:
        with pytest.raises(VaultError, match="data key 1"):
            keyring_over({1: broken}, master_key)


def test_rewrapped_keys_open_the_same_envelopes_with_the_new_master_key(
    keyring: Keyring,
    wrapped: dict[int, bytes],
    master_key: MasterKey,
    entropy: CountingEntropy,
    keyring_over: MakeKeyring,
) -> None:
    envelope = keyring.seal(Secret("kept"), row=ROW)
    anew = rewrap(wrapped, old=master_key, new=OTHER_MASTER_KEY, entropy=entropy)
    assert keyring_over(anew, OTHER_MASTER_KEY).open(envelope, row=ROW) == Secret("kept")
    with pytest.raises(VaultError, match="fingerprint"):
        keyring_over(anew, master_key)


def test_rewrapping_with_a_wrong_old_master_key_is_refused(
    wrapped: dict[int, bytes], master_key: MasterKey, entropy: CountingEntropy
) -> None:
    with pytest.raises(VaultError, match="fingerprint"):
        rewrap(wrapped, old=OTHER_MASTER_KEY, new=master_key, entropy=entropy)


@pytest.mark.parametrize("number", [0, -1, 2**32])
def test_a_data_key_has_an_id_that_fits_the_envelope(
    number: int, master_key: MasterKey, entropy: CountingEntropy
) -> None:
    with pytest.raises(VaultError, match="expected 1 to 4294967295"):
        new_data_key(number, master_key, entropy)


def test_a_keyring_shows_the_ids_of_its_keys_alone(keyring: Keyring) -> None:
    assert repr(keyring) == "Keyring(data keys [1, 2])"
