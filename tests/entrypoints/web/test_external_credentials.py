"""External Credentials in the console: made with every protocol, changed without a loss, and when they refresh."""

import json
from dataclasses import replace

import pytest

from callout.core.model.credentials import BodySign, CustomHeader, HeaderSign, Principal, RefreshRule
from callout.core.model.identity_providers import ExternalAuthIdentityProvider
from callout.core.model.people import AdminPermission, PermissionSet, User
from callout.core.protocol import with_defaults
from callout.core.protocols import CATALOGUE
from tests.engine.test_troubleshoot import stale
from tests.entrypoints.web.visitor import visitor
from tests.world import CLERKS, ORDERS, ORDERS_URL, SERVICE, WEATHER, make_world

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


async def test_a_parameter_of_ones_own_stays_even_where_another_protocol_declares_its_name(admin, world) -> None:
    header = CustomHeader("X-Region", "{!$Credential.Keys.region}")
    await world.define(replace(WEATHER, name="Keys", parameters={"region": "north"}, headers=(header,)))
    edit = "/setup/external-credentials/Keys/edit"
    await admin.fill(edit, label="Keys of ours")
    assert (await made(world, "Keys")).parameters == {"region": "north"}
    added = {"more_parameters__0__name": "zone", "more_parameters__0__value": "a"}
    await admin.fill(edit, headers__1__name="X-Zone", headers__1__value="{!$Credential.Keys.zone}", **added)
    assert (await made(world, "Keys")).parameters == {"region": "north", "zone": "a"}
    await admin.fill(edit, parameters__zone="", headers__1__remove="true")
    assert (await made(world, "Keys")).parameters == {"region": "north"}


async def test_an_edit_keeps_principals_and_sealed_values(admin, world) -> None:
    wanted = full_credential()
    await world.define(wanted)
    await world.run("secret.set", external_credential="Orders", principal="Service", values={"client_id": "canary"})
    sealed = world.store.configured[SERVICE]
    page = await admin.fill("/setup/external-credentials/Orders/edit")
    assert (page.status, await made(world, "Orders")) == (200, wanted)
    await admin.fill("/setup/external-credentials/Orders/edit", label="Shop")
    after = await made(world, "Orders")
    assert (after.label, after.principals, after.refresh_rules) == ("Shop", wanted.principals, wanted.refresh_rules)
    assert world.store.configured[SERVICE] == sealed


def full_credential():
    """One with something in every field."""
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


async def test_a_refresh_rule_is_added_by_the_form_and_what_is_wrong_with_one_stands_there(admin, world) -> None:
    edit = "/setup/external-credentials/Orders/edit"
    rule = {"refresh_rules__0__statuses": "500", "refresh_rules__0__body__soap_fault_code": "INVALID_SESSION_ID"}
    await admin.fill(edit, **rule)
    wanted = RefreshRule((500,), body=BodySign(soap_fault_code=("INVALID_SESSION_ID",)))
    assert (await made(world, "Orders")).refresh_rules == (wanted,)
    page = await admin.fill(edit, refresh_rules__1__statuses="503")
    assert page.status == 422
    assert "503" in page.problems_at("refresh_rules/1/statuses")


# --- Additional Status Codes for Token Refresh ------------------------------------------------------------------


async def test_the_field_for_status_codes_takes_what_may_be_one_and_says_why_others_are_none(admin, world) -> None:
    edit = "/setup/external-credentials/Orders/edit"
    page = await admin.fill(edit, additional_status_codes="400, 601, 712, 999")
    assert (await made(world, "Orders")).additional_status_codes == (400, 601, 712, 999)
    for status, because in (("500", "external system's own failure"), ("204", "does not refuse anything")):
        page = await admin.fill(edit, additional_status_codes=f"400, {status}")
        assert page.status == 422
        assert because in page.problems_at("additional_status_codes")
        assert page.form()["additional_status_codes"] == [f"400, {status}"]
    assert page.tree.xpath('//label[text()="Additional Status Codes for Token Refresh"]')
    assert page.tree.xpath('//a[@href="#f-refresh_rules"]')
    assert (await made(world, "Orders")).additional_status_codes == (400, 601, 712, 999)


