import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from callout.core.errors import DefinitionError
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.ports import Change
from callout.engine.keys import expiry, key_text
from callout.engine.setup import NotDefined
from tests.world import ORDERS_URL, START, make_shop


@pytest.fixture
async def shop():
    return await make_shop()


async def test_a_new_user_is_active_and_has_the_standard_profile(shop):
    result = await shop.run("user.set", name="carol")
    assert (result["active"], result["profile"]) == (True, "Standard User")
    assert shop.acts() == [("local", "define user", "carol: Standard User, active")]


async def test_setting_a_user_leaves_what_is_not_given(shop):
    await shop.run("user.set", name="alice", active=False)
    alice = shop.store.org.users["alice"]
    assert (alice.active, alice.permission_sets) == (False, ("Order Clerks",))


async def test_a_user_with_an_unknown_profile_is_refused_with_the_nearest(shop):
    with pytest.raises(NotDefined) as refused:
        await shop.run("user.set", name="carol", profile="Standart User")
    assert refused.value.problems[0].nearest == "Standard User"


async def test_a_removed_user_leaves_no_key_and_no_secret_to_a_later_user_of_that_name(shop):
    await shop.key_of("bob")
    values = {"external_credential": "Weather", "principal": "Own", "values": {"ApiKey": "k"}}
    await shop.run("secret.set", **values, user="bob")
    result = await shop.run("user.remove", name="bob")
    assert (result["keys_revoked"], result["secrets_removed"]) == (1, 1)
    assert UserExternalCredentialKey("Weather", "Own", "bob") not in shop.store.sealed
    assert shop.store.org.keys == {}
    assert [(act, what.partition("…")[2] or what) for _, act, what in shop.acts()[-3:]] == [
        ("remove user", "bob"),
        ("revoke key", " of bob"),
        ("remove secrets", "Weather/Own@bob: ApiKey"),
    ]


async def test_a_user_is_removed_in_one_write(shop):
    await shop.key_of("bob")
    generation = shop.store.org.generation
    await shop.run("user.remove", name="bob")
    assert shop.store.org.generation == generation + 1


async def test_no_key_is_made_for_a_user_who_is_removed_meanwhile(shop):
    shop.store.faster.append([Change("users", "bob", None)])
    with pytest.raises(NotDefined):
        await shop.run("key.create", user="bob")
    assert shop.store.org.keys == {}


async def test_no_value_is_set_for_a_user_who_is_removed_meanwhile(shop):
    shop.store.faster.append([Change("users", "bob", None)])
    with pytest.raises(NotDefined):
        await shop.run("secret.set", external_credential="Weather", principal="Own", values={"ApiKey": "k"}, user="bob")
    assert shop.store.sealed == {}


@pytest.mark.parametrize(("operation", "more"), [("key.expire", {"expires": "90d"}), ("key.revoke", {})])
async def test_a_key_that_is_revoked_meanwhile_stays_revoked(shop, operation, more):
    prefix = (await shop.key_of("bob"))[:11]
    shop.store.faster.append([prefix])
    with pytest.raises(NotDefined, match="keys"):
        await shop.run(operation, prefix=prefix, **more)
    assert shop.store.org.keys == {}


async def test_the_guest_user_cannot_be_removed(shop):
    with pytest.raises(DefinitionError, match="guest"):
        await shop.run("user.remove", name="guest")


async def test_a_key_is_shown_once_and_kept_as_a_digest(shop):
    made = await shop.run("key.create", user="alice", namespace="acme", label="laptop")
    stored = next(iter(shop.store.org.keys.values()))
    assert made["key"].startswith("co_")
    assert stored.digest == hashlib.sha256(made["key"].encode()).digest()
    assert (stored.user, stored.namespace, stored.prefix) == ("alice", "acme", made["key"][:11])
    assert made["key"] not in repr((shop.store.acts, await shop.run("key.list")))


