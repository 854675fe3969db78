"""The contract of the store, on: values that go with the external credential that they are of."""

from callout.adapters.store.store import Store
from callout.core.model.credentials import UserExternalCredentialKey
from tests.adapters.store.conftest import act, key


async def test_values_of_a_forgotten_external_credential_go_those_of_users_too_and_no_others(store: Store) -> None:
    for one in (key(), key(user="alice"), key("Billing")):
        await store.user_external_credentials.put_secrets(one, {"a": b"1"}, act())
    await store.definitions.write([], [act()], forget=["Orders"])
    assert set((await store.definitions.load()).configured) == {key("Billing")}
    assert await store.user_external_credentials.secrets(key()) == {}


async def test_values_of_a_forgotten_principal_go_those_of_users_too_and_no_others(store: Store) -> None:
    other = UserExternalCredentialKey("Orders", "Other")
    for one in (key(), key(user="alice"), key("Billing"), other):
        await store.user_external_credentials.put_secrets(one, {"a": b"1"}, act())
    await store.definitions.write([], [act()], forget=[f"Orders/{key().principal}"])
    assert set((await store.definitions.load()).configured) == {key("Billing"), other}
