"""Packages and Approvals in the console: installed, judged, upgraded with the change shown first, and removed."""

import json

import pytest

from callout.core.model.people import AdminPermission, Caller, PermissionSet, User
from tests.entrypoints.web.visitor import visitor
from tests.world import CLERKS, ORDERS, ORDERS_URL, make_world

VIEWERS = PermissionSet("Viewers", admin_permissions=frozenset({AdminPermission.VIEW_SETUP}))
HOSTILE = '"><script>alert(1)</script>'


def manifest(url: str = "https://partner.example/v1", **more) -> str:
    external = {"protocol": "basic", "principals": {"Service": {}}}
    named = {"url": url, "external_credential": "Partner", **more}
    return json.dumps({"external_credentials": {"Partner": external}, "named_credentials": {"Partner": named}})


@pytest.fixture
async def world():
    world = make_world()
    people = (User("vera", permission_sets=("Viewers",)), User("bob"))
    await world.define(ORDERS, ORDERS_URL, CLERKS, VIEWERS, *people)
    return world


@pytest.fixture
async def admin(world):
    async with visitor(world) as admin:
        yield admin


async def installed(admin, **more):
    return await admin.fill("/setup/new/package", namespace="acme", label="Acme", manifest=manifest(**more))


async def request_path(admin) -> str:
    page = await admin.get("/setup/approvals")
    return str(page.tree.xpath('//tbody//th/a[starts-with(@href, "/setup/approvals/")]/@href')[0])


async def partner(world):
    return (await world.store.load()).named_credentials["Partner"]


async def test_what_an_installed_package_asks_for_is_judged_and_let_in(admin, world) -> None:
    page = await installed(admin)
    assert page.title == "Acme"
    assert "waiting" in page.words
    assert "Partner" in (await admin.get("/setup/named-credentials/Partner")).words
    path = await request_path(admin)
    page = await admin.get(path)
    for told in (
        "partner.example",
        "https://partner.example/v1",
        "Partner/Service",
        "nobody yet",
        "enabled_for_callouts",
    ):
        assert told in page.words
    chosen = {"permission_set": "Partner Callers", "users": ["bob"]}
    would = await admin.post(path, do="look", **chosen)
    assert "+ permission_sets.Partner Callers" in would.words
    assert not (await partner(world)).enabled_for_callouts
    done = await admin.post(path, do="approve", **chosen)
    assert "may make callouts by Partner" in done.words
    assert (await partner(world)).enabled_for_callouts
    assert "Partner Callers" in (await world.store.load()).users["bob"].set_names
    assert "Nothing waits" in (await admin.get("/setup/approvals")).words


async def test_a_named_credential_that_package_code_created_is_opened_judged_and_enabled(admin, world) -> None:
    await admin.fill("/setup/new/package", namespace="acme")
    code = Caller("admin", "acme", "key")
    text = json.dumps({"named_credentials": {"Sneaky": {"url": "https://s.example", "external_credential": "Orders"}}})
    await world.operations.run("apply", {"manifest": text}, code)
    page = await admin.get("/setup/named-credentials/Sneaky")
    assert "Code of package acme made this and chose its URL, https://s.example" in page.words
    path = str(page.tree.xpath('//a[starts-with(@href, "/setup/approvals/")]/@href')[0])
    judged = await admin.get(path)
    assert "Code of package acme made this" in judged.words
    assert "Orders/" in judged.words
    await admin.post(path, do="approve")
    assert (await world.store.load()).named_credentials["Sneaky"].enabled_for_callouts


async def test_a_request_is_rejected_and_what_changed_since_is_not_approved(admin, world) -> None:
    await installed(admin)
    path = await request_path(admin)
    assert "Rejected" in (await admin.post(path, do="reject")).words
    assert (await admin.get(path)).status == 404
    assert (await admin.post(path, do="approve")).status == 404
    assert not (await partner(world)).enabled_for_callouts


