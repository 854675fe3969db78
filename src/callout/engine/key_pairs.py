"""Opens the private keys of certificates. What is sealed may be newer than the definitions in hand: both must match."""

from __future__ import annotations

import shlex

from callout.core.errors import Refused, VaultError
from callout.core.explanation import Remedy
from callout.core.jose.jwk import belongs_to
from callout.core.key_pair import KeyPair
from callout.core.model.own_certificates import PRIVATE_KEY, Certificate
from callout.core.ports import UserExternalCredentials, Vault


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


async def key_pair_to_present(store: UserExternalCredentials, vault: Vault, certificate: Certificate) -> KeyPair:
    """Open the key of a client certificate. Raises `Refused(certificate_not_accepted)` where there is none."""
    pair = await opened_key_pair(store, vault, certificate)
    if pair is not None and pair.certificates:
        return pair
    lacking = "private key" if pair is None else "certificate, only a key"
    detail = f"got client certificate {certificate.name!r} without a {lacking}; expected both"
    name = shlex.quote(certificate.name)
    remedy = Remedy("Import it with its private key", f"callout certificate import {name} FILE")
    raise Refused("certificate_not_accepted", detail, remedy, unsent=True)
