"""One definition set whole: replaced, unset by leaving out, refused where another was faster; one that is removed."""

import json
from pathlib import Path

import pytest

from callout.core.errors import CalloutError, DefinitionError
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.model.people import AdminPermission, Caller, PermissionSet, User
from callout.core.ports import Change
from callout.engine.defining import ChangedMeanwhile, plain_principal, version_of, version_of_principal
from callout.engine.manifest import plain_fields
from callout.engine.operations import document_of
from tests.world import ORDERS, ORDERS_URL, SERVICE, make_shop

SHOWN = version_of(ORDERS_URL)
CLIENT = {"client_id": "orders", "client_secret": "canary-secret"}


async def whole(shop, name: str = "Orders") -> dict:
    return plain_fields((await shop.store.load()).named_credentials[name], everything=True)


async def test_a_definition_is_replaced_whole_and_what_is_left_out_has_its_default():
    shop = await make_shop()
    given = {"url": "https://orders.example.com/v3", "external_credential": "Orders", "allowed_methods": ["GET"]}
    result = await shop.run("named_credential.set", name="Orders", definition=given, expects=SHOWN)
    assert result["changed"] is True
    assert "~ url: https://orders.example.com/v2 → https://orders.example.com/v3" in result["text"]
    assert (await whole(shop))["allowed_methods"] == ["GET"]
    del given["allowed_methods"]
    await shop.run("named_credential.set", name="Orders", definition=given)
    assert (await whole(shop))["allowed_methods"] == []
    assert shop.acts()[-1][1:] == ("change definition", "named_credentials.Orders")


async def test_what_a_form_shows_changes_nothing_when_it_comes_back_as_it_was():
    shop = await make_shop()
    before = await shop.store.generation()
    for section, verb in (("named_credentials", "named_credential"), ("external_credentials", "external_credential")):
        for name, definition in getattr(await shop.store.load(), section).items():
            plain = plain_fields(definition, everything=True)
            result = await shop.run(f"{verb}.set", name=name, definition=plain)
            assert (result["changed"], result["changes"]) == (False, [])
    for name, profile in (await shop.store.load()).profiles.items():
        plain = plain_fields(profile, everything=True)
        assert (await shop.run("profile.set", name=name, definition=plain))["changed"] is False
    assert await shop.store.generation() == before


async def test_a_definition_that_another_changed_meanwhile_is_not_overwritten():
    shop = await make_shop()
    given = {"url": "https://orders.example.com/mine", "external_credential": "Orders"}
    await shop.run("external_credential.add_status_code", name="Orders", status=403)  # not what the form shows
    assert (await shop.run("named_credential.set", name="Orders", definition=given, expects=SHOWN, dry_run=True))[
        "text"
    ]
    await shop.run("named_credential.disable", name="Orders")
    with pytest.raises(ChangedMeanwhile, match="changed meanwhile by another") as raised:
        await shop.run("named_credential.set", name="Orders", definition=given, expects=SHOWN)
    told = document_of(raised.value)
    assert (told["status"], told["reason"]) == (409, "changed_meanwhile")
    assert told["remedy_commands"] == ["callout named-credential show Orders"]
    assert (await whole(shop))["url"].endswith("/v2")


async def test_another_who_is_faster_within_the_write_is_noticed_too():
    shop = await make_shop()
    shop.store.faster.append([Change("named_credentials", "Orders", None)])
    given = {"url": "https://orders.example.com/mine", "external_credential": "Orders"}
    with pytest.raises(ChangedMeanwhile, match="removed meanwhile"):
        await shop.run("named_credential.set", name="Orders", definition=given, expects=SHOWN)


async def test_a_new_definition_takes_no_name_that_is_taken():
    shop = await make_shop()
    given = {"url": "https://orders.example.com/mine", "external_credential": "Orders"}
    with pytest.raises(DefinitionError, match="a name that is taken"):
        await shop.run("named_credential.set", name="Orders", definition=given, expects=0)
    made = await shop.run("named_credential.set", name="Another", definition=given, expects=0)
    assert [(c["action"], c["name"]) for c in made["changes"]] == [("create", "Another")]


async def test_problems_keep_their_places_and_nothing_is_stored():
    shop = await make_shop()
    given = {"url": "ftp://x", "external_credential": "Ordrs", "allowed_methods": "GET POST", "labl": "x"}
    with pytest.raises(DefinitionError) as raised:
        await shop.run("named_credential.set", name="Orders", definition=given)
    problems = document_of(raised.value)["problems"]
    assert {p["place"] for p in problems} >= {"named_credentials.Orders.labl"}
    assert {p["where"] for p in problems} == {None}
    del given["labl"], given["allowed_methods"]
    with pytest.raises(DefinitionError) as raised:
        await shop.run("named_credential.set", name="Orders", definition=given)
    places = {p.place for p in raised.value.problems}
    assert {"named_credentials.Orders.url", "named_credentials.Orders.external_credential"} <= places
    assert not shop.acts()


