"""The first page of Setup: first steps where nothing is there, what needs attention where something is, and what is one's own."""

import json

import pytest

from callout.core.model.people import AdminPermission, PermissionSet, User
from tests.engine.test_troubleshoot import call, stale
from tests.entrypoints.web.visitor import visitor
from tests.world import make_shop, make_world

VIEWERS = PermissionSet("Viewers", admin_permissions=frozenset({AdminPermission.VIEW_SETUP}))
ASKS = {
    "external_credentials": {"Partner": {"protocol": "basic", "principals": {"Service": {}}}},
    "named_credentials": {"Partner": {"url": "https://partner.example", "external_credential": "Partner"}},
}


@pytest.fixture
async def shop():
    shop = await make_shop()
    await shop.define(VIEWERS, User("vera", permission_sets=("Viewers",)), User("carol"))
    return shop


async def test_where_nothing_is_defined_the_first_steps_are_shown_until_they_are_done() -> None:
    world = make_world()
    async with visitor(world) as admin:
        page = await admin.get("/setup")
        steps = page.tree.xpath('//ol[@class="steps"]//a/@href')
        assert steps == ["/setup/create", "/setup/users", "/setup/keys"]
        assert "done" not in page.tree.xpath('//ol[@class="steps"]')[0].text_content()
        await admin.fill("/setup/create/preset/stripe", name="Pay", secrets__ApiKey="k")
        page = await admin.get("/setup")
        assert page.tree.xpath('//ol[@class="steps"]')[0].text_content().count("done") == 1
        await world.define(User("alice"))
        await world.key_of("alice")
        assert "First steps" not in (await admin.get("/setup")).words


async def test_counts_lead_to_the_lists(shop) -> None:
    async with visitor(shop) as admin:
        page = await admin.get("/setup")
        counted = dict(
            zip(
                page.tree.xpath('//ul[contains(@class, "counts")]//a/@href'),
                page.tree.xpath('//ul[contains(@class, "counts")]//b/text()'),
                strict=True,
            )
        )
    assert counted["/setup/named-credentials"] == str(len(shop.store.org.named_credentials))
    assert "/setup/certificates" in counted


async def test_what_waits_lacks_or_ends_is_shown_with_the_page_where_it_is_mended(shop) -> None:
    await shop.run("package.install", namespace="acme", manifest=json.dumps(ASKS))
    await shop.run("certificate.create", name="Short", algorithm="P-256", days=5)
    async with visitor(shop) as admin:
        page = await admin.get("/setup")
        (request,) = (await shop.run("approvals.list"))["requests"]
        linked = page.tree.xpath('//ul[contains(@class, "attention")]//a/@href')
        assert linked[0] == f"/setup/approvals/{request['id']}"
        assert "/setup/external-credentials/Partner/principals/Service" in linked
        assert "/setup/certificates/Short" in linked
        assert "no password, username" in page.words
        assert "it ends in 5 days" in page.words


async def test_a_status_that_looks_stale_is_a_suggestion_and_what_failed_is_listed(shop) -> None:
    values = {"client_id": "abc", "client_secret": "s3cret"}
    await shop.run("secret.set", external_credential="Orders", principal="Service", values=values)
    await stale(shop, 712, times=5)
    await call(shop, "carol")
    async with visitor(shop) as admin:
        words = (await admin.get("/setup")).words
        assert "suggestion Orders 5 answers with status 712" in words
        assert "principal_not_granted Orders carol" in words
        assert "Why, and what mends them" in words
    async with visitor(shop, "carol") as carol:
        words = (await carol.get("/setup")).words
        assert "Your callouts that failed lately" in words
        assert "principal_not_granted Orders carol" in words
    async with visitor(shop, "bob") as bob:
        assert "carol" not in (await bob.get("/setup")).words


async def test_one_without_admin_permissions_sees_what_is_theirs_and_nothing_else(shop) -> None:
    await shop.run("package.install", namespace="acme", manifest=json.dumps(ASKS))
    async with visitor(shop, "carol") as carol:
        page = await carol.get("/setup")
        for path in ("/setup/connections", "/setup/try", "/setup/me"):
            assert page.tree.xpath(f'//main//a[@href="{path}"]'), path
        for hidden in ("First steps", "What needs attention", "Partner", "Named Credentials", "Quick Create"):
            assert hidden not in page.words
    async with visitor(shop, "vera") as vera:
        page = await vera.get("/setup")
        assert "What needs attention" in page.words
        assert "Quick Create" not in page.words


async def test_numbers_and_json_that_no_page_would_send_are_no_mishap() -> None:
    async with visitor(make_world()) as admin:
        for number in ("²", "9" * 5000, "-1", "0", "x"):
            page = await admin.get(f"/setup/users?page={number}")
            assert page.status == 200, number
            page = await admin.fill("/setup/new/user", version=number, name="x", profile="Nowhere")
            assert page.status == 422, number
        filtered = await admin.get("/setup/users?q=" + "admin%20" * 1000)
        assert len(filtered.tree.xpath('//main//input[@name="q"]/@value')[0]) <= 200
        assert "/setup/users/admin" in filtered.tree.xpath("//main//tbody//a/@href")
        nested = await admin.post("/setup/remedy", operation="named_credential.enable", arguments="[" * 100_000)
        assert nested.status == 400


async def test_a_theme_that_there_is_not_is_kept_nowhere() -> None:
    async with visitor(make_world()) as admin:
        for wanted in ("€", "x" * 100_000, ""):
            page = await admin.post("/setup/theme", theme=wanted)
            assert (page.status, admin.client.cookies.get("callout_theme")) == (200, None)
        await admin.post("/setup/theme", theme="dark")
        assert 'data-theme="dark"' in (await admin.get("/setup")).text
