from dataclasses import replace
from datetime import timedelta

import pytest

from callout.core.errors import DefinitionError
from callout.core.model.credentials import NamedCredential, PrincipalReference, UserExternalCredentialKey
from callout.core.model.people import Profile
from callout.core.model.refreshes import State, Stated
from callout.core.ports import StoredToken
from tests.world import SERVICE, START, make_shop

LATER = START + timedelta(hours=1)


@pytest.fixture
async def shop():
    return await make_shop()


async def fill(shop):
    values = {"client_id": "abc", "client_secret": "s"}
    await shop.run("secret.set", external_credential="Orders", principal="Service", values=values)


async def state(shop) -> tuple[str, str, list[str]]:
    row = (await shop.run("status"))["principals"][0]
    return row["state"], row["state_reason"], row["remedy_commands"]


async def test_a_principal_that_lacks_values_says_which_and_what_sets_them(shop):
    mends = ["callout secret set Orders/Service client_id=- client_secret=-"]
    assert await state(shop) == ("not_configured", "no client_id, client_secret", mends)


async def test_the_state_of_a_principal_is_that_of_its_token(shop):
    await fill(shop)
    assert (await state(shop))[0] == "no_token_yet"
    fingerprint = await shop.fingerprint(SERVICE)
    await shop.store.swap_token(StoredToken(SERVICE, 1, b"", START, LATER, fingerprint=fingerprint), replaces=0)
    assert (await state(shop))[:2] == ("connected", f"good until {LATER.isoformat()}")
    shop.clock.move(hours=2)
    assert (await state(shop))[:2] == ("expiring", "it has expired; the next callout replaces it")


async def test_a_token_of_other_secrets_counts_as_expired(shop):
    await fill(shop)
    await shop.store.swap_token(StoredToken(SERVICE, 1, b"", START, LATER, fingerprint="another"), replaces=0)
    assert (await state(shop))[0] == "expiring"


async def test_an_end_that_was_stated_comes_with_the_command_that_mends_it_until_the_inputs_change(shop):
    await fill(shop)
    fingerprint = await shop.fingerprint(SERVICE)
    stated = Stated(SERVICE, State.RECONNECT_REQUIRED, fingerprint, START, "the refresh token is unknown")
    shop.store.told[SERVICE] = {"stated": stated}
    command = "callout secret set Orders/Service client_id=-"
    assert await state(shop) == ("reconnect_required", "the refresh token is unknown", [command])
    shop.store.told[SERVICE] = {"stated": replace(stated, fingerprint="another")}
    assert (await state(shop))[0] == "no_token_yet"


async def test_a_principal_without_a_token_to_get_is_ready(shop):
    await shop.run("secret.set", external_credential="Weather", principal="Own", user="bob", values={"ApiKey": "k"})
    assert (await shop.run("status"))["principals"][-1]["state"] == "ready"


async def test_status_shows_every_principal_its_times_and_its_last_error(shop):
    await fill(shop)
    await shop.store.swap_token(StoredToken(SERVICE, 1, b"", START, LATER), replaces=0)
    await shop.store.note_error(SERVICE, LATER, "token_endpoint_refused: got 401")
    row = (await shop.run("status"))["principals"][0]
    assert (row["principal"], row["state"], row["last_error"]) == (
        "Orders/Service",
        "failing",
        "token_endpoint_refused: got 401",
    )
    assert (row["issued_at"], row["obtained_because"]) == ("2026-01-01T00:00:00Z", "first")
    assert row["last_refresh_at"] is None


async def test_status_says_when_and_why_a_token_was_last_refreshed(shop):
    await fill(shop)
    await shop.store.swap_token(StoredToken(SERVICE, 1, b"", START, LATER), replaces=0)
    await shop.store.swap_token(StoredToken(SERVICE, 2, b"", LATER, None, "status 400"), replaces=1)
    row = (await shop.run("status"))["principals"][0]
    assert (row["last_refresh_at"], row["obtained_because"]) == ("2026-01-01T01:00:00Z", "status 400")


