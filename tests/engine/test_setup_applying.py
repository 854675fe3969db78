import pytest

from callout.core.errors import DefinitionError, VaultError
from callout.core.ports import Change
from callout.core.secret import reveal
from callout.engine.setup import NotDefined
from callout.engine.slots import secret_row
from tests.world import SERVICE, make_shop, make_world

MANIFEST = """
external_credentials:
  Orders:
    protocol: oauth2_client_credentials
    parameters: {token_endpoint: https://id.example.com/token}
    principals:
      Service:
        secrets: {client_id: abc, client_secret: {env: ORDERS_SECRET}}
named_credentials:
  Orders: {url: https://orders.example.com/v2, external_credential: Orders}
users:
  alice: {profile: Standard User}
"""
REFERENCES = {"env:ORDERS_SECRET": "s3cret"}


@pytest.fixture
def world():
    return make_world()


async def test_apply_stores_definitions_and_seals_secrets_with_one_audit_row_each(world):
    result = await world.run("apply", manifest=MANIFEST, source="f.yaml", references=REFERENCES)
    assert (result["changed"], result["message"]) == (True, "Applied.")
    opened = world.vault.open(world.store.sealed[SERVICE]["client_secret"], row=secret_row(SERVICE, "client_secret"))
    assert reveal(opened) == "s3cret"
    assert [what for _, _, what in world.acts()] == [
        "external_credentials.Orders (f.yaml)",
        "named_credentials.Orders (f.yaml)",
        "users.alice (f.yaml)",
        "Orders/Service: client_id, client_secret",
    ]


async def test_applying_again_changes_nothing_and_keeps_the_token(world):
    await world.run("apply", manifest=MANIFEST, references=REFERENCES)
    generation, acts = world.store.org.generation, len(world.store.acts)
    again = await world.run("apply", manifest=MANIFEST, references=REFERENCES)
    assert (again["changed"], again["message"]) == (False, "Nothing to change.")
    assert (world.store.org.generation, len(world.store.acts)) == (generation, acts)


async def test_another_value_of_a_secret_is_the_only_change(world):
    await world.run("apply", manifest=MANIFEST, references=REFERENCES)
    planned = await world.run("plan", manifest=MANIFEST, references={"env:ORDERS_SECRET": "other"})
    assert planned["changes"] == []
    assert {s["name"]: s["action"] for s in planned["secrets"]} == {"client_id": "kept", "client_secret": "changed"}


async def test_definitions_and_secrets_of_a_manifest_come_into_force_together(world):
    await world.run("apply", manifest=MANIFEST, references=REFERENCES)
    generation = world.store.org.generation
    moved = MANIFEST.replace("id.example.com", "other.example.com")
    await world.run("apply", manifest=moved, references={"env:ORDERS_SECRET": "other"})
    assert world.store.org.generation == generation + 1


async def test_a_secret_that_cannot_be_sealed_leaves_the_definitions_as_they_were(world):
    await world.run("apply", manifest=MANIFEST, references=REFERENCES)
    before, sealed, acts = world.store.org, dict(world.store.sealed), len(world.store.acts)
    world.vault.locked = True
    moved = MANIFEST.replace("id.example.com", "other.example.com")
    with pytest.raises(VaultError):
        await world.run("apply", manifest=moved, references={"env:ORDERS_SECRET": "other"})
    assert (world.store.org, world.store.sealed, len(world.store.acts)) == (before, sealed, acts)


async def test_secrets_of_a_manifest_are_judged_anew_where_another_process_wrote_meanwhile(world):
    await world.run("apply", manifest=MANIFEST, references=REFERENCES)
    gone = [Change("named_credentials", "Orders", None), Change("external_credentials", "Orders", None)]
    world.store.faster.append(gone)
    result = await world.run("apply", manifest=MANIFEST, references={"env:ORDERS_SECRET": "other"})
    assert {f"{c['section']}.{c['name']}": c["action"] for c in result["changes"]} == {
        "external_credentials.Orders": "create",
        "named_credentials.Orders": "create",
    }


async def test_pruning_a_user_takes_their_keys_and_values_and_says_so():
    shop = await make_shop()
    await shop.key_of("bob")
    await shop.run("secret.set", external_credential="Weather", principal="Own", values={"ApiKey": "k"}, user="bob")
    manifest = "users: {admin: {profile: System Administrator}, alice: {permission_sets: [Order Clerks]}}"
    result = await shop.run("apply", manifest=manifest, prune=True)
    assert result["warnings"] == ["user bob goes with 1 key and 1 secret value"]
    assert (shop.store.org.keys, shop.store.sealed) == ({}, {})
    assert [act for _, act, _ in shop.acts()][-3:] == ["delete by manifest", "revoke key", "remove secrets"]


async def test_an_export_carries_every_admin_permission():
    shop = await make_shop()
    await shop.run("profile.create", name="Ops", admin_permissions=["view_setup"])
    assert "admin_permissions:\n      - view_setup" in (await shop.run("export"))["manifest"]


async def test_a_plan_changes_nothing_and_shows_no_secret(world):
    planned = await world.run("plan", manifest=MANIFEST, references=REFERENCES)
    assert planned["empty"] is False
    assert "s3cret" not in repr(planned)
    assert (world.store.acts, world.store.org.generation) == ([], 0)


async def test_a_reference_whose_value_did_not_come_is_named_with_its_line(world):
    with pytest.raises(DefinitionError) as refused:
        await world.run("apply", manifest=MANIFEST, source="f.yaml")
    assert "ORDERS_SECRET" in str(refused.value)
    assert refused.value.problems[0].where == "f.yaml:8"


async def test_a_file_that_a_manifest_names_is_never_read_where_the_definitions_are(world, tmp_path):
    planted = tmp_path / "planted"
    planted.write_text("planted-secret")
    manifest = MANIFEST.replace("{env: ORDERS_SECRET}", f"{{file: {planted}}}")
    with pytest.raises(DefinitionError, match="did not come with the manifest"):
        await world.run("apply", manifest=manifest)
    assert world.store.sealed == {}


async def test_a_manifest_with_a_problem_stores_nothing(world):
    with pytest.raises(DefinitionError):
        await world.run("apply", manifest=MANIFEST + "  bob: {profile: Nobody}\n", references=REFERENCES)
    assert (world.store.acts, world.store.sealed) == ([], {})


async def test_applying_as_a_package_makes_a_named_credential_that_is_disabled():
    shop = await make_shop()
    manifest = "named_credentials: {Mine: {url: https://mine.example.com, external_credential: Orders}}"
    await shop.run("apply", manifest=manifest, namespace="acme")
    made = shop.store.org.named_credentials["Mine"]
    assert (made.enabled_for_callouts, made.created_by_namespace) == (False, "acme")
    with pytest.raises(NotDefined):
        await shop.run("apply", manifest=manifest, namespace="acne")


async def test_an_export_applied_to_an_empty_world_makes_the_same_org():
    shop, empty = await make_shop(), make_world()
    manifest = (await shop.run("export"))["manifest"]
    await empty.run("apply", manifest=manifest)
    assert empty.store.org.definitions() == shop.store.org.definitions()
