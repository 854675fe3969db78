import pytest

from callout.core.errors import DefinitionError
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.secret import reveal
from callout.engine.setup import NotDefined
from callout.engine.slots import secret_row
from tests.world import ORDERS, SERVICE, START, make_shop

CANARY = "canary-7f3d"


@pytest.fixture
async def shop():
    return await make_shop()


def set_of(shop, principal="Orders/Service", user=None, **values):
    external_credential, name = principal.split("/")
    given = {"external_credential": external_credential, "principal": name, "values": values, "user": user}
    return shop.run("secret.set", **given)


async def test_values_are_sealed_to_their_row_and_what_is_missing_is_said(shop):
    result = await set_of(shop, client_id="abc")
    assert (result["set"], result["missing"], result["changed"]) == (["client_id"], ["client_secret"], True)
    envelope = shop.store.sealed[SERVICE]["client_id"]
    assert reveal(shop.vault.open(envelope, row=secret_row(SERVICE, "client_id"))) == "abc"


async def test_no_result_audit_row_or_refusal_shows_a_value(shop):
    seen = [await set_of(shop, client_id="abc", client_secret=CANARY)]
    seen += [await shop.run("secret.list", external_credential="Orders", principal="Service")]
    seen += [await shop.run("status"), await shop.run("export"), shop.store.acts, shop.vault]
    with pytest.raises(DefinitionError) as refused:
        await set_of(shop, client_secret=f"{CANARY}\r\nX-Evil: 1")
    assert CANARY not in repr(seen) + repr(refused.value.problems) + str(refused.value)


@pytest.mark.parametrize("value", ["a\rb", "a\nb", "a\0b", ""])
async def test_a_value_that_would_break_out_of_a_header_is_refused(shop, value):
    with pytest.raises(DefinitionError, match=r"Service\.secrets\.client_secret"):
        await set_of(shop, client_secret=value)
    assert shop.store.sealed == {}


@pytest.mark.parametrize(
    ("principal", "name", "user", "nearest"),
    [("Orders/Service", "client_secrt", None, "client_secret"), ("Orders/Service", "scope", None, None)],
)
async def test_a_name_that_nothing_reads_is_refused_with_the_nearest(shop, principal, name, user, nearest):
    with pytest.raises(DefinitionError) as refused:
        await set_of(shop, principal, user, **{name: "x"})
    assert refused.value.problems[0].nearest == nearest


async def test_a_per_user_principal_needs_a_user_and_a_named_one_takes_none(shop):
    with pytest.raises(DefinitionError, match="per-user"):
        await set_of(shop, "Weather/Own", ApiKey="k")
    with pytest.raises(DefinitionError, match="no user"):
        await set_of(shop, "Orders/Service", "bob", client_id="x")
    await set_of(shop, "Weather/Own", "bob", ApiKey="k")
    assert list(shop.store.sealed) == [UserExternalCredentialKey("Weather", "Own", "bob")]


async def test_setting_the_same_value_again_keeps_the_token(shop):
    await set_of(shop, client_id="abc", client_secret="s")
    acts = len(shop.store.acts)
    again = await set_of(shop, client_id="abc", client_secret="s")
    assert (again["changed"], len(shop.store.acts)) == (False, acts)
    assert (await set_of(shop, client_id="abc", client_secret="t"))["changed"] is True


async def test_a_value_that_cannot_be_opened_is_mended_by_setting_it(shop):
    await set_of(shop, client_id="abc")
    shop.vault.sealed.clear()
    assert (await set_of(shop, client_id="abc"))["changed"] is True


async def test_values_are_removed_by_name_or_all(shop):
    await set_of(shop, client_id="abc", client_secret="s")
    where = {"external_credential": "Orders", "principal": "Service"}
    assert (await shop.run("secret.remove", **where, names=["client_id"]))["removed"] == 1
    with pytest.raises(NotDefined, match="client_secret"):
        await shop.run("secret.remove", **where, names=["client_id"])
    assert (await shop.run("secret.remove", **where))["removed"] == 1
    assert shop.store.sealed == {}


async def test_what_is_left_of_a_principal_that_is_gone_can_still_be_removed(shop):
    await set_of(shop, client_id="abc")
    shop.store.org.external_credentials.pop("Orders")
    shop.store.org.named_credentials.pop("Orders")
    state = [(p["principal"], p["state"]) for p in (await shop.run("status"))["principals"]]
    assert state == [("Orders/Service", "not_defined")]
    assert (await shop.run("secret.remove", external_credential="Orders", principal="Service"))["removed"] == 1


async def test_an_unknown_principal_is_refused_with_the_nearest(shop):
    with pytest.raises(NotDefined) as refused:
        await set_of(shop, "Orders/Servce", client_id="abc")
    assert refused.value.problems[0].nearest == "Service"
    assert refused.value.problems[0].place == "external_credentials.Orders.principals.Servce"


async def test_formula_names_of_a_named_credential_count_as_known_and_as_needed(shop):
    from dataclasses import replace

    from callout.core.model.credentials import CustomHeader
    from tests.world import ORDERS_URL

    tenant = CustomHeader("X-Tenant", "{!$Credential.Orders.tenant}")
    await shop.define(ORDERS, replace(ORDERS_URL, headers=(tenant,)))
    result = await set_of(shop, tenant="acme")
    assert result["missing"] == ["client_id", "client_secret"]
    assert shop.store.acts[-1].at == START
