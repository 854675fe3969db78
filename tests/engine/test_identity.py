"""Keys that are limited and rotated, and permission sets that let act for others: the admin's side."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
import yaml

from callout.core.errors import DefinitionError, Refused
from callout.core.model.issuers import TrustedIssuer
from callout.core.model.people import AdminPermission, Caller, PermissionSet, User
from callout.core.ports import AdminAct
from callout.engine import keys
from callout.engine.operations import OperationRefused
from tests.world import make_shop

EXAMPLE = TrustedIssuer("Example", "https://id.example.com", "callout", users={"a": "alice"})


@pytest.fixture
async def shop():
    return await make_shop()


async def row(shop, prefix: str) -> dict:
    return next(key for key in (await shop.run("key.list"))["keys"] if key["prefix"] == prefix)


async def test_a_rotated_key_is_of_the_same_user_package_and_limit_and_the_old_one_ends_after_the_overlap(shop) -> None:
    old = await shop.key_of("alice", namespace="acme", named_credentials=["Orders"], label="agent", expires="30d")
    shop.clock.move(days=10)
    made = await shop.run("key.rotate", prefix=old[:11], overlap="24h")
    assert made["key"] != old
    assert (made["user"], made["namespace"], made["named_credentials"], made["label"]) == (
        "alice",
        "acme",
        ["Orders"],
        "agent",
    )
    assert made["expires_at"] == (shop.clock.now() + timedelta(days=30)).isoformat().replace("+00:00", "Z")
    assert (await row(shop, old[:11]))["expires_at"] == made["replaced_ends_at"]
    shop.clock.move(hours=23)
    await shop.current.follow()
    assert not (await row(shop, old[:11]))["expired"]
    shop.clock.move(hours=1)
    assert (await row(shop, old[:11]))["expired"]
    assert not (await row(shop, made["prefix"]))["expired"]


async def test_both_acts_of_a_rotation_are_audited_and_neither_shows_a_key(shop) -> None:
    old = await shop.key_of("alice")
    made = await shop.run("key.rotate", prefix=old[:11], overlap="1h")
    created, changed = shop.acts()[-2:]
    assert created == ("local", "create key", f"{made['prefix']}… of alice in the place of {old[:11]}…")
    assert changed[1:] == ("change key", f"{old[:11]}… of alice: 2026-01-01T01:00:00+00:00")
    assert made["key"] not in str(shop.acts())


async def test_an_overlap_never_makes_a_key_live_longer_and_none_ends_it_at_once(shop) -> None:
    old = await shop.key_of("alice", expires="1h")
    await shop.run("key.rotate", prefix=old[:11], overlap="4w")
    assert (await row(shop, old[:11]))["expires_at"].startswith("2026-01-01T01:00:00")
    await shop.run("key.rotate", prefix=old[:11], overlap="0s")
    assert (await row(shop, old[:11]))["expired"]
    with pytest.raises(DefinitionError, match="callout key create alice"):
        await shop.run("key.rotate", prefix=old[:11])


@pytest.mark.parametrize("overlap", ["", "soon", "-1h", "24", "999999w"])
async def test_an_overlap_that_is_no_life_is_refused_and_nothing_is_made(shop, overlap) -> None:
    old = await shop.key_of("alice")
    with pytest.raises(DefinitionError, match=r"keys\.overlap"):
        await shop.run("key.rotate", prefix=old[:11], overlap=overlap)
    assert len((await shop.run("key.list"))["keys"]) == 1


async def test_a_rotation_is_repeated_where_another_process_wrote_first(shop) -> None:
    old = await shop.key_of("alice")
    shop.store.faster.append([])
    assert (await shop.run("key.rotate", prefix=old[:11]))["replaces"] == old[:11]
    assert len((await shop.run("key.list"))["keys"]) == 2


async def test_a_key_is_limited_widened_and_freed(shop) -> None:
    key = await shop.key_of("alice")
    limited = await shop.run("key.limit", prefix=key[:11], named_credentials=["Weather", "Orders", "Orders"])
    assert limited["named_credentials"] == ["Orders", "Weather"]
    assert (await shop.run("key.limit", prefix=key[:11], named_credentials=[]))["named_credentials"] == []
    assert [act for _, act, _ in shop.acts()] == ["create key", "limit key", "limit key"]
    with pytest.raises(DefinitionError, match="Ordres"):
        await shop.run("key.limit", prefix=key[:11], named_credentials=["Ordres"])


async def test_a_key_keeps_what_another_admin_changed_while_this_one_was_at_it(shop) -> None:
    key = await shop.key_of("alice")
    (stored,) = shop.store.org.keys.values()
    loading = shop.store.load

    async def load():
        org = await loading()
        if len(shop.acts()) == 1:
            act = AdminAct(shop.clock.now(), "other", "limit key", "")
            await shop.store.change_key(replace(stored, named_credentials=("Orders",)), act)
        return org

    shop.store.load = load
    await keys.expire_key(shop.setup, "this", key[:11], "1h")
    made = await row(shop, key[:11])
    assert (made["named_credentials"], made["expires_at"]) == (["Orders"], "2026-01-01T01:00:00Z")


async def test_who_may_not_make_a_key_of_a_user_may_not_let_an_old_one_live_on(shop) -> None:
    key = await shop.key_of("admin", expires="1h")
    pat = await people_admin(shop)
    for longer in ("2h", None):
        with pytest.raises(OperationRefused, match="which pat does not have to give"):
            await shop.run("key.expire", caller=pat, prefix=key[:11], expires=longer)
    assert (await shop.run("key.expire", caller=pat, prefix=key[:11], expires="1m"))["changed"]


async def people_admin(shop) -> Caller:
    people = PermissionSet("People", admin_permissions=frozenset({AdminPermission.MANAGE_USERS}))
    await shop.define(people, User("pat", permission_sets=("People",)))
    return Caller("pat", proof="key")


async def test_who_may_not_make_a_key_of_a_user_may_not_free_a_limited_one(shop) -> None:
    pat, key = await people_admin(shop), await shop.key_of("admin", named_credentials=["Orders"])
    with pytest.raises(OperationRefused, match="which pat does not have to give"):
        await shop.run("key.limit", caller=pat, prefix=key[:11], named_credentials=[])
    assert (await shop.run("key.limit", caller=pat, prefix=key[:11], named_credentials=["Weather"]))["changed"]


@pytest.mark.parametrize("mapping", [{"users": {"x": "admin"}}, {"users_by_name": True}])
async def test_who_manages_users_lets_no_issuer_name_an_admin_who_may_more(shop, mapping) -> None:
    pat = await people_admin(shop)
    issuer = {"issuer": "https://id.example.com", "audience": "callout"}
    with pytest.raises(OperationRefused, match="which pat does not have to give"):
        await shop.run("apply", caller=pat, manifest=json.dumps({"trusted_issuers": {"Own": {**issuer, **mapping}}}))
    plain = json.dumps({"trusted_issuers": {"Own": {**issuer, "users": {"x": "alice"}}}})
    assert (await shop.run("apply", caller=pat, manifest=plain))["changed"]


async def test_who_manages_users_sets_no_secret_by_a_manifest_that_changes_nothing_else(shop) -> None:
    pat = await people_admin(shop)
    whole = yaml.safe_load((await shop.run("export"))["manifest"])["external_credentials"]["Orders"]
    whole["principals"]["Service"] = {**(whole["principals"]["Service"] or {}), "secrets": {"client_id": "mine"}}
    with pytest.raises(OperationRefused, match="without admin permission manage_named_credentials"):
        await shop.run("apply", caller=pat, manifest=json.dumps({"external_credentials": {"Orders": whole}}))
    assert not shop.store.configured


async def test_a_route_that_was_decided_for_one_user_is_not_taken_for_another(shop) -> None:
    agents = PermissionSet("Agents", may_act_for=frozenset({"alice", "bob"}))
    await shop.define(agents, User("svc", permission_sets=("Agents",)))
    values = {"client_id": "abc", "client_secret": "s3cret"}
    await shop.run("secret.set", external_credential="Orders", principal="Service", values=values)
    key = (await shop.key_of("svc")).encode()
    await shop.current.follow()
    allowed = shop.callouts.admit("Orders", [], key, None, None, b"alice")
    assert allowed.decision.caller.acting_user == "alice"
    for other in (b"bob", None, b"carol"):
        with pytest.raises(Refused):
            shop.callouts.admit("Orders", [], key, None, None, other)


async def test_a_limited_key_of_an_admin_administers_nothing(shop) -> None:
    key = await shop.key_of("admin", named_credentials=["Orders"])
    stored = next(each for each in shop.store.org.keys.values() if each.prefix == key[:11])
    limited = Caller("admin", proof="key co_x…", key=stored)
    with pytest.raises(OperationRefused, match="limited to callouts"):
        await shop.run("user.list", caller=limited)
    assert (await shop.run("whoami", caller=limited))["caller"] == "admin"


async def test_a_limited_key_shows_and_ends_nothing_beyond_its_limit(shop) -> None:
    key = await shop.key_of("alice", named_credentials=["Weather"])
    stored = next(each for each in shop.store.org.keys.values() if each.prefix == key[:11])
    limited, whole = Caller("alice", proof="key co_x…", key=stored), Caller("alice", proof="key co_x…")
    for operation, arguments in (("diagnose", {}), ("can", {"user": "alice"})):
        asked = await shop.run(operation, caller=limited, name="Orders", **arguments)
        assert (asked["allowed"], asked["reason"]) == (False, "key_limited")
        assert asked.get("request") is None
        assert (await shop.run(operation, caller=whole, name="Orders", **arguments))["reason"] != "key_limited"
    own = {"external_credential": "Weather", "principal": "Own", "user": "alice"}
    for operation in ("token.revoke", "token.introspect", "secret.list"):
        with pytest.raises(OperationRefused, match="limited to callouts"):
            await shop.run(operation, caller=limited, **own)


async def test_acting_for_others_is_given_shown_and_taken_back(shop) -> None:
    given = await shop.run("permission_set.let_act_for", name="Order Clerks", user="profile:Standard User")
    assert given["may_act_for"] == ["profile:Standard User"]
    await shop.run("permission_set.create", name="Agents", may_act_for=["bob"], assign=["alice"])
    sets = {each["name"]: each for each in (await shop.run("permission_set.list"))["permission_sets"]}
    assert sets["Agents"]["may_act_for"] == ["bob"]
    taken = await shop.run("permission_set.stop_acting_for", name="Agents", user="bob")
    assert taken["may_act_for"] == []
    for other in ("nobody", "guest", "profile:Nothing"):
        with pytest.raises(DefinitionError):
            await shop.run("permission_set.let_act_for", name="Agents", user=other)


async def test_diagnose_climbs_on_behalf_of_the_user_that_is_named(shop) -> None:
    question = {"name": "Orders", "user": "bob", "on_behalf_of": "alice"}
    refused = await shop.run("diagnose", **question)
    assert (refused["allowed"], refused["reason"], refused["on_behalf_of"]) == (False, "acting_not_allowed", "alice")
    await shop.run("permission_set.create", name="Agents", may_act_for=["alice"], assign=["bob"])
    steps = {step["name"]: step for step in (await shop.run("diagnose", **question))["steps"]}
    assert steps["on_behalf_of"]["held"]
    assert steps["principal"]["held"]


async def test_trusted_issuers_come_by_manifest_are_listed_exported_and_removed(shop) -> None:
    manifest = """
