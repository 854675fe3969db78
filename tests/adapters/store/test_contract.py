"""The contract of the store: what every kind of database must do. Nothing here knows which one it is."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from callout.adapters.store.errors import StoreError
from callout.adapters.store.store import Store
from callout.core import errors
from callout.core.errors import DefinitionError, Outdated
from callout.core.model.credentials import (
    CustomHeader,
    ExternalCredential,
    NamedCredential,
    Principal,
    PrincipalReference,
    PrincipalType,
)
from callout.core.model.org import Definition, Org
from callout.core.model.people import (
    EVERY_ADMIN_PERMISSION,
    Assignment,
    CallerKey,
    Muted,
    ObjectPermission,
    Package,
    PermissionSet,
    PermissionSetGroup,
    Profile,
    User,
    UserKind,
)
from callout.core.ports import Change, StoredToken
from tests.adapters.store.conftest import START, SqliteDatabase, act, key, segment

EVERY_KIND: dict[str, Definition] = {
    "external_credentials": ExternalCredential(
        "Orders",
        "oauth2_client_credentials",
        parameters={"token_endpoint": "https://id.example.com/token", "ü": "–"},
        additional_status_codes=(400, 601),
        headers=(CustomHeader("X-Tenant", "{!$Credential.Orders.tenant}"), CustomHeader("X-Tenant", "twice")),
        principals=(Principal("Service", sequence=2), Principal("Each", PrincipalType.PER_USER, parameters={"a": "b"})),
        allow_private_network=True,
        created_by_namespace="acme",
    ),
    "named_credentials": NamedCredential(
        "Orders",
        "https://orders.example.com/v2",
        "Orders",
        enabled_for_callouts=False,
        allowed_namespaces=("acme", "b"),
    ),
    "permission_sets": PermissionSet(
        "Order Clerks",
        principals=frozenset({PrincipalReference("Orders", "Service"), PrincipalReference("Orders", "Each")}),
        user_external_credential=frozenset({ObjectPermission.READ, ObjectPermission.EDIT}),
    ),
    "permission_set_groups": PermissionSetGroup(
        "All", ("Order Clerks",), muted=Muted(frozenset({PrincipalReference("Orders", "Each")}))
    ),
    "profiles": Profile("Contractors", label="Contractors", admin_permissions=EVERY_ADMIN_PERMISSION),
    "packages": Package("acme", "Acme Tools"),
    "users": User(
        "alice",
        "Contractors",
        ("Order Clerks", Assignment("External Credential User", START, "incident 7")),
        ("All",),
        active=False,
        label="Alice",
        kind=UserKind.SERVICE,
    ),
}

NAMED = EVERY_KIND["named_credentials"]
KEY = CallerKey(b"\x01" * 32, "co_abcd", "alice", "acme", START, expires_at=START + timedelta(days=30), label="laptop")
TOKEN = StoredToken(key(), 1, b"\x01sealed", START, START + timedelta(hours=1), "first")


def name(definition: Definition) -> str:
    return definition.namespace if isinstance(definition, Package) else definition.name


def put(section: str, definition: Definition) -> Change:
    return Change(section, name(definition), definition)


def acts_in(database: SqliteDatabase) -> list[tuple[str, str]]:
    found = database.rows("SELECT writer, records FROM audit WHERE kind = 'admin' ORDER BY seq")
    return [(writer, records.decode()) for writer, records in found]


class TestDefinitions:
    async def test_a_new_store_holds_the_standard_definitions_at_generation_zero(self, store: Store) -> None:
        assert await store.definitions.load() == Org.of()

    async def test_every_kind_of_definition_comes_back_as_it_was(self, store: Store) -> None:
        await store.definitions.write([put(s, d) for s, d in EVERY_KIND.items()], [act()])
        assert await store.definitions.load() == Org.of(*EVERY_KIND.values(), generation=1)

    async def test_another_store_on_the_same_database_reads_it_too(self, database: SqliteDatabase) -> None:
        await database.open().definitions.write([put("named_credentials", NAMED)], [act()])
        assert "Orders" in (await database.open().definitions.load()).named_credentials

    async def test_each_write_raises_the_generation_by_one(self, store: Store) -> None:
        changes = [put("named_credentials", NAMED)]
        assert [await store.definitions.write(changes, [act()]) for _ in range(3)] == [1, 2, 3]
        assert await store.definitions.generation() == 3

    async def test_a_write_from_definitions_that_moved_is_refused_whole(self, store: Store) -> None:
        assert await store.definitions.write([put("named_credentials", NAMED)], [act()], expects=0) == 1
        with pytest.raises(Outdated):
            await store.definitions.write([Change("named_credentials", "Orders", None)], [act()], expects=0)
        loaded = await store.definitions.load()
        assert (loaded.generation, set(loaded.named_credentials)) == (1, {"Orders"})

    async def test_a_definition_replaces_the_one_of_its_name(self, store: Store) -> None:
        renewed = replace(NAMED, url="https://new.example.com")
        await store.definitions.write([put("named_credentials", NAMED)], [act()])
        await store.definitions.write([put("named_credentials", renewed)], [act()])
        assert (await store.definitions.load()).named_credentials == {"Orders": renewed}

    async def test_changes_apply_in_their_order(self, store: Store) -> None:
        removal = Change("named_credentials", "Orders", None)
        await store.definitions.write([put("named_credentials", NAMED), removal], [act()])
        assert (await store.definitions.load()).named_credentials == {}

    async def test_names_differ_by_case_and_by_section(self, store: Store) -> None:
        lower = replace(NAMED, name="orders")
        await store.definitions.write(
            [put("named_credentials", NAMED), put("named_credentials", lower), Change("users", "Orders", None)], [act()]
        )
        assert set((await store.definitions.load()).named_credentials) == {"Orders", "orders"}

    async def test_definitions_come_in_the_order_of_their_names(self, store: Store) -> None:
        names = ["b", "Z", "a", "é", "A"]
        await store.definitions.write([put("packages", Package(n)) for n in names], [act()])
        assert list((await store.definitions.load()).packages) == sorted(names)

    @pytest.mark.parametrize(
        "wrong",
        [
            Change("users", "Orders", NAMED),
            Change("named_credentials", "Other", NAMED),
            Change("nonsense", "Orders", NAMED),
            Change("nonsense", "Orders", None),
        ],
        ids=["wrong section", "wrong name", "unknown section", "removal from an unknown section"],
    )
    async def test_one_wrong_change_leaves_everything_as_it_was(self, database: SqliteDatabase, wrong: Change) -> None:
        store = database.open()
        with pytest.raises(DefinitionError, match="expected"):
            await store.definitions.write([put("packages", Package("acme")), wrong], [act()])
        assert await store.definitions.load() == Org.of()
        assert acts_in(database) == []

    async def test_a_write_has_its_acts_in_the_audit_chain(self, database: SqliteDatabase) -> None:
        await database.open().definitions.write([put("packages", Package("acme"))], [act("one"), act("two", who="bob")])
        assert acts_in(database) == [
            ("alice", '{"act":"test.act","what":"one"}'),
            ("bob", '{"act":"test.act","what":"two"}'),
        ]

    async def test_many_writers_at_once_lose_nothing(self, store: Store) -> None:
        packages = [Package(f"p{n}") for n in range(20)]
        generations = await asyncio.gather(*(store.definitions.write([put("packages", p)], [act()]) for p in packages))
        assert sorted(generations) == list(range(1, 21))
        assert len((await store.definitions.load()).packages) == 20


class TestDefinitionsWithSecrets:
    async def test_definitions_and_values_are_written_together(self, database: SqliteDatabase) -> None:
        store = database.open()
        await store.user_external_credentials.put_secrets(key(), {"a": b"old", "b": b"old"}, act("old"))
        await store.user_external_credentials.swap_token(TOKEN, replaces=0)
        sealed = {key(): {"a": b"new"}, key("Billing"): {"c": b"1"}}
        changes = [put("named_credentials", NAMED)]
        assert await store.definitions.write(changes, [act("new")], expects=1, sealed=sealed) == 2
        org = await store.definitions.load()
        assert (set(org.named_credentials), org.secret_versions) == ({"Orders"}, {key(): 2, key("Billing"): 2})
        assert await store.user_external_credentials.secrets(key()) == {"a": b"new", "b": b"old"}
        assert await store.user_external_credentials.token(key()) is None
        assert len(acts_in(database)) == 2

    @pytest.mark.parametrize(
        ("expects", "sealed", "error"),
        [(0, {"a": b"new"}, Outdated), (1, {"a": b"new", "b": None}, errors.StoreError)],
        ids=["moved meanwhile", "a value that cannot be stored"],
    )
    async def test_where_one_part_fails_nothing_is_written(
        self, database: SqliteDatabase, expects: int, sealed: dict[str, bytes], error: type[Exception]
    ) -> None:
        store = database.open()
        await store.user_external_credentials.put_secrets(key(), {"a": b"old"}, act("old"))
        await store.user_external_credentials.swap_token(TOKEN, replaces=0)
        with pytest.raises(error):
            await store.definitions.write(
                [put("named_credentials", NAMED)], [act("new")], expects=expects, sealed={key(): sealed}
            )
        org = await store.definitions.load()
        assert (org.named_credentials, org.generation) == ({}, 1)
        assert await store.user_external_credentials.secrets(key()) == {"a": b"old"}
        assert await store.user_external_credentials.token(key()) == TOKEN
        assert len(acts_in(database)) == 1


class TestKeys:
    async def test_a_key_comes_back_as_it_was(self, store: Store) -> None:
        await store.definitions.put_key(KEY, act())
        org = await store.definitions.load()
        assert (org.keys, org.generation) == ({KEY.digest: KEY}, 1)

    async def test_a_key_without_end_or_namespace_comes_back_so(self, store: Store) -> None:
        plain = replace(KEY, namespace=None, expires_at=None, label="")
        await store.definitions.put_key(plain, act())
        assert (await store.definitions.load()).keys == {KEY.digest: plain}

    async def test_another_key_of_the_same_prefix_is_refused(self, database: SqliteDatabase) -> None:
        store = database.open()
        await store.definitions.put_key(KEY, act("first"))
        with pytest.raises(StoreError, match="is taken; expected a new key"):
            await store.definitions.put_key(replace(KEY, digest=b"\x02" * 32), act("second"))
        assert (await store.definitions.load()).keys == {KEY.digest: KEY}
        assert len(acts_in(database)) == 1

    async def test_a_key_is_changed_in_place(self, database: SqliteDatabase) -> None:
        store = database.open()
        await store.definitions.put_key(KEY, act("first"))
        changed = replace(KEY, expires_at=None)
        assert await store.definitions.change_key(changed, act("second")) is True
        org = await store.definitions.load()
        assert (org.keys, org.generation, len(acts_in(database))) == ({KEY.digest: changed}, 2, 2)

    async def test_a_key_that_is_gone_is_not_brought_back_by_a_change(self, database: SqliteDatabase) -> None:
        store = database.open()
        assert await store.definitions.change_key(KEY, act()) is False
        assert await store.definitions.load() == Org.of()
        assert acts_in(database) == []

    async def test_a_key_made_from_definitions_that_moved_is_refused(self, database: SqliteDatabase) -> None:
        store = database.open()
        await store.definitions.write([], [act("meanwhile")])
        with pytest.raises(Outdated):
            await store.definitions.put_key(KEY, act(), expects=0)
        await store.definitions.put_key(KEY, act("now"), expects=1)
        assert len(acts_in(database)) == 2

    @pytest.mark.parametrize(
        ("removed", "left"),
        [(Change("users", "alice", None), {"co_bob"}), (Change("packages", "acme", None), {"co_plain", "co_bob"})],
        ids=["user", "package"],
    )
    async def test_the_keys_of_a_user_or_package_go_with_it(
        self, store: Store, removed: Change, left: set[str]
    ) -> None:
        keys = [
            KEY,
            replace(KEY, digest=b"2", prefix="co_plain", namespace=None),
            replace(KEY, digest=b"3", prefix="co_bob", user="bob", namespace="b"),
        ]
        for one in keys:
            await store.definitions.put_key(one, act())
        await store.definitions.write([removed], [act()])
        assert {k.prefix for k in (await store.definitions.load()).keys.values()} == left

    async def test_a_removed_key_is_gone(self, store: Store) -> None:
        await store.definitions.put_key(KEY, act())
        assert await store.definitions.remove_key("co_abcd", act()) is True
        org = await store.definitions.load()
        assert (org.keys, org.generation) == ({}, 2)

    async def test_removing_an_unknown_key_writes_nothing(self, database: SqliteDatabase) -> None:
        store = database.open()
        assert await store.definitions.remove_key("co_none", act()) is False
        assert await store.definitions.generation() == 0
        assert acts_in(database) == []


class TestSecrets:
    async def test_sealed_values_come_back_byte_for_byte(self, store: Store) -> None:
        sealed = {"client_id": b"\x00\x01\xff", "client_secret": bytes(range(256))}
        await store.user_external_credentials.put_secrets(key(), sealed, act())
        assert await store.user_external_credentials.secrets(key()) == sealed

    async def test_setting_one_value_leaves_the_others(self, store: Store) -> None:
        await store.user_external_credentials.put_secrets(key(), {"a": b"1", "b": b"2"}, act())
        await store.user_external_credentials.put_secrets(key(), {"b": b"3"}, act())
        assert await store.user_external_credentials.secrets(key()) == {"a": b"1", "b": b"3"}

    async def test_keys_are_strangers_to_each_other(self, store: Store) -> None:
        keys = [key(), key(user="alice"), key(principal="Other"), key("Billing"), key("Orders/Service", "")]
        for number, one in enumerate(keys):
            await store.user_external_credentials.put_secrets(one, {"a": bytes([number])}, act())
        found = [await store.user_external_credentials.secrets(one) for one in keys]
        assert found == [{"a": bytes([number])} for number in range(5)]

    async def test_load_tells_the_names_that_are_set(self, store: Store) -> None:
        await store.user_external_credentials.put_secrets(key(), {"a": b"1", "b": b"2"}, act())
        await store.user_external_credentials.put_secrets(key(user="alice"), {"a": b"3"}, act())
        org = await store.definitions.load()
        assert org.configured == {key(): {"a", "b"}, key(user="alice"): {"a"}}
        assert org.generation == 2

    async def test_each_write_to_a_key_gives_it_a_version_that_never_comes_again(self, store: Store) -> None:
        async def version() -> int:
            return (await store.definitions.load()).secret_versions[key()]

        credentials, seen = store.user_external_credentials, []
        await credentials.put_secrets(key(), {"a": b"1"}, act())
        seen.append(await version())
        await credentials.put_secrets(key(), {"b": b"1"}, act())
        seen.append(await version())
        await credentials.remove_secrets(key(), ["b"], act())
        seen.append(await version())
        await credentials.remove_secrets(key(), None, act())
        assert (await store.definitions.load()).secret_versions == {}
        await credentials.put_secrets(key(), {"a": b"1"}, act())
        seen.append(await version())
        assert len(set(seen)) == 4
        assert seen == sorted(seen)

    async def test_a_write_to_one_key_leaves_the_version_of_another(self, store: Store) -> None:
        await store.user_external_credentials.put_secrets(key(), {"a": b"1"}, act())
        await store.user_external_credentials.put_secrets(key("Billing"), {"a": b"1"}, act())
        assert (await store.definitions.load()).secret_versions == {key(): 1, key("Billing"): 2}

    async def test_new_secrets_drop_the_token_and_the_error_of_the_old_ones(self, store: Store) -> None:
        credentials = store.user_external_credentials
        await credentials.swap_token(TOKEN, replaces=0)
        await credentials.note_error(key(), START, "invalid_client")
        await credentials.put_secrets(key(), {"a": b"1"}, act())
        (health,) = await credentials.health()
        assert (await credentials.token(key()), health.generation, health.last_error) == (None, 0, None)

    async def test_removing_tells_how_many_values_went(self, store: Store) -> None:
        credentials = store.user_external_credentials
        await credentials.put_secrets(key(), {"a": b"1", "b": b"2", "c": b"3"}, act())
        await credentials.swap_token(TOKEN, replaces=0)
        assert await credentials.remove_secrets(key(), ["a", "unknown"], act()) == 1
        assert await credentials.token(key()) is None
        assert await credentials.remove_secrets(key(), None, act()) == 2
        assert await credentials.health() == ()

    async def test_removing_nothing_writes_nothing(self, database: SqliteDatabase) -> None:
        store = database.open()
        assert await store.user_external_credentials.remove_secrets(key(), None, act()) == 0
        assert await store.definitions.generation() == 0
        assert acts_in(database) == []

    async def test_secrets_outlive_the_definition_they_belong_to(self, store: Store) -> None:
        credential = EVERY_KIND["external_credentials"]
        await store.definitions.write([put("external_credentials", credential)], [act()])
        await store.user_external_credentials.put_secrets(key(), {"a": b"1"}, act())
        await store.definitions.write([Change("external_credentials", "Orders", None)], [act()])
        assert await store.user_external_credentials.secrets(key()) == {"a": b"1"}

    async def test_what_a_user_alone_has_goes_with_the_user(self, store: Store) -> None:
        credentials, alices, bobs = store.user_external_credentials, key(user="alice"), key(user="bob")
        for one in (key(), alices, bobs):
            await credentials.put_secrets(one, {"a": b"1"}, act())
            await credentials.swap_token(replace(TOKEN, key=one), replaces=0)
            await credentials.note_error(one, START, "timed out")
        await store.definitions.write([Change("users", "alice", None), Change("users", "", None)], [act()])
        assert [health.key for health in await credentials.health()] == [key(), bobs]
        assert (await credentials.secrets(alices), await credentials.token(alices)) == ({}, None)

    async def test_values_made_from_definitions_that_moved_are_refused(self, store: Store) -> None:
        await store.definitions.write([Change("users", "alice", None)], [act()])
        with pytest.raises(Outdated):
            await store.user_external_credentials.put_secrets(key(user="alice"), {"a": b"1"}, act(), expects=0)
        assert await store.user_external_credentials.health() == ()

    async def test_each_write_of_secrets_has_its_act_in_the_audit_chain(self, database: SqliteDatabase) -> None:
        credentials = database.open().user_external_credentials
        await credentials.put_secrets(key(), {"a": b"canary"}, act("set a"))
        await credentials.remove_secrets(key(), None, act("removed all"))
        acts = [records for _, records in acts_in(database)]
        assert acts == ['{"act":"test.act","what":"set a"}', '{"act":"test.act","what":"removed all"}']


class TestTokens:
    async def test_a_token_comes_back_as_it_was(self, store: Store) -> None:
        assert await store.user_external_credentials.token(key()) is None
        assert await store.user_external_credentials.swap_token(TOKEN, replaces=0) is True
        assert await store.user_external_credentials.token(key()) == TOKEN

    async def test_times_of_any_zone_come_back_as_the_same_moments_in_utc(self, store: Store) -> None:
        elsewhere = replace(
            TOKEN, issued_at=START.astimezone(timezone(timedelta(hours=5, minutes=30))), expires_at=None
        )
        await store.user_external_credentials.swap_token(elsewhere, replaces=0)
        found = await store.user_external_credentials.token(key())
        assert found is not None
        assert (found.issued_at, found.issued_at.tzinfo, found.expires_at) == (START, UTC, None)

    @pytest.mark.parametrize("replaces", [0, 1, 3, 99])
    async def test_a_swap_loses_where_another_generation_is_stored(self, store: Store, replaces: int) -> None:
        stored = replace(TOKEN, generation=2)
        await store.user_external_credentials.swap_token(stored, replaces=0)
        late = replace(TOKEN, generation=100, envelope=b"late")
        assert await store.user_external_credentials.swap_token(late, replaces=replaces) is False
        assert await store.user_external_credentials.token(key()) == stored

    async def test_a_swap_loses_where_nothing_is_stored_any_more(self, store: Store) -> None:
        assert await store.user_external_credentials.swap_token(replace(TOKEN, generation=2), replaces=1) is False
        assert await store.user_external_credentials.token(key()) is None

    async def test_a_swap_wins_where_its_generation_is_stored(self, store: Store) -> None:
        renewed = replace(TOKEN, generation=2, envelope=b"2", obtained_because="status 400")
        await store.user_external_credentials.swap_token(TOKEN, replaces=0)
        assert await store.user_external_credentials.swap_token(renewed, replaces=1) is True
        assert await store.user_external_credentials.token(key()) == renewed

    @pytest.mark.parametrize("stored", [0, 1])
    async def test_of_many_swaps_at_once_exactly_one_wins(self, store: Store, stored: int) -> None:
        if stored:
            await store.user_external_credentials.swap_token(TOKEN, replaces=0)
        rivals = [replace(TOKEN, generation=stored + 1, envelope=bytes([n])) for n in range(16)]
        won = await asyncio.gather(*(store.user_external_credentials.swap_token(r, replaces=stored) for r in rivals))
        assert won.count(True) == 1
        assert await store.user_external_credentials.token(key()) == rivals[won.index(True)]

    async def test_a_generation_that_does_not_rise_is_a_mistake_of_the_program(self, store: Store) -> None:
        with pytest.raises(ValueError, match="expected one above 1"):
            await store.user_external_credentials.swap_token(TOKEN, replaces=1)

    async def test_tokens_do_not_move_the_generation_of_the_definitions(self, store: Store) -> None:
        await store.user_external_credentials.swap_token(TOKEN, replaces=0)
        await store.user_external_credentials.note_error(key(), START, "timed out")
        assert await store.definitions.generation() == 0


class TestHealth:
    async def test_health_joins_what_is_stored_of_each_key(self, store: Store) -> None:
        credentials = store.user_external_credentials
        await credentials.put_secrets(key(), {"b": b"1", "a": b"2"}, act())
        await credentials.swap_token(TOKEN, replaces=0)
        await credentials.note_error(key("Billing"), START, "first")
        await credentials.note_error(key("Billing"), START + timedelta(seconds=5), "invalid_client")
        billing, orders = await credentials.health()
        assert (orders.key, orders.secrets_set, orders.generation) == (key(), {"a", "b"}, 1)
        assert (orders.issued_at, orders.obtained_because) == (TOKEN.issued_at, "first")
        assert (orders.expires_at, orders.last_error) == (TOKEN.expires_at, None)
        assert (billing.key, billing.secrets_set, billing.generation) == (key("Billing"), frozenset(), 0)
        assert (billing.last_error, billing.last_error_at) == ("invalid_client", START + timedelta(seconds=5))

    async def test_only_a_token_that_replaced_another_moves_the_last_refresh(self, store: Store) -> None:
        async def swapped(generation: int, because: str) -> tuple[datetime | None, str]:
            issued_at = START + timedelta(hours=generation)
            token = replace(TOKEN, generation=generation, issued_at=issued_at, obtained_because=because)
            await store.user_external_credentials.swap_token(token, replaces=generation - 1)
            (health,) = await store.user_external_credentials.health()
            assert health.issued_at == issued_at
            return health.last_refresh_at, health.obtained_because

        assert await swapped(1, "first") == (None, "first")
        assert await swapped(2, "status 400") == (START + timedelta(hours=2), "status 400")
        assert await swapped(3, "first") == (START + timedelta(hours=2), "first")
        assert await swapped(4, "expiry") == (START + timedelta(hours=4), "expiry")

    async def test_an_error_stays_beside_a_later_token(self, store: Store) -> None:
        await store.user_external_credentials.note_error(key(), START - timedelta(hours=1), "timed out")
        await store.user_external_credentials.swap_token(TOKEN, replaces=0)
        (health,) = await store.user_external_credentials.health()
        assert (health.generation, health.last_error) == (1, "timed out")


class TestAudit:
    async def test_the_segments_that_enclose_a_callout_are_found_newest_first(self, store: Store) -> None:
        for bounds in [("01", "05"), ("04", "09"), ("10", "20")]:
            store.audit.append(segment(*bounds))
        assert await store.audit.segments("04") == (segment("04", "09"), segment("01", "05"))
        assert await store.audit.segments("20") == (segment("10", "20"),)
        assert await store.audit.segments("21") == ()

    async def test_the_newest_segments_come_first_and_acts_are_not_among_them(self, store: Store) -> None:
        for number in range(5):
            store.audit.append(segment(f"{number}0", f"{number}9"))
            await store.definitions.write([], [act()])
        assert [s.oldest for s in await store.audit.recent(2)] == ["40", "30"]

    async def test_callouts_and_acts_stand_in_one_chain_that_holds(self, store: Store) -> None:
        store.audit.append(segment("1", "2"))
        await store.definitions.write([], [act(), act()])
        await store.user_external_credentials.put_secrets(key(), {"a": b"1"}, act())
        store.audit.append(segment("3", "4"))
        verification = await store.audit.verify()
        assert (verification.rows, verification.held, verification.head.seq) == (5, True, 5)

    async def test_threads_that_append_at_once_make_one_chain(self, store: Store) -> None:
        segments = [segment(f"{n:02}", f"{n:02}") for n in range(30)]
        await asyncio.gather(*(asyncio.to_thread(store.audit.append, s) for s in segments))
        assert set(await store.audit.recent(100)) == set(segments)
        assert (await store.audit.verify()).rows == 30