async def test_a_choice_that_cannot_be_is_told_on_the_page(admin, world) -> None:
    await installed(admin)
    page = await admin.post(await request_path(admin), do="approve", users=["bob"])
    assert page.status == 422
    assert "a permission set" in page.words
    assert not (await partner(world)).enabled_for_callouts


async def test_an_upgrade_is_shown_first_and_done_when_it_is_confirmed(admin, world) -> None:
    await installed(admin)
    first = await admin.fill("/setup/packages/acme/upgrade", manifest=manifest("https://other.example"))
    assert "https://other.example" in first.tree.xpath('//*[@id="plan"]')[0].text_content()
    assert (await partner(world)).url == "https://partner.example/v1"
    sent = {name: values[0] for name, values in first.form().items()}
    other = await admin.post("/setup/packages/acme/upgrade", **{**sent, "manifest": manifest("https://evil.example")})
    assert "https://evil.example" in other.tree.xpath('//*[@id="plan"]')[0].text_content()
    assert (await partner(world)).url == "https://partner.example/v1"
    done = await admin.post("/setup/packages/acme/upgrade", **{**sent, "do": "save"})
    assert done.title == "Acme"
    assert (await partner(world)).url == "https://other.example"


async def test_what_was_overridden_here_is_shown_with_what_the_package_says(admin, world) -> None:
    await installed(admin)
    await admin.fill("/setup/named-credentials/Partner/edit", label="Ours")
    page = await admin.get("/setup/packages/acme")
    assert "named_credentials.Partner.label" in page.words
    assert "Ours" in page.words


async def test_a_removal_asks_what_becomes_of_what_it_made_and_shows_it_first(admin, world) -> None:
    await installed(admin)
    await world.key_of("bob", namespace="acme")
    assert "bob" in (await admin.get("/setup/packages/acme")).words
    missing = await admin.fill("/setup/packages/acme/remove")
    assert missing.status == 422
    first = await admin.fill("/setup/packages/acme/remove", credentials="delete")
    assert "- named_credentials.Partner" in first.words
    assert "acme" in (await world.store.load()).packages
    sent = {name: values[0] for name, values in first.form().items()}
    done = await admin.post("/setup/packages/acme/remove", **{**sent, "do": "save"})
    assert "is gone, with 1 keys" in done.words
    org = await world.store.load()
    assert "acme" not in org.packages
    assert "Partner" not in org.named_credentials


async def test_problems_of_a_manifest_and_hostile_texts_are_shown_as_text(admin) -> None:
    page = await admin.fill("/setup/new/package", namespace="no good", manifest=HOSTILE, label=HOSTILE)
    assert page.status == 422
    assert "<script>alert" not in page.text
    await installed(admin, label=HOSTILE, description=HOSTILE)
    await admin.fill("/setup/new/package", namespace="acme", label=HOSTILE)
    for path in ("/setup/packages", "/setup/packages/acme", await request_path(admin), "/setup/approvals"):
        assert "<script>alert" not in (await admin.get(path)).text


async def test_one_who_may_only_look_decides_nothing(world, admin) -> None:
    await installed(admin)
    path = await request_path(admin)
    async with visitor(world, "vera") as vera:
        page = await vera.get(path)
        assert page.status == 200
        assert "Reject" not in page.words
        assert (await vera.post(path, do="approve")).status == 403
        assert (await vera.post(path, do="reject")).status == 403
        assert (await vera.post("/setup/new/package", namespace="zeta")).status == 403
        assert (await vera.post("/setup/packages/acme/remove", credentials="delete")).status == 403
    async with visitor(world, "bob") as bob:
        assert (await bob.get("/setup/packages")).status == 403
        assert (await bob.get(path)).status == 403
    assert not (await partner(world)).enabled_for_callouts


async def test_quick_find_knows_packages_and_what_waits(admin) -> None:
    await installed(admin)
    words = (await admin.get("/setup/find?q=acme")).words
    assert "Acme" in words
    assert "Approve acme: Partner" in words
