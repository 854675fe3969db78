"""Certificates come back as they were, their keys go with them, and a token hangs on the one that it was obtained with."""

from datetime import timedelta

import pytest

from callout.core.model.credentials import ExternalCredential, Principal
from callout.core.model.own_certificates import Certificate, RetiredKey
from callout.core.model.refreshes import Intent, Outcome
from callout.core.ports import Change
from callout.core.refresh.epoch import fingerprint_of
from tests.adapters.store.conftest import START, act, key

CERTIFICATE = Certificate(
    "Hub_Key",
    label="Ours",
    algorithm="P-256",
    kid="k1",
    public_key='{"kty": "EC"}',
    certificates=("leaf", "issuer"),
    created_at=START,
    expires_at=START + timedelta(days=9),
    retired=(RetiredKey('{"kid": "k0"}', START + timedelta(days=7)),),
)
ROTATED = Certificate("Hub_Key", algorithm="P-256", kid="k2", public_key="{}")
HUB = ExternalCredential(
    "Hub",
    "oauth2_client_credentials",
    {"token_endpoint": "https://id/token", "signing_certificate": "Hub_Key"},
    principals=(Principal("Service"),),
)
SERVICE = key("Hub")


def put(*definitions) -> list[Change]:
    sections = {Certificate: "certificates", ExternalCredential: "external_credentials"}
    return [Change(sections[type(each)], each.name, each) for each in definitions]


async def test_a_certificate_comes_back_as_it_was(store) -> None:
    await store.definitions.write(put(CERTIFICATE), [act()])
    assert (await store.definitions.load()).certificates == {"Hub_Key": CERTIFICATE}


async def test_its_sealed_key_is_written_with_it_and_goes_with_it(store) -> None:
    sealed = {CERTIFICATE.key: {"private_key": b"1"}}
    await store.definitions.write(put(CERTIFICATE), [act()], sealed=sealed)
    assert await store.user_external_credentials.secrets(CERTIFICATE.key) == {"private_key": b"1"}
    await store.definitions.write([Change("certificates", "Hub_Key", None)], [act()])
    assert await store.user_external_credentials.secrets(CERTIFICATE.key) == {}


@pytest.mark.parametrize(("now", "outcome"), [(CERTIFICATE, Outcome.DONE), (ROTATED, Outcome.SUPERSEDED)])
async def test_a_refresh_with_a_key_that_was_rotated_meanwhile_is_superseded(store, now, outcome) -> None:
    await store.definitions.write(put(HUB, CERTIFICATE), [act()])
    org = await store.definitions.load()
    fingerprint = fingerprint_of(org, HUB, HUB.principals[0], SERVICE)
    await store.definitions.write(put(now), [act()])
    intent = Intent(SERVICE, fingerprint, 0, "first", START)
    rows = store.user_external_credentials
    assert (await rows.begin_refresh(intent, "me", START + timedelta(minutes=1), over=None)).outcome is outcome
