"""What narrows, mutes, ends, limits and lets act for others, where two of them meet."""

import pytest

from callout.core.errors import Refused
from callout.core.model.credentials import PrincipalReference
from callout.core.model.people import AdminPermission, Caller, PermissionSet, User
from callout.engine.operations import OperationRefused
from tests.world import World, make_shop

PAT = Caller("pat", None, "key")
ISSUER = "{issuer: https://id.example.com, audience: callout, %s}"
PARTNER = """
external_credentials: {Partner: {protocol: none, principals: {Own: {type: anonymous}}}}
named_credentials: {Partner: {url: https://partner.example.com, external_credential: Partner}}
"""


async def open_shop() -> World:
    """A shop in which alice and bob may read items; Wide lets them do everything."""
    shop = await make_shop()
    await shop.run("apply", manifest=OPEN)
    return shop


OPEN = """
external_credentials: {Open: {protocol: none, principals: {Any: {type: anonymous}}}}
named_credentials: {Open: {url: https://open.example.com, external_credential: Open}}
permission_sets:
  Narrow: {principals: [{principal: Open/Any, methods: [GET]}]}
  Wide: {principals: [Open/Any]}
  Agents: {may_act_for: [bob]}
permission_set_groups: {Staff: {permission_sets: [Narrow]}}
users:
  alice: {permission_sets: [Narrow]}
  bob: {permission_sets: [Narrow]}
  carol: {permission_set_groups: [Staff]}
"""


async def admitted(shop: World, key: str, on_behalf_of: bytes | None = None):
    await shop.current.follow()
    return shop.callouts.admit("Open", [], key.encode(), None, None, on_behalf_of)


def posting(shop: World, route) -> str | None:
    """The reason why a POST may not be made, or None."""
    try:
        shop.callouts.judge(route, b"POST", route.path + b"/items", list, b"0")
    except Refused as refused:
        return refused.reason.code
    return None


async def test_a_wide_grant_that_ends_leaves_the_narrow_one_also_for_a_callout_under_way():
    shop = await open_shop()
    await shop.run("permission_set.assign", name="Wide", user="alice", until="1h")
    key = await shop.key_of("alice")
    route = await admitted(shop, key)
    assert posting(shop, route) is None
    shop.clock.move(hours=1)
    assert shop.callouts.reconsider(route) is None
    assert posting(shop, route) == "method_not_allowed_here"
    assert posting(shop, await admitted(shop, key)) == "method_not_allowed_here"


async def test_on_behalf_of_another_their_narrowed_grants_count_and_end_with_the_right_to_act():
    shop = await open_shop()
    await shop.run("permission_set.assign", name="Wide", user="alice")
    await shop.run("permission_set.assign", name="Agents", user="alice", until="1h", purpose="incident 7")
    key = await shop.key_of("alice")
    assert posting(shop, await admitted(shop, key)) is None
    assert posting(shop, await admitted(shop, key, b"bob")) == "method_not_allowed_here"
    shop.clock.move(hours=1)
    with pytest.raises(Refused, match=r"ended .* for incident 7") as caught:
        await admitted(shop, key, b"bob")
    again = "callout permission-set assign Agents alice --until 8h --purpose 'incident 7'"
    assert caught.value.remedies[0].command == again


async def test_muting_a_principal_mutes_every_grant_of_it_however_narrow():
    shop = await open_shop()
    key = await shop.key_of("carol")
    await admitted(shop, key)
    await shop.run("permission_set_group.mute", name="Staff", principals=["Open/Any"])
    with pytest.raises(Refused, match="group Staff mutes what permission set Narrow has"):
        await admitted(shop, key)
    exported = (await shop.run("export"))["manifest"]
    assert (await shop.run("plan", manifest=exported))["changes"] == []


async def org(*permissions: AdminPermission) -> World:
    """A shop in which pat has these admin permissions."""
    shop = await make_shop()
    await shop.define(PermissionSet("Ops", admin_permissions=frozenset(permissions)))
    await shop.define(User("pat", permission_sets=("Ops",)), User("sam"))
    return shop


@pytest.mark.parametrize("naming", ["users_by_name: true", "users: {x: admin}"])
async def test_nobody_trusts_an_issuer_to_name_one_who_may_more(naming):
    shop = await org(AdminPermission.MANAGE_USERS)
    manifest = f"trusted_issuers: {{Login: {ISSUER % naming}}}"
    with pytest.raises(OperationRefused, match="which pat does not have to give"):
        await shop.run("apply", PAT, manifest=manifest)
    await shop.run("apply", PAT, manifest=manifest.replace(naming, "users: {x: sam}"))


@pytest.mark.parametrize(("name", "wanted"), [("key.rotate", {}), ("key.limit", {"named_credentials": []})])
async def test_nobody_makes_of_a_key_one_that_administers_more_than_they_do(name, wanted):
    shop = await org(AdminPermission.MANAGE_USERS)
    made = await shop.run("key.create", user="admin", named_credentials=["Orders"])
    with pytest.raises(OperationRefused, match="which pat does not have to give"):
        await shop.run(name, PAT, prefix=made["prefix"], **wanted)


async def test_who_approves_needs_the_permission_for_each_part():
    shop = await org(AdminPermission.CUSTOMIZE_APPLICATION)
    await shop.run("package.upgrade", namespace="acme", manifest=PARTNER)
    (waiting,) = (await shop.run("approvals.list"))["requests"]
    with pytest.raises(OperationRefused, match="without admin permission manage_named_credentials"):
        await shop.run("approvals.approve", PAT, id=waiting["id"])
    more = frozenset({AdminPermission.CUSTOMIZE_APPLICATION, AdminPermission.MANAGE_NAMED_CREDENTIALS})
    await shop.define(PermissionSet("Ops", admin_permissions=more))
    with pytest.raises(OperationRefused, match="without admin permission manage_users"):
        await shop.run("approvals.approve", PAT, id=waiting["id"], permission_set="Partner Callers", users=["pat"])
    await shop.run("approvals.approve", PAT, id=waiting["id"])


@pytest.mark.parametrize("name", ["secret.set", "secret.remove", "explain", "callout.log"])
async def test_a_limited_key_of_an_administrator_administers_nothing(name):
    shop = await make_shop()
    made = await shop.run("key.create", user="admin", named_credentials=["Orders"])
    key = next(each for each in shop.store.org.keys.values() if each.prefix == made["prefix"])
    reference = {"external_credential": "Orders", "principal": "Service"}
    arguments = {
        "secret.set": {**reference, "values": {"password": "x"}},
        "secret.remove": reference,
        "explain": {"callout_id": "0" * 25},
        "callout.log": {"user": "alice"},
    }
    with pytest.raises(OperationRefused) as caught:
        await shop.run(name, Caller("admin", None, "key", key=key), **arguments[name])
    assert caught.value.reason.code == ("callout_not_found" if name == "explain" else "administrator_required")


async def test_a_narrowed_grant_is_enough_to_hold_values_of_ones_own():
    shop = await make_shop()
    narrow = PrincipalReference("Weather", "Own", methods=("GET",))
    await shop.define(PermissionSet("Narrow", frozenset({narrow})), User("sam", permission_sets=("Narrow",)))
    own = {"external_credential": "Weather", "principal": "Own", "user": "sam"}
    assert (await shop.run("secret.set", Caller("sam", None, "key"), **own, values={"ApiKey": "k"}))["changed"]
