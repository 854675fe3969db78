import json

import pytest

from callout.core.errors import DefinitionError, VaultError
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.model.people import Caller, PermissionSet, User
from callout.core.secret import reveal
from callout.engine.operations import OperationRefused
from callout.engine.slots import secret_row
from tests.world import make_world

STRIPE = {"name": "Pay", "preset": "stripe", "secrets": {"ApiKey": "sk_canary"}}
BASIC = {"name": "Stock", "url": "https://stock.example.com", "protocol": "basic"}


@pytest.fixture
async def world():
    made = make_world()
    await made.define(User("alice"), User("admin", "System Administrator"), User("bob"))
    return made


async def refused(world, **arguments) -> str:
    generation = world.store.org.generation
    with pytest.raises(DefinitionError) as error:
        await world.run("named_credential.create", **arguments)
    assert world.store.org.generation == generation, "nothing is stored"
    assert world.store.sealed == {}
    return str(error.value)


def opened(world, key: UserExternalCredentialKey, name: str) -> str:
    return reveal(world.vault.open(world.store.sealed[key][name], row=secret_row(key, name)))


async def test_everything_is_made_in_one_write(world):
    generation = world.store.org.generation
    made = await world.run("named_credential.create", **STRIPE, user="alice")
    org = world.store.org
    assert org.generation == generation + 1
    assert org.named_credentials["Pay"].url == "https://api.stripe.com"
    assert org.external_credentials["Pay"].headers[0].value == "Bearer {!$Credential.Pay.ApiKey}"
    assert org.users["alice"].permission_sets == ("Pay Callers",)
    assert opened(world, UserExternalCredentialKey("Pay", "Service"), "ApiKey") == "sk_canary"
    assert (made["principal"], made["permission_set"], made["changed"]) == ("Pay/Service", "Pay Callers", True)
    assert "sk_canary" not in json.dumps(made)


async def test_the_audit_trail_has_the_whole_and_its_parts(world):
    await world.run("named_credential.create", **STRIPE, user="alice")
    assert [(act, what) for _, act, what in world.acts()] == [
        ("quick create", "Pay (preset stripe)"),
        ("create by manifest", "external_credentials.Pay (preset stripe)"),
        ("create by manifest", "named_credentials.Pay (preset stripe)"),
        ("create by manifest", "permission_sets.Pay Callers (preset stripe)"),
        ("change by manifest", "users.alice (preset stripe)"),
        ("set secrets", "Pay/Service: ApiKey"),
    ]


async def test_a_dry_run_shows_the_plan_and_changes_nothing(world):
    generation = world.store.org.generation
    made = await world.run("named_credential.create", **STRIPE, user="alice", dry_run=True)
    assert "+ named_credentials.Pay" in made["text"]
    assert made["next"][-1]["command"] == "callout send Pay/v1/balance"
    assert world.store.org.generation == generation
    assert world.store.sealed == {}


async def test_where_a_secret_cannot_be_sealed_nothing_is_made(world):
    world.vault.locked = True
    with pytest.raises(VaultError):
        await world.run("named_credential.create", **STRIPE)
    assert "Pay" not in world.store.org.named_credentials


async def test_who_gets_the_grant_can_call_and_nobody_else(world):
    await world.run("named_credential.create", **STRIPE, user="alice")
    assert (await world.run("diagnose", name="Pay", user="alice"))["allowed"]
    assert (await world.run("diagnose", name="Pay", user="bob"))["reason"] == "principal_not_granted"


async def test_a_permission_set_that_is_there_keeps_what_it_grants(world):
    await world.run("named_credential.create", **BASIC)
    await world.run("permission_set.create", name="Clerks", principals=["Stock/Service"], assign=["bob"])
    made = await world.run("named_credential.create", **STRIPE, permission_set="Clerks")
    assert {str(r) for r in world.store.org.permission_sets["Clerks"].principals} == {"Stock/Service", "Pay/Service"}
    assert [step["user"] for step in made["next"]] == ["bob"], "who has the set already can try it"


async def test_a_new_set_is_named_so_that_nobody_else_gains_by_it(world):
    await world.define(PermissionSet("Pay Callers"), User("bob", permission_sets=("Pay Callers",)))
    made = await world.run("named_credential.create", **STRIPE, user="alice")
    assert made["permission_set"] == "Pay Callers 2"
    assert not (await world.run("diagnose", name="Pay", user="bob"))["allowed"]


async def test_a_package_may_be_let_in(world):
    await world.run("package.install", namespace="acme")
    await world.run("named_credential.create", **STRIPE, user="alice", namespaces=["acme"])
    assert (await world.run("diagnose", name="Pay", user="alice", namespace="acme"))["allowed"]


