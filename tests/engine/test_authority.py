"""Nobody gives what they do not have, and a refusal says which permission is missing and what has it."""

import pytest

from callout.core.model.people import AdminPermission, Caller, PermissionSet, User
from callout.engine.operations import OperationRefused
from tests.world import World, make_shop

PAT = Caller("pat", None, "key")


async def org(*permissions: AdminPermission) -> World:
    """A shop in which pat has these admin permissions and sam nothing."""
    shop = await make_shop()
    ops = PermissionSet("Ops", admin_permissions=frozenset(permissions))
    whole = PermissionSet("Whole", admin_permissions=frozenset(AdminPermission))
    await shop.define(ops, whole, User("pat", permission_sets=("Ops",)), User("sam"))
    return shop


async def refused(shop: World, name: str, /, **arguments) -> OperationRefused:
    with pytest.raises(OperationRefused) as caught:
        await shop.run(name, PAT, **arguments)
    assert caught.value.reason.code == "administrator_required"
    assert shop.acts() == []
    return caught.value


GAINS = [
    ("user.set", {"name": "sam", "profile": "System Administrator"}),
    ("user.set", {"name": "pat", "profile": "System Administrator"}),
    ("user.set", {"name": "sam", "permission_sets": ["Whole"]}),
    ("permission_set.assign", {"name": "Whole", "user": "sam"}),
    ("permission_set.assign", {"name": "Whole", "user": "pat", "until": "1h"}),
    ("permission_set.grant", {"name": "Ops", "admin_permissions": ["view_setup"]}),
    ("permission_set.create", {"name": "New", "admin_permissions": ["view_setup"], "assign": ["pat"]}),
    ("permission_set_group.create", {"name": "All", "permission_sets": ["Whole"], "assign": ["sam"]}),
    ("profile.grant", {"name": "Standard User", "admin_permissions": ["view_setup"]}),
    ("key.create", {"user": "admin"}),
    ("client_certificate.trust", {"name": "Root", "dns": "root.example.com", "user": "admin"}),
    ("apply", {"manifest": "users: {sam: {profile: System Administrator}}"}),
]


@pytest.mark.parametrize(("name", "arguments"), GAINS, ids=lambda each: str(each)[:60])
async def test_who_manages_users_gives_nobody_what_they_do_not_have(name, arguments):
    shop = await org(AdminPermission.MANAGE_USERS)
    if name == "profile.grant":
        await shop.run("profile.create", name="Custom")
        await shop.run("user.set", name="sam", profile="Custom")
        shop.store.acts.clear()
        arguments = {**arguments, "name": "Custom"}
    error = await refused(shop, name, **arguments)
    assert "which pat does not have to give" in error.detail


async def test_who_manages_users_gives_what_they_have():
    shop = await org(AdminPermission.MANAGE_USERS)
    await shop.run("permission_set.assign", PAT, name="Ops", user="sam")
    await shop.run("key.create", PAT, user="sam")


async def test_an_inactive_administrator_is_not_woken_by_one_who_has_less():
    shop = await org(AdminPermission.MANAGE_USERS)
    await shop.define(User("boss", "System Administrator", active=False))
    await refused(shop, "user.set", name="boss", active=True)


SECTIONS = [
    (
        "named_credentials: {Orders: {url: https://evil.example.com, external_credential: Orders}}",
        "manage_named_credentials",
    ),
    ("external_credentials: {New: {protocol: none}}", "manage_named_credentials"),
    ("packages: {other: {}}", "customize_application"),
    ("users: {sam: {profile: Minimum Access}}", "manage_users"),
    ("permission_sets: {Ops: {}}", "manage_users"),
]


@pytest.mark.parametrize("operation", ["plan", "apply"])
@pytest.mark.parametrize(("manifest", "needed"), SECTIONS)
async def test_a_manifest_demands_the_permission_of_each_section_that_it_changes(operation, manifest, needed):
    for permission in (p for p in AdminPermission if p is not AdminPermission.VIEW_SETUP):
        shop = await org(permission)
        if permission == needed:
            assert not (await shop.run(operation, PAT, manifest=manifest)).get("empty")
        else:
            assert f"without admin permission {needed}" in (await refused(shop, operation, manifest=manifest)).detail


async def test_a_refusal_names_what_is_missing_what_has_it_and_the_command_that_gives_it():
    shop = await org()
    error = await refused(shop, "status")
    assert "without admin permission view_setup" in error.detail
    assert "permission set Whole" in error.detail
    assert "profile System Administrator" in error.detail
    assert [r.command for r in error.remedies] == ["callout permission-set assign Whole pat"]
    await shop.run("permission_set.assign", name="Whole", user="pat")
    assert (await shop.run("status", PAT))["generation"]


async def test_where_no_set_has_it_the_command_makes_one():
    shop = await make_shop()
    await shop.define(User("pat"))
    error = await refused(shop, "status")
    command = "callout permission-set create 'Admins view_setup' --admin-permission view_setup --assign pat"
    assert [r.command for r in error.remedies] == [command]


async def test_an_admin_permission_in_a_time_box_ends_with_it():
    shop = await org()
    await shop.run("permission_set.assign", name="Whole", user="pat", until="1h", purpose="audit")
    assert (await shop.run("whoami", PAT))["admin_permissions"] == sorted(AdminPermission)
    shop.clock.move(hours=1)
    with pytest.raises(OperationRefused, match=r"ended .* for audit"):
        await shop.run("status", PAT)


async def test_an_administrator_for_a_time_does_not_count_as_the_last_one():
    shop = await org()
    await shop.run("permission_set.assign", name="Whole", user="pat", until="1h")
    with pytest.raises(Exception, match="every admin permission without an end"):
        await shop.run("user.remove", name="admin")
