"""Users in Setup: what each has and by which way, what they can call, their keys, and how they go."""

import pytest

from callout.core.model.people import AdminPermission, PermissionSet, User
from tests.entrypoints.web.visitor import visitor
from tests.world import make_shop

PATH, ALICE = "/setup/users", "/setup/users/alice"
FULL = {
    "profile": "Standard User",
    "permission_sets": [
        "External Credential User",
        {"name": "Order Clerks", "until": "2026-02-01T00:00:00Z", "purpose": "<7>"},
    ],
    "permission_set_groups": ["Staff", {"name": "Temps", "until": "2026-03-01T00:00:00Z"}],
    "active": False,
    "label": 'Zoë "<b>',
    "kind": "service",
    "email": "zoe@example.com",
}


@pytest.fixture
async def shop():
    shop = await make_shop()
    await shop.run("permission_set_group.create", name="Temps")
    await shop.run("permission_set_group.create", name="Staff", permission_sets=["Order Clerks"])
    await shop.run("permission_set_group.mute", name="Staff", principals=["Orders/Service"])
    return shop


@pytest.fixture
async def admin(shop):
    async with visitor(shop) as admin:
        yield admin


@pytest.mark.parametrize("definition", [FULL, {}, {"kind": "background"}, {"profile": "Minimum Access"}])
async def test_a_form_that_is_saved_as_it_is_shown_changes_nothing(shop, admin, definition) -> None:
    await shop.run("user.define", name="zoe", definition=definition)
    acts = shop.acts()
    for name in ("zoe", "guest", "alice"):
        assert "Nothing to change." in (await admin.fill(f"{PATH}/{name}/edit")).words
    assert shop.acts() == acts


async def test_a_new_user_is_made_with_everything_that_the_form_has(shop, admin) -> None:
    given = {name: FULL[name] for name in ("profile", "label", "kind", "email")}
    rows = {"permission_sets__0__name": "External Credential User", "permission_sets__1__name": "Order Clerks"}
    rows |= {"permission_sets__1__until": "2026-02-01T00:00:00Z", "permission_sets__1__purpose": "<7>"}
    rows |= {"permission_set_groups__0__name": "Staff", "permission_set_groups__1__name": "Temps"}
    rows |= {"permission_set_groups__1__until": "2026-03-01T00:00:00Z"}
    await admin.fill("/setup/new/user", name="zoe", active=[], **given, **rows)
    made = (await shop.run("user.show", name="zoe"))["definition"]
    made["permission_set_groups"][1].pop("purpose")
    assert made == FULL


async def test_problems_stand_at_their_fields(admin) -> None:
    wrong = {
        "email": "no address",
        "permission_sets__0__name": "Order Clerk",
        "permission_set_groups__0__name": "Temps",
    }
    page = await admin.fill("/setup/new/user", name="zoe", permission_set_groups__0__until="soon", **wrong)
    assert page.status == 422
    assert "soon" in page.problems_at("permission_set_groups/0/until")
    page = await admin.fill("/setup/new/user", name="zoe", **wrong)
    assert "without spaces" in page.problems_at("email")
    assert "did you mean Order Clerks?" in page.problems_at("permission_sets/0/name")


async def test_the_page_shows_every_way_what_is_muted_and_what_has_ended(shop, admin) -> None:
    await shop.run("permission_set.assign", name="Order Clerks", user="bob", until="30m", purpose="night <watch>")
    await shop.run("permission_set_group.assign", name="Staff", user="bob")
    shop.clock.move(hours=1)
    words = (await admin.get(f"{PATH}/bob")).words
    assert "profile Standard User User External Credentials: Create, Delete, Edit, Read" in words
    assert "permission set Order Clerks Principals: Orders/Service nothing ended 2026-01-01 00:30:00 UTC" in words
    assert "permission set Order Clerks of group Staff nothing Principals: Orders/Service no end" in words


async def test_the_page_says_what_can_be_called_and_why_not(shop, admin) -> None:
    await shop.run(
        "secret.set", external_credential="Orders", principal="Service", values={"client_id": "a", "client_secret": "b"}
    )
    page = await admin.get(ALICE)
    assert "Orders Can Orders/Service" in page.words
    assert "Weather Cannot" in page.words
    assert "/setup/try?name=Weather&amp;user=alice" in page.text
    assert "Orders Can" not in (await admin.get(f"{ALICE}?q=weather")).words


