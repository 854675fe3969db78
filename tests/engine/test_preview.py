"""A preview shows what an operation would change, and nothing is changed, sent or sealed."""

import pytest

from callout.core.errors import CalloutError, DefinitionError
from callout.core.model.people import Caller, Profile, User
from callout.engine.operations import document_of
from callout.engine.printed_commands import applicable
from tests.engine.test_troubleshoot import call, findings
from tests.world import make_shop

VALUES = {"client_id": "abc", "client_secret": "canary-secret"}
SERVICE = {"external_credential": "Orders", "principal": "Service"}


@pytest.fixture
async def shop():
    made = await make_shop()
    await made.define(
        Profile("Contractors"), User("carol", "Contractors", ("Order Clerks",)), User("dave", "Contractors")
    )
    await made.run("secret.set", **SERVICE, values=VALUES)
    return made


async def previewed(shop, operation: str, **arguments) -> dict:
    before, acts = await shop.store.load(), shop.acts()
    shown = await shop.run("preview", operation=operation, arguments=arguments)
    assert (await shop.store.load(), shop.acts()) == (before, acts)
    return shown


async def test_a_change_of_a_definition_is_shown_as_a_plan_shows_it(shop):
    shown = await previewed(shop, "named_credential.disable", name="Orders")
    (change,) = shown["changes"]
    assert (change["action"], change["section"], change["name"]) == ("update", "named_credentials", "Orders")
    assert change["fields"] == [{"path": "enabled_for_callouts", "old": True, "new": False}]
    assert "~ enabled_for_callouts: true → false" in shown["text"]
    assert "- access to Orders as Orders/Service: alice" in shown["text"]
    assert shown["acts"] == [{"act": "disable named credential", "what": "Orders (https://orders.example.com/v2)"}]


async def test_who_gains_access_by_it_is_shown(shop):
    shown = await previewed(shop, "permission_set.assign", name="Order Clerks", user="bob")
    assert [(gain["named_credential"], gain["user"]) for gain in shown["access"]["gains"]] == [("Orders", "bob")]


async def test_what_changes_nothing_is_said_to(shop):
    shown = await previewed(shop, "named_credential.enable", name="Orders")
    assert (shown["empty"], shown["changes"], shown["text"]) == (True, [], "Nothing to change.")


async def test_values_are_shown_by_name_alone_and_are_not_kept(shop):
    sealed = len(shop.store.sealed)
    shown = await previewed(shop, "secret.set", **SERVICE, values={"client_secret": "canary-other"})
    assert shown["secrets"] == [{"principal": "Orders/Service", "name": "client_secret", "action": "changed"}]
    assert "~ secret Orders/Service client_secret: changed" in shown["text"]
    assert "canary" not in str(shown)
    removing = await previewed(shop, "secret.remove", **SERVICE)
    assert removing["values"] == [{"reference": "Orders/Service", "names": ["client_id", "client_secret"]}]
    assert len(shop.store.sealed) == sealed


async def test_a_key_that_would_be_made_or_revoked_is_shown_without_its_text(shop):
    made = await previewed(shop, "key.create", user="alice")
    assert made["keys"] == [{"action": "create", "prefix": None, "user": "alice", "namespace": None}]
    assert "co_" not in str(made["keys"])
    prefix = (await shop.run("key.create", user="alice"))["prefix"]
    gone = await previewed(shop, "user.remove", name="alice")
    assert f"- key {prefix}… of alice" in gone["text"]
    assert "- users.alice" in gone["text"]


async def test_a_refusal_of_the_operation_is_the_refusal_of_its_preview(shop):
    with pytest.raises(DefinitionError, match="at least one") as raised:
        await previewed(shop, "user.remove", name="admin")
    with pytest.raises(DefinitionError) as done:
        await shop.run("user.remove", name="admin")
    assert document_of(raised.value) == document_of(done.value)
    with pytest.raises(CalloutError, match="malformed_request"):
        await previewed(shop, "user.remove", colour="red")


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        ("named_credential.show", "changes nothing"),
        ("token.introspect", "without doing it"),
        ("connection.link", "without doing it"),
        ("audit.prune", "without doing it"),
    ],
)
async def test_what_cannot_be_shown_without_doing_it_has_no_preview(shop, operation, said):
    with pytest.raises(CalloutError, match="no_preview") as raised:
        await previewed(shop, operation)
    assert said in document_of(raised.value)["detail"]


async def test_nobody_previews_what_they_may_not_do(shop):
    bob = Caller("bob", None, "key")
    with pytest.raises(CalloutError, match="administrator_required"):
        await shop.run("preview", bob, operation="named_credential.disable", arguments={"name": "Orders"})
    own = {"external_credential": "Weather", "principal": "Own", "user": "alice", "values": {"ApiKey": "k"}}
    with pytest.raises(CalloutError, match="administrator_required"):
        await shop.run("preview", bob, operation="secret.set", arguments=own)


@pytest.mark.parametrize(
    ("user", "namespace", "row"),
    [("bob", None, "T2"), ("carol", None, "T3"), ("dave", None, "T4"), ("alice", "acme", "T5")],
)
async def test_every_change_that_mends_a_row_is_previewed(shop, user, namespace, row):
    await call(shop, user, namespace=namespace)
    (finding,) = await findings(shop)
    assert finding["row"] == row
    for change in finding["changes"]:
        shown = await previewed(shop, change["operation"], **change["arguments"])
        assert shown["changes"]
        by_command = await shop.run("preview", command=change["command"])
        assert by_command["arguments"] == change["arguments"]
        assert by_command["text"] == shown["text"]


async def test_what_stays_to_be_done_by_hand_is_offered_where_it_can_be_applied_as_it_is(shop):
    await shop.run("named_credential.disable", name="Orders")
    await call(shop, "alice")
    (finding,) = await findings(shop)
    assert finding["changes"] == []
    (offer,) = finding["offers"]
    assert (await previewed(shop, offer["operation"], **offer["arguments"]))["changes"]


@pytest.mark.parametrize(
    ("command", "operation", "arguments"),
    [
        (
            "callout named-credential allow-path Orders '/it'\"'\"'s/*'",
            "named_credential.allow_path",
            {"name": "Orders", "path": "/it's/*"},
        ),
        (
            "callout permission-set grant 'Order Clerks' --principal Orders/Service --method GET --path '/a/*'",
            "permission_set.grant",
            {"name": "Order Clerks", "principals": ["Orders/Service"], "methods": ["GET"], "paths": ["/a/*"]},
        ),
        (
            "callout key limit co_12345678 --named-credential Orders --named-credential Weather",
            "key.limit",
            {"prefix": "co_12345678", "named_credentials": ["Orders", "Weather"]},
        ),
    ],
)
def test_more_printed_commands_are_read(command, operation, arguments):
    change = applicable(command)
    assert (change.operation, change.arguments) == (operation, arguments)


@pytest.mark.parametrize(
    "command",
    [
        "",
        "callout",
        "callout named-credential allow-path 'Orders",
        "callout external-credential add-status-code Orders many",
        "callout named-credential enable Orders --home /tmp",
        "callout named-credential allow-replay Orders POST",
        "callout named-credential enable " + "x" * 10_000,
    ],
)
def test_other_commands_are_left_to_a_person(command):
    assert applicable(command) is None
