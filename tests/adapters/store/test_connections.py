"""Attempts, spent links, and the transaction that a connection ends with."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from callout.core.errors import Outdated
from callout.core.model.connections import Attempt
from callout.core.model.credentials import ExternalCredential, Principal, UserExternalCredentialKey
from callout.core.model.identity_providers import ExternalAuthIdentityProvider
from callout.core.model.org import Org
from callout.core.model.refreshes import Intent
from callout.core.ports import Change, StoredToken
from callout.core.refresh.epoch import fingerprint_of
from tests.adapters.store.conftest import START, act

SERVICE = UserExternalCredentialKey("Desk", "Service")
DESK = ExternalCredential(
    "Desk", "oauth2_authorization_code", {"identity_provider": "Id"}, principals=(Principal("Service"),)
)
PROVIDER = ExternalAuthIdentityProvider("Id", {"token_endpoint": "https://id.example/token"})
ATTEMPT = Attempt(
    b"digest",
    SERVICE,
    "admin",
    b"session",
    "f",
    b"envelope",
    "https://a/",
    b"link",
    START,
    START + timedelta(minutes=10),
)


@pytest.fixture
async def defined(store):
    changes = [
        Change("external_auth_identity_providers", "Id", PROVIDER),
        Change("external_credentials", "Desk", DESK),
    ]
    await store.definitions.write(changes, [act()])
    await store.user_external_credentials.put_secrets(PROVIDER.key, {"client_id": b"sealed"}, act())
    return store


def fingerprint_after(org: Org) -> str:
    moved = replace(org, secret_versions={**org.secret_versions, SERVICE: org.generation + 1})
    return fingerprint_of(moved, DESK, DESK.principals[0], SERVICE)


async def connect(store, **more) -> bool:
    org = await store.definitions.load()
    token = StoredToken(SERVICE, 1, b"token", START, None, "first", fingerprint_after(org))
    return await store.connections.connect(token, b"record", act(), expects=org.generation, **more)


async def test_an_attempt_is_kept_changed_and_taken_once(store) -> None:
    await store.connections.put_attempt(ATTEMPT)
    changed = replace(ATTEMPT, envelope=b"another")
    assert await store.connections.change_attempt(changed)
    assert await store.connections.attempt(b"digest") == changed
    assert await store.connections.take_attempt(b"digest") == changed
    assert await store.connections.take_attempt(b"digest") is None
    assert not await store.connections.change_attempt(ATTEMPT)


async def test_attempts_that_have_ended_go_with_the_next(store) -> None:
    await store.connections.put_attempt(ATTEMPT)
    await store.connections.put_attempt(replace(ATTEMPT, digest=b"later", began_at=ATTEMPT.expires_at))
    assert await store.connections.attempt(b"digest") is None


async def test_a_connection_stores_its_token_under_what_is_in_force(defined) -> None:
    assert await connect(defined)
    look = await defined.user_external_credentials.look(SERVICE)
    assert look.token is not None
    assert look.lineage_holds
    org = await defined.definitions.load()
    assert look.token.fingerprint == fingerprint_of(org, DESK, DESK.principals[0], SERVICE)
    assert org.configured[SERVICE] == {"connection"}


async def test_a_link_is_spent_with_the_connection_and_once(defined) -> None:
    ends = START + timedelta(hours=1)
    assert await connect(defined, link=b"link", link_ends=ends)
    assert await defined.connections.is_spent(b"link")
    before = await defined.definitions.generation()
    assert not await connect(defined, link=b"link", link_ends=ends)
    assert await defined.definitions.generation() == before


async def test_nothing_is_written_where_the_definitions_moved(defined) -> None:
    org = await defined.definitions.load()
    token = StoredToken(SERVICE, 1, b"token", START, None, "first", fingerprint_after(org))
    await defined.user_external_credentials.put_secrets(PROVIDER.key, {"client_secret": b"new"}, act())
    with pytest.raises(Outdated):
        await defined.connections.connect(token, b"record", act(), expects=org.generation)
    with pytest.raises(Outdated, match="of other definitions"):
        await defined.connections.connect(token, b"record", act(), expects=org.generation + 1)
    assert (await defined.user_external_credentials.look(SERVICE)).token is None
    assert not (await defined.user_external_credentials.secrets(SERVICE))


async def test_a_refresh_under_way_loses_its_lease_to_a_connection(defined) -> None:
    assert await connect(defined)
    credentials = defined.user_external_credentials
    held = await credentials.token(SERVICE)
    intent = Intent(SERVICE, held.fingerprint, held.generation, "expiry", START, spent=b"refresh token")
    begun = await credentials.begin_refresh(intent, "node", START + timedelta(minutes=1), over=None)
    assert await connect(defined)
    fresh = await credentials.token(SERVICE)
    outcome = await credentials.keep_token(begun.lease, begun.intent, replace(held, generation=2, envelope=b"late"))
    assert outcome.value in ("moved", "superseded")
    assert await credentials.token(SERVICE) == fresh


async def test_a_new_client_secret_of_the_provider_keeps_the_lineage_and_a_new_client_does_not(defined) -> None:
    assert await connect(defined)
    credentials = defined.user_external_credentials
    await credentials.put_secrets(PROVIDER.key, {"client_secret": b"new"}, act())
    assert (await credentials.look(SERVICE)).lineage_holds
    await credentials.put_secrets(PROVIDER.key, {"client_id": b"new"}, act())
    assert not (await credentials.look(SERVICE)).lineage_holds
