import pytest

from callout.core.errors import DefinitionError
from callout.core.model.people import ObjectPermission
from callout.engine.setup import NotDefined
from tests.world import make_shop


@pytest.fixture
async def shop():
    return await make_shop()


async def test_a_permission_set_is_made_with_its_grants_and_assigned(shop):
    await shop.run(
        "permission_set.create",
        name="Orders Callers",
        principals=["Orders/Service"],
        user_external_credential=["read"],
        assign=["bob"],
    )
    made = shop.store.org.permission_sets["Orders Callers"]
    assert {str(p) for p in made.principals} == {"Orders/Service"}
    assert made.user_external_credential == {ObjectPermission.READ}
    assert shop.store.org.users["bob"].permission_sets == ("Orders Callers",)


async def test_making_one_that_exists_adds_and_says_who_else_has_it(shop):
    result = await shop.run("permission_set.create", name="Order Clerks", principals=["Weather/Own"], assign=["bob"])
    assert result["principals"] == ["Orders/Service", "Weather/Own"]
    assert "alice" in result["message"]


async def test_a_principal_that_is_not_defined_is_refused_with_the_nearest(shop):
    with pytest.raises(DefinitionError) as refused:
        await shop.run("permission_set.grant", name="Order Clerks", principals=["Orders/Servce"])
    assert refused.value.problems[0].nearest == "Orders/Service"


async def test_an_object_permission_that_is_not_one_is_refused_with_the_nearest(shop):
    with pytest.raises(DefinitionError) as refused:
        await shop.run("profile.grant", name="Standard User", user_external_credential=["raed"])
    assert refused.value.problems[0].nearest == "read"


@pytest.mark.parametrize(
    ("operation", "name"), [("permission_set", "Order Clerks"), ("profile", "Standard User"), ("profile", "Guest User")]
)
async def test_grants_are_added_and_taken_again(shop, operation, name):
    given = {"name": name, "principals": ["Weather/Own"], "user_external_credential": ["view_all"]}
    granted = await shop.run(f"{operation}.grant", **given)
    assert ("Weather/Own" in granted["principals"], "view_all" in granted["user_external_credential"]) == (True, True)
    taken = await shop.run(f"{operation}.revoke", **given)
    assert ("Weather/Own" in taken["principals"], "view_all" in taken["user_external_credential"]) == (False, False)


async def test_taking_a_grant_that_is_not_there_is_refused(shop):
    with pytest.raises(DefinitionError, match="Weather/Own"):
        await shop.run("permission_set.revoke", name="Order Clerks", principals=["Weather/Own"])


async def test_assigning_and_unassigning_a_permission_set(shop):
    assert (await shop.run("permission_set.assign", name="Order Clerks", user="bob"))["changed"] is True
    assert (await shop.run("permission_set.assign", name="Order Clerks", user="bob"))["changed"] is False
    await shop.run("permission_set.unassign", name="Order Clerks", user="bob")
    assert shop.store.org.users["bob"].permission_sets == ()


async def test_unassigning_says_where_a_group_still_gives_the_set(shop):
    await shop.run(
        "permission_set_group.create", name="Office", permission_sets=["Order Clerks"], assign=["alice", "bob"]
    )
    result = await shop.run("permission_set.unassign", name="Order Clerks", user="alice")
    assert "Office still gives it" in result["message"]


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        ("permission_set.remove", "Order Clerks"),
        ("permission_set.remove", "External Credential User"),
        ("profile.remove", "Standard User"),
    ],
)
async def test_what_is_in_use_or_standard_is_not_removed(shop, operation, name):
    with pytest.raises(DefinitionError):
        await shop.run(operation, name=name)


async def test_what_nobody_has_is_removed(shop):
    await shop.run("permission_set.unassign", name="Order Clerks", user="alice")
    await shop.run("permission_set.remove", name="Order Clerks")
    assert "Order Clerks" not in shop.store.org.permission_sets


async def test_a_custom_profile_has_neither_grant_unless_given(shop):
    made = await shop.run("profile.create", name="Contractors")
    assert (made["principals"], made["user_external_credential"]) == ([], [])
    with pytest.raises(DefinitionError, match="taken"):
        await shop.run("profile.create", name="Contractors")
    await shop.run("profile.remove", name="Contractors")
    assert "Contractors" not in shop.store.org.profiles


async def test_a_profile_that_does_not_exist_is_not_found(shop):
    with pytest.raises(NotDefined):
        await shop.run("profile.grant", name="Contractors", principals=["Orders/Service"])


async def test_a_group_is_made_filled_assigned_emptied_and_removed(shop):
    await shop.run("permission_set_group.create", name="Office")
    await shop.run("permission_set_group.include", name="Office", permission_set="Order Clerks")
    assigned = await shop.run("permission_set_group.assign", name="Office", user="bob")
    assert (assigned["permission_sets"], assigned["users"]) == (["Order Clerks"], ["bob"])
    assert [u["user"] for u in (await shop.run("who_can", name="Orders"))["users"]] == []
    with pytest.raises(DefinitionError, match="bob"):
        await shop.run("permission_set_group.remove", name="Office")
    await shop.run("permission_set_group.exclude", name="Office", permission_set="Order Clerks")
    await shop.run("permission_set_group.unassign", name="Office", user="bob")
    await shop.run("permission_set_group.remove", name="Office")
    assert (await shop.run("permission_set_group.list"))["permission_set_groups"] == []


@pytest.mark.parametrize("operation", ["include", "exclude"])
async def test_a_group_takes_only_what_there_is(shop, operation):
    await shop.run("permission_set_group.create", name="Office")
    with pytest.raises(NotDefined):
        await shop.run(f"permission_set_group.{operation}", name="Office", permission_set="Oder Clerks")
