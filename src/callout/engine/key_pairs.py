"""Opens the private keys of certificates. What is sealed may be newer than the definitions in hand: both must match."""

from __future__ import annotations

from collections.abc import Mapping

from callout.core.errors import VaultError
from callout.core.key_pair import KeyPair
from callout.core.model.own_certificates import PRIVATE_KEY, Certificate
from callout.core.ports import UserExternalCredentials, Vault
from callout.core.private_key import belongs_to
from callout.core.protocol import AuthenticationProtocol


class Rotated(VaultError):
    """The private key that is sealed is another than the definition in hand says: it was rotated meanwhile."""


async def opened_key_pair(store: UserExternalCredentials, vault: Vault, certificate: Certificate) -> KeyPair | None:
    """Open the key of a certificate; None where it has none. Raises `Rotated`, `VaultError`, `StoreError`."""
    envelope = (await store.secrets(certificate.key)).get(PRIVATE_KEY)
    if envelope is None:
        return None
    private_key = vault.open(envelope, row=certificate.key.secret_row(PRIVATE_KEY))
    if not belongs_to(private_key, certificate.public_key):
        raise Rotated(f"got another private key of certificate {certificate.name!r} than is defined; expected its own")
    return KeyPair(certificate.name, certificate.kid, private_key, certificate.certificates)


async def opened_key_pairs(
    store: UserExternalCredentials,
    vault: Vault,
    protocol: type[AuthenticationProtocol],
    parameters: Mapping[str, str],
    certificates: Mapping[str, Certificate],
) -> dict[str, KeyPair]:
    """Open the keys that the parameters of a protocol name, by parameter. One that is not there is left out."""
    found: dict[str, KeyPair] = {}
    for name in (each.name for each in protocol.parameters if each.key_pair):
        certificate = certificates.get(parameters.get(name, ""))
        pair = await opened_key_pair(store, vault, certificate) if certificate is not None else None
        if pair is not None:
            found[name] = pair
    return found
