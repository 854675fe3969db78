import asyncio

import pytest

from callout.core.errors import DefinitionError, StoreError
from callout.core.model.people import Package, User
from callout.core.ports import Change
from callout.engine.setup import NotDefined
from tests.world import make_shop


@pytest.fixture
async def shop():
    return await make_shop()


async def test_a_mutation_is_stored_with_an_audit_row_that_names_who_did_what(shop):
    await shop.run("named_credential.disable", name="Orders")
    assert shop.store.org.named_credentials["Orders"].enabled_for_callouts is False
    assert shop.acts() == [("local", "disable named credential", "Orders (https://orders.example.com/v2)")]


async def test_a_mutation_that_changes_nothing_writes_nothing(shop):
    generation = shop.store.org.generation
    result = await shop.run("named_credential.enable", name="Orders")
    assert result["changed"] is False
    assert shop.store.org.generation == generation
    assert shop.acts() == []


async def test_a_name_that_is_not_defined_is_refused_with_the_nearest(shop):
    with pytest.raises(NotDefined) as refused:
        await shop.run("named_credential.enable", name="Odrers")
    problem = refused.value.problems[0]
    assert (problem.place, problem.nearest) == ("named_credentials.Odrers", "Orders")


async def test_an_edit_that_breaks_a_rule_is_refused_and_nothing_is_stored(shop):
    before = shop.store.org
    with pytest.raises(DefinitionError, match=r"users\.a/b"):
        await shop.run("user.set", name="a/b")
    assert shop.store.org == before


async def test_edits_at_the_same_time_do_not_lose_each_other(shop):
    names = [f"user{n}" for n in range(20)]
    await asyncio.gather(*(shop.run("permission_set.create", name=f"Set {n}", assign=["bob"]) for n in names))
    assert len(shop.store.org.users["bob"].permission_sets) == len(names)


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("user.remove", {"name": "admin"}),
        ("user.set", {"name": "admin", "active": False}),
        ("user.set", {"name": "admin", "profile": "Standard User"}),
    ],
)
async def test_the_last_administrator_stays_one(shop, operation, arguments):
    with pytest.raises(DefinitionError, match="at least one"):
        await shop.run(operation, **arguments)
    await shop.define(User("carol", "System Administrator"))
    await shop.run(operation, **arguments)


async def test_a_store_that_cannot_be_read_is_an_error_and_not_an_empty_org(shop):
    shop.store.broken = True
    with pytest.raises(StoreError):
        await shop.run("user.list")


async def test_an_edit_does_not_undo_what_another_process_wrote_meanwhile(shop):
    theirs = User("bob", "Minimum Access", label="by another process")
    shop.store.faster.append([Change("users", "bob", theirs)])
    await shop.run("permission_set.assign", name="Order Clerks", user="bob")
    bob = shop.store.org.users["bob"]
    assert (bob.label, bob.permission_sets) == ("by another process", ("Order Clerks",))


async def test_a_manifest_is_planned_anew_where_another_process_wrote_meanwhile(shop):
    shop.store.faster.append([Change("packages", "zeta", Package("zeta"))])
    manifest = "users: {bob: {permission_sets: [Order Clerks]}}"
    result = await shop.run("apply", manifest=manifest)
    assert result["generation"] == shop.store.org.generation
    assert "zeta" in shop.store.org.packages
