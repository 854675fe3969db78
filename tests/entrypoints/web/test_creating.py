"""Quick create in the console: a preset is found, one form makes everything, and a page says what to do next."""

import pytest

from callout.core.model.people import AdminPermission, Package, PermissionSet, User
from tests.entrypoints.web.visitor import visitor
from tests.world import CLERKS, ORDERS, ORDERS_URL, make_world, shipped_presets

MAKERS = PermissionSet(
    "Makers", admin_permissions=frozenset({AdminPermission.VIEW_SETUP, AdminPermission.MANAGE_NAMED_CREDENTIALS})
)
CANARY = "c4n4ry-secret-of-a-form"
HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
async def world():
    world = make_world()
    people = (User("maker", permission_sets=("Makers",)), User("alice"), User("bob"))
    await world.define(ORDERS, ORDERS_URL, CLERKS, Package("acme"), MAKERS, *people)
    return world


@pytest.fixture
async def admin(world):
    async with visitor(world) as admin:
        yield admin


def inputs_of(preset) -> dict[str, str]:
    return {f"inputs__{key}": each.example for key, each in preset.inputs.items() if each.default is None}


# --- choosing -----------------------------------------------------------------------------------------------------


async def test_every_preset_stands_once_under_a_heading_and_is_found_by_words(admin) -> None:
    page = await admin.get("/setup/create")
    linked = page.tree.xpath('//section//a[starts-with(@href, "/setup/create/preset/")]/@href')
    assert sorted(linked) == sorted(f"/setup/create/preset/{each.id}" for each in shipped_presets())
    assert "AI" in [each.text_content() for each in page.tree.xpath("//h2")]
    few = await admin.get("/setup/create?q=salesforce+jwt")
    assert "Salesforce" in few.words
    assert "Stripe" not in few.words
    assert "Stripe" in (await admin.get("/setup/create?tag=payments")).words
    assert "No preset is like that" in (await admin.get("/setup/create?q=zzzz")).words
    assert "<script>alert" not in (await admin.get(f"/setup/create?q={HOSTILE}")).text


async def test_quick_find_knows_presets_and_what_can_be_made(admin) -> None:
    assert "New from preset: Stripe" in (await admin.get("/setup/find?q=stripe")).words
    assert "New without a preset" in (await admin.get("/setup/find?q=without+preset")).words


async def test_the_form_of_every_preset_is_drawn_with_what_it_asks_for(admin) -> None:
    for preset in shipped_presets():
        page = await admin.get(f"/setup/create/preset/{preset.id}")
        assert page.status == 200, preset.id
        names = set(page.tree.xpath("//form[@data-form]//@name"))
        assert {f"inputs/{key}" for key in preset.inputs} <= names, preset.id
        assert {f"secrets/{key}" for key in preset.secrets} <= names, preset.id
    assert page.form()["user"] == ["admin"]


# --- making -------------------------------------------------------------------------------------------------------

OF_EACH_PROTOCOL = {each.protocol: each.id for each in sorted(shipped_presets(), key=lambda p: len(p.inputs))}
MADE = ("anthropic", "github", "zendesk", *OF_EACH_PROTOCOL.values())


async def test_a_preset_of_each_protocol_is_made_through_its_form(admin, world) -> None:
    for number, chosen in enumerate(sorted(set(MADE))):
        preset, name = shipped_presets().find(chosen), f"Made{number}"
        secrets = {f"secrets__{key}": f"{CANARY}-{key}" for key in preset.secrets}
        page = await admin.fill(f"/setup/create/preset/{chosen}", name=name, **inputs_of(preset), **secrets)
        assert page.title == f"{name} is made", page.words
        assert "What to do next" in page.words
        assert CANARY not in page.text
        org = await world.store.load()
        assert org.external_credentials[name].protocol == preset.protocol
        assert any(name in each for each in org.users["admin"].set_names)
        held = {each for key, names in org.configured.items() if name in str(key) for each in names}
        assert held >= set(preset.secrets), chosen


async def test_without_a_preset_the_protocol_brings_its_fields(admin, world) -> None:
    page = await admin.get("/setup/create/without-preset")
    assert "parameters/token_endpoint" not in page.form()
    drawn = await admin.fill(
        "/setup/create/without-preset", do="redraw", name="Stock", protocol="oauth2_client_credentials"
    )
    assert drawn.form()["name"] == ["Stock"]
    sent = {
        **{name: values[0] for name, values in drawn.form().items()},
        "url": "https://stock.example.com",
        "parameters/token_endpoint": "https://id.example.com/token",
        "parameters/client_authentication": "client_secret_basic",
        "secrets/client_id": "me",
        "secrets/client_secret": CANARY,
        "permission_set": "Stock Callers",
        "user": "alice",
        "namespaces": "acme",
        "principal": "Robot",
        "do": "save",
    }
    made = await admin.post("/setup/create/without-preset", **sent)
    assert made.title == "Stock is made", made.words
    org = await world.store.load()
    assert org.named_credentials["Stock"].allowed_namespaces == ("acme",)
    assert "Stock Callers" in org.users["alice"].set_names
    assert org.external_credentials["Stock"].principal("Robot") is not None
    assert CANARY not in made.text