async def test_status_shows_a_per_user_principal_once_for_each_user_who_has_values(shop):
    given = {"external_credential": "Weather", "principal": "Own", "values": {"ApiKey": "k"}}
    await shop.run("secret.set", **given, user="bob")
    await shop.run("secret.set", **given, user="alice")
    rows = [(p["principal"], p["user"]) for p in (await shop.run("status"))["principals"]]
    assert rows == [("Orders/Service", None), ("Weather/Own", "alice"), ("Weather/Own", "bob")]


async def test_who_can_names_the_user_the_principal_and_the_grant(shop):
    await fill(shop)
    found = (await shop.run("who_can", name="Orders"))["users"]
    assert [(u["user"], u["principal"]) for u in found] == [("alice", "Orders/Service")]
    assert "permission set Order Clerks" in found[0]["how"][0]


async def test_who_nearly_can_is_told_the_one_remedy(shop):
    await fill(shop)
    nearly = {u["user"]: u for u in (await shop.run("who_can", name="Orders"))["nearly"]}
    assert nearly["bob"]["reason"] == "principal_not_granted"
    assert nearly["bob"]["remedy_commands"] == ["callout permission-set assign 'Order Clerks' bob"]
    assert "guest" not in nearly


async def test_what_stops_everyone_makes_nobody_farther_away(shop):
    await fill(shop)
    await shop.run("named_credential.disable", name="Orders")
    result = await shop.run("who_can", name="Orders")
    assert result["users"] == []
    assert {"alice", "bob", "admin"} == {u["user"] for u in result["nearly"]}


async def test_a_profile_that_gives_everything_is_named(shop):
    await fill(shop)
    both = frozenset({PrincipalReference("Orders", "Service"), PrincipalReference("Weather", "Own")})
    await shop.run("profile.grant", name="Standard User", principals=[str(r) for r in both])
    for name, connects in (("Orders", False), ("Weather", True)):
        profiles = (await shop.run("who_can", name=name))["profiles"]
        assert [(p["profile"], p["each_user_connects"]) for p in profiles] == [("Standard User", connects)]


async def test_who_can_says_which_packages_are_allowed(shop):
    await shop.run("package.install", namespace="zeta")
    await shop.run("named_credential.allow_namespace", name="Orders", namespace="acme")
    packages = (await shop.run("who_can", name="Orders"))["packages"]
    assert packages == [{"namespace": "acme", "allowed": True}, {"namespace": "zeta", "allowed": False}]


async def test_who_can_of_an_unknown_name_is_refused_with_the_nearest(shop):
    with pytest.raises(DefinitionError) as refused:
        await shop.run("who_can", name="orders")
    assert refused.value.problems[0].nearest == "Orders"


async def test_disallowing_the_maker_of_a_named_credential_says_that_it_may_go_on(shop):
    made = NamedCredential("Made", "https://made.example.com", "Orders", True, ("acme",), created_by_namespace="acme")
    await shop.define(made)
    result = await shop.run("named_credential.disallow_namespace", name="Made", namespace="acme")
    assert "disable Made" in result["message"]


async def test_credentials_are_shown_with_what_their_protocol_takes(shop):
    shown = await shop.run("external_credential.show", name="Orders")
    assert {
        k: v
        for p in shown["protocol_parameters"]
        for k, v in p.items()
        if p["name"] == "client_secret" and k in ("name", "secret")
    } == {"name": "client_secret", "secret": True}
    assert (await shop.run("named_credential.show", name="Orders"))["principals"] == ["Orders/Service"]
    assert [e["name"] for e in (await shop.run("external_credential.list"))["external_credentials"]] == [
        "Orders",
        "Weather",
    ]


async def test_profiles_list_who_has_them(shop):
    await shop.define(Profile("Contractors"))
    rows = {p["name"]: p for p in (await shop.run("profile.list"))["profiles"]}
    assert (rows["System Administrator"]["users"], rows["Contractors"]["users"]) == (["admin"], [])
    sets = {s["name"]: s for s in (await shop.run("permission_set.list"))["permission_sets"]}
    assert sets["Order Clerks"]["users"] == ["alice"]
    assert UserExternalCredentialKey("Orders", "Service") == SERVICE
