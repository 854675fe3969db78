"""Permission Sets in Setup: both grants side by side, forms that keep what they show, assignments."""

import pytest

from callout.core.model.people import AdminPermission, PermissionSet, User
from tests.entrypoints.web.visitor import visitor
from tests.world import make_shop

PATH = "/setup/permission-sets"
CLERKS = f"{PATH}/Order%20Clerks"
FULL = {
    "principals": [
        {"principal": "Orders/Service", "methods": ["GET", "POST"], "paths": ["/a/**", "/b"]},
        "Weather/Own",
    ],
    "user_external_credential": ["create", "delete", "edit", "modify_all", "read", "view_all"],
    "label": "Everything <b>&\"'",
    "admin_permissions": ["customize_application", "manage_named_credentials", "manage_users", "view_setup"],
    "may_act_for": ["alice", "profile:Standard User"],
}


@pytest.fixture
async def shop():
    return await make_shop()


@pytest.fixture
async def admin(shop):
    async with visitor(shop) as admin:
        yield admin


@pytest.mark.parametrize("definition", [FULL, {}, {"principals": ["Orders/Service"]}, {"label": "'\" <script>"}])
async def test_a_form_that_is_saved_as_it_is_shown_changes_nothing(shop, admin, definition) -> None:
    await shop.run("permission_set.set", name="Whole", definition=definition)
    acts = shop.acts()
    for name in ("Whole", "External%20Credential%20User", "Order%20Clerks"):
        page = await admin.fill(f"{PATH}/{name}/edit")
        assert "Nothing to change." in page.words
    assert shop.acts() == acts


async def test_a_new_set_is_made_with_everything_that_the_form_has(shop, admin) -> None:
    page = await admin.fill(
        "/setup/new/permission-set",
        name="Whole",
        label=FULL["label"],
        principals__0__principal="Orders/Service",
        principals__0__methods="GET\nPOST",
        principals__0__paths="/a/**\n/b",
        principals__1__principal="Weather/Own",
        **{name: FULL[name] for name in ("user_external_credential", "admin_permissions", "may_act_for")},
    )
    assert page.title == FULL["label"]
    assert (await shop.run("permission_set.show", name="Whole"))["definition"] == FULL


async def test_what_is_standard_keeps_what_is_taken_from_it(shop, admin) -> None:
    await admin.fill(f"{PATH}/External%20Credential%20User/edit", user_external_credential=[])
    assert not shop.store.org.permission_sets["External Credential User"].user_external_credential
    assert 'name="admin_permissions"' not in (await admin.get(f"{PATH}/External%20Credential%20User/edit")).text


async def test_the_page_shows_both_grants_and_says_which_is_missing(shop, admin) -> None:
    page = await admin.get(CLERKS)
    assert "External Credential Principal Access given" in page.words
    assert "Object permissions: User External Credentials missing" in page.words
    assert "Read on User External Credentials is missing here." in page.words
    page = await admin.post(f"{CLERKS}/grants", user_external_credential="read")
    assert "missing" not in page.words
    assert "Gives both" in (await admin.get(PATH)).words
    page = await admin.post(f"{CLERKS}/grants", do="revoke", principals="Orders/Service")
    assert "No principal is given here." in page.words
    page = await admin.post(f"{CLERKS}/grants", do="revoke", user_external_credential="read")
    assert "neither of the two" in page.words


async def test_a_principal_is_enabled_for_methods_and_paths_only(shop, admin) -> None:
    refused = await admin.post(f"{CLERKS}/grants", principals="Weather/Own", methods="GET b@d")
    assert (refused.status, "b@d" in refused.words) == (422, True)
    await admin.post(f"{CLERKS}/grants", principals="Weather/Own", methods="GET, POST", paths="/x/**")
    shown = (await shop.run("permission_set.show", name="Order Clerks"))["definition"]["principals"]
    assert shown == ["Orders/Service", {"principal": "Weather/Own", "methods": ["GET", "POST"], "paths": ["/x/**"]}]
    assert "only GET, POST; /x/**" in (await admin.get(CLERKS)).words


async def test_users_who_have_the_principal_and_cannot_read_are_named(shop, admin) -> None:
    await shop.run("profile.create", name="Bare")
    await shop.run("user.set", name="zoe", profile="Bare", permission_sets=["Order Clerks"])
    page = await admin.get(CLERKS)
    assert "by anything that they have: zoe." in page.words
    assert "alice" in page.words


async def test_a_set_is_assigned_until_a_time_and_taken_back(shop, admin) -> None:
    page = await admin.post(f"{CLERKS}/assign", user="bob", until="30m", purpose="incident <7>")
    assert "until 2026-01-01 00:30:00 UTC incident <7>" in page.words
    shop.clock.move(hours=1)
    assert "ended" in (await admin.get(CLERKS)).words
    refused = await admin.post(f"{CLERKS}/assign", user="bob", until="yesterday")
    assert "expected a life such as 12h" in refused.words
    assert 'value="yesterday"' in refused.text
    await admin.post(f"{CLERKS}/unassign", user="bob")
    assert shop.store.org.users["bob"].permission_sets == ()


