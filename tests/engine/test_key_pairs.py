"""The private key of a certificate is opened for the parameters that name it, and only the one that belongs to it."""

import pytest

from callout.core.errors import Refused
from callout.core.model.credentials import ExternalCredential, Principal, UserExternalCredentialKey
from callout.core.model.org import Org
from callout.core.protocol import AuthenticationProtocol, Parameter
from callout.core.refresh.epoch import fingerprint_of
from callout.engine.key_pairs import Rotated, opened_key_pair
from callout.engine.slots import Slots
from tests.keys import certificate_of, key
from tests.world import MemoryStore, MemoryVault


class Signing(AuthenticationProtocol):
    name = "signing"
    title = "Signs"
    parameters = (Parameter("signing_certificate", "Signs", key_pair=True),)

    def apply(self, request, token, moment):
        return request


SERVICE = UserExternalCredentialKey("Hub", "Service")
PRINCIPAL = Principal("Service")
HUB = ExternalCredential("Hub", "signing", {"signing_certificate": "Hub_Key"}, principals=(PRINCIPAL,))


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def vault():
    return MemoryVault()


def kept(store, vault, number=0):
    certificate, private_key = certificate_of("Hub_Key", key("P-256", number))
    envelope = vault.seal(private_key, row=certificate.key.secret_row("private_key"))
    store.sealed[certificate.key] = {"private_key": envelope}
    return certificate


async def equipped(store, vault, certificate):
    slots, org = Slots(store, vault, {"signing": Signing}), Org.of(HUB, certificate)
    return await slots.equip(slots.of(org, SERVICE, HUB, PRINCIPAL))


async def test_the_key_that_a_parameter_names_is_opened_with_its_public_half(store, vault) -> None:
    certificate = kept(store, vault)
    pair = (await equipped(store, vault, certificate)).key_pair("signing_certificate")
    assert (pair.name, pair.kid, pair.certificates) == ("Hub_Key", certificate.kid, ())


async def test_one_without_a_private_key_is_left_for_the_protocol_to_refuse(store, vault) -> None:
    certificate, _ = certificate_of("Hub_Key", key())
    values = await equipped(store, vault, certificate)
    with pytest.raises(Refused, match="holds the private key of"):
        values.key_pair("signing_certificate")


async def test_a_key_that_was_rotated_meanwhile_is_not_taken_for_the_old_one(store, vault) -> None:
    kept(store, vault, 1)
    old, _ = certificate_of("Hub_Key", key("P-256", 0))
    with pytest.raises(Rotated):
        await opened_key_pair(store, vault, old)
    with pytest.raises(Rotated):
        await equipped(store, vault, old)


def test_a_rotated_key_is_another_fingerprint_so_that_a_token_is_obtained_anew(store, vault) -> None:
    prints = {
        fingerprint_of(Org.of(HUB, certificate_of("Hub_Key", key("P-256", n))[0]), HUB, PRINCIPAL, SERVICE)
        for n in (0, 1)
    }
    assert len(prints) == 2
