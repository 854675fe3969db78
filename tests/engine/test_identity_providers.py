"""External auth identity providers through manifest, plan, export and operations; and what code of a package may not."""

import json

import pytest

from callout.core.errors import DefinitionError
from callout.engine.setup import NotDefined
from tests.world import make_shop

SECRET = "c4n4ry-client-secret"
PROVIDER = {
    "label": "Contoso ID",
    "parameters": {
        "authorization_endpoint": "https://id.example.com/authorize",
        "token_endpoint": "https://id.example.com/token",
        "token_request_headers.Accept": "application/json",
    },
}
DESK = {
    "protocol": "oauth2_authorization_code",
    "parameters": {"identity_provider": "Contoso"},
    "principals": {"Service": {}},
}
WITH_SECRETS = {**PROVIDER, "secrets": {"client_id": "the-client", "client_secret": SECRET}}


@pytest.fixture
async def shop():
    return await make_shop()


def manifest(**sections) -> str:
    return json.dumps(sections)


async def defined(shop, provider=WITH_SECRETS, **more):
    sections = {"external_auth_identity_providers": {"Contoso": provider}, "external_credentials": {"Desk": DESK}}
    return await shop.run("apply", manifest=manifest(**sections, **more))


async def test_a_manifest_defines_a_provider_and_seals_its_client_apart(shop) -> None:
    await defined(shop)
    shown = await shop.run("identity_provider.show", name="Contoso")
    assert shown["secrets_set"] == ["client_id", "client_secret"]
    assert shown["external_credentials"] == ["Desk"]
    listed = await shop.run("identity_provider.list")
    assert [each["name"] for each in listed["external_auth_identity_providers"]] == ["Contoso"]


async def test_what_a_provider_has_no_principal_lacks(shop) -> None:
    assert not any("lacks" in warning for warning in (await defined(shop))["warnings"])
    held = await shop.run("secret.list", external_credential="Desk", principal="Service")
    assert held["missing"] == []


async def test_a_provider_without_a_client_lacks_it(shop) -> None:
    told = await defined(shop, PROVIDER)
    assert any("identity provider Contoso lacks client_id, client_secret" in warning for warning in told["warnings"])


async def test_an_export_says_which_secrets_are_set_and_none_of_them_and_changes_nothing_when_applied(shop) -> None:
    await defined(shop)
    text = (await shop.run("export"))["manifest"]
    assert "# secrets set: client_id, client_secret" in text
    assert SECRET not in text
    assert (await shop.run("plan", manifest=text))["empty"]


async def test_a_plan_shows_each_parameter_that_changes_and_no_secret(shop) -> None:
    await defined(shop)
    moved = {**WITH_SECRETS, "parameters": {**PROVIDER["parameters"], "scope": "files.read"}}
    sections = {"external_auth_identity_providers": {"Contoso": moved}}
    planned = await shop.run("plan", manifest=manifest(**sections))
    assert [field["path"] for field in planned["changes"][0]["fields"]] == ["parameters.scope"]
    assert [secret["action"] for secret in planned["secrets"]] == ["kept", "kept"]
    assert SECRET not in json.dumps(planned)


@pytest.mark.parametrize(
    ("provider", "place"),
    [
        ({**PROVIDER, "secrets": {"password": "x"}}, "secrets.password"),
        ({"parameters": {"client_secret": "x"}}, "parameters.client_secret"),
        ({"parameters": {"tokn_endpoint": "https://id.example.com"}}, "parameters.tokn_endpoint"),
        ({"created_by_namespace": "acme"}, "created_by_namespace"),
    ],
)
async def test_what_is_wrong_is_told_at_its_place(shop, provider, place: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        await defined(shop, provider)
    assert f"external_auth_identity_providers.Contoso.{place}" in [p.place for p in refused.value.problems]


async def test_a_provider_that_is_used_cannot_go_and_one_that_is_not_takes_its_client_along(shop) -> None:
    await defined(shop)
    with pytest.raises(DefinitionError, match="identity provider that is defined"):
        await shop.run("identity_provider.remove", name="Contoso")
    basic = {"protocol": "basic", "principals": {"Service": {}}}
    await shop.run("apply", manifest=manifest(external_credentials={"Desk": basic}))
    await shop.run("identity_provider.remove", name="Contoso")
    assert not [key for key in shop.store.configured if "Contoso" in key.external_credential]
    with pytest.raises(NotDefined):
        await shop.run("identity_provider.show", name="Contoso")


async def test_the_client_is_set_by_name_and_nothing_else_is_taken(shop) -> None:
    await defined(shop, PROVIDER)
    done = await shop.run("identity_provider.set_secret", name="Contoso", values={"client_id": "a"})
    assert done["changed"]
    assert not (await shop.run("identity_provider.set_secret", name="Contoso", values={"client_id": "a"}))["changed"]
    for values in ({}, {"refresh_token": "x"}, {"client_secret": "two\nlines"}):
        with pytest.raises(DefinitionError):
            await shop.run("identity_provider.set_secret", name="Contoso", values=values)


async def test_code_of_a_package_defines_no_provider_and_uses_none(shop) -> None:
    await defined(shop)
    mine = {"Mine": {**DESK, "parameters": {"identity_provider": "Contoso", "token_endpoint": "https://evil.example/"}}}
    with pytest.raises(DefinitionError, match="its client secret is an admin's"):
        await shop.run("apply", manifest=manifest(external_credentials=mine), namespace="acme")
    with pytest.raises(DefinitionError, match="the rest is an admin's"):
        await shop.run(
            "apply", manifest=manifest(external_auth_identity_providers={"Mine": PROVIDER}), namespace="acme"
        )