async def test_problems_stand_at_their_fields(shop, admin) -> None:
    wrong = {
        "name": "New",
        "principals__0__principal": "Orders/Service",
        "principals__0__methods": "get it",
        "principals__1__principal": "Weather/Owl",
    }
    page = await admin.fill("/setup/new/permission-set", **wrong)
    assert page.status == 422
    assert "get it" in page.problems_at("principals/0/methods")
    assert "did you mean Weather/Own?" in page.problems_at("principals/1/principal")
    page = await admin.fill("/setup/new/permission-set", name="New", may_act_for="nobody")
    assert (page.status, "'nobody'" in page.words) == (422, True)
    page = await admin.fill("/setup/new/permission-set", name="Order Clerks")
    assert "somebody has defined it" in page.words
    assert "New" not in shop.store.org.permission_sets


async def test_a_preview_shows_the_change_and_changes_nothing(shop, admin) -> None:
    acts = shop.acts()
    page = await admin.fill(f"{CLERKS}/edit", do="preview", user_external_credential="read")
    assert "What would change" in page.words
    assert shop.acts() == acts
    form = page.form()
    await shop.run("permission_set.grant", name="Order Clerks", user_external_credential=["edit"])
    page = await admin.post(f"{CLERKS}/edit", **{**form, "do": "save"})
    assert (page.status, "changed meanwhile" in page.words) == (409, True)


async def test_what_goes_is_shown_before_it_goes(shop, admin) -> None:
    await shop.run("permission_set.set", name="Spare", definition=FULL)
    page = await admin.post(f"{PATH}/Spare/remove")
    assert page.title == "Remove permission set Spare?"
    assert "Spare" in shop.store.org.permission_sets
    await admin.post(f"{PATH}/Spare/remove", do="remove")
    assert "Spare" not in shop.store.org.permission_sets
    refused = await admin.post(f"{CLERKS}/remove")
    assert "in use by alice" in refused.words


async def test_who_may_look_only_is_offered_no_change(shop) -> None:
    await shop.define(PermissionSet("Viewers", admin_permissions=frozenset({AdminPermission.VIEW_SETUP})))
    async with visitor(shop, "vera", User("vera", permission_sets=("Viewers",))) as vera:
        assert f'method="post" action="{CLERKS}' not in (await vera.get(CLERKS)).text
        assert "/setup/new/permission-set" not in (await vera.get(PATH)).text
        assert (await vera.get("/setup/new/permission-set")).status == 403
        refused = await vera.post("/setup/new/permission-set", name="Mine")
        assert (refused.status, "manage_users" in refused.words) == (403, True)
    async with visitor(shop, "bob") as bob:
        assert (await bob.get(CLERKS)).status == 403
        assert "Permission Sets" not in (await bob.get("/setup")).text
        assert "Permission Sets" not in (await bob.get("/setup/find?q=permission")).text


async def test_nobody_gives_what_they_do_not_have(shop) -> None:
    await shop.define(PermissionSet("People", admin_permissions=frozenset({AdminPermission.MANAGE_USERS})))
    async with visitor(shop, "uma", User("uma", permission_sets=("People",))) as uma:
        more = ["manage_users", "customize_application"]
        page = await uma.fill(f"{PATH}/People/edit", admin_permissions=more)
        assert (page.status, "which uma does not have to give" in page.words) == (403, True)


@pytest.mark.parametrize("question", ["permission sets", "principal access", "user external cred", "clerks"])
async def test_quick_find_leads_there_by_salesforces_words(admin, question) -> None:
    assert PATH in (await admin.get(f"/setup/find?q={question}")).text


async def test_a_name_with_what_addresses_are_made_of_is_changed_and_removed_and_a_refusal_leads_back(
    shop, admin
) -> None:
    name = "A?b#c %41 &x=1+2"
    page = await admin.fill("/setup/new/permission-set", name=name)
    path = "/setup/permission-sets/A%3Fb%23c%20%2541%20%26x%3D1%2B2"
    page = await admin.fill(f"{path}/edit", label="Odd")
    assert (page.status, (await shop.store.load()).permission_sets[name].label) == (200, "Odd")
    await admin.post(f"{path}/assign", user="alice")
    refused = await admin.post(f"{path}/remove")
    assert (refused.status, refused.tree.xpath("//main//a[text()='Back']/@href")) == (422, [path])
    await admin.post(f"{path}/unassign", user="alice")
    asked = await admin.post(f"{path}/remove")
    (action,) = asked.tree.xpath("//main//form/@action")
    await admin.post(action, do="remove")
    assert name not in (await shop.store.load()).permission_sets
