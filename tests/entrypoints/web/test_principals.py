"""Principals in the console: their state, their form, their values, and who was granted them."""

import pytest

from callout.core.model.credentials import Principal, PrincipalType, UserExternalCredentialKey
from callout.core.model.people import AdminPermission, PermissionSet, User
from callout.core.protocols import CATALOGUE
from tests.entrypoints.web.visitor import visitor
from tests.world import CLERKS, ORDERS, ORDERS_URL, SERVICE, WEATHER, make_world

VIEWERS = PermissionSet("Viewers", admin_permissions=frozenset({AdminPermission.VIEW_SETUP}))
OWN = "/setup/external-credentials/Orders/principals/Service"
NEW = "/setup/new/principal/Orders"
CANARY = "c4n4ry"


@pytest.fixture
async def world():
    world = make_world()
    people = (User("vera", permission_sets=("Viewers",)), User("bob"), User("alice", permission_sets=("Order Clerks",)))
    await world.define(ORDERS, ORDERS_URL, WEATHER, CLERKS, VIEWERS, *people)
    return world


@pytest.fixture
async def admin(world):
    async with visitor(world) as admin:
        yield admin


async def principal_of(world, name: str, external: str = "Orders") -> Principal | None:
    return (await world.store.load()).external_credentials[external].principal(name)


async def values_of(world, key=SERVICE) -> dict[str, str]:
    return {name: world.vault.sealed[sealed][1]._text for name, sealed in world.store.sealed.get(key, {}).items()}


# --- the list and the page ----------------------------------------------------------------------------------------


async def test_the_list_has_each_with_its_state_and_what_mends_it(admin) -> None:
    page = await admin.get("/setup/principals")
    for told in ("Orders/Service", "Not configured", "no client_id, client_secret", "Set the missing values"):
        assert told in page.words
    assert "Weather/Own per user nobody has values yet".replace(" ", "") in page.words.replace(" ", "")
    assert "Weather/Own" not in (await admin.get("/setup/principals?q=not_configured")).words


async def test_the_page_says_what_it_lacks_what_grants_it_and_to_whom(admin) -> None:
    page = await admin.get(OWN)
    for told in (
        "Not configured",
        "client_id not set",
        "Permission Set Order Clerks",
        "1 user: alice",
        "Named Principal",
    ):
        assert told in page.words
    assert page.tree.xpath('//a[@href="/setup/permission-sets/Order%20Clerks"]')


async def test_one_that_is_not_there_is_not_found(admin) -> None:
    assert (await admin.get("/setup/external-credentials/Orders/principals/Nobody")).status == 404
    assert (await admin.get("/setup/external-credentials/Nothing/principals/Nobody")).status == 404
    assert (await admin.get("/setup/new/principal/Nothing")).status == 404


# --- the form -------------------------------------------------------------------------------------------------------


async def test_one_is_made_with_parameters_and_values_of_its_own(admin, world) -> None:
    page = await admin.fill(
        NEW,
        name="Second",
        sequence="2",
        parameters__scope="orders.write",
        secrets__client_id="the-client",
        secrets__client_secret=CANARY,
    )
    assert (page.status, page.title) == (200, "Second"), page.words
    assert CANARY not in page.text
    wanted = Principal("Second", sequence=2, parameters={"scope": "orders.write"})
    assert await principal_of(world, "Second") == wanted
    sealed = world.store.sealed[UserExternalCredentialKey("Orders", "Second")]
    assert set(sealed) == {"client_id", "client_secret"}
    assert "orders.write in place of what the external credential says" in page.words


async def test_an_edit_keeps_the_values_that_were_not_typed(admin, world) -> None:
    values = {"client_id": "the-client", "client_secret": CANARY}
    await world.run("secret.set", external_credential="Orders", principal="Service", values=values)
    before = dict(world.store.sealed[SERVICE])
    page = await admin.get(f"{OWN}/edit")
    assert CANARY not in page.text
    assert page.tree.xpath('//input[@name="secrets/client_secret"]/@placeholder') == ["set; leave empty to keep it"]
    assert page.tree.xpath('//input[@name="secrets/client_secret"]/@value') == [""]
    await admin.fill(f"{OWN}/edit", sequence="5")
    assert (await principal_of(world, "Service")).sequence == 5
    assert world.store.sealed[SERVICE] == before


async def test_an_edit_that_changes_nothing_changes_nothing(admin, world) -> None:
    before = (await world.store.load()).external_credentials["Orders"]
    await admin.fill(f"{OWN}/edit")
    assert (await world.store.load()).external_credentials["Orders"] == before


async def test_a_per_user_principal_has_no_values_in_its_form(admin) -> None:
    page = await admin.fill(NEW, do="redraw", name="Own", type="per_user")
    assert not [name for name in page.form() if name.startswith("secrets/")]


async def test_what_is_wrong_stands_at_its_field_and_secrets_stay_out_of_the_page(admin, world) -> None:
    page = await admin.fill(
        NEW, name="Second", sequence="x", parameters__token_endpoint="http://no", secrets__client_secret=f"{CANARY}\n2"
    )
    assert page.status == 422
    assert CANARY not in page.text
    assert page.problems_at("sequence") or page.problems_at("parameters/token_endpoint"), page.words
    assert await principal_of(world, "Second") is None