async def test_what_is_chosen_brings_the_fields_that_it_needs_and_takes_those_that_it_does_not(admin, world) -> None:
    await world.run("certificate.create", name="Signing", algorithm="P-256")
    given = {"protocol": "oauth2_client_credentials", "parameters__client_authentication": "private_key_jwt"}
    form = (await admin.fill("/setup/create/without-preset", do="redraw", **given)).form()
    assert "parameters/signing_certificate" in form
    assert "secrets/client_secret" not in form
    sent = {name: values[0] for name, values in form.items()} | {
        "name": "Signed",
        "url": "https://signed.example",
        "parameters/token_endpoint": "https://id.example/token",
        "parameters/signing_certificate": "Signing",
        "do": "save",
    }
    made = await admin.post("/setup/create/without-preset", **sent)
    assert made.title == "Signed is made", made.words
    kept = (await world.store.load()).external_credentials["Signed"].parameters
    assert kept["signing_certificate"] == "Signing"
    signing_in = await admin.fill("/setup/create/without-preset", do="redraw", protocol="oauth2_authorization_code")
    assert "parameters/identity_provider" not in signing_in.form()


async def test_headers_and_secrets_of_any_name_are_given_in_rows(admin, world) -> None:
    drawn = await admin.fill("/setup/create/without-preset", do="redraw", protocol="custom")
    sent = {
        **{name: values[0] for name, values in drawn.form().items()},
        "name": "Keyed",
        "url": "https://keyed.example.com",
        "headers/0/key": "X-Key",
        "headers/0/value": "{!$Credential.Keyed.ApiKey}",
        "own_secrets/0/name": "ApiKey",
        "own_secrets/0/value": CANARY,
    }
    page = await admin.post("/setup/create/without-preset", do="redraw", **sent)
    assert CANARY not in page.text
    made = await admin.post("/setup/create/without-preset", do="save", **sent)
    assert made.title == "Keyed is made", made.words
    assert CANARY not in made.text
    org = await world.store.load()
    assert [(h.name, h.value) for h in org.external_credentials["Keyed"].headers] == [
        ("X-Key", "{!$Credential.Keyed.ApiKey}")
    ]
    assert {"ApiKey"} in [set(names) for key, names in org.configured.items() if key.external_credential == "Keyed"]


async def test_what_would_change_is_shown_and_nothing_is_made(admin, world) -> None:
    page = await admin.fill(
        "/setup/create/preset/stripe", do="preview", name="Pay", secrets__ApiKey=CANARY, user="alice"
    )
    assert "+ named_credentials.Pay" in page.words
    assert "Nothing is changed yet" in page.words
    assert CANARY not in page.text
    assert "Pay" not in (await world.store.load()).named_credentials


# --- what is wrong stands where it is -----------------------------------------------------------------------------------


WRONG = (
    ("preset/stripe", {"name": "Orders"}, "name", "a name that is taken"),
    ("preset/stripe", {"name": "no name"}, "name", "no name"),
    ("preset/stripe", {"name": ""}, "name", "got"),
    (
        "preset/zendesk",
        {"inputs__subdomain": "evil.example/x", "inputs__email": "a@b.example"},
        "inputs/subdomain",
        "",
    ),
    ("preset/zendesk", {"inputs__subdomain": ""}, "inputs/subdomain", "such as acme"),
    ("preset/stripe", {"user": "alcie"}, "user", "did you mean alice"),
    ("preset/stripe", {"namespaces": ["no good"]}, "namespaces", "no good"),
    ("preset/stripe", {"url": "ftp://x"}, "url", "ftp://x"),
    ("without-preset", {"name": "A", "url": "https://a.example"}, "protocol", "got"),
    ("without-preset", {"name": "A", "url": "", "protocol": "none"}, "url", "got"),
    (
        "without-preset",
        {"name": "A", "url": "https://a.example", "protocol": "oauth2_client_credentials"},
        "parameters/token_endpoint",
        "got",
    ),
    ("preset/stripe", {"principal": "no good/name"}, "principal", "no good/name"),
    ("preset/stripe", {"secrets__ApiKey": "x", "principal_type": "per_user", "user": ""}, "user", ""),
)


async def test_a_problem_stands_at_its_field_and_nothing_is_made(admin, world) -> None:
    before = (await world.store.load()).generation
    for path, given, field, told in WRONG:
        page = await admin.fill(f"/setup/create/{path}", **given)
        assert page.status == 422, (given, page.words)
        assert "got" in page.problems_at(field), (given, page.words)
        assert told in page.problems_at(field)
    assert (await world.store.load()).generation == before


async def test_everything_that_is_still_to_be_filled_in_is_told_at_once(admin) -> None:
    page = await admin.fill("/setup/create/without-preset", protocol="oauth2_client_credentials")
    for field in ("name", "url", "parameters/token_endpoint"):
        assert "got" in page.problems_at(field), field
    assert "to be typed again" not in page.words