async def test_without_a_preset_url_protocol_parameters_and_headers_are_given(world):
    await world.run(
        "named_credential.create",
        name="Orders",
        url="https://orders.example.com/v2",
        protocol="oauth2_client_credentials",
        parameters={"token_endpoint": "https://id.example.com/token"},
        headers={"X-Tenant": "{!$Credential.Orders.Tenant}"},
        scope="orders.read",
        secrets={"client_id": "a", "client_secret": "b", "Tenant": "c"},
        principal="Robot",
    )
    external = world.store.org.external_credentials["Orders"]
    assert external.parameters == {"token_endpoint": "https://id.example.com/token", "scope": "orders.read"}
    assert external.principals[0].name == "Robot"
    assert world.store.sealed.keys() == {UserExternalCredentialKey("Orders", "Robot")}


async def test_what_is_given_wins_over_the_preset(world):
    given = {"parameters": {"client_authentication": "client_secret_basic"}, "headers": {"accept": "text/plain"}}
    more = {"url": "https://mock.example.com", "scope": "some", "label": "Ours"}
    await world.run("named_credential.create", name="Xero", preset="xero-custom-connection", **given, **more)
    external, named = world.store.org.external_credentials["Xero"], world.store.org.named_credentials["Xero"]
    assert (external.parameters["scope"], external.label, named.url) == ("some", "Ours", "https://mock.example.com")
    assert [(header.name, header.value) for header in external.headers] == [("accept", "text/plain")]


async def test_own_values_of_a_per_user_principal_are_the_users(world):
    await world.run("named_credential.create", **STRIPE, principal_type="per_user", user="alice")
    assert world.store.sealed.keys() == {UserExternalCredentialKey("Pay", "Own", "alice")}
    assert (await world.run("diagnose", name="Pay", user="alice"))["allowed"]


async def test_the_next_steps_are_commands_in_their_order(world):
    made = await world.run("named_credential.create", name="Pay", preset="stripe")
    assert [step["command"] for step in made["next"]] == [
        "callout secret set Pay/Service ApiKey=-",
        "callout permission-set create 'Pay Callers' --principal Pay/Service --user-external-credential read --assign admin",
        "callout send Pay/v1/balance",
    ]
    own = await world.run("named_credential.create", name="Own", preset="stripe", principal_type="per_user", user="bob")
    assert own["next"][0]["command"] == "callout secret set Own/Own ApiKey=- --user bob"
    shared = await world.run("named_credential.create", **{**STRIPE, "name": "More"}, permission_set="Payers")
    assert shared["next"][0]["command"] == "callout permission-set assign Payers admin"


async def test_a_request_with_a_body_is_tried_as_one(world):
    made = await world.run(
        "named_credential.create", name="Issues", preset="linear", secrets={"ApiKey": "x"}, user="alice"
    )
    command = """callout send Issues/graphql -H 'Content-Type: application/json' -d '{"query": "{ viewer { id } }"}'"""
    assert made["next"] == [{"say": "Try it", "command": command, "user": "alice"}]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"name": "Pay", "preset": "strpe"}, "did you mean 'stripe'"),
        ({"name": "Help", "preset": "zendesk"}, "inputs.subdomain: got nothing"),
        ({"name": "Pay", "preset": "stripe", "protocol": "basic"}, "protocol: got 'basic' beside preset stripe"),
        ({"name": "Pay", "preset": "stripe", "scope": "all"}, "external_credentials.Pay.parameters.scope"),
        ({"name": "Pay"}, "url: got nothing; expected --endpoint"),
        (
            {"name": "Pay", "inputs": {"a": "b"}, **{k: BASIC[k] for k in ("url", "protocol")}},
            "inputs.a: got input 'a'",
        ),
        ({**BASIC, "protocol": "basci"}, "did you mean 'basic'"),
        ({**BASIC, "url": "http://stock.example.com"}, "named_credentials.Stock.url"),
        ({**BASIC, "secrets": {"pasword": "x"}}, "did you mean 'password'"),
        ({**BASIC, "secrets": {"password": "x\ny"}}, "secrets.password: got a value that holds a line feed"),
        ({**BASIC, "name": "No Name"}, "named_credentials.No Name: got name 'No Name'"),
        ({**BASIC, "user": "alcie"}, "did you mean 'alice'"),
        ({**BASIC, "principal_type": "anonymous"}, "'anonymous'; expected a type that basic has"),
        ({**STRIPE, "principal_type": "per_user"}, "expected the user whose values they are (--user USER)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_is_wrong_is_refused_whole_with_its_place(world, arguments, told):
    assert told in await refused(world, **arguments)


async def test_a_name_that_is_taken_is_refused_in_any_case(world):
    await world.run("named_credential.create", **BASIC)
    with pytest.raises(DefinitionError, match=r"named_credentials\.Stock: got a name that is taken"):
        await world.run("named_credential.create", **BASIC)
    with pytest.raises(DefinitionError, match="differ in more than case"):
        await world.run("named_credential.create", **{**BASIC, "name": "STOCK"})


async def test_who_manages_credentials_alone_makes_no_grant(world):
    await world.run(
        "permission_set.create", name="Cred", admin_permissions=["manage_named_credentials"], assign=["bob"]
    )
    bob = Caller("bob", None, "key")
    await world.run("named_credential.create", bob, **STRIPE)
    with pytest.raises(OperationRefused, match="manage_users"):
        await world.run("named_credential.create", bob, **{**STRIPE, "name": "More"}, user="bob")