async def test_a_dry_run_shows_the_plan_and_changes_nothing():
    shop = await make_shop()
    given = {"url": "https://orders.example.com/v3", "external_credential": "Orders"}
    shown = await shop.run("named_credential.set", name="Orders", definition=given, dry_run=True)
    assert shown["changed"] is False
    assert shown["changes"][0]["fields"][0]["path"] == "url"
    assert (await whole(shop))["url"].endswith("/v2")
    assert not shop.acts()


async def test_the_principals_of_an_external_credential_stay_where_a_form_does_not_speak_of_them():
    shop = await make_shop()
    plain = plain_fields(ORDERS, everything=True)
    del plain["principals"]
    await shop.run("external_credential.set", name="Orders", definition={**plain, "label": "Orders of Acme"})
    external = (await shop.store.load()).external_credentials["Orders"]
    assert (external.label, external.principals) == ("Orders of Acme", ORDERS.principals)


async def test_a_principal_is_set_with_its_secrets_and_keeps_those_that_are_left_out():
    shop = await make_shop()
    asked = {"external_credential": "Orders", "principal": "Service"}
    expects = version_of_principal(ORDERS.principal("Service"))
    await shop.run("principal.set", **asked, definition={"sequence": 2, "secrets": CLIENT}, expects=expects)
    sealed = await shop.store.secrets(SERVICE)
    assert sorted(sealed) == ["client_id", "client_secret"]
    changed = await shop.run("principal.set", **asked, definition={"parameters": {"scope": "orders.write"}})
    assert await shop.store.secrets(SERVICE) == sealed
    assert "canary" not in str(changed)
    principal = (await shop.store.load()).external_credentials["Orders"].principal("Service")
    assert plain_principal(principal)["sequence"] == 1
    with pytest.raises(ChangedMeanwhile):
        await shop.run("principal.set", **asked, definition={}, expects=expects)
    await shop.run("principal.set", external_credential="Orders", principal="Spare", definition={"sequence": 9})
    names = [p.name for p in (await shop.store.load()).external_credentials["Orders"].principals]
    assert names == ["Service", "Spare"]


async def test_a_secret_in_the_wrong_place_is_not_shown():
    shop = await make_shop()
    asked = {"external_credential": "Orders", "principal": "Service"}
    with pytest.raises(DefinitionError) as raised:
        await shop.run("principal.set", **asked, definition={"secrets": {"client_secrt": "canary-secret"}})
    assert "canary" not in str(document_of(raised.value))


@pytest.mark.parametrize(
    ("name", "arguments", "users"),
    [
        (
            "external_credential.remove",
            {"name": "Orders"},
            ["named_credentials.Orders", "permission_sets.Order Clerks"],
        ),
        (
            "principal.remove",
            {"external_credential": "Orders", "principal": "Service"},
            ["permission_sets.Order Clerks"],
        ),
        ("named_credential.remove", {"name": "Orders"}, ["key co_", "of alice"]),
    ],
)
async def test_what_is_used_is_not_removed_and_its_users_are_named(name, arguments, users):
    shop = await make_shop()
    await shop.key_of("alice", named_credentials=["Orders"])
    acts = shop.acts()
    with pytest.raises(DefinitionError, match="in use") as raised:
        await shop.run(name, **arguments)
    assert all(user in str(raised.value) for user in users)
    assert shop.acts() == acts


async def test_an_external_credential_goes_with_everything_that_is_sealed_for_it():
    shop = await make_shop()
    own = UserExternalCredentialKey("Weather", "Own", "alice")
    values = {"values": {"ApiKey": "canary"}, "user": "alice"}
    await shop.run("secret.set", external_credential="Weather", principal="Own", **values)
    await shop.run("named_credential.remove", name="Weather")
    shown = await shop.run("external_credential.remove", name="Weather", dry_run=True)
    assert shown["values"] == [{"reference": "Weather/Own@alice", "names": ["ApiKey"]}]
    assert "- external_credentials.Weather" in shown["text"]
    assert "- secret Weather/Own@alice ApiKey: removed" in shown["text"]
    assert await shop.store.secrets(own)
    removed = await shop.run("external_credential.remove", name="Weather")
    assert removed["changed"] is True
    assert [act[1] for act in shop.acts()[-2:]] == ["remove external credential", "remove secrets"]
    assert await shop.store.secrets(own) == {}


async def test_a_principal_goes_with_its_values_and_the_others_keep_theirs():
    shop = await make_shop()
    for principal in ("Service", "Spare"):
        definition = {"secrets": CLIENT}
        await shop.run("principal.set", external_credential="Orders", principal=principal, definition=definition)
    asked = {"external_credential": "Orders", "principal": "Spare"}
    shown = await shop.run("principal.remove", **asked, dry_run=True)
    assert [each["reference"] for each in shown["values"]] == ["Orders/Spare"]
    await shop.run("principal.remove", **asked)
    assert (await shop.store.load()).configured.keys() == {SERVICE}


