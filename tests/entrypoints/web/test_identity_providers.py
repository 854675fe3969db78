"""External Auth Identity Providers in the console: the callback URL, the client, and what uses them."""

import pytest

from callout.core.model.credentials import ExternalCredential
from callout.core.model.identity_providers import ExternalAuthIdentityProvider, key_of_provider
from callout.core.model.people import AdminPermission, PermissionSet, User
from callout.core.protocols import CATALOGUE
from callout.core.rules.identity_providers import parameters_of_providers
from tests.entrypoints.web.visitor import visitor
from tests.world import make_world

VIEWERS = PermissionSet("Viewers", admin_permissions=frozenset({AdminPermission.VIEW_SETUP}))
LIST, NEW = "/setup/identity-providers", "/setup/new/identity-provider"
ENDPOINTS = {"token_endpoint": "https://id.example.com/token", "token_request_parameters.audience": "desk"}
CANARY = "c4n4ry"


@pytest.fixture
async def world():
    world = make_world()
    await world.define(
        ExternalAuthIdentityProvider("Id", ENDPOINTS, label="Example ID"),
        ExternalCredential("Desk", "oauth2_client_credentials", {"identity_provider": "Id"}),
        VIEWERS,
        User("vera", permission_sets=("Viewers",)),
        User("bob"),
    )
    return world


@pytest.fixture
async def admin(world):
    async with visitor(world) as admin:
        yield admin


async def provider(world, name: str):
    return (await world.store.load()).external_auth_identity_providers[name]


async def test_the_page_has_the_callback_url_to_copy_and_what_uses_it(admin) -> None:
    page = await admin.get(f"{LIST}/Id")
    assert page.tree.xpath('//code[@id="callback"]/text()')[0].endswith("/connect/callback")
    assert page.tree.xpath('//button[@data-copy="callback"]')
    assert page.tree.xpath('//a[@href="/setup/external-credentials/Desk"]')
    assert "Client id not set".replace(" ", "") in page.words.replace(" ", "")
    (link,) = page.tree.xpath('//a[@aria-label="Set Client id"]/@href')
    path, _, field = link.partition("#")
    assert (await admin.get(path)).tree.xpath(f'//*[@id="{field}"]')
    assert "Example ID" in (await admin.get(LIST)).words


async def test_one_is_made_with_its_client_which_no_page_shows(admin, world) -> None:
    page = await admin.fill(
        NEW,
        name="Contoso",
        parameters__token_endpoint="https://login.contoso.com/token",
        secrets__client_id="desk",
        secrets__client_secret=CANARY,
    )
    assert (page.status, page.title) == (200, "Contoso"), page.words
    assert (await provider(world, "Contoso")).parameters == {"token_endpoint": "https://login.contoso.com/token"}
    assert set(world.store.sealed[key_of_provider("Contoso")]) == {"client_id", "client_secret"}
    assert CANARY not in page.text + (await admin.get(f"{LIST}/Contoso/edit")).text


async def test_an_edit_keeps_what_was_not_typed(admin, world) -> None:
    await world.run("identity_provider.set_secret", name="Id", values={"client_id": "desk", "client_secret": CANARY})
    before, sealed = await provider(world, "Id"), dict(world.store.sealed[key_of_provider("Id")])
    await admin.fill(f"{LIST}/Id/edit")
    assert await provider(world, "Id") == before
    await admin.fill(f"{LIST}/Id/edit", label="Other ID")
    assert (await provider(world, "Id")).parameters == before.parameters
    assert world.store.sealed[key_of_provider("Id")] == sealed


async def test_its_form_has_every_parameter_of_the_oauth_protocols_that_applies(admin) -> None:
    page = await admin.get(NEW)
    for parameter in parameters_of_providers(CATALOGUE).values():
        if not parameter.when and parameter.key is None:
            assert f"parameters/{parameter.name}" in page.form(), parameter.name


async def test_what_is_wrong_stands_at_its_field(admin) -> None:
    page = await admin.fill(NEW, name="Contoso", parameters__token_endpoint="nowhere", secrets__client_secret=CANARY)
    assert page.status == 422
    assert "nowhere" in page.problems_at("parameters/token_endpoint")
    assert CANARY not in page.text


async def test_one_that_is_named_stays_and_one_that_is_not_goes(admin, world) -> None:
    assert "which is in use" in (await admin.post(f"{LIST}/Id/remove")).words
    await admin.fill(NEW, name="Spare")
    assert "Remove" in (await admin.post(f"{LIST}/Spare/remove")).title
    await admin.post(f"{LIST}/Spare/remove", do="remove")
    assert "Spare" not in (await world.store.load()).external_auth_identity_providers


async def test_who_may_look_sees_no_button_and_who_may_not_sees_no_page(world) -> None:
    async with visitor(world, "vera") as vera:
        page = await vera.get(f"{LIST}/Id")
        assert page.tree.xpath("//main//form") == []
        assert not page.tree.xpath('//main//a[contains(@href, "/edit")]')
        assert (await vera.get(NEW)).status == 403
    async with visitor(world, "bob") as bob:
        assert (await bob.get(LIST)).status == 403
        assert (await bob.get(f"{LIST}/Id")).status == 403


async def test_quick_find_leads_to_one_and_to_a_new_one(admin) -> None:
    assert f"{LIST}/Id" in (await admin.get("/setup/find?q=example+id")).text
    assert NEW in (await admin.get("/setup/find?q=new+auth+provider")).text
