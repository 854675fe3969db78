"""The manifest in the console: exported without a secret, and put in force after what it would change was shown."""

import pytest

from callout.core.model.people import AdminPermission, PermissionSet, User
from tests.entrypoints.web.visitor import visitor
from tests.world import ORDERS, ORDERS_URL, make_world

VIEWERS = PermissionSet("Viewers", admin_permissions=frozenset({AdminPermission.VIEW_SETUP}))
CANARY = "c4n4ry-in-a-manifest"
HOSTILE = "<script>alert(1)</script>"
NEW = """
external_credentials:
  Stock: {protocol: basic, principals: {Service: {}}}
named_credentials:
  Stock: {url: "https://stock.example", external_credential: Stock, label: "LABEL"}
"""


@pytest.fixture
async def world():
    world = make_world()
    await world.define(ORDERS, ORDERS_URL, VIEWERS, User("vera", permission_sets=("Viewers",)), User("bob"))
    return world


@pytest.fixture
async def admin(world):
    async with visitor(world) as admin:
        yield admin


async def test_everything_is_shown_and_downloaded(admin) -> None:
    page = await admin.get("/setup/manifest/export")
    assert "named_credentials:" in page.words
    file = await admin.get("/setup/manifest/callout.yaml")
    assert "attachment" in file.answer.headers["content-disposition"]
    assert file.text.strip() == page.tree.xpath('//*[@id="manifest"]')[0].text_content().strip()


async def test_a_manifest_is_applied_after_what_it_would_change_was_shown(admin, world) -> None:
    first = await admin.fill("/setup/manifest", manifest=NEW.replace("LABEL", HOSTILE))
    assert "+ named_credentials.Stock" in first.words
    assert HOSTILE not in first.text
    assert "Stock" not in (await world.store.load()).named_credentials
    sent = {name: values[0] for name, values in first.form().items()}
    done = await admin.post("/setup/manifest", **{**sent, "do": "save"})
    assert "Applied." in done.words
    assert (await world.store.load()).named_credentials["Stock"].label == HOSTILE


async def test_with_prune_what_is_not_named_goes(admin, world) -> None:
    first = await admin.fill("/setup/manifest", manifest=NEW, prune="true", do="preview")
    assert "- named_credentials.Orders" in first.words
    sent = {name: values[0] for name, values in first.form().items()}
    unseen = await admin.post("/setup/manifest", manifest=NEW, prune="true", do="save")
    assert "Orders" in (await world.store.load()).named_credentials
    assert "- named_credentials.Orders" in unseen.words
    await admin.post("/setup/manifest", **{**sent, "do": "save"})
    assert "Orders" not in (await world.store.load()).named_credentials


async def test_problems_are_told_with_their_places_and_the_text_stays(admin, world) -> None:
    wrong = NEW.replace("https://stock.example", "ftp://stock").replace("basic", "basik")
    page = await admin.fill("/setup/manifest", manifest=wrong)
    assert page.status == 422
    for told in ("named_credentials.Stock.url", "external_credentials.Stock.protocol", "basic"):
        assert told in page.words
    assert "basik" in page.form()["manifest"][0]
    assert "Stock" not in (await world.store.load()).named_credentials


async def test_a_manifest_that_may_hold_secrets_is_never_written_back(admin, world) -> None:
    given = NEW.replace("Service: {}", "Service: {secrets: {username: me, password: " + CANARY + "}}")
    first = await admin.fill("/setup/manifest", manifest=given)
    assert CANARY not in first.text
    seen = first.form()["seen"][0]
    assert first.form()["manifest"] == [""]
    done = await admin.post(
        "/setup/manifest", do="save", manifest=given, seen=seen, **{"references/0/name": "", "references/0/value": ""}
    )
    assert "Applied." in done.words, done.words
    assert CANARY not in done.text
    assert {"username", "password"} in [set(names) for names in (await world.store.load()).configured.values()]


async def test_values_that_it_refers_to_are_given_beside_it(admin, world) -> None:
    given = NEW.replace("Service: {}", "Service: {secrets: {username: me, password: {env: STOCK}}}")
    fields = {"manifest": given, "references__0__name": "STOCK", "references__0__value": CANARY}
    missing = await admin.fill("/setup/manifest", manifest=given)
    assert missing.status == 422
    assert "STOCK" in missing.words
    first = await admin.fill("/setup/manifest", **fields)
    assert first.status == 200, first.words
    done = await admin.fill("/setup/manifest", **fields, seen=first.form()["seen"][0])
    assert "Applied." in done.words
    assert CANARY not in first.text + done.text


async def test_who_may_only_look_exports_and_applies_nothing(world) -> None:
    async with visitor(world, "vera") as vera:
        assert "named_credentials:" in (await vera.get("/setup/manifest/export")).words
        assert not (await vera.get("/setup/manifest")).tree.xpath("//form[@data-form]")
        assert (await vera.post("/setup/manifest", manifest=NEW, do="save")).status == 403
    async with visitor(world, "bob") as bob:
        assert (await bob.get("/setup/manifest/export")).status == 403
        assert (await bob.get("/setup/manifest/callout.yaml")).status == 403