async def test_a_set_and_a_group_are_assigned_and_taken_back(shop, admin) -> None:
    await admin.post(f"{PATH}/bob/assign", set="Order Clerks", until="2h", purpose="incident")
    page = await admin.post(f"{PATH}/bob/assign", group="Staff")
    assert "bob has permission set group Staff" in page.words
    assert shop.store.org.users["bob"].set_names == ("Order Clerks",)
    refused = await admin.post(f"{PATH}/bob/assign", set="Nothing")
    assert (refused.status, refused.title) == (404, "bob")
    await admin.post(f"{PATH}/bob/unassign", set="Order Clerks")
    await admin.post(f"{PATH}/bob/unassign", group="Staff")
    assert shop.store.org.users["bob"] == User("bob")


async def test_one_is_deactivated_and_removed_once_what_goes_was_shown(shop, admin) -> None:
    key = await shop.key_of("alice")
    page = await admin.post(f"{ALICE}/active", active="false")
    assert "Not active" in page.words
    page = await admin.post(f"{ALICE}/remove")
    assert page.title == "Remove user alice?"
    assert f"key {key[:11]}… of alice" in page.words
    assert "alice" in shop.store.org.users
    page = await admin.post(f"{ALICE}/remove", do="remove")
    assert "User alice is gone, with 1 keys" in page.words
    assert (await admin.get(ALICE)).status == 404


async def test_who_manages_users_without_seeing_setup_sees_no_callouts_of_others(shop) -> None:
    await shop.define(
        PermissionSet("People", admin_permissions=frozenset({AdminPermission.MANAGE_USERS})),
        PermissionSet("Viewers", admin_permissions=frozenset({AdminPermission.VIEW_SETUP})),
    )
    async with visitor(shop, "uma", User("uma", permission_sets=("People",))) as uma:
        page = await uma.get(ALICE)
        assert "What they can call" not in page.words
        assert f'action="{ALICE}/assign"' in page.text
        refused = await uma.fill(f"{ALICE}/edit", profile="System Administrator")
        assert (refused.status, "does not have to give" in refused.words) == (403, True)
    async with visitor(shop, "vera", User("vera", permission_sets=("Viewers",))) as vera:
        page = await vera.get(ALICE)
        assert "What they can call" in page.words
        assert f'method="post" action="{ALICE}' not in page.text
        assert (await vera.post(f"{ALICE}/active", active="false")).status == 403
    async with visitor(shop, "bob") as bob:
        assert (await bob.get(f"{PATH}/bob")).status == 403
        assert (await bob.get(PATH)).status == 403


async def test_hostile_texts_are_shown_as_texts(shop, admin) -> None:
    nasty = '"><img src=x onerror=alert(1)>{{7*7}}'
    await shop.run("user.define", name="alice", definition={"label": nasty})
    await shop.run("permission_set.assign", name="Order Clerks", user="alice", until="2h", purpose=nasty)
    await shop.run("key.create", user="alice", label=nasty)
    for path in (
        PATH,
        ALICE,
        f"{ALICE}/edit",
        "/setup/keys",
        "/setup/permission-sets/Order%20Clerks",
        "/setup/find?q=img",
    ):
        page = await admin.get(path)
        assert page.status == 200
        assert "<img" not in page.text
        assert nasty in page.words or nasty in page.tree.xpath("//main//input/@value"), path


async def test_long_lists_come_in_pages_and_quick_find_finds_people(shop, admin) -> None:
    await shop.define(*(User(f"user{number:03}") for number in range(120)))
    page = await admin.get(PATH)
    assert "Page 1 of 3" in page.words
    assert "user119" in (await admin.get(f"{PATH}?page=3")).words
    assert "user077" in (await admin.get(f"{PATH}?q=user077")).words
    assert f"{PATH}/user077" in (await admin.get("/setup/find?q=user077")).text


async def test_an_invitation_is_shown_once_and_sessions_are_ended(shop, admin) -> None:
    page = await admin.fill(f"{ALICE}/invite", expires="2d")
    link = page.tree.xpath('//*[@id="shown-once"]')[0].text_content()
    assert link.startswith("https://callout.example/")
    assert page.answer.headers["cache-control"] == "no-store"
    assert link not in (await admin.get(ALICE)).text
    page = await admin.fill(f"{ALICE}/invite", expires="soon")
    assert (page.status, "soon" in page.words) == (422, True)
    async with visitor(shop, "alice") as alice:
        assert (await alice.get("/setup")).title != "Sign in"
        page = await admin.get(ALICE)
        assert "No password is set." in page.words
        page = await admin.post(f"{ALICE}/sign-out")
        assert "Signed in nowhere." in page.words
        assert (await alice.get("/setup")).title == "Sign in"
    assert f'action="{ALICE}/invite' not in (await admin.get(f"{PATH}/guest")).text
