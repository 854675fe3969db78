"""Credentials that go have their tokens revoked, once, where they came from; a dry run says which, and asks nobody."""

import pytest

from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.secret import Secret
from tests.engine.test_revocation import SERVICE, keep_token, provider, revoked, world

__all__ = ["provider", "world"]  # fixtures
KEY = UserExternalCredentialKey("Crm", "Service")


async def free(world, name: str = "Crm") -> None:
    """Remove what uses the external credential."""
    await world.run("named_credential.remove", name=name)


@pytest.mark.parametrize(
    ("name", "arguments"), [("external_credential.remove", {"name": "Crm"}), ("principal.remove", SERVICE)]
)
async def test_the_token_of_what_is_removed_is_revoked_after_a_dry_run_that_says_so(world, provider, name, arguments):
    await keep_token(world, "Crm", refresh_token=Secret("canary-rotated"))
    await free(world)
    shown = await world.run(name, **arguments, dry_run=True)
    endpoint = "https://id.example.com/revoke?…"
    assert shown["tokens"] == [{"reference": "Crm/Service", "token": "refresh_token", "revoked_at": endpoint}]
    assert f"- token Crm/Service: revoked at {endpoint}" in shown["text"]
    assert "canary" not in str(shown)
    assert provider.received == []
    assert await world.store.token(KEY) is not None
    removed = await world.run(name, **arguments)
    assert revoked(removed) == [("Crm/Service", "refresh_token", True, 200)]
    assert provider.forms == [("refresh_token", "canary-rotated")]
    assert await world.store.token(KEY) is None
    assert await world.store.secrets(KEY) == {}


async def test_the_preview_of_revoking_a_token_says_where_and_asks_nobody(world, provider):
    await keep_token(world, "Crm", refresh_token=Secret("canary-rotated"))
    shown = await world.run("preview", operation="token.revoke", arguments=SERVICE)
    assert [token["reference"] for token in shown["tokens"]] == ["Crm/Service"]
    assert [act["act"] for act in shown["acts"]] == ["give up token"]
    assert (provider.received, await world.store.token(KEY) is not None) == ([], True)


async def test_a_token_of_which_no_provider_is_told_is_shown_to_go_without_it(world, provider):
    await keep_token(world, "Jobs")
    values = {"external_credential": "Jobs", "principal": "Service"}
    jobs = (await world.store.load()).external_credentials["Jobs"]
    parameters = {name: value for name, value in jobs.parameters.items() if name != "revocation_endpoint"}
    definition = {"protocol": jobs.protocol, "parameters": parameters}
    await world.run("external_credential.set", name="Jobs", definition=definition)
    await keep_token(world, "Jobs")
    shown = await world.run("principal.remove", **values, dry_run=True)
    assert shown["tokens"] == [{"reference": "Jobs/Service", "token": "access_token", "revoked_at": None}]
    assert "kept no longer; nobody is told" in shown["text"]
