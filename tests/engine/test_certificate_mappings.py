"""The admin's side of client certificates: mapped, listed, exported, forgotten, and audited."""

import pytest

from callout.core.errors import DefinitionError, Refused
from tests.certificates import ORDERS_ID
from tests.world import make_shop

TRUST = {"name": "Orders", "spiffe_id": ORDERS_ID, "user": "alice"}


@pytest.fixture
async def shop():
    return await make_shop()


async def test_a_certificate_is_mapped_listed_and_forgotten_and_each_is_audited(shop) -> None:
    made = await shop.run("client_certificate.trust", **TRUST, namespace="acme")
    assert (made["changed"], made["user"], made["namespace"]) == (True, "alice", "acme")
    (listed,) = (await shop.run("client_certificate.list"))["client_certificates"]
    assert (listed["name"], listed["spiffe_id"], listed["dns"]) == ("Orders", ORDERS_ID, "")
    await shop.run("client_certificate.forget", name="Orders")
    assert (await shop.run("client_certificate.list"))["client_certificates"] == []
    what = f"Orders: spiffe_id {ORDERS_ID} is alice (package acme)"
    assert shop.acts() == [("local", "trust client certificate", what), ("local", "forget client certificate", what)]


async def test_the_same_again_changes_nothing_and_another_under_the_name_is_refused_with_the_cure(shop) -> None:
    await shop.run("client_certificate.trust", **TRUST)
    assert not (await shop.run("client_certificate.trust", **TRUST))["changed"]
    with pytest.raises(DefinitionError, match="callout client-certificate forget Orders"):
        await shop.run("client_certificate.trust", **{**TRUST, "user": "bob"})
    with pytest.raises(DefinitionError, match="which Orders names too"):
        await shop.run("client_certificate.trust", **{**TRUST, "name": "Again", "user": "bob"})


async def test_what_is_not_mapped_cannot_be_forgotten_and_the_nearest_is_named(shop) -> None:
    await shop.run("client_certificate.trust", **TRUST)
    with pytest.raises(DefinitionError, match="did you mean 'Orders'"):
        await shop.run("client_certificate.forget", name="Order")


async def test_mappings_come_by_manifest_and_are_exported_with_their_namespace(shop) -> None:
    manifest = """
client_certificates:
  Orders: {spiffe_id: "spiffe://example.org/ns/*/sa/orders", user: alice, namespace: acme}
  Billing: {sha256: "%s", user: bob}
""" % ("0f" * 32)
    assert (await shop.run("apply", manifest=manifest))["changed"]
    exported = (await shop.run("export"))["manifest"]
    assert "namespace: acme" in exported
    assert not (await shop.run("plan", manifest=exported))["changes"]
    with pytest.raises(DefinitionError, match=r"client_certificates\.Billing\.user.*client-certificate forget Billing"):
        await shop.run("user.remove", name="bob")
    with pytest.raises(DefinitionError, match=r"client_certificates\.Orders\.namespace"):
        await shop.run("package.remove", namespace="acme")


async def test_code_of_a_package_maps_no_certificate(shop) -> None:
    manifest = "client_certificates: {X: {dns: x.example.com, user: admin}}"
    with pytest.raises((DefinitionError, Refused), match="an admin's"):
        await shop.run("apply", manifest=manifest, namespace="acme")
