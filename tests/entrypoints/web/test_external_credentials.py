"""External Credentials in the console: made with every protocol, changed without a loss, and when they refresh."""

import pytest

from callout.core.model.credentials import CustomHeader, HeaderSign, Principal, RefreshRule
from callout.core.model.people import AdminPermission, PermissionSet, User
from callout.core.protocol import with_defaults
from callout.core.protocols import CATALOGUE
from tests.entrypoints.web.visitor import visitor
from tests.world import CLERKS, ORDERS, ORDERS_URL, SERVICE, make_world

VIEWERS = PermissionSet("Viewers", admin_permissions=frozenset({AdminPermission.VIEW_SETUP}))
NEW = "/setup/new/external-credential"
#: What a parameter with a pattern may be.
LIKE = {"region": "eu-west-1", "service": "s3"}


@pytest.fixture
async def world():
    world = make_world()
    await world.define(ORDERS, ORDERS_URL, CLERKS, VIEWERS, User("vera", permission_sets=("Viewers",)), User("bob"))
    return world


@pytest.fixture
async def admin(world):
    async with visitor(world) as admin:
        yield admin


async def made(world, name: str):
    return (await world.store.load()).external_credentials[name]


def sample(parameter) -> str:
    """A value that a parameter takes."""
    if parameter.url:
        return f"https://id.example.com/{parameter.name}"
    return "Signer" if parameter.key_pair else LIKE.get(parameter.name, f"some-{parameter.name}")


@pytest.mark.parametrize("protocol", CATALOGUE.values(), ids=CATALOGUE)
async def test_a_credential_of_every_protocol_is_made_from_what_it_declares(admin, world, protocol) -> None:
    await world.run("certificate.create", name="Signer", algorithm="P-256")
    given = with_defaults(protocol, {})
    needed = {p.name: sample(p) for p in protocol.parameters if not p.secret and p.is_needed(given)}
    page = await admin.get(f"{NEW}?protocol={protocol.name}")
    assert set(page.tree.xpath('//label[span[@class="needed"]]/@for')) >= {f"f-parameters-{name}" for name in needed}
    fields = {f"parameters__{name}": value for name, value in needed.items()}
    page = await admin.fill(f"{NEW}?protocol={protocol.name}", name="Fresh", label="Fresh one", **fields)
    assert (page.status, page.title) == (200, "Fresh one"), page.words
    assert (await made(world, "Fresh")).parameters == needed
    assert protocol.title in page.words
    assert (protocol.warning or "Principals")[1:20] in page.words


async def test_choosing_a_protocol_draws_its_fields_and_keeps_what_was_typed(admin) -> None:
    page = await admin.get(NEW)
    assert "parameters/token_endpoint" not in page.form()
    page = await admin.fill(NEW, do="redraw", name="Fresh", protocol="oauth2_client_credentials", label="Typed")
    assert (page.form()["name"], page.form()["label"]) == (["Fresh"], ["Typed"])
    assert "parameters/token_endpoint" in page.form()
    assert page.tree.xpath('//option[@selected and text()="OAuth 2.0 client credentials"]')


async def test_a_field_that_hangs_on_another_comes_with_it(admin) -> None:
    path = f"{NEW}?protocol=oauth2_client_credentials"
    assert "parameters/signing_certificate" not in (await admin.get(path)).form()
    page = await admin.fill(path, do="redraw", parameters__client_authentication="private_key_jwt")
    assert "parameters/signing_certificate" in page.form()
    assert "Only where Client authentication is private_key_jwt." in page.words


async def test_another_protocol_takes_the_parameters_of_the_old_one_away(admin, world) -> None:
    page = await admin.fill("/setup/external-credentials/Orders/edit", protocol="basic")
    assert page.status == 200, page.words
    assert (await made(world, "Orders")).parameters == {}


async def test_an_edit_keeps_principals_and_sealed_values(admin, world) -> None:
    wanted = ExternalOf(world)
    await world.define(wanted)
    await world.run("secret.set", external_credential="Orders", principal="Service", values={"client_id": "canary"})
    sealed = world.store.configured[SERVICE]
    page = await admin.fill("/setup/external-credentials/Orders/edit")
    assert (page.status, await made(world, "Orders")) == (200, wanted)
    await admin.fill("/setup/external-credentials/Orders/edit", label="Shop")
    after = await made(world, "Orders")
    assert (after.label, after.principals, after.refresh_rules) == ("Shop", wanted.principals, wanted.refresh_rules)
    assert world.store.configured[SERVICE] == sealed


def ExternalOf(world):
    from dataclasses import replace

    return replace(
        ORDERS,
        principals=(*ORDERS.principals, Principal("Second", sequence=7, parameters={"scope": "orders.write"})),
        headers=(CustomHeader("X-Tenant", "{!$Credential.Orders.tenant}"),),
        parameters={**ORDERS.parameters, "tenant": "t1"},
        refresh_rules=(RefreshRule((200, 500), HeaderSign("WWW-Authenticate", contains=("expired",))),),
        additional_status_codes=(400, 601),
        allow_private_network=False,
        refresh_debounce=5,
        inactivity_limit="30d",
    )
