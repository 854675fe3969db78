"""Named Credentials in the console: seen, made, changed, switched and removed, by those who may."""

import pytest

from callout.core.model.people import AdminPermission, Package, PermissionSet, User
from tests.entrypoints.web.visitor import visitor
from tests.world import CLERKS, ORDERS, ORDERS_URL, make_world

VIEWERS = PermissionSet("Viewers", admin_permissions=frozenset({AdminPermission.VIEW_SETUP}))


@pytest.fixture
async def world():
    world = make_world()
    await world.define(
        ORDERS, ORDERS_URL, CLERKS, Package("acme"), VIEWERS, User("vera", permission_sets=("Viewers",)), User("bob")
    )
    return world


@pytest.fixture
async def admin(world):
    async with visitor(world) as admin:
        yield admin


async def test_the_list_names_each_with_its_address_and_external_credential(admin) -> None:
    page = await admin.get("/setup/named-credentials")
    assert "Orders" in page.words
    assert "https://orders.example.com" in page.words


async def test_a_filter_leaves_what_it_finds(admin) -> None:
    assert "Orders" not in (await admin.get("/setup/named-credentials?q=nothing-like-it")).words
    assert "Orders" in (await admin.get("/setup/named-credentials?q=orders+example")).words


async def test_one_is_made_by_its_form(admin, world) -> None:
    page = await admin.fill(
        "/setup/new/named-credential",
        name="Stripe",
        url="https://api.stripe.com",
        external_credential="Orders",
        headers__0__name="Stripe-Version",
        headers__0__value="2026-01-01",
        allowed_namespaces=["acme"],
        allowed_methods="GET\nPOST",
        rate_limits__0__calls="5",
        rate_limits__0__seconds="60",
    )
    assert page.status == 200, page.text
    made = (await world.store.load()).named_credentials["Stripe"]
    assert (made.url, made.allowed_namespaces, made.allowed_methods) == (
        "https://api.stripe.com",
        ("acme",),
        ("GET", "POST"),
    )
    assert [(h.name, h.value) for h in made.headers] == [("Stripe-Version", "2026-01-01")]
    assert [(limit.calls, limit.seconds) for limit in made.rate_limits] == [(5, 60)]
    assert made.enabled_for_callouts


async def test_an_edit_that_changes_nothing_changes_nothing(admin, world) -> None:
    before = (await world.store.load()).named_credentials["Orders"]
    await admin.fill("/setup/named-credentials/Orders/edit")
    assert (await world.store.load()).named_credentials["Orders"] == before


async def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(admin, world) -> None:
    page = await admin.fill(
        "/setup/new/named-credential", name="Stripe", url="ftp://x", external_credential="Orders", label="Kept"
    )
    assert page.status == 422
    assert "https://" in page.problems_at("url")
    assert page.form()["label"] == ["Kept"]
    assert "Stripe" not in (await world.store.load()).named_credentials


async def test_a_preview_shows_the_change_and_makes_none(admin, world) -> None:
    page = await admin.fill("/setup/named-credentials/Orders/edit", do="preview", label="Shop")
    assert "Shop" in page.tree.get_element_by_id("plan").text_content()
    assert (await world.store.load()).named_credentials["Orders"].label != "Shop"


async def test_a_form_that_is_older_than_what_is_there_changes_nothing(admin, world) -> None:
    sent = (await admin.get("/setup/named-credentials/Orders/edit")).form()
    await admin.fill("/setup/named-credentials/Orders/edit", label="By another")
    page = await admin.post("/setup/named-credentials/Orders/edit", **{**sent, "do": "save", "label": "Mine"})
    assert page.status == 409
    assert "changed meanwhile" in page.words
    assert page.tree.xpath("//form[@data-form]//p[@class='note']/a/@href") == ["/setup/named-credentials/Orders/edit"]
    assert (await world.store.load()).named_credentials["Orders"].label == "By another"


async def test_switching_off_and_on_is_one_button(admin, world) -> None:
    await admin.post("/setup/named-credentials/Orders/enabled", enabled="false")
    assert not (await world.store.load()).named_credentials["Orders"].enabled_for_callouts
    page = await admin.post("/setup/named-credentials/Orders/enabled", enabled="true")
    assert "Orders is enabled" in page.words
    assert (await world.store.load()).named_credentials["Orders"].enabled_for_callouts


async def test_removing_shows_what_goes_before_it_goes(admin, world) -> None:
    page = await admin.post("/setup/named-credentials/Orders/remove")
    assert "Nothing is removed yet" in page.words
    assert "Orders" in (await world.store.load()).named_credentials
    await admin.post("/setup/named-credentials/Orders/remove", do="remove")
    assert "Orders" not in (await world.store.load()).named_credentials


async def test_who_may_look_sees_no_button_and_who_may_not_sees_no_page(world) -> None:
    async with visitor(world, "vera") as vera:
        page = await vera.get("/setup/named-credentials/Orders")
        assert "Edit" not in page.words
        assert (await vera.post("/setup/named-credentials/Orders/enabled", enabled="false")).status == 403
    async with visitor(world, "bob") as bob:
        assert (await bob.get("/setup/named-credentials")).status == 403
        assert "Named Credentials" not in (await bob.get("/setup")).text