async def test_a_problem_that_a_folded_field_mends_names_that_field_and_shows_it(admin) -> None:
    page = await admin.fill("/setup/create/without-preset", name="A", url="http://127.0.0.1:9/", protocol="none")
    assert "set “Allow private network”" in page.problems_at("url")
    assert page.tree.xpath('//details[@open]//input[@name="allow_private_network"]')
    page = await admin.fill("/setup/create/without-preset", name="A", url="", protocol="none")
    assert not page.tree.xpath('//details[@open]//input[@name="allow_private_network"]')


async def test_a_secret_that_was_typed_is_named_as_to_be_typed_again(admin) -> None:
    for do in ("save", "preview"):
        page = await admin.fill("/setup/create/preset/stripe", do=do, name="no good", secrets__ApiKey=CANARY)
        assert "To be typed again, since no page shows a secret: ApiKey." in page.words
    page = await admin.fill("/setup/create/preset/stripe", do="preview", name="Pay", secrets__ApiKey=CANARY)
    assert "To be typed again, since no page shows a secret: ApiKey." in page.words


async def test_what_was_typed_stays_and_is_escaped_and_a_secret_does_not(admin) -> None:
    given = {"name": HOSTILE, "label": HOSTILE, "user": HOSTILE, "permission_set": HOSTILE, "principal": HOSTILE}
    page = await admin.fill("/setup/create/preset/stripe", secrets__ApiKey=CANARY, **given)
    assert page.status == 422
    assert "<script>alert" not in page.text
    assert page.form()["label"] == [HOSTILE]
    assert CANARY not in page.text
    assert page.form()["secrets/ApiKey"] == [""]


# --- what to do next ---------------------------------------------------------------------------------------------------


async def steps(visitor, preset, **given):
    page = await visitor.fill(f"/setup/create/preset/{preset}", name="Made", **given)
    assert page.title == "Made is made", page.words
    return page, page.tree.xpath('//ol[@class="steps"]//a/@href')


async def test_the_next_steps_lead_to_the_pages_where_they_are_done(admin) -> None:
    _, linked = await steps(admin, "stripe")
    assert linked == [
        "/setup/external-credentials/Made/principals/Service#values",
        "/setup/try?name=Made&user=admin&path=%2Fv1%2Fbalance",
    ]


async def test_where_one_signs_in_the_client_the_callback_and_the_sign_in_are_next(admin) -> None:
    page, linked = await steps(admin, "linear-oauth", principal_type="per_user")
    provider = "/setup/identity-providers/Made"
    assert linked[:3] == [f"{provider}/edit#f-secrets-client_id", provider, "/setup/connections"]
    assert linked[-1].startswith("/setup/try?name=Made&user=admin")
    assert "The same as a command" in page.words


async def test_a_body_to_try_it_with_goes_along(admin) -> None:
    _, linked = await steps(admin, "linear", secrets__ApiKey=CANARY)
    page = await admin.get(linked[-1])
    form = page.form("/setup/try#result")
    assert (form["method"], form["headers"]) == (["POST"], ["Content-Type: application/json"])
    assert "viewer" in form["body"][0]


async def test_a_query_to_try_it_with_stands_in_its_own_field(admin) -> None:
    with_query = next(each for each in shipped_presets() if each.test and "?" in each.test.path and not each.inputs)
    _, linked = await steps(admin, with_query.id)
    path, _, query = with_query.test.path.partition("?")
    form = (await admin.get(linked[-1])).form("/setup/try#result")
    assert (form["path"], form["query"]) == ([path], [query])


async def test_the_page_of_next_steps_is_only_for_the_session_that_made_it(admin, world) -> None:
    page = await admin.fill("/setup/create/preset/stripe", name="Made")
    address = page.answer.url.raw_path.decode()
    assert (await admin.get(address)).title == "Made is made"
    async with visitor(world, "maker") as other:
        assert (await other.get(address)).title == "Quick Create"
    assert (await admin.get("/setup/create/next?made=nonsense")).title == "Quick Create"


# --- rights -----------------------------------------------------------------------------------------------------------


async def test_one_who_may_not_grant_creates_without_a_grant(world) -> None:
    async with visitor(world, "maker") as maker:
        assert "user" not in (await maker.get("/setup/create/preset/stripe")).form()
        page = await maker.fill("/setup/create/preset/stripe", name="Pay", secrets__ApiKey=CANARY)
        assert page.title == "Pay is made", page.words
        refused = await maker.post("/setup/create/preset/stripe", name="Two", user="maker", permission_set="Makers")
        assert refused.title == "Two is made"
    org = await world.store.load()
    assert org.permission_sets["Makers"].principals == frozenset()


async def test_one_who_may_create_nothing_neither_sees_nor_makes(world) -> None:
    async with visitor(world, "bob") as bob:
        assert "Quick Create" not in (await bob.get("/setup")).words
        assert (await bob.get("/setup/create")).status == 403
        assert (await bob.post("/setup/create/preset/stripe", name="Pay")).status == 403
        assert "preset: Stripe" not in (await bob.get("/setup/find?q=stripe")).words
