"""A3: what is taken back bites at the next request, and what is remembered for one caller serves no other."""

import pytest

from callout.core.errors import Refused
from tests.world import World, make_shop


async def weather() -> World:
    """A shop in which alice and bob may call Weather, each with a value of their own."""
    shop = await make_shop()
    await shop.run("permission_set.create", name="Weather", principals=["Weather/Own"], assign=["alice", "bob"])
    for user in ("alice", "bob"):
        values = {"ApiKey": f"key of {user}"}
        await shop.run("secret.set", external_credential="Weather", principal="Own", values=values, user=user)
    return shop


async def admitted(shop: World, key: str):
    await shop.current.follow()
    return shop.callouts.admit("Weather", [], key.encode(), None, None)


async def refused(shop: World, key: str) -> str:
    with pytest.raises(Refused) as caught:
        await admitted(shop, key)
    return caught.value.reason.code


TAKEN_BACK = [
    ("permission_set.unassign", {"name": "Weather", "user": "alice"}, "principal_not_granted"),
    ("permission_set.revoke", {"name": "Weather", "principals": ["Weather/Own"]}, "principal_not_granted"),
    ("user.set", {"name": "alice", "profile": "Guest User"}, "user_external_credential_denied"),
    ("user.set", {"name": "alice", "active": False}, "caller_unknown"),
    ("user.remove", {"name": "alice"}, "caller_unknown"),
    ("named_credential.disable", {"name": "Weather"}, "callouts_disabled"),
    (
        "secret.remove",
        {"external_credential": "Weather", "principal": "Own", "user": "alice"},
        "principal_not_configured",
    ),
]


@pytest.mark.parametrize(("operation", "arguments", "reason"), TAKEN_BACK, ids=lambda each: str(each)[:40])
async def test_what_is_taken_back_is_refused_at_the_next_request_and_under_way(operation, arguments, reason):
    shop = await weather()
    key = await shop.key_of("alice")
    route = await admitted(shop, key)
    assert await admitted(shop, key) is route, "it was remembered"
    await shop.run(operation, **arguments)
    assert await refused(shop, key) == reason
    assert shop.callouts.reconsider(route).reason.code == reason


async def test_what_is_remembered_for_one_caller_serves_no_other():
    shop = await weather()
    await shop.run("named_credential.allow_namespace", name="Weather", namespace="acme")
    keys = [await shop.key_of("alice"), await shop.key_of("bob"), await shop.key_of("alice", namespace="acme")]
    routes = [await admitted(shop, key) for key in keys]
    assert [str(route.slot.key) for route in routes] == ["Weather/Own@alice", "Weather/Own@bob", "Weather/Own@alice"]
    assert len({id(route) for route in routes}) == 3


@pytest.mark.parametrize("through", ["permission_set", "permission_set_group"])
async def test_a_time_box_ends_by_itself_without_any_write(through):
    shop = await weather()
    if through == "permission_set_group":
        await shop.run("permission_set_group.create", name="Staff", permission_sets=["Weather"])
        await shop.run("permission_set.unassign", name="Weather", user="alice")
    name = {"permission_set": "Weather", "permission_set_group": "Staff"}[through]
    await shop.run(f"{through}.assign", name=name, user="alice", until="2h", purpose="incident 7")
    key = await shop.key_of("alice")
    route = await admitted(shop, key)
    shop.clock.move(hours=2, seconds=-1)
    assert shop.callouts.reconsider(route) is None
    assert await admitted(shop, key) is route
    shop.clock.move(seconds=1)
    assert await refused(shop, key) == "principal_not_granted"
    assert "incident 7" in shop.callouts.reconsider(route).detail


async def test_a_time_box_that_is_made_longer_goes_on_without_a_gap():
    shop = await weather()
    await shop.run("permission_set.assign", name="Weather", user="alice", until="1h")
    route = await admitted(shop, key := await shop.key_of("alice"))
    await shop.run("permission_set.assign", name="Weather", user="alice", until="3h")
    shop.clock.move(hours=2)
    await admitted(shop, key)
    assert shop.callouts.reconsider(route) is None
    assert route.until > shop.clock.monotonic()


async def test_a_callout_under_way_as_a_principal_that_ended_does_not_go_on_as_another():
    shop = await weather()
    await shop.run("apply", manifest=TWO)
    await shop.run("permission_set.assign", name="First", user="alice", until="1h")
    key = (await shop.key_of("alice")).encode()
    await shop.current.follow()
    route = shop.callouts.admit("Two", [], key, None, None)
    shop.clock.move(hours=1)
    assert shop.callouts.reconsider(route).reason.code == "principal_not_granted"
    assert shop.callouts.admit("Two", [], key, None, None).decision.principal.name == "B"


TWO = """
external_credentials:
  Two: {protocol: none, principals: {A: {type: anonymous, sequence: 1}, B: {type: anonymous, sequence: 2}}}
named_credentials: {Two: {url: https://two.example.com, external_credential: Two}}
permission_sets: {First: {principals: [Two/A]}, Second: {principals: [Two/B]}}
users: {alice: {permission_sets: [Second]}}
"""
