"""Kinds, time boxes and muting: in manifests, in the operations, in what is shown."""

from datetime import timedelta

import pytest

from callout.core.errors import DefinitionError
from callout.core.model.credentials import PrincipalReference
from callout.core.model.people import Assignment, Muted, ObjectPermission, UserKind
from tests.world import START, make_shop

MANIFEST = """
permission_sets:
  Auditors:
    admin_permissions: [view_setup]
permission_set_groups:
  Staff:
    permission_sets: [Order Clerks]
    muted:
      principals: [Orders/Service]
      user_external_credential: [read]
users:
  carol:
    permission_sets:
      - Order Clerks
      - name: Auditors
        until: 2026-02-01T12:00:00Z
        purpose: yearly audit
    permission_set_groups: [{name: Staff, until: "2026-02-01T13:00:00+01:00"}]
    kind: service
"""
END = START.replace(month=2, hour=12)


@pytest.fixture
async def shop():
    return await make_shop()


async def test_a_manifest_is_written_as_it_was_read_and_plans_nothing_more(shop):
    await shop.run("apply", manifest=MANIFEST)
    carol = shop.store.org.users["carol"]
    assert carol.kind is UserKind.SERVICE
    assert carol.permission_sets == ("Order Clerks", Assignment("Auditors", END, "yearly audit"))
    assert carol.permission_set_groups == (Assignment("Staff", END),)
    muted = Muted(frozenset({PrincipalReference("Orders", "Service")}), frozenset({ObjectPermission.READ}))
    assert shop.store.org.permission_set_groups["Staff"].muted == muted
    exported = (await shop.run("export"))["manifest"]
    assert "until: '2026-02-01T12:00:00Z'" in exported
    assert (await shop.run("plan", manifest=exported))["empty"]
    assert (await shop.run("plan", manifest=MANIFEST))["empty"]


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("[{name: Auditors}]", "users.carol.permission_sets[0]"),
        ("[{name: Auditors, until: soon}]", "users.carol.permission_sets[0].until"),
        ("[{name: Auditors, until: 2026-02-01, because: x}]", "users.carol.permission_sets[0].because"),
        ("[{name: Auditers, until: 2026-02-01}]", "users.carol.permission_sets[Auditers]"),
        ("[Order Clerks, {name: Order Clerks, until: 2026-02-01}]", "users.carol.permission_sets[Order Clerks]"),
    ],
)
async def test_what_is_wrong_with_a_time_box_is_named_with_its_place(shop, written, place):
    with pytest.raises(DefinitionError) as refused:
        await shop.run("plan", manifest=f"users: {{carol: {{permission_sets: {written}}}}}")
    assert place in {problem.place for problem in refused.value.problems}


async def test_an_assignment_may_have_an_end_and_a_purpose_and_a_later_one_takes_its_place(shop):
    arguments = {"name": "Order Clerks", "user": "bob"}
    result = await shop.run("permission_set.assign", **arguments, until="2h", purpose="incident 7")
    assert result["until"].startswith("2026-01-01T02:00")
    assert shop.acts()[-1][2] == "Order Clerks until 2026-01-01T02:00:00+00:00 (incident 7) to bob"
    (row,) = [u for u in (await shop.run("user.list"))["users"] if u["name"] == "bob"]
    assert row["permission_sets"] == ["Order Clerks"]
    assert [(b["name"], b["purpose"], b["ended"]) for b in row["time_boxes"]] == [("Order Clerks", "incident 7", False)]
    await shop.run("permission_set.assign", **arguments)
    assert shop.store.org.users["bob"].permission_sets == ("Order Clerks",)


@pytest.mark.parametrize("more", [{"purpose": "incident 7"}, {"until": "2020-01-01"}, {"until": "soon"}])
async def test_an_end_that_is_past_none_or_missing_is_refused(shop, more):
    with pytest.raises(DefinitionError):
        await shop.run("permission_set.assign", name="Order Clerks", user="bob", **more)


async def test_an_assignment_that_is_named_again_with_others_keeps_its_end(shop):
    await shop.run("permission_set.assign", name="Order Clerks", user="bob", until="2h")
    await shop.run("user.set", name="bob", permission_sets=["Order Clerks", "External Credential User"])
    box, other = shop.store.org.users["bob"].permission_sets
    assert (box.until, other) == (START + timedelta(hours=2), "External Credential User")
    await shop.run("permission_set.unassign", name="Order Clerks", user="bob")
    assert shop.store.org.users["bob"].permission_sets == ("External Credential User",)


async def test_a_user_is_shown_with_every_way_its_end_and_what_is_muted(shop):
    await shop.run("permission_set_group.create", name="Staff", permission_sets=["Order Clerks"], assign=["bob"])
    await shop.run("permission_set_group.mute", name="Staff", principals=["Orders/Service"])
    await shop.run("permission_set.assign", name="Order Clerks", user="bob", until="2h")
    shop.clock.move(hours=2)
    ways = {way["from"]: way for way in (await shop.run("user.show", name="bob"))["ways"]}
    assert ways["permission set Order Clerks"]["ended"]
    muted = ways["permission set Order Clerks of group Staff"]
    assert (muted["principals"], muted["muted"]["principals"]) == ([], ["Orders/Service"])
    await shop.run("permission_set_group.unmute", name="Staff", principals=["Orders/Service"])
    (way,) = [w for w in (await shop.run("user.show", name="bob"))["ways"] if "Staff" in w["from"]]
    assert way["principals"] == ["Orders/Service"]


async def test_a_background_identity_holds_no_key(shop):
    await shop.run("user.set", name="nightly", kind="background")
    with pytest.raises(DefinitionError, match="background identity"):
        await shop.run("key.create", user="nightly")
    await shop.key_of("bob")
    with pytest.raises(DefinitionError, match="callout key revoke"):
        await shop.run("user.set", name="bob", kind="background")
    with pytest.raises(DefinitionError, match="callout key revoke"):
        await shop.run("apply", manifest="users: {bob: {kind: background}}")


async def test_the_kind_of_a_user_is_shown_where_users_are(shop):
    await shop.run("user.set", name="bob", kind="service")
    kinds = {u["name"]: u["kind"] for u in (await shop.run("user.list"))["users"]}
    assert kinds == {"admin": "human", "alice": "human", "bob": "service", "guest": "guest"}
    with pytest.raises(DefinitionError, match="human, service, guest, background"):
        await shop.run("user.set", name="bob", kind="robot")
