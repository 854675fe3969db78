"""An envelope opens for the row it was sealed for, with its key and its bytes, and for nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callout.adapters.vault import envelope as envelopes
from callout.adapters.vault.keyring import Keyring, new_data_key
from callout.adapters.vault.master_key import MasterKey
from callout.core.errors import VaultError
from callout.core.secret import Secret
from tests.adapters.vault.conftest import CountingEntropy

ROW = "secret/Orders/Service/client_secret"
CANARY = "canary-7f3a"

#: Rows of which each differs in one thing from ROW: field, principal, credential, user, table, and the boundary between two parts.
OTHER_ROWS = [
    "secret/Orders/Service/client_id",
    "secret/Orders/Other/client_secret",
    "secret/Billing/Service/client_secret",
    "secret/Orders/Service@alice/client_secret",
    "token/Orders/Service/client_secret",
    "secret/Orders/Service/client_secret ",
    "SECRET/Orders/Service/client_secret",
    "",
]


def fresh_keyring() -> Keyring:
    key, entropy = MasterKey(bytes(32)), CountingEntropy()
    wrapped = {1: new_data_key(1, key, entropy)}
    return Keyring(lambda: [key], lambda: wrapped, entropy)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@given(text=texts, row=texts)
def test_what_was_sealed_opens_to_the_same_text(text: str, row: str) -> None:
    keyring = fresh_keyring()
    assert keyring.open(keyring.seal(Secret(text), row=row), row=row) == Secret(text)


@pytest.mark.parametrize("row", OTHER_ROWS)
def test_an_envelope_moved_to_another_row_does_not_open(keyring: Keyring, row: str) -> None:
    envelope = keyring.seal(Secret(CANARY), row=ROW)
    with pytest.raises(VaultError, match="changed or moved"):
        keyring.open(envelope, row=row)


def test_every_single_flipped_bit_keeps_an_envelope_shut(keyring: Keyring) -> None:
    envelope = keyring.seal(Secret(CANARY), row=ROW)
    for bit in range(8 * len(envelope)):
        flipped = bytearray(envelope)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(VaultError):
            keyring.open(bytes(flipped), row=ROW)


def test_every_truncated_envelope_stays_shut(keyring: Keyring) -> None:
    envelope = keyring.seal(Secret(CANARY), row=ROW)
    for length in range(len(envelope)):
        with pytest.raises(VaultError):
            keyring.open(envelope[:length], row=ROW)


def test_bytes_behind_an_envelope_keep_it_shut(keyring: Keyring) -> None:
    with pytest.raises(VaultError, match="fail authentication"):
        keyring.open(keyring.seal(Secret(CANARY), row=ROW) + b"\0", row=ROW)


@given(garbage=st.binary(max_size=80))
def test_garbage_is_refused_and_never_crashes(garbage: bytes) -> None:
    with pytest.raises(VaultError):
        fresh_keyring().open(garbage, row=ROW)


def test_an_envelope_of_a_later_version_is_named_as_such(keyring: Keyring) -> None:
    envelope = keyring.seal(Secret(CANARY), row=ROW)
    with pytest.raises(VaultError, match=r"got envelope version 2; expected 1\. If a newer Callout wrote it"):
        keyring.open(b"\x02" + envelope[1:], row=ROW)


@pytest.mark.parametrize(("record", "cause"), [(b"", "got no bytes"), (b"\x01short", "cut short")])
def test_what_is_no_envelope_is_named_with_its_row(keyring: Keyring, record: bytes, cause: str) -> None:
    with pytest.raises(VaultError, match=cause) as refused:
        keyring.open(record, row=ROW)
    assert ROW in str(refused.value)


def test_the_parts_of_a_record_stand_where_the_format_says(keyring: Keyring) -> None:
    record = keyring.seal(Secret(CANARY), row=ROW)
    parsed = envelopes.parse(record, row=ROW)
    assert (record[0], int.from_bytes(record[1:5], "big"), record[5:17]) == (1, 2, parsed.nonce)
    assert record[17:] == parsed.ciphertext
    assert len(parsed.ciphertext) == len(CANARY) + 16


def test_no_nonce_is_used_twice(keyring: Keyring) -> None:
    nonces = [keyring.seal(Secret(CANARY), row=ROW)[5:17] for _ in range(50)]
    assert len(set(nonces)) == 50


def test_an_envelope_shows_nothing_of_the_text(keyring: Keyring) -> None:
    assert CANARY.encode() not in keyring.seal(Secret(CANARY), row=ROW)


def test_no_error_of_the_vault_shows_the_text(keyring: Keyring) -> None:
    with pytest.raises(VaultError) as refused:
        keyring.open(keyring.seal(Secret(CANARY), row=ROW), row="elsewhere")
    assert CANARY not in repr(refused.value)
    with pytest.raises(VaultError, match="got a lone surrogate") as refused:
        keyring.seal(Secret(CANARY + "\ud800"), row=ROW)
    assert CANARY not in repr(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__
