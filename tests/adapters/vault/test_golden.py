"""Envelopes of every version ever written. Nothing here may be changed: what was sealed must open forever."""

import pytest

from callout.adapters.vault.keyring import Keyring
from callout.adapters.vault.master_key import MasterKey, from_text
from callout.core.secret import Secret
from tests.adapters.vault.conftest import CountingEntropy

MASTER_KEY = Secret("cmk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")

#: Data key 1, wrapped version 1.
WRAPPED_1 = bytes.fromhex(
    "01533bbc7ae07972a20202020202020202020202029a2918bab8d8305aca84a3f93278db121de8ae6d955579f0435fd002766a48c34fac9d0a25d7"
    "cb14b60d45b0189d98c2"
)

#: Row, text, envelope; all of envelope version 1.
GOLDEN = [
    (
        "secret/Orders/Service/client_secret",
        "s3cret",
        "010000000141414141414141414141414106baebb22e523253afe3d2f294b8b9c09db889af50fa",
    ),
    (
        "secret/Orders/Service@alice/password",
        "пароль – ✓",
        "010000000142424242424242424242424288fc7bd65b65f7173d3f9270e52da925e24d75d4394d4e051904c9632dc74c54109aaf18",
    ),
    ("token/Orders/Service", "", "0100000001434343434343434343434343d82ffabb243ef00af78cceca2c3c193f"),
]


@pytest.fixture
def keyring() -> Keyring:
    return Keyring(lambda: [from_text(MASTER_KEY, where="here")], lambda: {1: WRAPPED_1}, CountingEntropy(0x40))


@pytest.mark.parametrize(("row", "text", "envelope"), GOLDEN)
def test_a_golden_envelope_opens(keyring: Keyring, row: str, text: str, envelope: str) -> None:
    assert keyring.open(bytes.fromhex(envelope), row=row) == Secret(text)


def test_with_the_same_random_bytes_the_same_envelopes_are_written(keyring: Keyring) -> None:
    assert [keyring.seal(Secret(text), row=row).hex() for row, text, _ in GOLDEN] == [e for _, _, e in GOLDEN]


def test_the_text_of_a_master_key_stays_as_it_is() -> None:
    assert MasterKey(bytes(range(32))).to_text() == MASTER_KEY


def test_the_fingerprint_of_a_master_key_stays_as_it_is() -> None:
    assert from_text(MASTER_KEY, where="here").fingerprint == "533bbc7ae07972a2"
