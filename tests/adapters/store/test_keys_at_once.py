"""Two admins change one key at once: the later one is told that what it read is outdated."""

from dataclasses import replace

import pytest

from callout.adapters.store.store import Store
from callout.core.errors import Outdated
from tests.adapters.store.conftest import act
from tests.adapters.store.test_contract import KEY


async def test_a_key_is_not_changed_where_the_definitions_moved(store: Store) -> None:
    await store.definitions.put_key(KEY, act())
    read = await store.definitions.generation()
    await store.definitions.change_key(replace(KEY, named_credentials=("A",)), act(), expects=read)
    with pytest.raises(Outdated):
        await store.definitions.change_key(replace(KEY, label="late"), act("late"), expects=read)
    (kept,) = (await store.definitions.load()).keys.values()
    assert (kept.named_credentials, kept.label) == (("A",), KEY.label)