def test_keys_are_as_long_whatever_the_random_bytes():
    texts = {key_text(bytes(32)), key_text(b"\xff" * 32), key_text(b"\x01" * 32)}
    assert len(texts) == 3
    assert {len(text) for text in texts} == {3 + 44}
    assert int.from_bytes(b"\xff" * 32, "big") < 62**44


@pytest.mark.parametrize(
    ("user", "namespace", "expected"),
    [("guest", None, "guest"), ("nobody", None, "nobody"), ("bob", "acne", "acme"), ("idle", None, "not active")],
)
async def test_a_key_is_made_for_active_users_and_installed_packages_only(shop, user, namespace, expected):
    await shop.run("user.set", name="idle", active=False)
    with pytest.raises(DefinitionError, match=expected):
        await shop.run("key.create", user=user, namespace=namespace)
    assert shop.store.org.keys == {}


@pytest.mark.parametrize(
    ("text", "lasts"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("12h", timedelta(hours=12)),
        ("4w", timedelta(weeks=4)),
        ("2026-01-02T00:00:00Z", timedelta(days=1)),
        ("2026-01-02T02:00:00+02:00", timedelta(days=1)),
        ("2026-01-02", timedelta(days=1)),
    ],
)
def test_the_end_of_a_key_is_a_life_or_a_time(text, lasts):
    assert expiry(text, START) == START + lasts


@pytest.mark.parametrize("text", ["soon", "-1d", "1y", "", "2025-12-31", "0s", "999999w"])
def test_an_end_that_is_past_or_unreadable_is_refused(text):
    with pytest.raises(DefinitionError, match=r"keys\.expires"):
        expiry(text, START)


async def test_a_key_can_be_given_an_end_and_is_listed_as_over_afterwards(shop):
    key = await shop.key_of("alice")
    await shop.run("key.expire", prefix=key[:11], expires="1h")
    shop.clock.move(hours=2)
    assert [k["expired"] for k in (await shop.run("key.list"))["keys"]] == [True]


async def test_a_key_is_revoked_by_its_visible_start_or_by_its_whole_text(shop):
    first, second = await shop.key_of("alice"), await shop.key_of("alice")
    await shop.run("key.revoke", prefix=first[:11])
    await shop.run("key.revoke", prefix=second)
    assert shop.store.org.keys == {}


async def test_a_wrong_whole_key_is_not_repeated_in_the_refusal(shop):
    key = await shop.key_of("alice")
    wrong = key[:12] + "X" * (len(key) - 12)
    with pytest.raises(NotDefined) as refused:
        await shop.run("key.revoke", prefix=wrong)
    assert wrong not in str(refused.value)


async def test_a_removed_package_loses_its_keys_and_its_place_on_named_credentials(shop):
    await shop.run("named_credential.allow_namespace", name="Orders", namespace="acme")
    await shop.key_of("alice", namespace="acme")
    await shop.run("package.remove", namespace="acme")
    assert shop.store.org.named_credentials["Orders"].allowed_namespaces == ()
    assert (shop.store.org.keys, shop.store.org.packages) == ({}, {})


async def test_what_a_removed_package_made_waits_for_an_admin_again(shop):
    made = replace(ORDERS_URL, name="Tools", created_by_namespace="acme", allowed_namespaces=("acme", "b"))
    await shop.define(made, replace(made, name="Idle", enabled_for_callouts=False))
    result = await shop.run("package.remove", namespace="acme", credentials="disable")
    assert (result["disabled"], result["still_defined"]) == (["Tools"], ["Idle", "Tools"])
    assert "disabled for callouts: Tools" in result["message"]
    assert shop.acts()[-1][2] == "acme; disabled for callouts: Tools"
    await shop.run("package.install", namespace="acme")
    named = shop.store.org.named_credentials
    assert (named["Tools"].enabled_for_callouts, named["Tools"].allowed_namespaces) == (False, ("b",))
    assert named["Orders"].enabled_for_callouts is True


async def test_installing_a_package_again_keeps_its_label(shop):
    assert (await shop.run("package.install", namespace="acme"))["label"] == "Acme Tools"
    assert (await shop.run("package.install", namespace="acme", label="Acme"))["label"] == "Acme"
