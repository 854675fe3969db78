"""Where tokens are held in memory: one slot for each principal (and user), at one version of what decides its token."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from callout.core.errors import CalloutError
from callout.core.key_pair import KeyPair
from callout.core.model.credentials import ExternalCredential, Principal, UserExternalCredentialKey
from callout.core.model.org import Org
from callout.core.model.own_certificates import Certificate
from callout.core.model.refreshes import Stated
from callout.core.model.sources import certificates_of, parameters_of, rows_of
from callout.core.ports import Destination, UserExternalCredentials, Vault
from callout.core.protocol import AuthenticationProtocol, Catalogue, Token, Values
from callout.core.refresh.epoch import fingerprint_of
from callout.core.secret import Secret
from callout.engine.debounce import Debounce
from callout.engine.key_pairs import key_pair_to_present, opened_key_pair
from callout.engine.scopes import NOBODY, Reader


@dataclass(frozen=True, slots=True)
class Held:
    """A token in memory. `generation` rises with each token of its row.

    `unsaved` says why the store does not have it (yet); empty where it does.
    """

    token: Token
    generation: int
    unsaved: str = ""


@dataclass(frozen=True, slots=True)
class Sources:
    """What the values of a slot are made of. `rows` hold sealed ones; of equal names that of the later row wins.

    `certificates` are those that parameters name, by parameter.
    """

    parameters: Mapping[str, str]
    rows: tuple[UserExternalCredentialKey, ...]
    certificates: Mapping[str, Certificate] = field(default_factory=dict)

    @classmethod
    def of(
        cls, org: Org, external: ExternalCredential, principal: Principal, key: UserExternalCredentialKey
    ) -> Sources:
        """Return those of a principal (and user) as everything is defined in `org`."""
        return cls(
            parameters_of(org, external, principal),
            rows_of(org, external, principal, key),
            certificates_of(org, external, principal),
        )


async def opened_values(store: UserExternalCredentials, vault: Vault, sources: Sources) -> Values:
    """Open the sealed values of a principal, and the keys that its parameters name.

    Raises `Rotated`, `VaultError`, `StoreError`.
    """
    secrets: dict[str, Secret] = {}
    for row in sources.rows:
        sealed = await store.secrets(row)
        secrets |= {name: vault.open(envelope, row=secret_row(row, name)) for name, envelope in sealed.items()}
    pairs = {name: await opened_key_pair(store, vault, each) for name, each in sources.certificates.items()}
    return Values(sources.parameters, secrets, {name: pair for name, pair in pairs.items() if pair is not None})


@dataclass(slots=True, eq=False)
class Slot:
    """The place of one token: one principal (and user), at one version of its secrets and definitions.

    `reader` is whose it is, for formulas; nobody's where several share it. `heard` is what an external system said last
    that the next request has to repeat (a nonce: RFC 9449 section 8).
    """

    key: UserExternalCredentialKey
    fingerprint: str
    protocol: AuthenticationProtocol
    sources: Sources
    reader: Reader = NOBODY
    allow_private_network: bool = False
    held: Held | None = None
    flight: asyncio.Task[Held] | None = None
    failures: int = 0
    failed: CalloutError | None = None
    retry_at: float = 0.0
    rest_until: float = 0.0
    stated: Stated | None = None
    heard: dict[Destination, str] = field(default_factory=dict)
    debounce: Debounce = field(default_factory=Debounce)

    @property
    def generation(self) -> int:
        """The generation in memory; 0 where there is none."""
        return self.held.generation if self.held is not None else 0

    @property
    def row(self) -> str:
        """What a sealed token is bound to: its row, and every input that decided it."""
        return token_row(self.key, self.fingerprint)


def token_row(key: UserExternalCredentialKey, fingerprint: str) -> str:
    """Name what a sealed token is bound to."""
    return f"token/{key}/{fingerprint}"


def secret_row(key: UserExternalCredentialKey, name: str) -> str:
    """Name the row that a sealed secret is bound to."""
    return key.secret_row(name)


def private_token_endpoint(org: Org, external_credential: str) -> bool:
    """Say whether the token endpoint may be on a private network: as said, else as the named credentials say."""
    external = org.external_credentials[external_credential]
    if external.allow_private_network is not None:
        return external.allow_private_network
    users = (n for n in org.named_credentials.values() if n.external_credential == external_credential)
    return any(named.allow_private_network for named in users)


def is_current(org: Org, key: UserExternalCredentialKey, fingerprint: str) -> bool:
    """Say whether everything that decided a token is still as it was."""
    external = org.external_credentials.get(key.external_credential)
    principal = external.principal(key.principal) if external is not None else None
    if external is None or principal is None:
        return False
    return fingerprint == fingerprint_of(org, external, principal, key)


class Slots:
    """Every slot of this process. Those whose inputs are unchanged outlive a change of the definitions."""

    def __init__(self, store: UserExternalCredentials, vault: Vault, catalogue: Catalogue) -> None:
        self._store = store
        self._vault = vault
        self._catalogue = catalogue
        self._slots: dict[tuple[UserExternalCredentialKey, str], Slot] = {}
        self._values: dict[tuple[UserExternalCredentialKey, str], Values] = {}
        self._presented: dict[tuple[str, str], KeyPair] = {}

    def of(self, org: Org, key: UserExternalCredentialKey, external: ExternalCredential, principal: Principal) -> Slot:
        """Return the slot of a principal (and user), as everything is defined now."""
        fingerprint = fingerprint_of(org, external, principal, key)
        slot = self._slots.get((key, fingerprint))
        if slot is None:
            sources = Sources.of(org, external, principal, key)
            slot = Slot(key, fingerprint, self._catalogue[external.protocol](Values(sources.parameters)), sources)
            self._slots[key, fingerprint] = slot
        slot.reader = Reader(key.user, org.users.get(key.user))
        slot.allow_private_network = private_token_endpoint(org, external.name)
        slot.debounce.seconds = external.refresh_debounce
        return slot

    async def equip(self, slot: Slot) -> Values:
        """Open the secrets of a principal, once for each version of them. Raises `Rotated`, `VaultError`, `StoreError`."""
        known = (slot.key, slot.fingerprint)
        values = self._values.get(known)
        if values is None:
            values = self._values[known] = await opened_values(self._store, self._vault, slot.sources)
        if slot.protocol.values is not values:
            slot.protocol = type(slot.protocol)(values)
        return values

    async def presented(self, certificate: Certificate) -> KeyPair:
        """Open the key of a client certificate, once for each version of it.

        Raises `Refused(certificate_not_accepted)`, `Rotated`, `VaultError`, `StoreError`.
        """
        known = (certificate.name, certificate.version)
        pair = self._presented.get(known)
        if pair is None:
            pair = self._presented[known] = await key_pair_to_present(self._store, self._vault, certificate)
        return pair

    def keep_current(self, org: Org) -> None:
        """Drop what was derived from other definitions or secrets; a token whose every input is unchanged is kept."""
        self._values, self._presented = {}, {}
        self._slots = {known: slot for known, slot in self._slots.items() if is_current(org, *known)}