@pytest.mark.parametrize("protocol", CATALOGUE.values(), ids=CATALOGUE)
async def test_a_principal_of_every_protocol_can_be_given_its_values(admin, world, protocol) -> None:
    await world.define(
        ORDERS.__class__(
            "Any",
            protocol.name,
            {p.name: "x" for p in protocol.parameters if p.required and not p.secret and not p.unless and not p.when},
        )
    )
    declared = {p.name for p in protocol.parameters if p.secret and p.key is None and not p.when}
    page = await admin.get("/setup/new/principal/Any")
    assert page.status == 200
    assert {f"secrets/{name}" for name in declared} <= set(page.form())
    types = page.tree.xpath('//select[@name="type"]/option/@value')
    assert types == [each.value for each in protocol.principal_types]


async def test_a_new_one_begins_with_the_choice_of_its_external_credential(admin) -> None:
    page = await admin.get("/setup/new/principal")
    assert page.tree.xpath('//select[@name="external_credential"]/option/text()') == ["Orders", "Weather"]
    assert (await admin.get("/setup/new/principal?external_credential=Orders")).title == "New principal"


async def test_one_that_is_granted_is_not_removed_and_one_that_is_not_is(admin, world) -> None:
    assert "which is in use" in (await admin.post(f"{OWN}/remove")).words
    await admin.fill(NEW, name="Second")
    second = "/setup/external-credentials/Orders/principals/Second"
    assert (await admin.post(f"{second}/remove")).title == "Remove principal Second?"
    page = await admin.post(f"{second}/remove", do="remove")
    assert page.title == "Orders"
    assert await principal_of(world, "Second") is None


# --- values ---------------------------------------------------------------------------------------------------------


async def test_values_are_set_and_removed_on_the_page_and_never_shown(admin, world) -> None:
    page = await admin.post(f"{OWN}/values", **{"secrets/client_id": "the-client", "secrets/client_secret": CANARY})
    assert set(world.store.sealed[SERVICE]) == {"client_id", "client_secret"}
    assert CANARY not in page.text
    assert "client_secret set" in page.words
    asked = await admin.post(f"{OWN}/values/remove", name="client_secret")
    assert "client_secret" in asked.title
    assert set(world.store.sealed[SERVICE]) == {"client_id", "client_secret"}
    await admin.post(f"{OWN}/values/remove", name="client_secret", do="sure")
    assert set(world.store.sealed[SERVICE]) == {"client_id"}


async def test_no_value_at_all_is_said_and_one_that_cannot_be_stands_at_its_field(admin) -> None:
    assert "at least one" in (await admin.post(f"{OWN}/values")).words
    page = await admin.post(f"{OWN}/values", **{"secrets/client_secret": f"{CANARY}\r\nX-Evil: 1"})
    assert CANARY not in page.text
    assert page.problems_at("secrets/client_secret"), page.words


async def test_a_value_by_name_is_for_what_a_header_will_read(admin, world) -> None:
    await world.define(WEATHER.__class__("Keys", "custom", principals=(Principal("App"),)))
    path = "/setup/external-credentials/Keys/principals/App"
    await admin.post(f"{path}/values", **{"more_secrets/0/name": "ApiKey", "more_secrets/0/value": CANARY})
    assert set(world.store.sealed[UserExternalCredentialKey("Keys", "App")]) == {"ApiKey"}


async def test_of_a_per_user_principal_each_user_has_a_page(admin, world) -> None:
    path = "/setup/external-credentials/Weather/principals/Own"
    assert "Nobody yet" in (await admin.get(path)).words
    await admin.post(f"{path}/values", user="bob", **{"secrets/ApiKey": CANARY})
    key = UserExternalCredentialKey("Weather", "Own", "bob")
    assert set(world.store.sealed[key]) == {"ApiKey"}
    page = await admin.get(path)
    assert page.tree.xpath(f'//a[@href="{path}?user=bob"]/text()') == ["bob"]
    assert (await principal_of(world, "Own", "Weather")).type is PrincipalType.PER_USER
    assert (await admin.get(f"{path}?user=bob")).title == "Own of bob"
    assert (await admin.get(f"{path}?user=nobody")).status == 404
    assert (await admin.get(f"{OWN}?user=bob")).title == "Service"


# --- who may ----------------------------------------------------------------------------------------------------------


async def test_who_may_look_sees_no_button_and_who_may_not_sees_no_page(world) -> None:
    async with visitor(world, "vera") as vera:
        page = await vera.get(OWN)
        assert page.status == 200
        assert page.tree.xpath("//main//form") == []
        for action in ("values", "revoke", "remove", "link", "connect", "disconnect"):
            assert (await vera.post(f"{OWN}/{action}", do="sure", **{"secrets/client_id": "x"})).status == 403
    async with visitor(world, "bob") as bob:
        for path in ("/setup/principals", OWN, f"{OWN}/edit", NEW):
            assert (await bob.get(path)).status == 403, path


async def test_quick_find_leads_to_one_by_its_reference(admin) -> None:
    assert OWN in (await admin.get("/setup/find?q=orders/service")).text
    assert "/setup/new/principal" in (await admin.get("/setup/find?q=new+principal")).text
