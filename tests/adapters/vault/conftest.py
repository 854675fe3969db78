"""A master key, random bytes that can be foretold, and a keyring with two data keys."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from callout.adapters.vault.keyring import Keyring, new_data_key
from callout.adapters.vault.master_key import MasterKey


class CountingEntropy:
    """Bytes of 1, then bytes of 2, and so on: never the same nonce twice within one test."""

    def __init__(self, start: int = 0) -> None:
        self._calls = start

    def bytes(self, count: int) -> bytes:
        self._calls += 1
        return bytes([self._calls % 256]) * count


@pytest.fixture
def entropy() -> CountingEntropy:
    return CountingEntropy()


@pytest.fixture
def master_key() -> MasterKey:
    return MasterKey(bytes(range(32)))


@pytest.fixture
def wrapped(master_key: MasterKey, entropy: CountingEntropy) -> dict[int, bytes]:
    """The rows of the `data_key` table; a test may add to them as another process would."""
    return {number: new_data_key(number, master_key, entropy) for number in (1, 2)}


@pytest.fixture
def keyring(master_key: MasterKey, wrapped: dict[int, bytes], entropy: CountingEntropy) -> Keyring:
    return Keyring(lambda: [master_key], lambda: dict(wrapped), entropy)


@pytest.fixture
def keyring_over(entropy: CountingEntropy) -> Callable[..., Keyring]:
    def make(rows: dict[int, bytes], master_key: MasterKey) -> Keyring:
        return Keyring(lambda: [master_key], lambda: dict(rows), entropy)

    return make