async def test_a_definition_may_be_changed_only_by_who_may_change_its_section():
    shop = await make_shop()
    await shop.define(PermissionSet("People", admin_permissions=frozenset({AdminPermission.MANAGE_USERS})))
    await shop.define(User("hal", permission_sets=("People",)))
    hal = Caller("hal", None, "key")
    with pytest.raises(CalloutError, match="administrator_required"):
        await shop.run("named_credential.set", hal, name="Orders", definition={})
    given = {"admin_permissions": ["customize_application"]}
    with pytest.raises(CalloutError, match="does not have to give"):
        await shop.run("permission_set.set", hal, name="People", definition=given)


async def test_what_a_package_made_is_edited_as_an_override_and_stays_its_own():
    shop = await make_shop()
    brought = {
        "external_credentials": {"Partner": {"protocol": "basic", "principals": {"Service": {}}}},
        "named_credentials": {"Partner": {"url": "https://partner.example.com", "external_credential": "Partner"}},
    }
    upgrade = {"namespace": "acme", "manifest": json.dumps(brought)}
    await shop.run("package.upgrade", **upgrade)
    shown = await shop.run("named_credential.show", name="Partner")
    assert (shown["created_by_namespace"], shown["definition"]["enabled_for_callouts"]) == ("acme", False)
    given = {**shown["definition"], "label": "Ours"}
    await shop.run("named_credential.set", name="Partner", definition=given, expects=shown["version"])
    package = await shop.run("package.show", namespace="acme")
    places = {each["place"]: each["local"] for each in package["overrides"]}
    assert places["named_credentials.Partner.label"] == "Ours"
    assert package["used_by"] == ["named_credentials.Partner", "external_credentials.Partner"]
    await shop.run("named_credential.remove", name="Partner")
    assert (await shop.run("approvals.list"))["requests"] == []
    await shop.run("package.upgrade", **upgrade, version="2")
    again = await shop.run("named_credential.show", name="Partner")
    assert (again["label"], again["definition"]["enabled_for_callouts"]) == ("", False)


@pytest.mark.parametrize(
    ("operation", "arguments", "used_by"),
    [
        ("external_credential.show", {"name": "Orders"}, ["named_credentials.Orders", "permission_sets.Order Clerks"]),
        ("permission_set.show", {"name": "Order Clerks"}, ["users.alice"]),
        ("profile.show", {"name": "System Administrator"}, ["users.admin"]),
        ("user.show", {"name": "alice"}, []),
    ],
)
async def test_a_definition_is_shown_whole_with_what_uses_it(operation, arguments, used_by):
    shop = await make_shop()
    shown = await shop.run(operation, **arguments)
    assert shown["used_by"] == used_by
    assert shown["generation"] == await shop.store.generation()
    section = operation.partition(".")[0] + "s"
    definition = getattr(await shop.store.load(), section)[arguments["name"]]
    assert shown["definition"] == plain_fields(definition, everything=True)
    assert shown["version"] == version_of(definition)


async def test_every_protocol_is_told_as_data_and_the_conditions_are_readable():
    shop = await make_shop()
    protocols = {each["name"]: each for each in (await shop.run("protocol.list"))["protocols"]}
    assert protocols == {name: await shop.run("protocol.show", name=name) for name in protocols}
    parameters = {p["name"]: p for p in protocols["oauth2_client_credentials"]["parameters"]}
    assert parameters["token_endpoint"]["unless"] == {"parameter": "issuer", "values": []}
    assert parameters["client_secret"]["secret"] is True
    assert protocols["oauth2_authorization_code"]["interactive"] is True
    assert all(Path(each["docs"]).is_file() for each in protocols.values())


async def test_a_package_that_is_shown_keeps_the_version_of_its_own() -> None:
    shop = await make_shop()
    await shop.run("package.install", namespace="zeta", version="2.1")
    assert (await shop.run("package.show", namespace="zeta"))["version"] == "2.1"


async def test_a_user_and_a_mapping_of_a_certificate_are_defined_whole() -> None:
    shop = await make_shop()
    shown = await shop.run("user.show", name="alice")
    definition = {**shown["definition"], "email": "alice@example.com"}
    done = await shop.run("user.define", name="alice", definition=definition, expects=shown["version"])
    assert (done["changed"], shop.store.org.users["alice"].email) == (True, "alice@example.com")
    with pytest.raises(ChangedMeanwhile, match="changed meanwhile"):
        await shop.run("user.define", name="alice", definition={}, expects=shown["version"])
    mapping = {"dns": "orders.example.com", "user": "alice"}
    await shop.run("client_certificate.define", name="Orders", definition=mapping, expects=0)
    await shop.run("client_certificate.define", name="Orders", definition={**mapping, "user": "bob"})
    assert shop.store.org.client_certificates["Orders"].user == "bob"
