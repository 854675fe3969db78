"""Wrapped data keys are kept by id; none is ever lost, and every act on them is in the audit chain."""

from __future__ import annotations

import pytest

from callout.adapters.store.errors import StoreError
from callout.adapters.store.store import Store
from tests.adapters.store.conftest import SqliteDatabase, act


def test_a_new_store_has_none(store: Store) -> None:
    assert store.data_keys.load() == {}


def test_keys_come_back_byte_for_byte_to_any_store(database: SqliteDatabase) -> None:
    store = database.open()
    store.data_keys.add(1, b"\x00\xff", act())
    store.data_keys.add(2, b"two", act())
    assert database.open().data_keys.load() == {1: b"\x00\xff", 2: b"two"}


def test_an_id_is_never_given_twice(store: Store) -> None:
    store.data_keys.add(1, b"first", act())
    with pytest.raises(StoreError, match="got the data key 1 already; expected a new id"):
        store.data_keys.add(1, b"second", act())
    assert store.data_keys.load() == {1: b"first"}


def test_rewrapped_keys_take_the_place_of_all(store: Store) -> None:
    store.data_keys.add(1, b"one", act())
    store.data_keys.add(2, b"two", act())
    store.data_keys.replace({1: b"uno", 2: b"due"}, act(), before={1: b"one", 2: b"two"})
    assert store.data_keys.load() == {1: b"uno", 2: b"due"}


@pytest.mark.parametrize("wrapped", [{1: b"uno"}, {1: b"uno", 2: b"due", 3: b"tre"}, {}])
def test_rewrapping_some_keys_only_is_refused_and_changes_nothing(store: Store, wrapped: dict[int, bytes]) -> None:
    store.data_keys.add(1, b"one", act())
    store.data_keys.add(2, b"two", act())
    with pytest.raises(StoreError, match="expected exactly those that are there"):
        store.data_keys.replace(wrapped, act(), before={1: b"one", 2: b"two"})
    assert store.data_keys.load() == {1: b"one", 2: b"two"}


def test_rewrapping_keys_that_changed_since_they_were_read_is_refused(store: Store) -> None:
    store.data_keys.add(1, b"one", act())
    with pytest.raises(StoreError, match="unchanged since they were read"):
        store.data_keys.replace({1: b"uno"}, act(), before={1: b"wrapped by another master key"})
    assert store.data_keys.load() == {1: b"one"}


async def test_another_data_key_than_the_first_is_told_to_every_process(store: Store) -> None:
    store.data_keys.add(1, b"one", act())
    before = await store.definitions.generation()
    store.data_keys.add(2, b"two", act())
    assert await store.definitions.generation() == before + 1


def test_every_act_on_data_keys_is_in_the_audit_chain(database: SqliteDatabase) -> None:
    store = database.open()
    store.data_keys.add(1, b"one", act("made 1"))
    store.data_keys.replace({1: b"uno"}, act("re-wrapped"), before={1: b"one"})
    found = [records for (records,) in database.rows("SELECT records FROM audit ORDER BY seq")]
    assert found == [b'{"act":"test.act","what":"made 1"}', b'{"act":"test.act","what":"re-wrapped"}']