trusted_issuers:
  Example:
    issuer: https://id.example.com
    audience: callout
    users: {alice-id: alice, "repo:org/x:ref": bob}
    namespace_claim: azp
    namespaces: {acme-app: acme, own: ""}
    algorithms: [ES256]
"""
    await shop.run("apply", manifest=manifest)
    (listed,) = (await shop.run("trusted_issuer.list"))["trusted_issuers"]
    assert (listed["name"], listed["users"]["repo:org/x:ref"], listed["algorithms"]) == ("Example", "bob", ["ES256"])
    exported = (await shop.run("export"))["manifest"]
    assert not (await shop.run("plan", manifest=exported))["changes"]
    with pytest.raises(DefinitionError, match=r"trusted_issuers\.Example\.users"):
        await shop.run("user.remove", name="bob")
    await shop.run("trusted_issuer.remove", name="Example")
    assert (await shop.run("trusted_issuer.list"))["trusted_issuers"] == []


async def test_code_of_a_package_defines_no_trusted_issuer(shop) -> None:
    manifest = "trusted_issuers: {X: {issuer: 'https://x.example.com', audience: c, users_by_name: true}}"
    with pytest.raises((DefinitionError, Refused), match="an admin's"):
        await shop.run("apply", manifest=manifest, namespace="acme")
