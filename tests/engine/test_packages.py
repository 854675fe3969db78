"""Packages with manifests, and the inbox: what is asked waits, one approval opens it, an upgrade keeps what is local."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from callout.core.errors import DefinitionError
from callout.core.model.credentials import NamedCredential, PrincipalReference, UserExternalCredentialKey
from callout.core.model.people import Caller
from callout.engine.operations.problems import OperationRefused
from callout.engine.setup import NotDefined
from tests.world import ORDERS_URL, make_shop


def manifest(url: str = "https://partner.example/v1", **more) -> str:
    external = {"protocol": "basic", "principals": {"Service": {}}}
    named = {"url": url, "external_credential": "Partner"}
    sections = {"external_credentials": {"Partner": external}, "named_credentials": {"Partner": named}}
    return json.dumps({**sections, **more})


@pytest.fixture
async def shop():
    shop = await make_shop()
    await shop.run("package.install", namespace="acme", manifest=manifest(), version="1.0")
    return shop


async def waiting(shop) -> list[dict]:
    return (await shop.run("approvals.list"))["requests"]


async def approve_all(shop, **choice) -> None:
    for request in await waiting(shop):
        await shop.run("approvals.approve", id=request["id"], **choice)


def partner(shop) -> NamedCredential:
    return shop.store.org.named_credentials["Partner"]


async def test_what_a_manifest_asks_for_is_defined_disabled_and_waits(shop):
    (request,) = await waiting(shop)
    assert (request["host"], request["path"]) == ("partner.example", "/v1")
    assert (request["principals"], request["could_call"]) == (["Partner/Service"], [])
    assert (partner(shop).enabled_for_callouts, partner(shop).created_by_namespace) == (False, "acme")
    assert ("local", "install package", "acme 1.0 (manifest)") in shop.acts()


async def test_one_approval_enables_allows_and_grants_in_one_write(shop):
    (request,) = await waiting(shop)
    before, acts = await shop.store.generation(), len(shop.acts())
    await shop.run("package.install", namespace="zeta")
    await shop.run(
        "approvals.approve", id=request["id"], namespaces=["zeta"], permission_set="Partner Callers", users=["bob"]
    )
    assert await shop.store.generation() == before + 2
    assert [act for _, act, _ in shop.acts()[acts + 1 :]] == [
        "approve request",
        "enable named credential",
        "allow namespace",
        "grant",
        "assign permission set",
    ]
    assert (partner(shop).enabled_for_callouts, partner(shop).allowed_namespaces) == (True, ("zeta",))
    granted = shop.store.org.permission_sets["Partner Callers"]
    assert granted.principals == {PrincipalReference("Partner", "Service")}
    assert "Partner Callers" in shop.store.org.users["bob"].permission_sets
    assert await waiting(shop) == []


async def test_an_approval_does_not_make_a_grant_for_good_of_one_that_is_for_a_time(shop):
    await shop.run("permission_set.create", name="Partners")
    await shop.run("permission_set.assign", name="Partners", user="bob", until="2h")
    await approve_all(shop, permission_set="Partners", users=["bob"])
    (box,) = shop.store.org.users["bob"].permission_sets
    assert (box.name, box.until) == ("Partners", shop.clock.now() + timedelta(hours=2))
    await shop.run("permission_set.create", name="Partners", assign=["bob"])
    assert shop.store.org.users["bob"].permission_sets == (box,)
    shop.clock.move(hours=2)
    await shop.run("permission_set.create", name="Partners", assign=["bob"])
    assert shop.store.org.users["bob"].permission_sets == ("Partners",)


async def test_a_dry_run_shows_the_change_and_changes_nothing(shop):
    (request,) = await waiting(shop)
    generation = await shop.store.generation()
    shown = await shop.run("approvals.approve", id=request["id"], dry_run=True)
    assert "enabled_for_callouts: false → true" in shown["text"]
    assert any("callout secret set Partner/Service" in warning for warning in shown["warnings"])
    assert any("--assign SET USER" in warning for warning in shown["warnings"])
    assert await shop.store.generation() == generation


async def test_what_changed_since_it_was_shown_is_not_approved(shop):
    (request,) = await waiting(shop)
    await shop.define(replace(partner(shop), url="https://evil.example"))
    with pytest.raises(NotDefined, match="may have changed since it was shown"):
        await shop.run("approvals.approve", id=request["id"])
    assert partner(shop).enabled_for_callouts is False


async def test_a_rejected_request_leaves_the_inbox_until_something_else_is_asked(shop):
    (request,) = await waiting(shop)
    await shop.run("approvals.reject", id=request["id"])
    assert await waiting(shop) == []
    with pytest.raises(NotDefined, match="rejected"):
        await shop.run("approvals.approve", id=request["id"])
    await shop.run("package.upgrade", namespace="acme", manifest=manifest("https://other.example"))
    assert len(await waiting(shop)) == 1


async def test_what_an_admin_disables_by_hand_does_not_come_back_into_the_inbox(shop):
    await approve_all(shop)
    await shop.run("named_credential.disable", name="Partner")
    assert await waiting(shop) == []
    await shop.run("named_credential.enable", name="Partner")
    assert partner(shop).enabled_for_callouts is True


async def test_an_upgrade_to_another_place_waits_again_and_keeps_the_secrets(shop):
    await shop.run(
        "secret.set", external_credential="Partner", principal="Service", values={"username": "u", "password": "p"}
    )
    await approve_all(shop, permission_set="Partner Callers", users=["bob"])
    result = await shop.run("package.upgrade", namespace="acme", manifest=manifest("https://partner.example/v2"))
    assert (partner(shop).url, partner(shop).enabled_for_callouts) == ("https://partner.example/v2", False)
    assert result["requests"][0]["could_call"] == ["bob"]
    key = UserExternalCredentialKey("Partner", "Service")
    assert (await shop.store.load()).configured[key] == {"username", "password"}


async def test_an_upgrade_that_changes_nothing_that_is_sent_keeps_the_approval(shop):
    await approve_all(shop)
    result = await shop.run("package.upgrade", namespace="acme", manifest=manifest(), version="1.1")
    assert (partner(shop).enabled_for_callouts, result["version"], result["requests"]) == (True, "1.1", [])


async def test_an_override_stays_and_is_shown_beside_the_new_default(shop):
    await approve_all(shop)
    await shop.define(replace(partner(shop), url="https://mine.example"))
    result = await shop.run("package.upgrade", namespace="acme", manifest=manifest("https://partner.example/v2"))
    shown = {"place": "named_credentials.Partner.url", "package": "https://partner.example/v2"}
    assert result["overrides"] == [{**shown, "local": "https://mine.example"}]
    assert (partner(shop).url, partner(shop).enabled_for_callouts) == ("https://mine.example", True)


async def test_what_an_upgrade_no_longer_asks_for_is_disabled(shop):
    await approve_all(shop)
    await shop.run("package.upgrade", namespace="acme", manifest="{}")
    assert partner(shop).enabled_for_callouts is False


async def test_a_package_asks_to_use_what_an_admin_made(shop):
    asked = manifest(packages={"acme": {"uses": ["Orders"], "version": "2"}})
    await shop.run("package.upgrade", namespace="acme", manifest=asked)
    requests = {r["named_credential"]: r for r in await waiting(shop)}
    assert requests["Orders"]["made_by_package"] is False
    assert requests["Orders"]["could_call"] == ["alice"]
    await shop.run("approvals.approve", id=requests["Orders"]["id"])
    assert shop.store.org.named_credentials["Orders"].allowed_namespaces == ("acme",)
    await shop.run("named_credential.disallow_namespace", name="Orders", namespace="acme")
    assert [r["named_credential"] for r in await waiting(shop)] == ["Partner"]


REFUSED = {
    "a secret": (
        {"external_credentials": {"P": {"protocol": "basic", "principals": {"S": {"secrets": {"username": "u"}}}}}},
        "secrets in the manifest of a package",
    ),
    "another package": ({"packages": {"zeta": {}}}, "packages.acme alone"),
    "a user": ({"users": {"eve": {}}}, "the rest is an admin's"),
    "an admin's": (
        {"named_credentials": {"Orders": {"url": "https://e.example", "external_credential": "Orders"}}},
        "did not make",
    ),
    "another namespace": (
        {"named_credentials": {"zeta__N": {"url": "https://e.example", "external_credential": "Orders"}}},
        "acme__",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_a_packages_manifest_cannot_bring(shop, what):
    asked, because = REFUSED[what]
    generation = await shop.store.generation()
    with pytest.raises(DefinitionError, match=because):
        await shop.run("package.upgrade", namespace="acme", manifest=json.dumps(asked))
    assert await shop.store.generation() == generation


async def test_a_second_manifest_comes_by_upgrade(shop):
    with pytest.raises(DefinitionError, match="callout package upgrade acme -f FILE"):
        await shop.run("package.install", namespace="acme", manifest=manifest())


@pytest.mark.parametrize("name", ["approvals.list", "approvals.show", "approvals.approve", "approvals.reject"])
async def test_code_of_a_package_cannot_judge_itself(shop, name):
    (request,) = await waiting(shop)
    arguments = {} if name == "approvals.list" else {"id": request["id"]}
    with pytest.raises(OperationRefused, match="from code of package acme"):
        await shop.run(name, caller=Caller("admin", "acme", "key"), **arguments)


async def test_removing_needs_an_answer_and_says_what_each_does(shop):
    with pytest.raises(DefinitionError, match="--credentials delete") as refused:
        await shop.run("package.remove", namespace="acme")
    assert "they stay, disabled for callouts" in str(refused.value)
    assert "acme" in shop.store.org.packages


async def test_deleting_what_a_package_made_takes_grants_and_secrets_with_it(shop):
    await shop.run("secret.set", external_credential="Partner", principal="Service", values={"username": "u"})
    await approve_all(shop, permission_set="Partner Callers", users=["bob"])
    result = await shop.run("package.remove", namespace="acme", credentials="delete", secrets="delete")
    assert (result["deleted"], result["secrets_removed"]) == (["Partner", "Partner"], 1)
    org = await shop.store.load()
    assert ("Partner" in org.named_credentials, "Partner" in org.external_credentials) == (False, False)
    assert org.permission_sets["Partner Callers"].principals == frozenset()
    assert not [key for key in org.configured if key.external_credential == "Partner"]


async def grown_apart(shop) -> None:
    """Approve and configure what the package asks, remove it, and keep what it made."""
    await approve_all(shop, permission_set="Partners", users=["alice"])
    values = {"username": "u", "password": "p"}
    await shop.run("secret.set", external_credential="Partner", principal="Service", values=values)
    await shop.run("package.remove", namespace="acme", credentials="keep", secrets="keep")


async def test_a_later_package_of_the_same_namespace_has_no_part_in_what_an_earlier_one_made(shop):
    await grown_apart(shop)
    before = await shop.run("can", user="alice", name="Partner")
    await shop.run("package.install", namespace="acme")
    asked = await shop.run("can", user="alice", name="Partner", namespace="acme")
    assert (before["allowed"], asked["allowed"], asked["reason"]) == (True, False, "namespace_not_allowed")
    assert (await shop.run("can", user="alice", name="Partner"))["allowed"], "other callers go on"
    assert partner(shop).created_by_namespace is None
    assert ("local", "take over named credential", "Partner: package acme had gone") in shop.acts()


async def test_a_later_package_that_comes_by_a_manifest_has_no_part_in_it_either(shop):
    await grown_apart(shop)
    again = '{"packages": {"acme": {}}}'
    await shop.run("apply", manifest=again)
    asked = await shop.run("can", user="alice", name="Partner", namespace="acme")
    assert (asked["allowed"], asked["reason"]) == (False, "namespace_not_allowed")
    assert not (await shop.run("plan", manifest=again))["changes"]


async def test_a_later_package_cannot_take_back_by_its_manifest_what_an_admin_kept(shop):
    await grown_apart(shop)
    with pytest.raises(DefinitionError, match="what it did not make"):
        await shop.run("package.install", namespace="acme", manifest=manifest())


async def test_what_was_disabled_with_its_package_waits_again_when_that_comes_back(shop):
    await approve_all(shop)
    await shop.run("package.remove", namespace="acme", credentials="disable")
    await shop.run("package.install", namespace="acme", manifest=manifest())
    assert [request["named_credential"] for request in await waiting(shop)] == ["Partner"]


async def test_a_credential_that_an_admin_uses_is_not_deleted_with_its_package(shop):
    await shop.define(replace(ORDERS_URL, name="Mine", external_credential="Partner"))
    with pytest.raises(DefinitionError, match=r"named_credentials\.Mine"):
        await shop.run("package.remove", namespace="acme", credentials="delete", secrets="keep")


async def test_an_export_carries_packages_and_overrides_into_an_empty_org(shop):
    await approve_all(shop)
    await shop.define(replace(partner(shop), url="https://mine.example"))
    exported = (await shop.run("export"))["manifest"]
    shown = await shop.run("package.show", namespace="acme")
    assert [o["local"] for o in shown["overrides"]] == ["https://mine.example"]
    other = await make_shop()
    await other.run("apply", manifest=exported)
    assert (await other.run("package.show", namespace="acme"))["overrides"] == shown["overrides"]
    assert partner(other) == partner(shop)
    assert (await other.run("plan", manifest=exported))["empty"] is True
