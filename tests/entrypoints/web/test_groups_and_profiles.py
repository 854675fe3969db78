"""Permission Set Groups and Profiles in Setup: what they give and mute, what of the standard ones stays, who has them."""

import pytest

from callout.core.model.people import AdminPermission, PermissionSet, User
from tests.entrypoints.web.visitor import visitor
from tests.world import make_shop

GROUPS, PROFILES = "/setup/permission-set-groups", "/setup/profiles"
STAFF = f"{GROUPS}/Staff"
GROUP = {
    "permission_sets": ["External Credential User", "Order Clerks"],
    "label": "<i>Staff</i>",
    "muted": {
        "principals": ["Orders/Service", "Weather/Own"],
        "user_external_credential": ["delete", "edit"],
        "admin_permissions": ["view_setup"],
    },
}
PROFILE = {
    "principals": [{"principal": "Orders/Service", "methods": ["GET"]}, "Weather/Own"],
    "user_external_credential": ["read", "view_all"],
    "label": "Contractors & others",
    "admin_permissions": ["view_setup"],
}


@pytest.fixture
async def shop():
    shop = await make_shop()
    await shop.run("permission_set_group.set", name="Staff", definition=GROUP)
    await shop.run("profile.set", name="Contractors", definition=PROFILE)
    return shop


@pytest.fixture
async def admin(shop):
    async with visitor(shop) as admin:
        yield admin


async def test_forms_that_are_saved_as_they_are_shown_change_nothing(shop, admin) -> None:
    await shop.run("permission_set_group.create", name="Empty")
    acts = shop.acts()
    standard = ("System%20Administrator", "Standard%20User", "Minimum%20Access", "Guest%20User")
    for path in (STAFF, f"{GROUPS}/Empty", *(f"{PROFILES}/{name}" for name in (*standard, "Contractors"))):
        assert "Nothing to change." in (await admin.fill(f"{path}/edit")).words, path
    assert shop.acts() == acts


async def test_new_ones_are_made_with_everything_that_the_forms_have(shop, admin) -> None:
    muted = {f"muted__{name}": texts for name, texts in GROUP["muted"].items()}
    sets = GROUP["permission_sets"]
    await admin.fill("/setup/new/permission-set-group", name="G", label=GROUP["label"], permission_sets=sets, **muted)
    assert (await shop.run("permission_set_group.show", name="G"))["definition"] == GROUP
    rows = {"principals__0__principal": "Orders/Service", "principals__0__methods": "GET"}
    rows |= {"principals__1__principal": "Weather/Own"}
    rest = {name: PROFILE[name] for name in ("label", "user_external_credential", "admin_permissions")}
    await admin.fill("/setup/new/profile", name="P", **rows, **rest)
    assert (await shop.run("profile.show", name="P"))["definition"] == PROFILE


async def test_a_group_shows_its_sets_what_it_mutes_and_who_has_it(shop, admin) -> None:
    await admin.post(f"{STAFF}/assign", user="bob", until="7d")
    page = await admin.get(STAFF)
    for told in ("Order Clerks", "Orders/Service", "Delete on User External Credentials", "until 2026-01-08"):
        assert told in page.words
    await admin.post(f"{STAFF}/members", do="exclude", set="Order Clerks")
    await admin.post(f"{STAFF}/unmute", principals="Orders/Service")
    await admin.post(f"{STAFF}/unmute", admin_permissions="view_setup")
    await admin.post(f"{STAFF}/unassign", user="bob")
    group = shop.store.org.permission_set_groups["Staff"]
    assert group.permission_sets == ("External Credential User",)
    assert sorted(map(str, group.muted.principals)) == ["Weather/Own"]
    assert not group.muted.admin_permissions
    assert shop.store.org.users["bob"] == User("bob")
    await admin.post(f"{STAFF}/members", set="Order Clerks")
    assert "Order Clerks" in shop.store.org.permission_set_groups["Staff"].permission_sets
    refused = await admin.post(f"{STAFF}/members", set="Nothing")
    assert (refused.status, refused.title) == (404, "<i>Staff</i>")


async def test_of_a_standard_profile_what_callouts_need_is_changed_and_nothing_else(shop, admin) -> None:
    user = f"{PROFILES}/Standard%20User"
    page = await admin.get(user)
    assert "Standard profile" in page.words
    assert f'action="{user}/remove"' not in page.text
    assert 'name="admin_permissions"' not in (await admin.get(f"{user}/edit")).text
    await admin.fill(f"{user}/edit", user_external_credential=[], principals__0__principal="Weather/Own")
    changed = shop.store.org.profiles["Standard User"]
    assert (changed.standard, set(changed.user_external_credential)) == (True, set())
    assert list(map(str, changed.principals)) == ["Weather/Own"]
    page = await admin.post(f"{user}/remove", do="remove")
    assert (page.status, "standard ones stay" in page.words) == (422, True)


async def test_a_profile_shows_both_grants_and_its_users(shop, admin) -> None:
    guest = f"{PROFILES}/Guest%20User"
    assert "gives neither of the two" in (await admin.get(guest)).words
    await admin.post(f"{guest}/grants", user_external_credential="read")
    page = await admin.post(f"{guest}/grants", principals="Orders/Service", methods="GET")
    assert "only GET; any path" in page.words
    assert "Gives both" in (await admin.get(f"{PROFILES}?q=guest")).words
    assert "alice" in (await admin.get(f"{PROFILES}/Standard%20User")).words
    page = await admin.post(f"{guest}/grants", principals="Orders/Nobody")
    assert (page.status, "expected" in page.words) == (422, True)


async def test_problems_stand_at_their_fields(admin) -> None:
    page = await admin.fill("/setup/new/profile", name="P", principals__0__principal="Orders/Servce")
    assert "did you mean Orders/Service?" in page.problems_at("principals/0/principal")
    page = await admin.fill("/setup/new/permission-set-group", name="G", permission_sets=["Order Clerk"])
    assert (page.status, "did you mean Order Clerks?" in page.words) == (422, True)


async def test_who_may_look_only_is_offered_no_change(shop) -> None:
    await shop.define(PermissionSet("Viewers", admin_permissions=frozenset({AdminPermission.VIEW_SETUP})))
    async with visitor(shop, "vera", User("vera", permission_sets=("Viewers",))) as vera:
        for path in (STAFF, f"{PROFILES}/Contractors"):
            assert f'method="post" action="{path}' not in (await vera.get(path)).text
            assert (await vera.get(f"{path}/edit")).status == 403
            assert (await vera.post(f"{path}/edit", label="x")).status == 403
    async with visitor(shop, "bob") as bob:
        for path in (GROUPS, STAFF, PROFILES, f"{PROFILES}/Contractors"):
            assert (await bob.get(path)).status == 403


async def test_quick_find_finds_them(admin) -> None:
    assert STAFF in (await admin.get("/setup/find?q=staff")).text
    assert f"{PROFILES}/Guest%20User" in (await admin.get("/setup/find?q=guest+us")).text