async def test_a_status_code_is_added_and_removed_in_one_step(admin, world) -> None:
    codes = "/setup/external-credentials/Orders/status-codes"
    page = await admin.post(codes, do="add", status="403")
    assert "An answer with status 403" in page.words
    assert (await made(world, "Orders")).additional_status_codes == (400, 601, 403)
    await admin.post(codes, do="remove", status="601")
    assert (await made(world, "Orders")).additional_status_codes == (400, 403)
    refused = await admin.post(codes, do="add", status="503")
    assert "external system's own failure" in refused.tree.xpath('//*[@id="status-wrong"]')[0].text_content()
    assert refused.tree.xpath('//input[@id="status"]/@value') == ["503"]
    refused = await admin.post(codes, do="add", status="many")
    assert (refused.status, "got 'many'; expected a status of 400" in refused.words) == (400, True)


# --- who may, and where it is found -------------------------------------------------------------------------------


async def test_the_list_shows_protocol_principals_with_state_and_who_uses_it(admin) -> None:
    page = await admin.get("/setup/external-credentials")
    for told in ("OAuth 2.0 client credentials", "Service", "Not configured", "Orders"):
        assert told in page.words
    assert "Orders" not in (await admin.get("/setup/external-credentials?q=basic")).words


async def test_the_page_has_principals_as_a_related_list(admin) -> None:
    page = await admin.get("/setup/external-credentials/Orders")
    for told in ("Sequence Number", "Identity Type", "Named Principal", "lacks client_id, client_secret"):
        assert told in page.words
    assert page.tree.xpath('//a[@href="/setup/external-credentials/Orders/principals/Service"]')
    assert page.tree.xpath('//a[@href="/setup/named-credentials/Orders"]')


async def test_an_identity_provider_is_chosen_by_its_label_and_what_it_has_is_not_needed(admin, world) -> None:
    await world.define(
        ExternalAuthIdentityProvider("Id", {"token_endpoint": "https://id.example.com/t"}, label="My ID")
    )
    page = await admin.get(f"{NEW}?protocol=oauth2_client_credentials")
    assert page.tree.xpath('//select[@name="parameters/identity_provider"]/option[@value="Id"]/text()') == ["My ID"]
    page = await admin.fill(
        f"{NEW}?protocol=oauth2_client_credentials", name="Fresh", parameters__identity_provider="Id"
    )
    assert page.status == 200, page.words
    assert (await made(world, "Fresh")).parameters == {"identity_provider": "Id"}


async def test_one_that_is_used_is_not_removed_and_one_that_is_not_is(admin, world) -> None:
    page = await admin.post("/setup/external-credentials/Orders/remove")
    assert "which is in use" in page.words
    await admin.fill(f"{NEW}?protocol=none", name="Idle")
    page = await admin.post("/setup/external-credentials/Idle/remove")
    assert page.title == "Remove external credential Idle?"
    await admin.post("/setup/external-credentials/Idle/remove", do="remove")
    assert "Idle" not in (await world.store.load()).external_credentials


async def test_who_may_look_sees_no_button_and_who_may_not_sees_no_page(world) -> None:
    async with visitor(world, "vera") as vera:
        page = await vera.get("/setup/external-credentials/Orders")
        assert page.status == 200
        assert page.tree.xpath("//main//form") == []
        assert not page.tree.xpath('//main//a[contains(@href, "/edit") or contains(@href, "/new/")]')
        assert (await vera.post("/setup/external-credentials/Orders/status-codes", status="403")).status == 403
    async with visitor(world, "bob") as bob:
        assert (await bob.get("/setup/external-credentials")).status == 403
        assert (await bob.get("/setup/external-credentials/Orders")).status == 403
        assert "External Credentials" not in (await bob.get("/setup")).text


async def test_quick_find_leads_to_one_and_to_a_new_one(admin) -> None:
    found = await admin.get("/setup/find?q=orders")
    assert "External Credential" in found.words
    assert "/setup/external-credentials/Orders" in found.text
    assert NEW in (await admin.get("/setup/find?q=new+external")).text
    assert "/setup/external-credentials" in (await admin.get("/setup/find?q=additional+status")).text


async def test_a_status_that_looks_stale_is_proposed_where_the_codes_are(admin, world) -> None:
    await world.define(User("alice", permission_sets=("Order Clerks",)))
    values = {"client_id": "abc", "client_secret": "s3cret"}
    await world.run("secret.set", external_credential="Orders", principal="Service", values=values)
    await stale(world, 712, times=5)
    page = await admin.get("/setup/external-credentials/Orders")
    assert "status 712" in page.words
    (arguments,) = page.tree.xpath('//form[@action="/setup/remedy"]/input[@name="arguments"]/@value')
    assert json.loads(arguments) == {"name": "Orders", "status": 712}
